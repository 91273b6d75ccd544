"""A project with verdicts of a plain taste, some of them turned, and a study of them by a played engine."""

from collections.abc import Callable, Sequence
from pathlib import Path

from app.history import History
from app.inspector.suspects.presenter import SuspectsPresenter
from app.store.collecting import comparisons, verdicts
from app.store.handle import Project
from app.store.records import Comparison
from dpo_engine.events import FoldScored, RequestFinished, RequestStarted, StudyAdvanced
from dpo_engine.pair_math import PairScore
from dpo_engine.requests import Suspect
from dpo_engine.suspects import study_folder
from tests.helpers.fake_engine import FakeEngine
from tests.helpers.stores import DirectReader, DirectStore
from tests.store.makers import candidate, prompt

TURNED = (3, 11)
"""Places of the verdicts that prefer the long answer."""


def judged(project: Project, number: int = 24) -> list[Comparison]:
    """So many comparisons of a short and a long answer; Ann prefers the short one, but for `TURNED`."""
    made = []
    for place in range(number):
        texts = (f"Short {place}.", f"Long {place}. " * 8)
        one = comparisons.add_comparison(
            project,
            prompt(project, f"Question {place}?", split="held_out" if place % 8 == 7 else "train"),
            (candidate(texts[0]), candidate(texts[1])),
            swapped=bool(place % 2),
        )
        short = "left" if one.left.text == texts[0] else "right"
        wanted = {"left": "right", "right": "left"}[short] if place in TURNED else short
        verdicts.give_verdict(
            project,
            one.id,
            "left" if wanted == "left" else "right",
            strength=1 + place % 3,
            annotator="Ann",
            seconds=2.0,
        )
        made.append(one)
    return made


def presenter_of(engine: FakeEngine, store: DirectStore, reader: DirectReader) -> SuspectsPresenter:
    failed: Callable[[str], None] = print
    return SuspectsPresenter(
        engine=engine,
        store=store,
        reader=reader,
        history=History(store=store, annotator="Ann", failed=failed),
        annotator=lambda: "Ann",
    )


def fold_scores(study: Path, fold: int) -> tuple[PairScore, ...]:
    """A policy that has learned to like short answers; the longer the chosen, the surer it denies it."""
    spec, pairs = study_folder.read_spec(study), study_folder.read_pairs(study)
    return tuple(
        _score(pair.id, pair.chosen, pair.rejected)
        for pair, place in zip(pairs, spec.fold_of, strict=True)
        if place == fold
    )


def _score(pair: str, chosen: str, rejected: str) -> PairScore:
    difference = float(len(rejected) - len(chosen)) / 10
    return PairScore(
        pair=pair,
        split="train",
        policy_chosen_logp=-50 + difference / 2,
        policy_rejected_logp=-60 - difference / 2,
        reference_chosen_logp=-50,
        reference_rejected_logp=-60,
        chosen_tokens=len(chosen),
        rejected_tokens=len(rejected),
    )


def do_folds(engine: FakeEngine, folds: Sequence[int]) -> None:
    """The engine tells what these folds gave."""
    request = engine.last(Suspect)
    study = Path(request.study)
    number = study_folder.read_spec(study).folds
    if folds and folds[0] == 1:
        engine.emit(RequestStarted(request=request.id))
    for fold in folds:
        engine.emit(
            StudyAdvanced(
                request=request.id, fold=fold, folds=number, share=fold / number - 0.1, seconds_left=60.0
            )
        )
        engine.emit(FoldScored(request=request.id, fold=fold, scores=fold_scores(study, fold)))


def do_study(engine: FakeEngine, presenter: SuspectsPresenter) -> None:
    """From the beginning to the end."""
    presenter.start()
    do_folds(engine, range(1, presenter.state.folds + 1))
    engine.emit(RequestFinished(request=engine.last(Suspect).id))


def answer_second_looks(project: Project, choices: Sequence[str]) -> None:
    """Judge what is asked again, in the order in which it was asked, in terms of the first one's sides."""
    asked = list(
        project.db.query(
            "SELECT id, of_id FROM comparisons WHERE purpose = 'second_look' AND state = 'waiting'"
            " ORDER BY id"
        )
    )
    for row, choice in zip(asked, choices, strict=False):
        again, first = (comparisons.get(project, row[name]) for name in ("id", "of_id"))
        said = choice
        if again.left.id != first.left.id:
            said = {"left": "right", "right": "left"}.get(choice, choice)
        assert said in ("left", "right", "tie", "both_bad", "skip")
        verdicts.give_verdict(
            project,
            again.id,
            said,  # type: ignore[arg-type]
            strength=1,
            annotator="Ann",
            seconds=1.0,
        )
