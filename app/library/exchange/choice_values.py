"""Words for “which is better?” in a file that nobody knows, so that a person says what they mean. Qt-free."""

from collections.abc import Mapping
from itertools import islice

from app.store.exchange.answers import choice_of
from app.store.exchange.mapped import ColumnMapping, value_of
from app.store.exchange.preview import SAMPLED
from app.store.exchange.sources import Source

_MOST = 8
_LONGEST = 200


def unknown_choices(source: Source, mapping: ColumnMapping) -> tuple[str, ...]:
    """The values that a person has to explain, in the order in which they come. Raises `StoreError`."""
    if not (mapping.choice and mapping.left and mapping.right):
        return ()
    found: dict[str, None] = {}
    for _, row, _ in islice(source.rows(), SAMPLED):
        if not isinstance(row.value, Mapping):
            continue
        value = value_of(row.value, mapping.choice)
        if isinstance(value, (str, int, float)) and choice_of(value, mapping.left, mapping.right) is None:
            found[str(value).strip()[:_LONGEST]] = None
        if len(found) == _MOST:
            break
    return tuple(found)
