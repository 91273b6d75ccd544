"""What is said of a token and of their sums, in words and as rows. Qt-free."""

import math
from collections.abc import Iterator

from app.inspector.tokens.blocks import visible
from app.inspector.tokens.values import Mode, PairTokens, Totals
from app.inspector.wording import MINUS, decimal
from dpo_engine.token_scores.details import TokenDetail

MODE_WORDS: dict[Mode, str] = {
    "log_ratio": "Log-ratio",
    "policy": "Policy",
    "reference": "Reference",
    "share": "Chosen − rejected",
}
MODE_MEANINGS: dict[Mode, str] = {
    "log_ratio": "log π_θ − log π_ref of each token: what training raised and lowered",
    "policy": "log-prob of each token under the policy: how likely it finds it",
    "reference": "log-prob of each token under the reference",
    "share": "Each token's share in the margin. Words that both responses share are paired, and their "
    "difference stands with the chosen one; the other words of the rejected count negatively.",
}
_LONGEST = 40


def signed(value: float, places: int = 2) -> str:
    """With its sign, as differences are; zero without."""
    text = decimal(value, places)
    return text if text.startswith(MINUS) or float(text) == 0 else f"+{text}"


def chance(log_prob: float) -> str:
    """A probability from its logarithm: "58 %", "0.3 %", "0.0001 %"; words where that says nothing."""
    share = 100 * math.exp(min(0.0, log_prob))
    if share >= 99.95:
        return "100\u00a0%"
    if share >= 1:
        return f"{share:.0f}\u00a0%"
    if share >= 0.0001:
        return f"{share:.1g}\u00a0%"
    return "under 0.0001\u00a0%"


def shown(text: str) -> str:
    """A token's text on one line, with signs for what cannot be seen, cut where it is long."""
    line = visible(text)
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def place_words(token: TokenDetail, place: int, total: int) -> str:
    part = f" · part {token.piece + 1} of {token.pieces}" if token.pieces > 1 else ""
    return f"{place + 1:,} of {total:,} · id {token.id}{part}"


def value_words(mode: Mode, value: float) -> str:
    """The value that the token is coloured by, and what it means."""
    if math.isnan(value):
        return "stands in both; counted with the chosen response"
    if mode == "policy":
        return f"log-prob {decimal(value, 3)} under the policy"
    if mode == "reference":
        return f"log-prob {decimal(value, 3)} under the reference"
    if decimal(value, 3) == decimal(0.0, 3):
        return f"{decimal(0.0, 3)} nats, unchanged" if mode == "log_ratio" else "0.000 nats of the margin"
    if mode == "log_ratio":
        return f"{signed(value, 3)} nats, {'raised' if value > 0 else 'lowered'}"
    return f"{signed(value, 3)} nats {'for' if value > 0 else 'against'} the chosen"


def spoken(token: TokenDetail, place: int, total: int, mode: Mode, value: float) -> str:
    """A token for a screen reader."""
    likeliest = f" The policy's first choice: {shown(token.policy_top[0].text)}." if token.policy_top else ""
    ranks = (
        f" Rank {token.policy_rank:,} under the policy, {token.reference_rank:,} under the reference."
        if token.policy_rank
        else ""
    )
    kind = "Special token" if token.special else "Token"
    return (
        f"{kind} {place + 1:,} of {total:,}: {shown(token.text)}. {value_words(mode, value)}. "
        f"Log-prob {decimal(token.policy, 3)} under the policy, {decimal(token.reference, 3)} under the "
        f"reference.{ranks}{likeliest}"
    )


def sum_words(total: Totals) -> str:
    """The sum from the tokens to the margin, in figures that add up as they stand."""
    operands = f"Σ chosen {_figure(total.chosen)} {MINUS} Σ rejected {_operand(total.rejected)}"
    strength = f"× β {total.beta.normalize():f}"
    margin = f"{'=' if total.exact else '≈'} margin {_figure(total.margin)}"
    return f"{operands} = {_figure(total.difference)};  {strength} {margin}"


def rows(pair: PairTokens) -> Iterator[tuple[str | int | float, ...]]:
    """Headings, then a row for each token of the chosen and of the rejected response."""
    yield (
        "response",
        "place",
        "token",
        "id",
        "policy",
        "reference",
        "log_ratio",
        "policy_rank",
        "reference_rank",
        "policy_first",
        "reference_first",
    )
    for name, side in (("chosen", pair.chosen), ("rejected", pair.rejected)):
        for place, token in enumerate(side.tokens):
            yield (
                name,
                place + 1,
                visible(token.text),
                token.id,
                round(token.policy, 6),
                round(token.reference, 6),
                round(token.log_ratio, 6),
                token.policy_rank,
                token.reference_rank,
                visible(token.policy_top[0].text) if token.policy_top else "",
                visible(token.reference_top[0].text) if token.reference_top else "",
            )


def as_tsv(pair: PairTokens) -> str:
    """The rows with tabs between, as a spreadsheet takes them; no field holds a tab or a line end."""
    return "".join("\t".join(map(str, row)) + "\n" for row in rows(pair))


def _figure(value: object) -> str:
    return str(value).replace("-", MINUS)


def _operand(value: object) -> str:
    """After a minus, a negative figure stands in brackets."""
    text = _figure(value)
    return f"({text})" if text.startswith(MINUS) else text
