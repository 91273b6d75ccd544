"""Good rows and files made bad, as a stranger's may be; drawn from a seed that makes them again."""

import copy
import json
from random import Random
from typing import Any

_JUNK: tuple[Any, ...] = (
    *(
        None,
        True,
        False,
        0,
        -1,
        2**70,
        -(2**63),
        1.5,
        1e308,
        "",
        " ",
        "\n",
        "\x00",
        "a" * 5_000,
        "\ud800",
        "½é🦦",
    ),
    *(
        [],
        {},
        [[]],
        [None],
        [{}],
        {"role": "user"},
        {"role": [], "content": {}},
        ["text"],
        {"": ""},
        {"a": {"b": {}}},
    ),
    *("[", "{", "[1,2", '{"a":', "[" * 2_000, '[{"role":"user","content":null}]', "Human:", "\n\nHuman: x"),
    *("left", "tie", "model_a", "response_1", "=1+1", "1e999", "nan", "2026-99-99", "null"),
)


def damaged_row(row: Any, draw: Random) -> Any:
    """The row with one to four things in it changed, taken away, added or put in each other's place."""
    made = copy.deepcopy(row)
    for _ in range(draw.randint(1, 4)):
        _damage(made, draw)
    return draw.choice(_JUNK) if draw.random() < 0.02 else made


def _damage(value: Any, draw: Random) -> None:
    place: Any = value
    while isinstance(place, (dict, list)) and place:
        key = draw.choice(list(place)) if isinstance(place, dict) else draw.randrange(len(place))
        inside = place[key]
        if isinstance(inside, (dict, list)) and inside and draw.random() < 0.7:
            place = inside
            continue
        _change(place, key, draw)
        return


def _change(place: Any, key: Any, draw: Random) -> None:
    match draw.randrange(6):
        case 0:
            del place[key]
        case 1 if isinstance(place, list):
            place.extend(place[:1] * draw.choice((1, 50)))
        case 1:
            place[draw.choice(("prompt", "chosen", "winner", "fields", "data", "verdicts", "x"))] = place[key]
        case 2 if isinstance(place[key], str):
            at = draw.randint(0, len(place[key]))
            place[key] = (
                place[key][:at] + draw.choice(("", "\u2028", "\r", '"', "\x00", "é")) + place[key][at + 1 :]
            )
        case 3:
            place[key] = [place[key]]
        case _:
            place[key] = copy.deepcopy(draw.choice(_JUNK))


def json_lines(rows: list[Any]) -> bytes:
    """With `ensure_ascii`, so that halves of characters are in the file as JSON writes them."""
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def damaged_bytes(content: bytes, draw: Random) -> bytes:
    """Some bytes changed, cut out, put in or said twice."""
    made = bytearray(content)
    for _ in range(draw.randint(1, 5)):
        at, to = sorted((draw.randint(0, len(made)), draw.randint(0, len(made))))
        match draw.randrange(5):
            case 0 if made:
                made[draw.randrange(len(made))] = draw.randrange(256)
            case 1:
                del made[at : min(to, at + draw.choice((1, 8, 200)))]
            case 2:
                made[at:at] = draw.randbytes(draw.choice((1, 3, 40)))
            case 3:
                made[at:at] = made[at : min(to, at + 100)]
            case _:
                made[at:at] = draw.choice(
                    (b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b'"', b"\r\n", b"\\u", b"[", b"}")
                )
    return bytes(made)
