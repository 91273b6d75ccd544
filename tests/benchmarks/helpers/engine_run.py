"""Our own training of a run folder, with a clock beside it. For use in a child process."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from dpo_engine.compute.device import device_name, pick_device, settle_process
from dpo_engine.config import TrainConfig
from dpo_engine.events import Event, Note, StepDone
from dpo_engine.models.loading import LoadedModel, load_for_training
from dpo_engine.requests import Train
from dpo_engine.training.run import Directive, train
from tests.benchmarks.helpers.children import forget_peak, memory_now, peak_memory


@dataclass(kw_only=True)
class Clocked:
    """What a training was seen to do. Moments are seconds on `time.perf_counter`."""

    loaded_at: float = 0.0
    """The model is in memory; nothing else was done yet."""
    memory_loaded: int = 0
    """Bytes of RAM at that moment."""
    first_step_time: float = 0.0
    """End of the first step in seconds since the epoch."""
    step_ends: list[float] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    peak: int = 0
    """Most bytes of RAM up to the end of the last step: what saving takes is not in it."""
    cuda_peak: int = 0
    """Most bytes of PyTorch's tensors on the GPU up to then."""
    notes: list[str] = field(default_factory=list)
    device: str = ""
    dtype: str = ""

    def summary(self) -> dict[str, Any]:
        """Seconds count from the loaded model to the end of a step, so saving the result is left out."""
        return {
            "seconds": self.step_ends[-1] - self.loaded_at,
            "first_step": self.step_ends[0] - self.loaded_at,
            "step_seconds": [b - a for a, b in zip(self.step_ends, self.step_ends[1:], strict=False)],
            "losses": self.losses,
            "peak": self.peak,
            "loaded": self.memory_loaded,
            "cuda_peak": self.cuda_peak,
            "threads": torch.get_num_threads(),
            "device": self.device,
            "dtype": self.dtype,
            "notes": self.notes,
        }


def train_clocked(run: Path, *, stop_after: int | None = None, peak_from_loaded: bool = False) -> Clocked:
    """Train the run in the folder `run`; with `stop_after`, end it as a person would after so many steps.

    `peak_from_loaded`: what loading took for a moment is no part of the peak.
    """
    settle_process(pick_device("auto"))  # as the command line and the app's engine do
    clocked = Clocked()

    def load(reference: str, config: TrainConfig) -> LoadedModel:
        loaded = load_for_training(reference, config)
        clocked.device = device_name(loaded.device)
        clocked.dtype = str(loaded.dtype).removeprefix("torch.")
        clocked.memory_loaded = memory_now()
        if peak_from_loaded:
            forget_peak()
        _look(clocked, {})
        settle()
        clocked.loaded_at = time.perf_counter()
        return loaded

    def directive() -> Directive:
        return "keep" if stop_after is not None and len(clocked.step_ends) >= stop_after else "go"

    _follow(clocked, train(Train(id="benchmark", run=str(run)), directive, load=load))
    return clocked


def _follow(clocked: Clocked, events: Iterator[Event | None]) -> None:
    for event in events:
        match event:
            case StepDone():
                if event.step in (1, event.total_steps):
                    settle()
                clocked.first_step_time = clocked.first_step_time or time.time()
                clocked.step_ends.append(time.perf_counter())
                clocked.losses.append(event.metrics["loss"])
                _look(clocked, event.metrics)
            case Note():
                clocked.notes.append(event.message)


def _look(clocked: Clocked, metrics: dict[str, float]) -> None:
    """The training makes the system count anew after each step, and says the peak of each as `memory`."""
    of_step = int(metrics.get("memory", 0))
    on_gpu = cuda_peak()
    clocked.cuda_peak = max(clocked.cuda_peak, on_gpu, of_step if on_gpu else 0)
    clocked.peak = max(clocked.peak, peak_memory(), 0 if on_gpu else of_step)


def settle() -> None:
    """Wait until the GPU, if there is one in use, has done all that it was asked."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def cuda_peak() -> int:
    """Most bytes that PyTorch's tensors held on the GPU at once; 0 without one."""
    return torch.cuda.max_memory_allocated() if torch.cuda.is_available() else 0
