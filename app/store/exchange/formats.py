"""The formats that an import knows, how it tells them apart, and how a row of each becomes an `Entry`."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from app.store.exchange import arena, argilla, label_studio, plain_formats, studio_format
from app.store.exchange.entries import Entry, RowRefused
from app.store.exchange.file_rows import RowFault
from app.store.exchange.mapped import ColumnMapping, read_mapped

Reader = Callable[[Any], Entry]
"""From the value of a row to what it says. Raises `RowRefused`."""


class Format(msgspec.Struct, frozen=True):
    key: str
    title: Callable[[Mapping[str, Any]], str]
    fits: Callable[[Mapping[str, Any]], bool]
    read: Callable[[Mapping[str, Any]], Entry]


FORMATS = (
    Format("studio", lambda _: "DPO Studio export", studio_format.is_studio, studio_format.read_studio),
    Format("arena", lambda _: "Arena battles", arena.is_battle, arena.read_battle),
    Format("argilla", lambda _: "Argilla, pairwise", argilla.is_argilla, argilla.read_argilla),
    Format(
        "label_studio",
        lambda _: "Label Studio, pairwise",
        label_studio.is_label_studio,
        label_studio.read_label_studio,
    ),
    Format("rated", lambda _: "UltraFeedback", plain_formats.is_rated, plain_formats.read_rated),
    Format(
        "preference",
        plain_formats.title_of_preference,
        plain_formats.is_preference,
        plain_formats.read_preference,
    ),
    Format("prompts", lambda _: "Prompts", plain_formats.is_prompt, plain_formats.read_prompt),
)
"""In the order of how particular they are: the first that fits a row has it."""


def recognised(values: Iterable[Any]) -> tuple[Format, str] | None:
    """The format of most of these rows and what it is called, or None where no row is of any."""
    found: Counter[str] = Counter()
    titles: dict[str, str] = {}
    for value in values:
        known = _format_of(value)
        if known is not None:
            found[known.key] += 1
            titles.setdefault(known.key, known.title(value))
    if not found:
        return None
    key = found.most_common(1)[0][0]
    return format_by(key), titles[key]


def format_by(key: str) -> Format:
    """Raises `KeyError`."""
    for known in FORMATS:
        if known.key == key:
            return known
    raise KeyError(key)


def reader_of(key: str, mapping: ColumnMapping | None = None) -> Reader:
    """How to read a row of a format; with a `mapping` by that alone. A text of its own is a prompt."""
    read = format_by(key).read if mapping is None else lambda row: read_mapped(row, mapping)

    def read_value(value: Any) -> Entry:
        if isinstance(value, Mapping):
            try:
                return _whole_text(read(value))
            except KeyError as error:
                raise RowRefused(f"It has no {str(error.args[0])[:80]}.") from error
            except (TypeError, AttributeError, ValueError, RecursionError, OverflowError) as error:
                # Whatever else a row of a stranger's file holds, it is this row's fault alone.
                raise RowRefused(f"It cannot be read ({type(error).__name__}).") from error
        if isinstance(value, RowFault):
            raise RowRefused(value.reason)
        if isinstance(value, str):
            return _whole_text(plain_formats.read_text(value))
        raise RowRefused("It is no object with named columns.")

    return read_value


def _whole_text(entry: Entry) -> Entry:
    """Raises `RowRefused` for half of a character, which JSON and CSV can hold and a project cannot."""
    try:
        msgspec.json.encode(entry)
    except UnicodeEncodeError:
        raise RowRefused("It has half of a character, which is no text.") from None
    return entry


def _format_of(value: Any) -> Format | None:
    if not isinstance(value, Mapping):
        return None
    for known in FORMATS:
        try:
            if known.fits(value):
                return known
        except (TypeError, AttributeError, KeyError, ValueError, RecursionError):
            continue
    return None
