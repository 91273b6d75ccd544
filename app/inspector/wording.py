"""Numbers and the reading of a pair in words. Qt-free.

Decimals are fixed, so that a column of figures lines up; a minus is the typographic one on screen.
"""

from app.inspector.figures import Summary
from dpo_engine.pair_math import Case, case, probability

MINUS = "−"
CASE_WORDS: dict[Case, str] = {"learned": "Learned", "undecided": "Undecided", "against": "Against"}
CASE_MEANINGS: dict[Case, str] = {
    "learned": "The policy prefers the chosen response, by 60 : 40 or more",
    "undecided": "Less than 60 : 40 either way",
    "against": "The policy prefers the rejected response, by 60 : 40 or more",
}


def decimal(value: float, places: int = 2) -> str:
    """Fixed decimals with a typographic minus; what rounds to zero carries no sign."""
    text = f"{value:.{places}f}"
    if text.startswith("-"):
        text = text[1:] if float(text) == 0 else MINUS + text[1:]
    return text


def percent(share: float, places: int = 1) -> str:
    """0 to 1 as "60.1 %", with a space that does not break."""
    return f"{100 * share:.{places}f}\u00a0%"


def count(number: int, what: str = "pair") -> str:
    """ "1 pair", "48 pairs", "100,000 pairs"."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def summary_cells(title: str, summary: Summary) -> tuple[str, ...]:
    """The summary of a split as the cells of one line; a dash where there is nothing to take a mean of."""
    return (
        title,
        count(summary.pairs),
        f"mean margin {_or_dash(summary.mean_margin, 3)}",
        f"accuracy {'–' if summary.accuracy is None else percent(summary.accuracy, 0)}",
        f"mean loss {_or_dash(summary.mean_loss, 3)}",
        " · ".join(f"{number:,} {name}" for name, number in summary.cases.items()),
    )


def reading(*, margin: float, chosen_log_ratio: float, rejected_log_ratio: float) -> str:
    """What happened to this pair, in two sentences; true for every combination of signs."""
    if margin == 0 and chosen_log_ratio == 0 and rejected_log_ratio == 0:
        return "The policy is undecided: it gives both responses exactly the reference's probability."
    return f"{_preference(margin)} {_movement(chosen_log_ratio, rejected_log_ratio)}"


def _preference(margin: float) -> str:
    chance = _chance(probability(margin))
    kind = case(margin)
    if kind == "learned":
        return f"The policy now prefers the chosen response by margin {decimal(margin)} ({chance})."
    if kind == "against":
        figures = f"margin {decimal(margin)} ({chance} for the chosen)"
        return f"The policy now prefers the rejected response: {figures}."
    if decimal(margin) == decimal(0.0):
        return f"The policy is undecided: the margin is {decimal(margin)} ({chance})."
    leaning = f"chosen ({chance})" if margin > 0 else f"rejected ({chance} for the chosen)"
    return f"The policy is undecided: margin {decimal(margin)}, leaning to the {leaning}."


def _movement(chosen: float, rejected: float) -> str:
    first, second = _direction(chosen), _direction(rejected)
    if first == second == "":
        return "Neither response has moved by as much as 0.01 nats."
    if first == "":
        return f"It left the chosen where it was and {second} the rejected by {_nats(rejected)} nats."
    if second == "":
        return f"It {first} the chosen by {_nats(chosen)} nats and left the rejected where it was."
    if first != second:
        return (
            f"It {first} the chosen by {_nats(chosen)} nats and {second} the rejected by {_nats(rejected)}."
        )
    return (
        f"It {first} both, {_more(chosen, rejected)}: the chosen by {_nats(chosen)} nats, "
        f"the rejected by {_nats(rejected)}."
    )


def _direction(log_ratio: float) -> str:
    if decimal(log_ratio) == decimal(0.0):
        return ""
    return "raised" if log_ratio > 0 else "lowered"


def _more(chosen: float, rejected: float) -> str:
    if _nats(chosen) == _nats(rejected):
        return "about equally"
    return "the chosen more" if abs(chosen) > abs(rejected) else "the rejected more"


def _nats(log_ratio: float) -> str:
    """One decimal, two below 1: small moves are the usual ones after few steps."""
    size = abs(log_ratio)
    return decimal(size, 2 if size < 1 else 1)


def _chance(share: float) -> str:
    if share >= 0.995:
        return "over 99\u00a0%"
    if share < 0.005:
        return "under 1\u00a0%"
    return percent(share, 0)


def _or_dash(value: float | None, places: int) -> str:
    return "–" if value is None else decimal(value, places)
