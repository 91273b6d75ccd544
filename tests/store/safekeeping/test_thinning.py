"""Which backups stay: many of today, then one a day, a week, a month."""

import itertools
from dataclasses import dataclass
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from app.store.safekeeping.thinning import superfluous

NOW = datetime(2026, 11, 23, 16, 42)


@dataclass(frozen=True)
class Copy:
    at: datetime


def kept_of(hours: list[float]) -> list[float]:
    """Of copies made so many hours ago, those that stay."""
    copies = [Copy(NOW - timedelta(hours=hour)) for hour in sorted(hours)]
    gone = set(superfluous(copies, NOW))
    return [(NOW - copy.at) / timedelta(hours=1) for copy in copies if copy not in gone]


def test_twelve_of_today() -> None:
    assert kept_of([number / 4 for number in range(20)]) == [number / 4 for number in range(12)]


def test_then_the_last_of_each_day_of_each_week_and_of_each_month() -> None:
    kept = kept_of(list(range(0, 2 * 365 * 24, 4)))
    days = [(NOW - timedelta(hours=hour)).date() for hour in kept]
    earlier = [day for day in days if day < NOW.date()]
    assert len(days) - len(earlier) == 5
    assert earlier[:12] == [NOW.date() - timedelta(days=number) for number in range(1, 13)]
    weeks = earlier[12:22]
    assert [(one - other).days for one, other in itertools.pairwise(weeks[1:])] == [7] * 8
    assert all(day.isoweekday() == 7 for day in weeks[1:])
    months = earlier[22:]
    assert len(months) == 9
    assert all((day + timedelta(days=1)).day == 1 for day in months[1:])


def test_where_there_is_little_room_fewer_stay() -> None:
    copies = [Copy(NOW - timedelta(hours=hour)) for hour in range(100 * 24)]
    gone = set(superfluous(copies, NOW, share=0.1))
    kept = [copy for copy in copies if copy not in gone]
    assert len(kept) == 2 + 2 + 1 + 1
    assert kept[:3] == [copies[0], copies[1], copies[17]]
    assert kept[-1].at < NOW - timedelta(days=7)


def test_a_project_put_aside_for_years_keeps_its_copies() -> None:
    assert kept_of([20_000, 20_001, 30_000]) == [20_000, 30_000]


@given(st.lists(st.floats(0, 20_000, allow_nan=False), max_size=200, unique=True))
def test_the_newest_stays_and_thinning_again_changes_nothing(hours: list[float]) -> None:
    kept = kept_of(hours)
    assert len(kept) <= 12 + 12 + 10 + 9
    assert kept[:1] == [
        (NOW - (NOW - timedelta(hours=hour))) / timedelta(hours=1) for hour in sorted(hours)[:1]
    ]
    assert kept_of(kept) == kept
