"""A study with the tiny model: every pair scored once, by a policy that never saw its prompt."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from dpo_engine import run_folder, scoring
from dpo_engine.errors import BadInput, Cancelled
from dpo_engine.events import Event, FoldScored, RequestFailed, RequestFinished, StudyAdvanced
from dpo_engine.models.loading import load
from dpo_engine.pair_math import PairScore
from dpo_engine.preferences import Message, Pair
from dpo_engine.requests import Cancel, Generate, Score, Shutdown, Suspect
from dpo_engine.sampling_config import SamplingConfig
from dpo_engine.session import Session
from dpo_engine.suspects import study_folder
from dpo_engine.suspects.settings import study_config
from dpo_engine.suspects.study import study
from dpo_engine.training.run import Directive
from tests.helpers.training_runs import of_kind, run_it, some_pairs

FAST = {
    "learning_rate": 1e-3,
    "num_train_epochs": 2.0,
    "per_device_train_batch_size": 4,
    "save_steps": 2,
    "lora_r": 2,
    "device": "cpu",
    "dtype": "float32",
}


@pytest.fixture(scope="module")
def pairs() -> list[Pair]:
    """Two of each prompt; every fourth is held out from ordinary runs."""
    return [
        replace(pair, prompt=some_pairs(12, 0)[number // 2].prompt)
        for number, pair in enumerate(some_pairs(9, 3))
    ]


@pytest.fixture
def folder(tmp_path: Path, tiny_model_folder: Path, pairs: list[Pair]) -> Path:
    return make(tmp_path / "studies", tiny_model_folder, pairs)


@pytest.fixture(scope="module")
def finished(
    tmp_path_factory: pytest.TempPathFactory, tiny_model_folder: Path, pairs: list[Pair]
) -> tuple[Path, list[Event]]:
    """A study that was never killed, and all that it told. Only to be looked at."""
    folder = make(tmp_path_factory.mktemp("studies"), tiny_model_folder, pairs)
    return folder, do(folder)


def make(parent: Path, model: Path, pairs: list[Pair]) -> Path:
    config = study_config(len(pairs), 3, FAST)
    return study_folder.create(parent, policy=str(model), config=config, pairs=pairs, folds=3)


def do(folder: Path, until: Callable[[Event], bool] = lambda _event: False) -> list[Event]:
    """Every event, up to the one after which the engine is killed."""
    events: list[Event] = []
    with closing(study(Suspect(id="s", study=str(folder)), lambda: "go")) as told:  # type: ignore[type-var]
        for event in told:
            if event is not None:
                events.append(event)
                if until(event):
                    break
    return events


def scores_of(events: list[Event]) -> dict[str, tuple[int, PairScore]]:
    return {score.pair: (one.fold, score) for one in of_kind(events, FoldScored) for score in one.scores}


def test_every_pair_is_scored_once_in_its_own_fold(
    finished: tuple[Path, list[Event]], pairs: list[Pair]
) -> None:
    folder, events = finished
    told = [score.pair for one in of_kind(events, FoldScored) for score in one.scores]
    assert sorted(told) == sorted(pair.id for pair in pairs)
    spec = study_folder.read_spec(folder)
    fold_of = dict(zip((pair.id for pair in study_folder.read_pairs(folder)), spec.fold_of, strict=True))
    assert {pair: fold for pair, (fold, _) in scores_of(events).items()} == fold_of
    splits = {score.pair: score.split for _, score in scores_of(events).values()}
    assert splits == {pair.id: pair.split for pair in pairs}
    assert {study_folder.read_fold(folder, fold).fold for fold in (1, 2, 3)} == {1, 2, 3}  # type: ignore[union-attr]
    left = {path.name for path in folder.iterdir()}
    assert left == {
        "study.json",
        "pairs",
        "reference-cache",
        "scores-1.json",
        "scores-2.json",
        "scores-3.json",
    }, "nothing of the runs is left"


def test_a_fold_s_scores_are_those_of_an_ordinary_run_on_the_others(
    finished: tuple[Path, list[Event]], tmp_path: Path, tiny_model_folder: Path
) -> None:
    folder, events = finished
    found = scores_of(events)
    spec, ordered = study_folder.read_spec(folder), study_folder.read_pairs(folder)
    outside = [
        replace(pair, split="held_out" if fold == 2 else "train")
        for pair, fold in zip(ordered, spec.fold_of, strict=True)
    ]
    assert {pair.prompt for pair in outside if pair.split == "train"}.isdisjoint(
        pair.prompt for pair in outside if pair.split == "held_out"
    )
    run = run_folder.create(
        tmp_path / "runs",
        policy=str(tiny_model_folder),
        config=spec.config,
        pairs=[pair for pair in outside if pair.split == "train"],
    )
    run_it(run)
    own = run_folder.create(tmp_path / "own", policy="x", config=spec.config, pairs=outside)
    request = Score(id="r", policy=str(run), reference="x", pairs=str(own))
    by_hand = {
        score.pair: score
        for event in scoring.score(request, load(str(run), device="cpu", dtype="float32"), None)
        for score in getattr(event, "scores", ())
    }
    held_out = [pair.id for pair in outside if pair.split == "held_out"]
    assert len(held_out) == 4
    for pair in held_out:
        fold, score = found[pair]
        assert fold == 2
        assert score.margin(1.0) == pytest.approx(by_hand[pair].margin(1.0), abs=1e-4)
        assert abs(score.margin(1.0)) > 1e-3


def test_the_share_only_grows_and_the_time_left_is_known_after_a_step(
    finished: tuple[Path, list[Event]],
) -> None:
    told = of_kind(finished[1], StudyAdvanced)
    shares = [event.share for event in told]
    assert shares == sorted(shares)
    assert (shares[0], round(shares[-1], 6)) == (0.0, 1.0)
    assert [event.fold for event in told] == sorted(event.fold for event in told)
    assert told[0].seconds_left is None
    assert all(event.seconds_left is not None and event.seconds_left >= 0 for event in told[2:])


@pytest.mark.parametrize("words", [1, 4])
def test_a_killed_study_goes_on_where_it_was(
    folder: Path, finished: tuple[Path, list[Event]], words: int
) -> None:
    """After so many words of its second fold; the numbers are those of one that was never killed."""
    expected = scores_of(finished[1])
    of_second: list[StudyAdvanced] = []

    def is_enough(event: Event) -> bool:
        if isinstance(event, StudyAdvanced) and event.fold == 2:
            of_second.append(event)
        return len(of_second) == words

    first = do(folder, is_enough)
    assert [event.fold for event in of_kind(first, FoldScored)] == [1]
    again = do(folder)
    assert [event.fold for event in of_kind(again, FoldScored)] == [1, 2, 3]
    assert min(event.fold for event in of_kind(again, StudyAdvanced)) == 2
    found = scores_of(again)
    assert found.keys() == expected.keys()
    for pair, (fold, score) in found.items():
        assert fold == expected[pair][0]
        assert score.margin(1.0) == pytest.approx(expected[pair][1].margin(1.0), abs=1e-4)


def test_a_run_that_cannot_be_read_is_begun_anew(folder: Path) -> None:
    do(folder, lambda event: isinstance(event, StudyAdvanced) and event.share > 0)
    (study_folder.run_of(folder, 1) / "state.json").write_text("{torn")
    assert len(scores_of(do(folder))) == 12


def test_one_that_is_done_is_told_again_and_nothing_is_computed(
    finished: tuple[Path, list[Event]],
) -> None:
    again = do(finished[0])
    assert scores_of(again) == scores_of(finished[1])
    assert of_kind(again, StudyAdvanced) == []


@pytest.mark.parametrize("wish", ["leave", "keep"])
def test_leaving_ends_it_and_keeps_what_is_done(folder: Path, wish: Directive) -> None:
    """No fold is cut short and kept: it would know less than the others."""
    done: list[int] = []

    def directive() -> Directive:
        return wish if done else "go"

    with pytest.raises(Cancelled):
        for event in study(Suspect(id="s", study=str(folder)), directive):
            if isinstance(event, FoldScored):
                done.append(event.fold)
    assert done == [1]
    assert study_folder.read_fold(folder, 1) is not None


def test_what_is_no_study_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no study"):
        next(iter(study(Suspect(id="s", study=str(tmp_path)), lambda: "go")))


def test_the_session_serves_it_writes_responses_in_between_and_cancels(
    folder: Path, tiny_model_folder: Path
) -> None:
    heard: list[Event] = []

    def follow(event: Event) -> None:
        heard.append(event)
        if isinstance(event, StudyAdvanced) and event.share > 0 and len(of_kind(heard, StudyAdvanced)) == 3:
            session.put(
                Generate(
                    id="g",
                    policy=str(tiny_model_folder),
                    prompt=(Message("user", "hello"),),
                    sampling=SamplingConfig(max_new_tokens=3),
                    device="cpu",
                )
            )
        if isinstance(event, FoldScored):
            session.put(Cancel(target="s"))
        if isinstance(event, (RequestFinished, RequestFailed)) and event.request == "s":
            session.put(Shutdown())

    session = Session(follow)
    session.put(Suspect(id="s", study=str(folder)))
    session.run()
    ends = [
        (one.request, type(one).__name__) for one in heard if isinstance(one, RequestFinished | RequestFailed)
    ]
    assert ends == [("g", "RequestFinished"), ("s", "RequestFailed")]
    assert of_kind(heard, RequestFailed)[0].code == "cancelled"
    assert study_folder.read_fold(folder, 1) is not None
    assert study_folder.read_fold(folder, 2) is None
