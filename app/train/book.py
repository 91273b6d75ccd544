"""What the Train page reads from the project in one go. Qt-free."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from app.store import settings
from app.store.handle import Project
from app.store.records import PairSelection, Run
from app.store.rows import from_json, read
from app.store.training import run_queue, runs
from app.train.ingredients import Ingredients, load_ingredients
from app.train.training import Outcome
from dpo_engine.catalogue import STARTER
from dpo_engine.config import TrainConfig
from dpo_engine.errors import BadInput
from dpo_engine.recommendations import recommended

POLICY_SETTING = "policy"
"""Project setting: the model reference that writes the candidates."""
FORM_SETTING = "train_form"
"""Project setting: what the person had chosen when the last run was started."""

_IN_TRAINING = ("running", "paused")
_UNDER_WAY = ("created", *_IN_TRAINING)


@dataclass(frozen=True, kw_only=True)
class Book:
    ingredients: Ingredients
    policy: str
    runs: tuple[Run, ...]
    """Those trained here, newest first."""
    deleted: tuple[Run, ...]
    """In the trash."""
    margins: Mapping[int, float]
    """Run id -> the reward margin of its last step."""
    form: Mapping[str, object]


def load_book(project: Project, selection: PairSelection = "all") -> Book:
    policy = settings.get_setting(project, POLICY_SETTING)
    form = settings.get_setting(project, FORM_SETTING)
    return Book(
        ingredients=load_ingredients(project, selection),
        policy=policy if isinstance(policy, str) and policy else STARTER.name,
        runs=tuple(run for run in runs.runs(project) if run.kind == "trained"),
        deleted=tuple(run for run in runs.deleted_runs(project) if run.kind == "trained"),
        margins=_last_margins(project),
        form=form if isinstance(form, dict) else {},
    )


def recover(project: Project) -> Book:
    """When the app starts: no engine works on any run, so one that seems under way was interrupted. What it
    did last is read from its folder.

    One that was being trained while others waited is the next of them: they go on where they were.
    """
    found = runs.runs(project)
    queued = any(run.queue_place is not None for run in found)
    for run in found:
        if run.status in _UNDER_WAY and not (run.status == "created" and run.queue_place is not None):
            caught = runs.catch_up(project, run.id)
            if queued and run.status in _IN_TRAINING and caught.status == "interrupted":
                run_queue.put_first(project, run.id)
    return load_book(project)


def with_outcome(book: Book, run_id: int, outcome: Outcome) -> Book:
    """The same with one run ended."""
    ended: dict[str, Any] = {"status": outcome.status, "message": outcome.message, "queue_place": None}
    if outcome.step is not None:
        ended["step"] = outcome.step
    return replace(book, runs=tuple(replace(run, **ended) if run.id == run_id else run for run in book.runs))


def _last_margins(project: Project) -> dict[int, float]:
    rows = read(
        project,
        "reading the margins",
        """
        SELECT runs.id AS id, metrics.metrics AS metrics FROM runs
        JOIN metrics ON metrics.run_id = runs.id AND metrics.split = 'train' AND metrics.step = (
            SELECT step FROM metrics WHERE run_id = runs.id AND split = 'train' ORDER BY step DESC LIMIT 1
        )
        WHERE runs.kind = 'trained' AND runs.deleted_at IS NULL
        """,
    )
    found = {row["id"]: from_json(row["metrics"], dict[str, float]) for row in rows}
    return {run: metrics["rewards/margins"] for run, metrics in found.items() if "rewards/margins" in metrics}


def config_of(book: Book) -> TrainConfig:
    """What the person left in the form; the recommended at first, and where that is damaged."""
    known = TrainConfig.__dataclass_fields__
    kept: dict[str, Any] = {name: value for name, value in book.form.items() if name in known}
    try:
        return TrainConfig(**kept) if kept or book.runs else _first_config(book)
    except (BadInput, TypeError):
        return _first_config(book)


def _first_config(book: Book) -> TrainConfig:
    return recommended("lora", book.ingredients.train)
