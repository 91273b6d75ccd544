"""The GPU writes what the CPU writes, and a seed gives the same text again."""

from pathlib import Path

import pytest

from dpo_engine.config import SamplingConfig
from dpo_engine.events import CandidateDone
from dpo_engine.generation.writing import generate
from dpo_engine.models.loading import load
from dpo_engine.preferences import Message
from dpo_engine.requests import Generate
from tests.engine.cuda import DEVICE


def written(model: Path, device: str, *, dtype: str, temperature: float) -> list[str]:
    request = Generate(
        id="g",
        policy="tiny",
        prompt=(Message("user", "Say something."),),
        n=2,
        seed=5,
        sampling=SamplingConfig(max_new_tokens=40, temperature=temperature),
    )
    events = generate(request, load(str(model), device=device, dtype=dtype))  # type: ignore[arg-type]
    return [event.text for event in events if isinstance(event, CandidateDone)]


def test_the_most_likely_text_is_that_of_the_cpu(tiny_model_folder: Path) -> None:
    here, there = (
        written(tiny_model_folder, where, dtype="float32", temperature=0.0) for where in ("cpu", DEVICE)
    )
    assert here == there and all(here)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_seed_gives_the_same_text_again(tiny_model_folder: Path, dtype: str) -> None:
    first, second = (written(tiny_model_folder, DEVICE, dtype=dtype, temperature=1.0) for _ in range(2))
    assert first == second and first[0] != first[1]
