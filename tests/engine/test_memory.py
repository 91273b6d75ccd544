"""The estimate against real peaks of real processes, and what follows from it."""

import json
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from dpo_engine.config import TrainConfig
from dpo_engine.memory import needs as memory
from dpo_engine.memory.needs import estimate, fit
from dpo_engine.models.model_sizes import sizes_of
from dpo_engine.pairs.tokenization import TokenizedPair
from tests.helpers.tiny_model import tiny_model

ROOT = Path(__file__).resolve().parents[2]
CPU = torch.device("cpu")


def _llama(
    hidden: int, intermediate: int, layers: int, heads: int, kv: int, vocabulary: int
) -> dict[str, int]:
    return {
        "hidden_size": hidden,
        "intermediate_size": intermediate,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": kv,
        "vocab_size": vocabulary,
    }


SMALL = _llama(320, 864, 10, 5, 5, 32000) | {"tie_word_embeddings": True}  # 23 million weights
MIDDLE = _llama(512, 1408, 14, 8, 4, 32000) | {"tie_word_embeddings": False}  # 74 million
LARGE = _llama(576, 1536, 30, 9, 3, 49152) | {"tie_word_embeddings": True}  # 135 million, as the starter


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="peaks are kept by Linux, slack is glibc's")
@pytest.mark.parametrize(
    ("sizes", "config", "pairs", "micro"),
    [
        (SMALL, {"method": "full", "dtype": "float32"}, 4, 1),
        (SMALL, {"method": "lora", "dtype": "bfloat16"}, 4, 1),
        (MIDDLE, {"method": "full", "dtype": "float32"}, 4, 2),
        (MIDDLE, {"method": "lora", "dtype": "float32"}, 3, 1),
        (LARGE, {"method": "full", "dtype": "float32"}, 1, 1),
        (LARGE, {"method": "lora", "dtype": "float32"}, 2, 1),
    ],
)
def test_the_expected_peak_is_within_15_percent_of_the_measured_one(
    sizes: dict[str, int], config: dict[str, Any], pairs: int, micro: int
) -> None:
    loss = {"loss_type": "simpo"}  # asks for no reference: whether that is kept is not the question here
    task = {"sizes": sizes, "config": config | loss, "lengths": [(120, 50, 40)] * pairs, "micro": micro}
    command = [sys.executable, "-m", "tests.helpers.training_memory", json.dumps(task)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert found["expected"] == pytest.approx(found["measured"], rel=0.15)


@pytest.mark.parametrize("family", ["llama", "gpt2", "qwen2", "gemma2"])
def test_sizes_are_those_of_the_model(family: Any) -> None:
    model = tiny_model(family)
    count = sum(one.numel() for one in model.parameters())
    sizes = sizes_of(model.config, TrainConfig(method="full"))
    assert sizes.parameters == sizes.trained == count
    assert sizes.trains_head and (sizes.vocabulary, sizes.hidden) == (264, 32)
    adapted = sizes_of(model.config, TrainConfig(lora_r=2))
    assert adapted.parameters == count and 0 < adapted.trained < count and not adapted.trains_head


def _estimate(**changes: Any) -> memory.MemoryEstimate:
    settings: dict[str, Any] = {
        "device": CPU,
        "dtype": torch.bfloat16,
        "checkpointed": changes.pop("checkpointed", False),
        "reference_cached": changes.pop("reference_cached", False),
        "process": 0,
    }
    return estimate(tiny_model().config, TrainConfig(**changes), [(30, 20, 20)] * 4, **settings)


def test_each_part_is_what_the_method_needs() -> None:
    full, lora = _estimate(method="full"), _estimate()
    trained = sizes_of(tiny_model().config, TrainConfig()).trained
    assert full.gradients == 4 * sizes_of(tiny_model().config, TrainConfig(method="full")).parameters
    assert full.optimizer == 2 * full.gradients
    assert (lora.gradients, lora.optimizer, lora.reference) == (4 * trained, 8 * trained, 0)
    assert full.reference > 0
    assert _estimate(method="full", reference_cached=True).reference == 0
    assert _estimate(method="full", loss_type="orpo").reference == 0
    assert _estimate(method="full", sync_ref_model=True).reference == full.gradients
    assert _estimate(method="qlora").weights < lora.weights
    assert _estimate(checkpointed=True).activations < lora.activations
    assert _estimate(lora_r=64).gradients == 4 * lora.gradients


def test_eight_bit_moments_take_a_quarter() -> None:
    config = tiny_model().config
    config.hidden_size, config.intermediate_size, config.vocab_size = 256, 512, 4096
    plain, small = (
        estimate(
            config,
            TrainConfig(method="full", optim=optim),  # type: ignore[arg-type]
            [(5, 5, 5)],
            device=CPU,
            dtype=torch.float32,
            process=0,
        )
        for optim in ("adamw", "adamw_8bit")
    )
    assert small.optimizer == pytest.approx(plain.optimizer / 4, rel=0.05)


PAIRS = [
    TokenizedPair(id=str(size), split="train", prompt=(9,) * size, chosen=(5, 2), rejected=(6, 7, 2))
    for size in (20, 400, 80, 200, 300)
]


def _fit(room: int, **changes: Any) -> memory.Fit:
    config = TrainConfig(**changes)
    return fit(tiny_model().config, config, PAIRS, device=CPU, dtype=torch.float32, room=room, process=0)


def test_with_room_enough_nothing_is_given_up() -> None:
    cut = _fit(10**12)
    assert (cut.token_budget, cut.checkpoint_activations, cut.notes) == (512, False, ())
    assert not cut.is_tight


def test_less_room_means_smaller_batches_then_checkpointing_then_a_warning() -> None:
    whole = _fit(10**12).expected.total
    smaller = _fit(whole - 1)
    assert 405 <= smaller.token_budget < 512 and not smaller.checkpoint_activations
    assert not smaller.is_tight
    alone = _fit(10**12, micro_batch_tokens=1).expected.total
    computed_again = _fit(alone - 1)
    assert computed_again.checkpoint_activations and not computed_again.is_tight
    assert "computed again" in computed_again.notes[0]
    hopeless = _fit(1000)
    assert hopeless.is_tight and "expected to need" in hopeless.notes[0]


def test_what_is_set_is_kept() -> None:
    assert _fit(1000, gradient_checkpointing="off").checkpoint_activations is False
    assert _fit(10**12, gradient_checkpointing="on").checkpoint_activations is True
    assert _fit(1000, micro_batch_tokens=700).token_budget == 700


def test_it_follows_from_the_whole_memory_and_not_from_what_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a resumed run adds up in the same order."""
    monkeypatch.setattr(memory, "machine_memory", lambda: 8 * 10**9)
    assert 6 * 10**9 < memory.room_on(CPU) < 8 * 10**9
