"""Requests, controls and events as JSON lines: `{"type": "StepDone", "body": {…}}`.

One line is one message. Decoding is strict: an unknown type, a missing field or a value of the wrong kind
is a `BadInput`, and nothing on the wire can make the reader build anything but these dataclasses.
"""

from collections.abc import Mapping
from typing import Any, get_args

import msgspec

from dpo_engine.errors import BadInput
from dpo_engine.events import Event
from dpo_engine.requests import Control, Request

Wired = Request | Control | Event

MAX_LINE_BYTES = 64 * 1024 * 1024


class _Envelope(msgspec.Struct):
    type: str
    body: msgspec.Raw


def _by_name(union: Any) -> dict[str, type[Any]]:
    return {cls.__name__: cls for cls in get_args(union)}


_INBOUND = _by_name(Request) | _by_name(Control)
_OUTBOUND = _by_name(Event)


def encode(message: Wired) -> bytes:
    """One message as one line, newline included."""
    return msgspec.json.encode({"type": type(message).__name__, "body": message}) + b"\n"


def decode_inbound(line: bytes) -> Request | Control:
    """Raises `BadInput` for anything that is not a request or control."""
    decoded: Request | Control = _decode(line, _INBOUND)
    return decoded


def decode_event(line: bytes) -> Event:
    """Raises `BadInput` for anything that is not an event."""
    decoded: Event = _decode(line, _OUTBOUND)
    return decoded


def _decode(line: bytes, types: Mapping[str, type[Any]]) -> Any:
    if len(line) > MAX_LINE_BYTES:
        raise BadInput(f"A message of {len(line)} bytes is over the limit of {MAX_LINE_BYTES}.")
    try:
        envelope = msgspec.json.decode(line, type=_Envelope)
        if envelope.type not in types:
            raise BadInput(f"Unknown message type {envelope.type!r}.")
        return msgspec.json.decode(envelope.body, type=types[envelope.type])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"A message could not be read: {error}.") from error
