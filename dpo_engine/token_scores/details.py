"""What is known of one scored token of a response. Torch-free, the same over a pipe or in a project file."""

from dataclasses import dataclass
from typing import NamedTuple


class Alternative(NamedTuple):
    """A token that a model held likely at some place."""

    id: int
    text: str
    log_prob: float
    """Nats, to four decimals."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenDetail:
    """One token under policy and reference; log-probs in nats, ranks from 1 for the likeliest token.

    A rank of 0 is not known.
    """

    text: str
    """What it writes. Of a character whose bytes are spread over several tokens, each has the whole."""
    id: int
    policy: float
    reference: float
    policy_rank: int = 0
    reference_rank: int = 0
    policy_top: tuple[Alternative, ...] = ()
    """The likeliest tokens at this place, the likeliest first; the token itself may be one of them."""
    reference_top: tuple[Alternative, ...] = ()
    piece: int = 0
    """Which of the `pieces` tokens that write `text` together this one is, from 0."""
    pieces: int = 1
    special: bool = False
    """It is no text but a sign of the template, such as the end of the turn."""

    @property
    def log_ratio(self) -> float:
        """log π_θ − log π_ref of this token."""
        return self.policy - self.reference


def written(tokens: tuple[TokenDetail, ...]) -> str:
    """The text that the tokens write, one after another."""
    return "".join(token.text for token in tokens if token.piece == 0)
