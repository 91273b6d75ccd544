"""A process of its own that trains a random Llama for two steps and tells what was expected and measured.

    python -m tests.helpers.training_memory TASK

where TASK is JSON: {"sizes": {…}, "config": {…}, "lengths": [[40, 20, 20]], "micro": 1}, with
"device": "cuda" for a GPU.
Prints {"expected": bytes, "measured": bytes}.
"""

import json
import sys
from typing import Any


def main(task: dict[str, Any]) -> None:
    import torch
    from transformers import LlamaConfig

    from dpo_engine.compute.peak_memory import PeakMemory
    from dpo_engine.compute.process_memory import keep_few_kernels, keep_freed_memory
    from dpo_engine.config import TrainConfig
    from dpo_engine.memory.needs import estimate

    keep_freed_memory()  # as every process of the engine does
    keep_few_kernels()
    torch.set_num_threads(1)
    kind = task.get("device", "cpu")
    device = torch.device(kind)
    config = TrainConfig(device=kind, **task["config"])
    dtype = torch.bfloat16 if config.dtype == "bfloat16" else torch.float32
    model_config = LlamaConfig(**task["sizes"], pad_token_id=2)
    lengths = [(prompt, chosen, rejected) for prompt, chosen, rejected in task["lengths"]]
    expected = estimate(
        model_config,
        config,
        lengths[: len(lengths) // task["micro"]],
        device=device,
        dtype=dtype,
        several=task["micro"] > 1,
        reference_cached=True,
    )
    step, members = _optimizer_step(model_config, config, dtype, lengths, device)
    size = len(lengths) // task["micro"]
    batches = [members[start : start + size] for start in range(0, len(members), size)]
    peak = PeakMemory(device)
    for _ in range(2):  # the optimizer has its state from the second on
        step(batches, 1e-6)
    print(json.dumps({"expected": expected.total, "measured": peak.since_last()}))


def _optimizer_step(
    model_config: Any, config: Any, dtype: Any, lengths: Any, device: Any
) -> tuple[Any, tuple[int, ...]]:
    from transformers import LlamaForCausalLM

    from dpo_engine.compute.randomness import RandomStream
    from dpo_engine.forward import kept_gradients
    from dpo_engine.forward.fast_norm import speed_up_norms
    from dpo_engine.forward.log_probs import LogProbs
    from dpo_engine.models import adapters
    from dpo_engine.pairs.batches import collate
    from dpo_engine.pairs.tokenization import TokenizedPair
    from dpo_engine.reference.kinds import NoReference
    from dpo_engine.training.optimizer_step import OptimizerStep
    from dpo_engine.training.optimizers import make_optimizer

    model: Any = LlamaForCausalLM(model_config).eval().to(device)
    speed_up_norms(model)
    if kept_gradients.pays(config, device):
        kept_gradients.keep_gradients(model)
    if config.method != "full":
        model = adapters.begin(model.to(dtype).requires_grad_(False), config, "").eval()
    pairs = [
        TokenizedPair(
            id=str(number), split="train", prompt=(5,) * one, chosen=(6,) * two, rejected=(7,) * three
        )
        for number, (one, two, three) in enumerate(lengths)
    ]
    step = OptimizerStep(
        scorer=LogProbs(model, device=device, forward_dtype=dtype),
        reference=NoReference(),
        optimizer=make_optimizer(model, config),
        config=config,
        random=RandomStream(0, device),
        collate=lambda members: collate([pairs[member] for member in members], members),
        name_of=str,
    )
    return step, tuple(range(len(pairs)))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
