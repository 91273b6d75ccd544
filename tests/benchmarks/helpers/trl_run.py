"""TRL's `DPOTrainer` on token ids, with a clock beside it. For use in a child process."""

import os
import tempfile
import time
from typing import Any

import torch

from dpo_engine.compute.device import device_name
from tests.benchmarks.helpers.children import Job, Result, memory_now, peak_memory
from tests.benchmarks.helpers.engine_run import cuda_peak, settle

MISSING = 'TRL is not installed. Install it with: pip install "dpo-studio[bench]"'


def train_trl(job: Job) -> Result:
    """Train by `job["flags"]` over TRL's own defaults; the pairs come in the order in which they are taken.

    The clock starts once policy and reference model are in memory. TRL loads the reference inside its
    constructor where none is given, in the type of the policy; here the same model is given, so that loading
    it is not counted. Everything else in the constructor is (the reference log-probs, where precomputed).
    """
    os.environ["HF_HUB_OFFLINE"] = "1"  # and so no telemetry either
    try:
        from trl import DPOConfig
    except ImportError as error:
        raise SystemExit(MISSING) from error
    from datasets import Dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(job["model"])
    policy = AutoModelForCausalLM.from_pretrained(job["model"], dtype=torch.float32)
    keeps_reference = job["method"] == "full" and not job["flags"].get("precompute_ref_log_probs")
    reference = (
        AutoModelForCausalLM.from_pretrained(job["model"], dtype=torch.float32) if keeps_reference else None
    )
    loaded = memory_now()
    with tempfile.TemporaryDirectory() as folder:
        clock = _Clock()
        clock.start()
        trainer = _trainer_class(clock)(
            model=policy,
            ref_model=reference,
            args=DPOConfig(output_dir=folder, **_arguments(job)),
            train_dataset=Dataset.from_list(job["pairs"]),
            processing_class=tokenizer,
            peft_config=_adapter(job),
        )
        trainer.train()
        settle()
        clock.step_ends[-1] = time.perf_counter()
    where = trainer.accelerator.device
    return {
        "seconds": clock.step_ends[-1] - clock.loaded_at,
        "first_step": clock.step_ends[0] - clock.loaded_at,
        "from_start": clock.first_step_at - job["process_started"],
        "losses": [float(loss) for loss in clock.losses],
        "peak": peak_memory(),
        "loaded": loaded,
        "cuda_peak": cuda_peak(),
        "threads": torch.get_num_threads(),
        "device": device_name(where),
    }


class _Clock:
    def __init__(self) -> None:
        self.loaded_at = 0.0
        self.first_step_at = 0.0
        self.step_ends: list[float] = []
        self.losses: list[torch.Tensor] = []

    def start(self) -> None:
        settle()
        self.loaded_at = time.perf_counter()

    def step_ended(self) -> None:
        if not self.step_ends:
            settle()
            self.first_step_at = time.time()
        self.step_ends.append(time.perf_counter())


def _trainer_class(clock: _Clock) -> Any:
    from transformers import TrainerCallback
    from trl import DPOTrainer

    class StepEnds(TrainerCallback):  # type: ignore[misc]  # transformers has no types here
        def on_step_end(self, *_: Any, **__: Any) -> None:
            clock.step_ended()

    class TokenizedTrainer(DPOTrainer):  # type: ignore[misc]
        """TRL, but for its tokenization, which would also score the newline after the end of the turn."""

        def __init__(self, **arguments: Any) -> None:
            super().__init__(**arguments, callbacks=[StepEnds()])

        def _prepare_dataset(self, dataset: Any, *_: Any, **__: Any) -> Any:
            return dataset

        def compute_loss(self, *arguments: Any, **named: Any) -> Any:
            loss = super().compute_loss(*arguments, **named)
            clock.losses.append((loss[0] if isinstance(loss, tuple) else loss).detach())
            return loss

    return TokenizedTrainer


def _arguments(job: Job) -> dict[str, Any]:
    """The settings that both sides share, then `flags`; all else is left as TRL has it."""
    return {
        "per_device_train_batch_size": job["batch"],
        "num_train_epochs": 1,
        "learning_rate": job["learning_rate"],
        "lr_scheduler_type": "linear",
        "warmup_steps": 0,
        "max_length": job["max_length"],
        "bf16": job["dtype"] == "bfloat16",
        "use_cpu": job["device"] == "cpu",
        "seed": job["seed"],
        "train_sampling_strategy": "sequential",
        "save_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
        **job["flags"],
    }


def _adapter(job: Job) -> Any:
    if job["method"] != "lora":
        return None
    from peft import LoraConfig

    return LoraConfig(task_type="CAUSAL_LM", r=16, lora_alpha=32, target_modules="all-linear")
