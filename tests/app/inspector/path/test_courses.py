"""Which pairs were learned, when, and whether it lasted: against a plain reading of each pair's margins."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.inspector.path.courses import COURSES, LATE, Course, History, courses, history

STEPS = (10, 20, 30, 40, 50, 60)
LEARNED = math.log(1.5)


def told(margins: list[list[float | None]], steps: tuple[int, ...] = STEPS) -> History:
    """Row numbers 100, 101, … and their margins at β = 1 at each step; None where a pair is not scored."""
    parts = {}
    for number, step in enumerate(steps):
        known = [(100 + place, row[number]) for place, row in enumerate(margins) if row[number] is not None]
        parts[step] = (
            np.array([row for row, _margin in known], dtype=np.int64),
            np.array([margin for _row, margin in known], dtype=np.float64),
        )
    return history(parts)


def course_of(margins: list[float | None], beta: float = 1.0) -> Course | None:
    found = courses(told([margins]), beta)
    (course,) = [one for one, rows in found.items() if len(rows)] or [None]
    return course


@pytest.mark.parametrize(
    ("margins", "course"),
    [
        ([0, 1, 1, 1, 1, 1], "Learned early"),
        ([0, 0, 0, 1, 1, 1], "Learned early"),
        ([0, 0, 0, 0, 1, 1], "Learned late"),
        ([0, 1, 1, 0, 1, 1], "Learned late"),
        ([0, 0, 0, 0, 0, 1], "Learned late"),
        ([0, 1, 1, 1, 1, 0], "Forgotten"),
        ([1, 0, 0, 0, 0, 0.4], "Forgotten"),
        ([0, 0.4, 0.4, -1, 0, 0.4], "Never learned"),
        ([None, None, None, None, 0, 1], "Learned late"),
        ([1, None, None, None, None, None], None),
        ([1, 1, None, None, None, None], "Learned early"),
    ],
)
def test_courses_by_hand(margins: list[float | None], course: Course | None) -> None:
    assert course_of(margins) == course


def test_another_beta_moves_the_border() -> None:
    assert course_of([0, 1, 1, 1, 1, 1], beta=0.1) == "Never learned"
    assert course_of([0, 0.1, 0.1, 0.1, 0.1, 0.1], beta=10) == "Learned early"


def test_one_checkpoint_says_nothing_of_a_course() -> None:
    found = courses(told([[1.0], [0.0]], steps=(10,)), 1.0)
    assert all(len(rows) == 0 for rows in found.values())


margin = st.one_of(st.none(), st.floats(-2, 2))


@given(st.lists(st.lists(margin, min_size=6, max_size=6), min_size=1, max_size=12))
def test_courses_agree_with_a_loop(margins: list[list[float | None]]) -> None:
    found = courses(told(margins), 1.0)
    for place, row in enumerate(margins):
        taken = [course for course in COURSES if 100 + place in found[course]]
        scored = [(step, value) for step, value in zip(STEPS, row, strict=True) if value is not None]
        if len(scored) < 2:
            assert taken == []
            continue
        learned = [value >= LEARNED for _step, value in scored]
        since = next((scored[k][0] for k in range(len(scored)) if all(learned[k:])), math.inf)
        if not any(learned):
            expected = "Never learned"
        elif not learned[-1]:
            expected = "Forgotten"
        else:
            before = [step for step in STEPS if step <= LATE * STEPS[-1]]
            late = since > before[-1] and not _unscored_at(row, before[-1], since)
            expected = "Learned late" if late else "Learned early"
        assert taken == [expected]


def _unscored_at(row: list[float | None], step: int, since: float) -> bool:
    """Is nothing known from `step` to the first checkpoint at which the pair counts as learned for good?"""
    between = [value for one, value in zip(STEPS, row, strict=True) if step <= one < since]
    return all(value is None for value in between)
