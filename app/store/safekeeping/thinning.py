"""Which backups may go: the older, the further apart those that stay."""

from collections.abc import Callable, Hashable, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

TODAY = 12
DAYS = 12
WEEKS = 10
MONTHS = 9


class Dated(Protocol):
    @property
    def at(self) -> datetime:
        """When it was made, local time."""


T = TypeVar("T", bound=Dated)


ALL = TODAY + DAYS + WEEKS + MONTHS
"""As many stay at most."""


def superfluous(dated: Sequence[T], now: datetime, share: float = 1.0) -> list[T]:
    """Those of `dated` (newest first) that are neither the newest of today nor stand for a time before.

    Of today up to 12 stay; of the days before, the last of each of 12 days; of what is older than those, the
    last of each of 10 weeks, then of each of 9 months. Only time in which there is a backup counts, so that
    a project that was put aside for a year keeps what it had. Where there is room for a `share` of `ALL`
    only, fewer stay, but at least two of today and of the days and one of each of the others.
    """
    today = [item for item in dated if item.at.date() >= now.date()]
    older = [item for item in dated if item.at.date() < now.date()]
    kept = today[: max(2, int(TODAY * share))]
    periods: tuple[tuple[Callable[[datetime], Hashable], int], ...] = (
        (lambda at: at.date(), max(2, int(DAYS * share))),
        (lambda at: at.isocalendar()[:2], max(1, int(WEEKS * share))),
        (lambda at: (at.year, at.month), max(1, int(MONTHS * share))),
    )
    for period, number in periods:
        last_of: dict[Hashable, T] = {}
        for item in older:
            last_of.setdefault(period(item.at), item)
        stood_for = list(last_of)[:number]
        kept += [last_of[one] for one in stood_for]
        older = [item for item in older if period(item.at) not in stood_for]
    staying = {id(item) for item in kept}
    return [item for item in dated if id(item) not in staying]
