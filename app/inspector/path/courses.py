"""What became of each pair over a run's checkpoints: learned and kept, forgotten, learned late. Qt-free.

A pair counts as learned at a checkpoint where its margin is at least ln 1.5, as in its case.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from app.inspector.figures import Floats, Ints
from dpo_engine.pair_math import UNDECIDED_BELOW

Course = Literal["Forgotten", "Learned late", "Learned early", "Never learned"]
COURSES: tuple[Course, ...] = ("Forgotten", "Learned late", "Learned early", "Never learned")
COURSE_MEANINGS: dict[Course, str] = {
    "Forgotten": "Learned at some checkpoint, and no longer at the last one",
    "Learned late": "Learned for good in the last third of the steps",
    "Learned early": "Learned for good before that",
    "Never learned": "Below ln 1.5 at every checkpoint",
}
LATE = 2 / 3
"""Of the steps: what is learned for good after them is learned late."""


@dataclass(frozen=True, kw_only=True, eq=False)
class History:
    """The margins at β = 1 of a run's pairs at its scored checkpoints."""

    rows: Ints
    """The pairs' row numbers, rising."""
    steps: tuple[int, ...]
    """Of the checkpoints, rising."""
    differences: NDArray[np.float64]
    """[checkpoints, pairs]: log-ratio chosen − log-ratio rejected; NaN where a pair is not scored."""


def history(parts: Mapping[int, tuple[Ints, Floats]]) -> History:
    """From row numbers and differences by step."""
    steps = tuple(sorted(parts))
    rows = np.unique(np.concatenate([parts[step][0] for step in steps])) if steps else np.empty(0, np.int64)
    differences = np.full((len(steps), len(rows)), np.nan)
    for number, step in enumerate(steps):
        known, values = parts[step]
        differences[number, np.searchsorted(rows, known)] = values
    return History(rows=rows, steps=steps, differences=differences)


def courses(told: History, beta: float) -> dict[Course, Ints]:
    """Row numbers of the pairs of each course at this β; none of one scored at fewer than two checkpoints."""
    if len(told.steps) < 2:
        return dict.fromkeys(COURSES, told.rows[:0])
    scored = np.isfinite(told.differences)
    with np.errstate(invalid="ignore"):
        learned = beta * told.differences >= UNDECIDED_BELOW
    enough = scored.sum(axis=0) >= 2
    ever, last = learned.any(axis=0), _at_last(learned, scored)
    late = last & ~_learned_by(learned, scored, _number_before(told.steps, LATE * told.steps[-1]))
    masks: dict[Course, Any] = {
        "Forgotten": ever & ~last,
        "Learned late": late,
        "Learned early": last & ~late,
        "Never learned": ~ever,
    }
    return {course: told.rows[enough & mask] for course, mask in masks.items()}


def _at_last(learned: NDArray[np.bool_], scored: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """At each pair's last scored checkpoint."""
    last = len(scored) - 1 - np.argmax(scored[::-1], axis=0)
    found: NDArray[np.bool_] = np.take_along_axis(learned, last[None, :], axis=0)[0]
    return found


def _number_before(steps: Sequence[int], step: float) -> int:
    """How many checkpoints there are up to a step."""
    return sum(one <= step for one in steps)


def _learned_by(learned: NDArray[np.bool_], scored: NDArray[np.bool_], number: int) -> NDArray[np.bool_]:
    """At the last of the first `number` checkpoints, and at every later one that the pair is scored at."""
    if not number:
        return np.zeros(learned.shape[1], dtype=np.bool_)
    kept: NDArray[np.bool_] = np.logical_and.reduce((learned | ~scored)[number - 1 :], axis=0)
    return kept
