"""The project's own rows, as `exporting` writes them and `formats` reads them again: which columns there are.

A preference has TRL's `prompt`, `chosen` and `rejected`; anything else that was judged has `prompt`, `left`
and `right`. `dpo_studio` says which kind of row it is, and the columns after it say where it comes from.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal, get_args

import msgspec

from app.store.exchange.entries import Entry, Given, Response, RowRefused
from app.store.exchange.values import (
    bounded,
    decoded,
    messages_of,
    number_of,
    prompt_of,
    short,
    split_of,
    tags_of,
    text_of,
)
from app.store.records import Choice

MARK = "dpo_studio"
Kind = Literal["preferences", "ties", "both_bad", "skips", "disputed", "unjudged", "prompts"]
"""What becomes of a comparison in an export, a folder each; `prompts` are those without any."""

MAX_COMMENT_CHARACTERS = 100_000
_MAX_VERDICTS = 1_000


def is_studio(row: Mapping[str, Any]) -> bool:
    return row.get(MARK) in get_args(Kind)


def read_studio(row: Mapping[str, Any]) -> Entry:
    """Raises `RowRefused`."""
    prompt = prompt_of(decoded(row["conversation"] if row.get("conversation") else row.get("prompt")))
    split, source, prompt_tags = (
        split_of(row.get("split")),
        short(row.get("source")),
        _tags(row, "prompt_tags"),
    )
    if row[MARK] == "prompts":
        return Entry(prompt=prompt, split=split, source=source, prompt_tags=prompt_tags)
    left, right = _sides(row)
    return Entry(
        prompt=prompt,
        left=left,
        right=right,
        verdicts=_verdicts(row),
        placed=True,
        split=split,
        source=source,
        prompt_tags=prompt_tags,
        tags=_tags(row, "tags"),
        flagged=row.get("flagged") in (True, "true", "True", 1),
        comment=_comment(row.get("comment")),
    )


def _sides(row: Mapping[str, Any]) -> tuple[Response, Response]:
    if row[MARK] != "preferences":
        return _response(row, "left", text_of(row, "left")), _response(row, "right", text_of(row, "right"))
    original = row.get("chosen_original")
    chosen = _response(row, "chosen", _said(row["chosen"], "chosen") if original is None else original)
    rejected = _response(row, "rejected", _said(row["rejected"], "rejected"))
    if row.get("chosen_side") not in ("left", "right"):
        raise RowRefused("Its chosen_side is neither left nor right.")
    return (chosen, rejected) if row["chosen_side"] == "left" else (rejected, chosen)


def _said(value: Any, name: str) -> str:
    """A response as a text or as the one message of the assistant."""
    known = decoded(value)
    if isinstance(known, list):
        messages = messages_of(known, name)
        if len(messages) != 1:
            raise RowRefused(f"Its {name} is not one message.")
        return messages[0].content
    return bounded(value, name)


def _response(row: Mapping[str, Any], side: str, text: Any) -> Response:
    sampling = decoded(row.get(f"{side}_sampling"))
    return Response(
        text=bounded(text, side),
        model=short(row.get(f"{side}_model")),
        fingerprint=short(row.get(f"{side}_fingerprint")),
        sampling=_numbers(sampling) if isinstance(sampling, Mapping) else {},
        seed=_whole(row.get(f"{side}_seed")),
        finish_reason=short(row.get(f"{side}_finish_reason")),
        tokens=max(0, _whole(row.get(f"{side}_tokens"))),
        seconds=number_of(row.get(f"{side}_seconds")),
    )


def _verdicts(row: Mapping[str, Any]) -> tuple[Given, ...]:
    told = decoded(row.get("verdicts"))
    if not isinstance(told, list) or len(told) > _MAX_VERDICTS:
        raise RowRefused("Its verdicts are no list.")
    try:
        given: list[Given] = msgspec.convert(told, type=list[Given])
    except msgspec.ValidationError as error:
        raise RowRefused(f"Its verdicts cannot be read: {error}.") from error
    for one in given:
        if one.strength not in (1, 2, 3) or one.seconds != number_of(one.seconds):
            raise RowRefused("A verdict of it has a strength or a time that cannot be.")
        if one.edited is not None and (one.choice not in ("left", "right") or not one.edited.strip()):
            raise RowRefused("A verdict of it has an edit that cannot be.")
        bounded(one.edited or "", "edit")
    return tuple([msgspec.structs.replace(one, created_at=_moment(one.created_at)) for one in given])


def _moment(value: str) -> str:
    """A time as a project keeps it, so that verdicts can be put in order by it."""
    try:
        at = datetime.fromisoformat(value)
        return (
            (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC).isoformat(timespec="microseconds")
        )
    except (ValueError, OverflowError) as error:
        raise RowRefused(f"A verdict of it was given at {value[:40]!r}, which is no time.") from error


def _numbers(sampling: Mapping[str, Any]) -> dict[str, int | float]:
    return {
        short(name): value
        for name, value in list(sampling.items())[:100]
        if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 2**63
    }


def _whole(value: Any) -> int:
    if isinstance(value, str) and value.lstrip("-").isdecimal() and len(value) < 20:
        value = int(value)
    return value if isinstance(value, int) and abs(value) < 2**63 else 0


def _tags(row: Mapping[str, Any], name: str) -> tuple[str, ...]:
    return tags_of(decoded(row.get(name)))


def _comment(value: Any) -> str:
    if not isinstance(value, str):
        return ""
    if len(value) > MAX_COMMENT_CHARACTERS:
        raise RowRefused(
            f"Its comment has {len(value):,} characters; the limit is {MAX_COMMENT_CHARACTERS:,}."
        )
    return value


def kind_of(choice: Choice | None, *, disputed: bool) -> Kind:
    """Where a comparison belongs by the verdict that counts."""
    if disputed:
        return "disputed"
    if choice is None:
        return "unjudged"
    kinds: Mapping[Choice, Kind] = {
        "left": "preferences",
        "right": "preferences",
        "tie": "ties",
        "both_bad": "both_bad",
        "skip": "skips",
    }
    return kinds[choice]
