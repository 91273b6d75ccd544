"""Tokens made up for tests: words with log-probs, and what follows from them."""

from collections.abc import Sequence

from app.inspector.tokens.values import PairTokens, SideTokens
from app.store.training.token_details import PairDetails
from dpo_engine.token_scores.details import Alternative, TokenDetail

Word = tuple[str, float, float]
"""Text, log-prob under the policy, under the reference."""


def detail(text: str, policy: float = -1.0, reference: float = -1.0, **changes: object) -> TokenDetail:
    """A token whose id follows from its text."""
    values: dict[str, object] = {
        "id": sum(map(ord, text)),
        "policy_rank": 2,
        "reference_rank": 31,
        "policy_top": (Alternative(5, " cat", -0.1), Alternative(sum(map(ord, text)), text, policy)),
        "reference_top": (Alternative(6, "\n", -0.2),),
    }
    return TokenDetail(text=text, policy=policy, reference=reference, **(values | changes))  # type: ignore[arg-type]


def details(words: Sequence[Word]) -> tuple[TokenDetail, ...]:
    return tuple(detail(*word) for word in words)


def pair_details(chosen: Sequence[Word], rejected: Sequence[Word]) -> PairDetails:
    return PairDetails(chosen=details(chosen), rejected=details(rejected))


def pair_tokens(chosen: Sequence[Word], rejected: Sequence[Word]) -> PairTokens:
    return PairTokens(SideTokens.of(details(chosen)), SideTokens.of(details(rejected)))


CHOSEN: tuple[Word, ...] = (("The", -1.0, -1.5), (" cat", -0.5, -2.0), (" sat", -1.0, -0.5))
REJECTED: tuple[Word, ...] = (("The", -1.25, -1.5), (" dog", -3.0, -1.0), (" sat", -1.0, -1.0))
