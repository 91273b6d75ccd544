"""What the pictures show, as sentences. Qt-free."""

import math
from collections.abc import Mapping

from app.inspector.pictures.calibration import ENOUGH, Calibration, Reliability
from app.inspector.pictures.correlation import Correlation
from app.inspector.pictures.length_bias import LengthBias
from app.inspector.pictures.movement import Movement
from app.inspector.pictures.selection import Span
from app.inspector.wording import count, decimal, percent
from dpo_engine.pair_math import Case

_SLIGHT, _CLEAR, _STRONG = 0.1, 0.3, 0.5
"""Sizes of a correlation that are called small, medium and large. Source: J. Cohen (1988), Statistical power
analysis for the behavioral sciences, chapter 3."""

PICKED = (
    "These pairs were picked by their case, so verdicts agree or not by construction. Let every case "
    "through to see the calibration."
)


def span_words(span: Span, number: str = "{:.2f}") -> str:
    """ "0.40 to 0.60", "below 0.40", "0.60 or more", "any"."""
    low, high = (number.format(end).replace("-", "−") for end in (span.low, span.high))
    if math.isinf(span.low) and math.isinf(span.high):
        return "any"
    if math.isinf(span.low):
        return f"below {high}"
    return f"{low} or more" if math.isinf(span.high) else f"{low} to {high}"


def spread_sentence(cases: Mapping[Case, int], median: float, before: float | None) -> str:
    """The cases' shares and the median margin; `before`: the median at the checkpoint compared with."""
    pairs = sum(cases.values())
    if not pairs:
        return "No pair passes the filters."
    shares = ", ".join(f"{percent(number / pairs, 0)} {name}" for name, number in cases.items())
    was = "" if before is None else f", before {decimal(before)}"
    return f"{shares}. The median margin is {decimal(median)}{was}."


def movement_sentence(moved: Movement) -> str:
    """The four ways two responses can move, the most frequent first."""
    if not moved.pairs:
        return "No pair passes the filters."
    ways = [
        (moved.both_fell, "both responses fell"),
        (moved.both_rose, "both rose"),
        (moved.parted, "only the chosen rose"),
        (moved.crossed, "only the rejected rose"),
    ]
    told = [
        f"in {percent(number / moved.pairs, 0)} {words}"
        for number, words in sorted(ways, key=lambda way: -way[0])
        if number
    ]
    return f"Against the reference, {', '.join(told)}."


def length_sentence(bias: LengthBias) -> str:
    linear, ranked = bias.pearson, bias.spearman
    if linear is None or ranked is None:
        return "Too few pairs, or all alike: nothing can be said about length."
    figures = f"Pearson {_correlation_words(linear)}, Spearman {_correlation_words(ranked)}."
    return f"{_length_reading(ranked)} {figures}"


def calibration_sentence(found: Calibration) -> str:
    if not found.held_out:
        return (
            "No held-out pair is among these. On pairs that it was trained on, a policy looks surer than "
            "it may be."
        )
    overall = found.overall
    if overall is None:
        return "The policy favours neither response of any held-out pair, so there is nothing to compare."
    share = f"{percent(overall.agreement, 0)} ({_range(overall)})"
    said = percent(overall.confidence, 0)
    if overall.verdicts < ENOUGH:
        return (
            f"Too few to judge by: {count(overall.verdicts, 'held-out verdict')}, from {ENOUGH} on it means "
            f"something. So far {share} agree with the policy, which is {said} sure on average."
        )
    return (
        f"{_sureness(overall)}: {said} sure on average, while {share} of "
        f"{count(overall.verdicts, 'held-out verdict')} agree. Calibration error {decimal(overall.error)}, "
        f"about {decimal(overall.error_by_chance)} by chance."
    )


def reliability_words(found: Reliability) -> str:
    """ "84 % sure, 71 % (62 to 78 %) of 120 agree"."""
    agree = f"{percent(found.agreement, 0)} ({_range(found)})"
    return f"{percent(found.confidence, 0)} sure, {agree} of {found.verdicts:,} agree"


def _length_reading(found: Correlation) -> str:
    size = abs(found.value)
    if found.interval.low <= 0 <= found.interval.high:
        return "No sign that the margin goes with length."
    if size < _SLIGHT:
        return "The margin hardly goes with length."
    how = "strongly" if size >= _STRONG else "clearly" if size >= _CLEAR else "slightly"
    if found.value > 0:
        return (
            f"Margins are {how} larger where the chosen response is longer: it may be learning to write more."
        )
    return f"Margins are {how} larger where the chosen response is shorter: it may be learning to write less."


def _sureness(found: Reliability) -> str:
    if found.confidence > found.interval.high:
        return "Too sure of itself"
    return (
        "Less sure than it could be"
        if found.confidence < found.interval.low
        else "About as sure as it may be"
    )


def _correlation_words(found: Correlation) -> str:
    low, high = decimal(found.interval.low), decimal(found.interval.high)
    return f"{decimal(found.value)} ({low} to {high})"


def _range(found: Reliability) -> str:
    return f"{100 * found.interval.low:.0f} to {percent(found.interval.high, 0)}"
