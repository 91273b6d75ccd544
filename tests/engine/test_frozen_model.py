"""A frozen copy gives the original's numbers to the last bit, and stays what it was."""

import pytest
import torch

from dpo_engine.forward.log_probs import LogProbs
from dpo_engine.models import frozen_model
from dpo_engine.models.frozen_model import frozen, has_room, move_towards, weights_of
from dpo_engine.pairs.batches import collate
from dpo_engine.pairs.tokenization import TokenizedPair
from tests.helpers.tiny_model import Family, tiny_model

CPU = torch.device("cpu")
BATCH = collate(
    [
        TokenizedPair(id="a", split="train", prompt=(1, 9, 30), chosen=(40, 50, 2), rejected=(60, 2)),
        TokenizedPair(id="b", split="train", prompt=(1, 7), chosen=(41, 2), rejected=(61, 70, 71, 2)),
    ],
    (0, 1),
)


def scorer(family: Family = "llama", dtype: torch.dtype = torch.float32) -> LogProbs:
    return LogProbs(tiny_model(family), device=CPU, forward_dtype=dtype)


@pytest.mark.parametrize("family", ["llama", "qwen2", "gemma2", "gpt2"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("whole", [False, True])
def test_the_copy_computes_the_same_bits_and_does_not_move(
    family: Family, dtype: torch.dtype, whole: bool
) -> None:
    original = scorer(family, dtype)
    before = original.sums(BATCH).detach()
    copy = frozen(original, whole=whole)
    assert not any(parameter.requires_grad for parameter in copy.model.parameters())
    with torch.no_grad():
        for parameter in original.model.parameters():
            parameter.add_(0.05)
    assert not torch.equal(original.sums(BATCH), before)
    assert torch.equal(copy.sums(BATCH), before)


def test_in_bfloat16_the_layers_take_half_the_memory() -> None:
    copy = frozen(scorer(dtype=torch.bfloat16)).model
    types = {name: weight.dtype for name, weight in weights_of(copy).items()}
    halved = {name for name, dtype in types.items() if dtype == torch.bfloat16}
    assert halved == {name for name in types if name.endswith("_proj.weight")}
    assert {weight.dtype for weight in weights_of(frozen(scorer()).model).values()} == {torch.float32}


def test_shared_weights_stay_shared() -> None:
    copy: torch.nn.Module = frozen(scorer("gpt2", torch.bfloat16)).model
    assert copy.get_output_embeddings().weight is copy.get_input_embeddings().weight  # type: ignore[operator]
    assert len(weights_of(copy)) == len(list(copy.parameters()))


def test_a_copy_must_be_small_beside_what_training_leaves_free(monkeypatch: pytest.MonkeyPatch) -> None:
    original = scorer()
    weights = sum(4 * parameter.numel() for parameter in original.model.parameters())
    monkeypatch.setattr(frozen_model, "_free_memory", lambda device: 3 * weights + 4 * weights)
    assert has_room(original)
    monkeypatch.setattr(frozen_model, "_free_memory", lambda device: 3 * weights + 4 * weights - 1)
    assert not has_room(original)
    monkeypatch.undo()
    assert has_room(original)


def test_moving_mixes_every_weight() -> None:
    ours, theirs = tiny_model(seed=1), tiny_model(seed=2)
    expected = {
        name: 0.25 * weights_of(theirs)[name] + 0.75 * weight for name, weight in weights_of(ours).items()
    }
    move_towards(ours, theirs, 0.25)
    for name, weight in weights_of(ours).items():
        assert torch.allclose(weight, expected[name], atol=1e-6)
    move_towards(ours, theirs, 1.0)
    assert all(torch.equal(weight, weights_of(theirs)[name]) for name, weight in weights_of(ours).items())
