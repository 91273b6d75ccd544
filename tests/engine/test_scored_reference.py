"""A run's checkpoints ask the reference once: what is recalled is what would be computed, to the last bit."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor

from dpo_engine import run_folder, scoring
from dpo_engine.events import PairsScored
from dpo_engine.models.loading import LoadedModel, load
from dpo_engine.pair_math import PairScore
from dpo_engine.pairs.batches import PairBatch
from dpo_engine.pairs.tokenization import TokenizedPair
from dpo_engine.reference import scored
from dpo_engine.reference.cache import FOLDER, ReferenceCache
from dpo_engine.reference.scored import ScoredReference, ScoringKey
from dpo_engine.requests import Score
from tests.helpers.tiny_model import save_tiny_model
from tests.helpers.training_runs import new_run, of_kind, run_it, some_pairs

AT_ONCE = 96
"""Tokens: the pairs of the run make several batches."""
KEY = ScoringKey(model="m", adapter_off=True, dtype="f", device="cpu", computer="one", libraries=("torch 1",))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, tiny_model_folder: Path) -> Path:
    folder = new_run(
        tmp_path_factory.mktemp("runs"), tiny_model_folder, pairs=some_pairs(12, 4), save_steps=1
    )
    run_it(folder, reference_cache=False)
    return folder


@pytest.fixture
def forgotten(run: Path) -> Path:
    """The run, without anything kept of earlier scorings."""
    for file in (run.parent / FOLDER).glob("*"):
        file.unlink()
    return run


class Asked:
    """Counts the batches that reach the reference."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.batches = 0
        computing = scoring._PairScorer._under_reference

        def counted(scorer: scoring._PairScorer, batch: PairBatch, policy: Tensor) -> Tensor:
            self.batches += 1
            return computing(scorer, batch, policy)

        monkeypatch.setattr(scoring._PairScorer, "_under_reference", counted)

    def taken(self) -> int:
        number, self.batches = self.batches, 0
        return number


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    return Asked(monkeypatch)


def scores(
    run: Path,
    policy: Path,
    model: Path,
    *,
    cache: bool = True,
    leave_out: Sequence[str] = (),
    reference: LoadedModel | None = None,
    tokens: bool = False,
) -> list[PairScore]:
    request = Score(
        id="s",
        policy=str(policy),
        reference=str(model),
        pairs=str(run),
        leave_out=tuple(leave_out),
        reference_cache=cache,
        tokens=tokens,
    )
    loaded = load(str(policy), device="cpu", dtype="float32")
    events = list(scoring.score(request, loaded, reference, tokens_at_once=AT_ONCE))
    return [score for event in of_kind(events, PairsScored) for score in event.scores]


def checkpoints(run: Path) -> list[Path]:
    return [path for _step, path in run_folder.checkpoints(run)]


def test_the_second_checkpoint_asks_the_reference_for_one_batch_and_scores_alike(
    forgotten: Path, tiny_model_folder: Path, asked: Asked
) -> None:
    first, second = checkpoints(forgotten)[0], forgotten
    scores(forgotten, first, tiny_model_folder)
    batches = asked.taken()
    assert batches > 3
    recalled = scores(forgotten, second, tiny_model_folder)
    assert asked.taken() == 1, "the one that is held against what is recalled"
    assert recalled == scores(forgotten, second, tiny_model_folder, cache=False)
    assert asked.taken() == batches
    assert len(recalled) == 16 and any(abs(one.margin(1.0)) > 1e-3 for one in recalled)


def test_a_reference_in_a_model_of_its_own_is_kept_apart_from_an_adapter_switched_off(
    forgotten: Path, tiny_model_folder: Path, asked: Asked
) -> None:
    own = load(str(tiny_model_folder), device="cpu", dtype="float32")
    scores(forgotten, forgotten, tiny_model_folder)
    batches = asked.taken()
    scores(forgotten, forgotten, tiny_model_folder, reference=own)
    assert asked.taken() == batches
    scores(forgotten, forgotten, tiny_model_folder, reference=own)
    assert asked.taken() == 1


def test_a_scoring_that_goes_on_keeps_what_it_adds(
    forgotten: Path, tiny_model_folder: Path, asked: Asked
) -> None:
    everything = scores(forgotten, forgotten, tiny_model_folder, cache=False)
    batches = asked.taken()
    half = [score.pair for score in everything[:8]]
    part = scores(forgotten, forgotten, tiny_model_folder, leave_out=half)
    done = asked.taken()
    assert 0 < done < batches
    assert {score.pair for score in part} >= {score.pair for score in everything[8:]}
    assert scores(forgotten, forgotten, tiny_model_folder) == everything
    assert asked.taken() == batches - done + 1


def test_another_reference_is_not_taken_for_this_one(
    forgotten: Path, tiny_model_folder: Path, tmp_path: Path, asked: Asked
) -> None:
    scores(forgotten, forgotten, tiny_model_folder)
    batches = asked.taken()
    folder = save_tiny_model(tmp_path / "other", seed=5)
    other = load(str(folder), device="cpu", dtype="float32")
    kept = scores(forgotten, forgotten, folder, reference=other)
    assert asked.taken() == batches
    assert kept == scores(forgotten, forgotten, folder, reference=other, cache=False)


def test_figures_of_each_token_are_computed_and_nothing_is_kept_unasked(
    forgotten: Path, tiny_model_folder: Path, asked: Asked
) -> None:
    scores(forgotten, forgotten, tiny_model_folder, cache=False)
    assert not list((forgotten.parent / FOLDER).glob("*"))
    scores(forgotten, forgotten, tiny_model_folder)
    asked.taken()
    detailed = scores(forgotten, forgotten, tiny_model_folder, tokens=True)
    assert asked.taken() > 3
    assert all(score.chosen_token_scores for score in detailed)


# --- what is kept, batch by batch -------------------------------------------------------------------------


def pair(number: int, *, chosen: tuple[int, ...] = (3,)) -> TokenizedPair:
    return TokenizedPair(id=str(number), split="train", prompt=(1, number), chosen=chosen, rejected=(4, 5))


def kept(folder: Path, *batches: list[TokenizedPair], key: ScoringKey = KEY) -> ScoredReference:
    return ScoredReference(ReferenceCache(folder, key), batches)


def never() -> Tensor:
    raise AssertionError("This batch is known.")


ONE = torch.tensor([[-1.0 / 3], [-2.0 / 3]], dtype=torch.float64)
TWO = torch.tensor([[-0.1, -0.2], [-0.3, -0.7]], dtype=torch.float64)


def test_doubles_come_back_whole_after_one_was_compared(tmp_path: Path) -> None:
    first = kept(tmp_path, [pair(1)], [pair(2), pair(3)])
    assert torch.equal(first.sums(0, lambda: ONE), ONE) and torch.equal(first.sums(1, lambda: TWO), TWO)
    again = kept(tmp_path, [pair(1)], [pair(2), pair(3)])
    assert torch.equal(again.sums(0, lambda: ONE), ONE)
    assert torch.equal(again.sums(1, never), TWO)


def test_one_bit_of_difference_drops_everything_that_was_recalled(tmp_path: Path) -> None:
    first = kept(tmp_path, [pair(1)], [pair(2), pair(3)])
    first.sums(0, lambda: ONE)
    first.sums(1, lambda: TWO)
    other_one, other_two = torch.nextafter(ONE, torch.zeros(())), torch.nextafter(TWO, torch.zeros(()))
    again = kept(tmp_path, [pair(1)], [pair(2), pair(3)])
    assert torch.equal(again.sums(0, lambda: other_one), other_one)
    assert torch.equal(again.sums(1, lambda: other_two), other_two)
    third = kept(tmp_path, [pair(1)], [pair(2), pair(3)])
    assert torch.equal(third.sums(0, lambda: other_one), other_one)
    assert torch.equal(third.sums(1, never), other_two)


@pytest.mark.parametrize(
    "batch",
    [[pair(2)], [pair(2), pair(4)], [pair(3), pair(2)], [pair(2), pair(3, chosen=(3, 3))]],
    ids=["fewer", "another neighbour", "another order", "other tokens"],
)
def test_the_same_pair_in_another_batch_is_another_number(tmp_path: Path, batch: list[TokenizedPair]) -> None:
    kept(tmp_path, [pair(2), pair(3)]).sums(0, lambda: TWO)
    fresh = -torch.rand(2, len(batch), dtype=torch.float64)
    other = kept(tmp_path, [pair(9)], batch)
    other.sums(0, lambda: ONE)
    assert torch.equal(other.sums(1, lambda: fresh), fresh)


@pytest.mark.parametrize(
    "change", [{"computer": "two"}, {"libraries": ("torch 2",)}, {"dtype": "b"}, {"adapter_off": False}]
)
def test_another_computer_or_library_begins_anew(tmp_path: Path, change: dict[str, object]) -> None:
    kept(tmp_path, [pair(1)]).sums(0, lambda: ONE)
    other = kept(tmp_path, [pair(1)], key=dataclasses.replace(KEY, **change))  # type: ignore[arg-type]
    assert torch.equal(other.sums(0, lambda: 2 * ONE), 2 * ONE)
    assert torch.equal(kept(tmp_path, [pair(1)]).sums(0, lambda: ONE), ONE)


def test_the_number_of_threads_is_part_of_the_key(
    monkeypatch: pytest.MonkeyPatch, policy: LoadedModel
) -> None:
    request = Score(id="s", policy="p", reference=policy.reference, pairs="x")
    before = scored._key(request, policy, adapter_off=True)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 77)
    assert scored._key(request, policy, adapter_off=True) != before


@pytest.fixture
def policy(tiny_model_folder: Path) -> LoadedModel:
    return load(str(tiny_model_folder), device="cpu", dtype="float32")
