"""How far each checkpoint is scored, and with which weights: small marks in the project. Qt-free.

All functions are work for the store's threads.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from app.store import settings
from app.store.handle import Project
from app.store.training import scores

_PREFIX = "inspector/scored/"


class Target(NamedTuple):
    """What is scored and looked at: one checkpoint of one run."""

    run_id: int
    checkpoint: str


@dataclass(frozen=True, kw_only=True)
class Mark:
    weights: str
    """Of `weights_mark`; empty where that is not known."""
    pairs: int = 0
    """How many are scored."""
    complete: bool = False
    """Every pair that can be scored is."""


def all_marks(project: Project) -> Mapping[Target, Mark]:
    """Of every checkpoint that was ever scored, whether or not its weights are still there."""
    found = {}
    for name, value in settings.settings_under(project, _PREFIX).items():
        run_id, _, checkpoint = name.partition("/")
        if run_id.isdecimal() and (mark := _mark(value)) is not None:
            found[Target(int(run_id), checkpoint)] = mark
    return found


def read_mark(project: Project, target: Target, weights: str, *, step: int) -> Mark:
    """How far `target` is scored with these weights; nothing is where it was scored with others.

    `step`: marks were this number, of complete ones, before they told of weights.
    """
    value = settings.get_setting(project, _name(target))
    if isinstance(value, int) and value == step:
        number = scores.scored_checkpoints(project, target.run_id).get(target.checkpoint, 0)
        return Mark(weights=weights, pairs=number, complete=True)
    mark = _mark(value)
    if mark is not None and mark.weights == weights:
        return mark
    return Mark(weights=weights)


def write_mark(project: Project, target: Target, mark: Mark) -> None:
    value = {"weights": mark.weights, "pairs": mark.pairs, "complete": mark.complete}
    settings.set_setting(project, _name(target), value)


def _name(target: Target) -> str:
    return f"{_PREFIX}{target.run_id}/{target.checkpoint}"


def _mark(value: object) -> Mark | None:
    if isinstance(value, int):
        return Mark(weights="", complete=True)
    try:
        return msgspec.convert(value, type=Mark)
    except msgspec.ValidationError:
        return None
