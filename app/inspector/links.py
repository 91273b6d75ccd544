"""A pair's name to be noted: `pair:3/comparison-12` finds it again in the same project. Qt-free."""

import re
from typing import NamedTuple

_LINK = re.compile(r"\s*pair:(\d{1,9})/(\S+)\s*")


class PairLink(NamedTuple):
    run_id: int
    pair: str

    def __str__(self) -> str:
        return f"pair:{self.run_id}/{self.pair}"


def read_link(text: str) -> PairLink | None:
    """None for what is no link."""
    match = _LINK.fullmatch(text)
    return PairLink(int(match[1]), match[2]) if match else None
