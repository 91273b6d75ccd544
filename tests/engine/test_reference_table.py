"""Reference log-probs are computed once, by the right model, and never by one that has moved on."""

import gc
import weakref
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from dpo_engine.errors import BadInput, EngineError
from dpo_engine.pairs.batches import PairBatch, collate
from dpo_engine.pairs.tokenization import TokenizedPair
from dpo_engine.reference.cache import CacheKey, ReferenceCache
from dpo_engine.reference.kinds import Source
from dpo_engine.reference.table import TableReference

KEY = CacheKey(model="m", tokenizer="t", max_length=8, weights="x", forward="x", device="cpu", libraries=())


def batch(*members: int) -> PairBatch:
    pairs = [
        TokenizedPair(id=str(one), split="train", prompt=(1, one), chosen=(3, 2, 4, 2), rejected=(4, 5, 7, 2))
        for one in members
    ]
    return collate(pairs, members)


class Model:
    """Stands for a model: pair n has −n − 1 and −n − 1.5, plus what it errs by; knows what it was asked."""

    def __init__(self, error: float = 0.0) -> None:
        self.error = error
        self.asked: list[tuple[int, ...]] = []

    def __call__(self, batch: PairBatch) -> Tensor:
        self.asked.append(batch.members)
        return right(*batch.members) + self.error


def right(*members: int) -> Tensor:
    return torch.tensor([[-one - 1.0, -one - 1.5] for one in members]).T


def always(model: Source) -> Callable[[bool], Source]:
    return lambda at_any_price: model


def name(number: int) -> bytes:
    return number.to_bytes(16, "little")


def cached(folder: Path, *members: int, error: float = 0.0) -> ReferenceCache:
    """A cache in which an earlier run left these pairs."""
    ReferenceCache(folder, KEY).append([name(one) for one in members], right(*members) + error)
    return ReferenceCache(folder, KEY)


def table(
    model: Source,
    pairs: int = 4,
    *,
    lasting: Callable[[bool], Source | None] | None = None,
    cache: ReferenceCache | None = None,
    dtype: torch.dtype = torch.float32,
) -> TableReference:
    return TableReference(
        model,
        pairs,
        lasting=lasting or always(model),
        cache=cache,
        hashes=[name(one) for one in range(pairs)],
        forward_dtype=dtype,
    )


def first_pass(reference: TableReference, policy: Source, *members: int) -> Tensor:
    """What an optimizer step does with a batch."""
    known = reference.log_probs(batch(*members))
    return reference.confirmed(batch(*members), known, policy(batch(*members)))


def test_a_known_pair_is_not_computed_again_whatever_its_company() -> None:
    model = Model()
    reference = table(model)
    assert not reference.prepare()
    assert torch.equal(reference.log_probs(batch(2, 0)), right(2, 0))
    assert torch.equal(reference.log_probs(batch(0, 2)), right(0, 2))
    assert model.asked == [(2, 0)]
    reference.log_probs(batch(2, 3))
    assert model.asked == [(2, 0), (2, 3)]


def test_a_number_once_known_never_changes() -> None:
    model = Model()
    reference = table(model)
    reference.log_probs(batch(0))
    model.error = -9.0
    assert torch.equal(reference.log_probs(batch(0, 1)), right(0, 1) + torch.tensor([0.0, -9.0]))


def test_what_lasts_computes_and_is_gone_when_every_pair_is_known() -> None:
    class Copy(Model):
        pass

    copies: list[weakref.ref[Copy]] = []

    def frozen(at_any_price: bool) -> Source:
        copy = Copy()
        copies.append(weakref.ref(copy))
        return copy

    moving = Model()
    reference = table(moving, 3, lasting=frozen)
    assert not reference.prepare() and len(copies) == 1
    reference.log_probs(batch(0))
    reference.stepped(1, moved=True)
    moving.error = 5.0
    assert torch.equal(reference.log_probs(batch(1)), right(1))
    gc.collect()
    assert copies[0]() is not None and moving.asked == []
    reference.log_probs(batch(2))
    gc.collect()
    assert copies[0]() is None
    assert torch.equal(reference.log_probs(batch(2, 1, 0)), right(2, 1, 0))


def test_without_room_for_what_lasts_all_is_computed_before_the_first_step() -> None:
    model = Model()
    reference = table(model, lasting=lambda at_any_price: None)
    assert reference.prepare()
    for members in ((0, 1), (2,)):
        reference.log_probs(batch(*members))
    reference.seal()
    assert torch.equal(reference.log_probs(batch(1)), right(1))
    with pytest.raises(EngineError, match="not computed before training"):
        reference.log_probs(batch(3))


def test_a_policy_that_moved_never_stands_for_its_reference() -> None:
    reference = table(Model(), lasting=lambda at_any_price: None)
    reference.prepare()
    reference.stepped(1, moved=False)
    assert torch.equal(reference.log_probs(batch(0)), right(0))  # a skipped step moved nothing
    reference.stepped(2, moved=True)
    with pytest.raises(EngineError, match="not computed before training"):
        reference.log_probs(batch(1))


def test_the_table_goes_into_a_checkpoint_and_comes_back(tmp_path: Path) -> None:
    before = table(Model(), 3)
    before.log_probs(batch(1))
    model = Model()
    after = table(model, 3, cache=cached(tmp_path, 0, 2, error=-0.001))
    after.load_state(before.state())
    assert not after.prepare() and after.take_notes() == []
    assert torch.equal(after.log_probs(batch(1)), before.log_probs(batch(1)))
    assert model.asked == []
    assert torch.equal(after.log_probs(batch(0)), right(0))  # as the first part of the run would have, not
    assert model.asked == [(0,)]  # as somebody else left it in the cache meanwhile
    for wrong in ({}, {"reference": torch.zeros(2, 2)}):
        with pytest.raises(BadInput, match="another number of pairs"):
            table(model, 3).load_state(wrong)


def test_a_second_run_computes_nothing_and_says_so(tmp_path: Path) -> None:
    def never(at_any_price: bool) -> Source:
        raise AssertionError("no copy is needed")

    first = Model()
    reference = table(first, cache=ReferenceCache(tmp_path, KEY))
    reference.prepare()
    reference.log_probs(batch(0, 1))
    reference.log_probs(batch(2, 3))
    assert reference.take_notes() == []
    second = Model()
    reference = table(second, lasting=never, cache=ReferenceCache(tmp_path, KEY))
    assert not reference.prepare()
    assert reference.take_notes() == [
        ("info", "The reference log-probs of 4 pairs were known from an earlier run.")
    ]
    assert torch.equal(first_pass(reference, Model(), 3, 1), right(3, 1))
    reference.stepped(1, moved=True)
    assert torch.equal(reference.log_probs(batch(0, 2)), right(0, 2))
    assert second.asked == [] and reference.take_notes() == []


def test_a_pair_without_a_number_is_asked_for_again_and_never_kept(tmp_path: Path) -> None:
    model = Model(float("nan"))
    reference = table(model, 1, cache=ReferenceCache(tmp_path, KEY))
    reference.prepare()
    assert reference.log_probs(batch(0)).isnan().all()
    assert ReferenceCache(tmp_path, KEY).known([name(0)]).isnan().all()
    model.error = 0.0
    assert torch.equal(reference.log_probs(batch(0)), right(0))


@pytest.mark.parametrize(("dtype", "error"), [(torch.float32, 1e-4), (torch.bfloat16, 0.2)])
def test_numbers_that_differ_by_rounding_start_at_the_policy_s_own(
    tmp_path: Path, dtype: torch.dtype, error: float
) -> None:
    model = Model()
    reference = table(model, cache=cached(tmp_path, 0, 1, 2, 3, error=-error), dtype=dtype)
    reference.prepare()
    reference.take_notes()
    assert torch.equal(first_pass(reference, Model(), 0, 1), right(0, 1))
    reference.stepped(1, moved=True)
    moved = Model(0.7)
    assert torch.equal(first_pass(reference, moved, 0, 1), right(0, 1))
    assert torch.equal(first_pass(reference, moved, 2, 3), right(2, 3) - error)
    assert model.asked == [] and reference.take_notes() == []


@pytest.mark.parametrize(("dtype", "error"), [(torch.float32, 0.01), (torch.bfloat16, 1.0)])
def test_numbers_of_another_model_are_dropped_and_computed_anew(
    tmp_path: Path, dtype: torch.dtype, error: float
) -> None:
    copies: list[bool] = []

    def lasting(at_any_price: bool) -> Source | None:
        copies.append(at_any_price)
        return Model() if at_any_price else None

    reference = table(Model(), cache=cached(tmp_path, 0, 1, 2, 3, error=-error), dtype=dtype, lasting=lasting)
    assert not reference.prepare()
    assert torch.equal(first_pass(reference, Model(), 0, 1), right(0, 1))
    reference.stepped(1, moved=True)
    assert torch.equal(reference.log_probs(batch(2, 3)), right(2, 3))
    assert copies == [True]
    levels = [level for level, _ in reference.take_notes()]
    assert levels == ["info", "warning"]
    kept = ReferenceCache(tmp_path, KEY).known([name(one) for one in range(4)])
    assert torch.equal(kept, right(0, 1, 2, 3))


def test_a_half_known_table_is_held_against_what_is_computed_anyway(tmp_path: Path) -> None:
    model = Model()
    reference = table(model, cache=cached(tmp_path, 1, 3, error=-0.01))
    reference.prepare()
    assert torch.equal(reference.log_probs(batch(0, 1)), right(0, 1))
    assert torch.equal(reference.log_probs(batch(3)), right(3))
    assert model.asked == [(0, 1), (3,)]


def test_numbers_that_nothing_was_compared_with_are_proven_at_their_first_use(tmp_path: Path) -> None:
    model = Model()
    reference = table(model, cache=cached(tmp_path, 2, 3, error=-0.01))
    reference.prepare()
    first_pass(reference, Model(), 0, 1)  # nothing of this was recalled
    reference.stepped(1, moved=True)
    assert torch.equal(reference.log_probs(batch(2)), right(2))
    assert torch.equal(reference.log_probs(batch(3)), right(3))
    good = Model()
    reference = table(good, cache=cached(tmp_path / "good", 2, 3))
    reference.prepare()
    first_pass(reference, Model(), 0, 1)
    reference.stepped(1, moved=True)
    reference.log_probs(batch(2))
    reference.log_probs(batch(3))
    assert good.asked == [(0, 1), (2,)]  # one batch proves the file


def test_a_policy_s_number_that_is_not_finite_proves_nothing(tmp_path: Path) -> None:
    reference = table(Model(), cache=cached(tmp_path, 0, 1, 2, 3))
    reference.prepare()
    assert torch.equal(first_pass(reference, Model(float("nan")), 0, 1), right(0, 1))
    assert [level for level, _ in reference.take_notes()] == ["info"]


def test_trouble_with_the_cache_is_told_once_and_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    reference = table(Model(), cache=ReferenceCache(tmp_path / "file", KEY))
    reference.prepare()
    for members in ((0, 1), (2, 3)):
        assert torch.equal(reference.log_probs(batch(*members)), right(*members))
    ((level, sentence),) = reference.take_notes()
    assert level == "info" and "this run is not affected" in sentence
