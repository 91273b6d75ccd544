"""How far a tuned policy went from its reference, measured where it goes itself."""

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor

from dpo_engine.compute.device import precision
from dpo_engine.models.loading import LoadedModel, load
from dpo_engine.pairs.tokenization import end_of_turn_id, prompt_ids
from dpo_engine.preferences import Message
from tests.benchmarks.helpers.drawing import Draw


@torch.inference_mode()
def mean_kl(run: str, base: str, prompts: Sequence[Sequence[Message]], draws: Sequence[Draw]) -> float | None:
    """KL(π‖π_ref) in nats, summed over the vocabulary and averaged over the positions of the policy's draws.

    None where every draw is empty. The draws follow the sampling's temperature and top-p; at each position
    the divergence is that of the whole distributions. Full weights are compared in float32, for in bfloat16
    small steps would be rounded away.
    """
    policy = load(run)
    reference = policy
    if not hasattr(policy.model, "disable_adapter"):
        policy, reference = load(run, dtype="float32"), load(base, dtype="float32")
    total, positions = 0.0, 0
    for prompt, draw in zip(prompts, draws, strict=True):
        start = prompt_ids(policy.tokenizer, prompt)
        said = policy.tokenizer(draw.text, add_special_tokens=False)["input_ids"]
        response = [*said, *([end_of_turn_id(policy.tokenizer)] if draw.ended else [])]
        if not response:
            continue
        ids = torch.tensor([[*start, *response]], device=policy.device)
        ours = _log_softmax(policy, ids, len(response), adapter=True)
        theirs = _log_softmax(reference, ids, len(response), adapter=False)
        total += float((ours.exp() * (ours - theirs)).sum())
        positions += len(response)
    return total / positions if positions else None


def _log_softmax(loaded: LoadedModel, ids: Tensor, scored: int, *, adapter: bool) -> Tensor:
    """[scored, vocabulary] float32: what the model says before each of the last `scored` tokens."""
    model: Any = loaded.model
    adapted = hasattr(model, "disable_adapter")
    off = model.disable_adapter() if adapted and not adapter else nullcontext()
    with off, precision(loaded.device, loaded.dtype if adapted else torch.float32):
        logits: Tensor = model(input_ids=ids, use_cache=False, logits_to_keep=scored + 1).logits[0, :-1]
    return logits.float().log_softmax(-1)
