"""What the Library shows: filters that compose, the order, and both as values that can be saved. Qt-free.

Within one facet any of the chosen values will do; every facet that is set has to hold. A facet that is empty
(or None) lets everything through.
"""

from dataclasses import dataclass, fields, replace
from typing import Any, Literal

import msgspec

from app.store.records import Choice, Purpose
from dpo_engine.preferences import Split

Standing = Choice | Literal["waiting", "uncompared", "retired"]
"""A row's verdict, or why it has none: it waits, nobody compared its prompt, it was taken from the queue."""
SortKey = Literal["added", "judged", "prompt", "margin"]


@dataclass(frozen=True, kw_only=True)
class Sort:
    key: SortKey = "added"
    descending: bool = True
    """Rows that have nothing to sort by come last either way, and prompts without a comparison after them."""


@dataclass(frozen=True, kw_only=True)
class Filter:
    text: str = ""
    """Words of prompt or response, as `app.store.library.search_text` reads them."""
    standings: tuple[Standing, ...] = ()
    """Empty: all but `retired`."""
    strengths: tuple[int, ...] = ()
    """Of left and right verdicts."""
    annotators: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    """The comparison's or its prompt's."""
    models: tuple[str, ...] = ()
    """Of either candidate."""
    runs: tuple[int, ...] = ()
    """The pairs that these runs were trained or measured on."""
    splits: tuple[Split, ...] = ()
    sources: tuple[str, ...] = ()
    purposes: tuple[Purpose, ...] = ()
    """Empty: `collect`. What is asked again shows once it was answered: the answer has to be a blind one."""
    flagged: bool = False
    disputed: bool = False
    edited: bool = False
    commented: bool = False
    deleted: bool = False
    """The deleted ones instead of those that are not."""
    shortest: int | None = None
    longest: int | None = None
    """One of the two responses has at least, and at most, so many characters."""
    least_margin: float | None = None
    most_margin: float | None = None
    """Of chosen over rejected, in units of beta; without its sign before the verdict."""

    @property
    def is_empty(self) -> bool:
        return self == Filter()

    @property
    def wants_prompts(self) -> bool:
        """Prompts without a comparison can match: nothing is asked that only a comparison has."""
        of_prompts = Filter(
            text=self.text,
            tags=self.tags,
            splits=self.splits,
            sources=self.sources,
            deleted=self.deleted,
            standings=self.standings,
        )
        return self == of_prompts and (not self.standings or "uncompared" in self.standings)

    def without(self, *names: str) -> "Filter":
        """With these facets as if nobody had touched them. `KeyError` for a name that is none."""
        usual = {field.name: field.default for field in fields(self)}
        changes: dict[str, Any] = {name: usual[name] for name in names}
        return replace(self, **changes)


def to_plain(filter_: Filter) -> dict[str, object]:
    """Only what is set, as JSON values."""
    usual = Filter()
    return {
        field.name: msgspec.to_builtins(getattr(filter_, field.name))
        for field in fields(filter_)
        if getattr(filter_, field.name) != getattr(usual, field.name)
    }


def from_plain(plain: object) -> Filter | None:
    """The filter, or None for what is none."""
    try:
        return msgspec.convert(plain, type=Filter)
    except msgspec.ValidationError:
        return None
