"""What the answers to the fixed prompts show: repetition, length, distance from the reference. Qt-free."""

from app.train.health.curves import Curves, Floats, last_within
from app.train.health.finding import Figure, Finding
from app.train.wording import figure

REPEATS = 0.1
"""Share of the different 3-grams at the start that may be lost, where the run sets no bound of its own: a
fall by a tenth was a text that begins to run in circles (measured in `dpo_engine.recommendations`)."""
FAR = 0.1
"""KL(π‖π_ref) in nats a token, where the run sets no bound: beyond it nothing more was won for a rule about
words, and a rule about length brought nonsense (the same measurements)."""
LENGTH_CHANGES = 1.5
"""Factor by which the mean length may change. The same few prompts and seeds are answered each time; lengths
of single answers differ by about e^0.5, so the mean of eight is off by a factor of 1.2 by chance."""
LENGTH_BREAKS = 3.0
"""Factor beyond which a change is too much even where the verdicts ask for it: a run whose answers went from
85 to 63 tokens still wrote whole text, one that went to 17 (a fifth) did not."""
LONGER = 1.15
"""Factor between the sides' mean lengths from which on the verdicts themselves prefer a length."""


def repetition(curves: Curves) -> Finding | None:
    first, now = curves.at_start("samples/distinct"), curves.last("samples/distinct")
    limit = curves.facts.config.stop_at_repetition or REPEATS
    if not first or now is None or now >= (1 - limit) * first:
        return None
    steps, values = _later(curves, "samples/distinct")
    return Finding(
        kind="repetition",
        level="warning",
        sentence="The policy begins to repeat itself in its answers.",
        cause="Pushed too far, a policy says the same few words again and again: too many passes, or too "
        "high a learning rate for these pairs.",
        figures=(
            Figure(name="Different 3-grams", value=f"{100 * now:.0f} % (at the start {100 * first:.0f} %)"),
            Figure(name="Too few below", value=f"{100 * (1 - limit) * first:.0f} %"),
            *_distance(curves),
        ),
        action=curves.back_to(last_within(steps, -values, -(1 - limit) * first), curves.gentler()),
    )


def distance(curves: Curves) -> Finding | None:
    kl = curves.last("samples/kl")
    limit = curves.facts.config.stop_at_kl or FAR
    if kl is None or kl <= limit:
        return None
    steps, values = _later(curves, "samples/kl")
    return Finding(
        kind="distance",
        level="warning",
        sentence=f"The policy went far from its reference: {kl:.2f} nats a token in its own answers.",
        cause="So far away it says things that the reference would hardly say, of which no verdict was. "
        "A larger β or fewer steps hold it closer.",
        figures=(
            *_distance(curves),
            Figure(name="Too far from", value=f"{limit:g} nats a token"),
            Figure(name="β", value=f"{curves.beta:g}"),
        ),
        action=curves.back_to(last_within(steps, values, limit), curves.gentler()),
    )


def length(curves: Curves) -> Finding | None:
    first, now = curves.at_start("samples/tokens"), curves.last("samples/tokens")
    if not first or not now:
        return None
    factor = now / first
    if 1 / LENGTH_CHANGES < factor < LENGTH_CHANGES:
        return None
    longer, bias = factor > 1, _bias(curves)
    asked = bias is not None and (bias >= LONGER if longer else bias <= 1 / LONGER)
    broken = not 1 / LENGTH_BREAKS < factor < LENGTH_BREAKS
    steps, values = _later(curves, "samples/tokens")
    limits = LENGTH_BREAKS if asked else LENGTH_CHANGES
    off = values / first if longer else first / values
    return Finding(
        kind="length",
        level="notice" if asked and not broken else "warning",
        sentence=f"The answers become {'longer' if longer else 'shorter'}: {first:.0f} tokens before, "
        f"{now:.0f} now.",
        cause=_why(longer=longer, asked=asked, broken=broken),
        figures=(
            Figure(name="Length of an answer", value=f"{now:.0f} tokens (at the start {first:.0f})"),
            Figure(name="Longest allowed", value=f"{curves.facts.config.eval_sample_tokens:,} tokens"),
            *_lengths(curves, bias),
        ),
        action=None
        if asked and not broken
        else curves.back_to(last_within(steps, off, limits), curves.gentler()),
    )


def _why(*, longer: bool, asked: bool, broken: bool) -> str:
    word = "longer" if longer else "shorter"
    if asked and not broken:
        return (
            f"The chosen responses are {word} than the rejected ones, so this is what the verdicts ask for. "
            "Read the samples: is it still the answer that you want?"
        )
    if asked:
        return f"The verdicts ask for {word} answers, but so large a change is seldom what anybody means."
    return (
        f"The verdicts do not ask for {word} answers: the end of an answer moved because the policy was "
        "pushed too far."
    )


def _bias(curves: Curves) -> float | None:
    """How many times as long as the rejected responses the chosen ones are."""
    chosen, rejected = curves.tokens("chosen"), curves.tokens("rejected")
    return chosen / rejected if chosen and rejected else None


def _lengths(curves: Curves, bias: float | None) -> tuple[Figure, ...]:
    chosen, rejected = curves.tokens("chosen"), curves.tokens("rejected")
    if bias is None or chosen is None or rejected is None:
        return ()
    return (Figure(name="Chosen, rejected", value=f"{chosen:.0f} and {rejected:.0f} tokens"),)


def _distance(curves: Curves) -> tuple[Figure, ...]:
    kl = curves.last("samples/kl")
    return (
        () if kl is None else (Figure(name="KL to the reference", value=figure("{:.3f} nats a token", kl)),)
    )


def _later(curves: Curves, name: str) -> tuple[Floats, Floats]:
    """Steps and values of the checks after the first step, which alone can be gone back to."""
    steps, values = curves.steps(name), curves.values(name)
    return steps[steps > 0], values[steps > 0]
