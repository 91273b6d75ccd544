"""The Library's figures in words, and the shares of its lines. Qt-free."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from app.library.share_rows import Share
from app.store.figures.coefficients import Agreement
from app.store.figures.intervals import Interval
from app.store.figures.statistics import Coverage, Day, LengthBias, Sides, Statistics
from app.store.records import Choice

MOST_COVERED = 10
PERIODS = {1: "day", 7: "week", 28: "four weeks"}
_MOST_BARS = 60


def percent(share: float, places: int = 0) -> str:
    return f"{100 * share:.{places}f} %"


def within(low: float, high: float) -> str:
    return f"{100 * low:.0f}–{100 * high:.0f} %"


def days_words(days: Sequence[Day]) -> str:
    """How many verdicts on how many days, and the fullest one."""
    if not days:
        return "No verdict yet"
    total, active = sum(day.total for day in days), sum(1 for day in days if day.total)
    most = max(days, key=lambda day: day.total)
    return (
        f"{_count(total, 'verdict')} on {_count(active, 'day')}; "
        f"the most on {most.day.day} {most.day:%b %Y}: {most.total:,}"
    )


def grouped(days: Sequence[Day]) -> tuple[int, tuple[Day, ...]]:
    """Days put together to as many bars as can be told apart, and of how many days each is."""
    step = next((step for step in PERIODS if len(days) <= step * _MOST_BARS), max(PERIODS))
    spans = []
    for start in range(0, len(days), step):
        counts: Counter[Choice] = Counter()
        for day in days[start : start + step]:
            counts.update(day.counts)
        spans.append(Day(day=days[start].day, counts=dict(counts)))
    return step, tuple(spans)


def length_words(lengths: LengthBias | None) -> str:
    """Whether the longer response wins more often than chance, with its interval."""
    if lengths is None or lengths.share is None:
        return "No pair of unlike lengths yet"
    low, high = lengths.interval.low, lengths.interval.high
    said = (
        "more often than chance"
        if low > 0.5
        else "less often than chance"
        if high < 0.5
        else "no more than chance would"
    )
    mean = lengths.mean_difference
    longer = (
        f"{_count(round(abs(mean)), 'character')} {'longer' if mean >= 0 else 'shorter'} on average"
        if round(mean)
        else "as long as rejected ones on average"
    )
    return (
        f"The longer response won {percent(lengths.share)} of {_count(lengths.pairs - lengths.same, 'pair')} "
        f"(95 %: {within(low, high)}), {said}. Chosen ones are {longer}."
        + (f" {_count(lengths.same, 'pair')} of one length." if lengths.same else "")
    )


def sides_words(sides: Sides) -> str:
    if sides.share is None:
        return "No preference yet"
    return f"{percent(sides.share)} ({within(sides.interval.low, sides.interval.high)})"


def agreement_shares(found: Statistics) -> list[Share]:
    """Left against right, each annotator with themselves, all with one another."""
    shares = [
        _share(
            "Left preferred", found.sides.share, found.sides.interval, sides_words(found.sides), expected=0.5
        )
    ]
    for name, meter in found.meters:
        words = (
            f"{percent(meter.agreement)} of {meter.repeats}"
            f" ({within(meter.interval.low, meter.interval.high)})"
            if meter.agreement is not None
            else "not asked again yet"
        )
        shares.append(_share(f"{name} with themselves", meter.agreement, meter.interval, words))
    if found.between is not None:
        shares.append(_coefficient("All annotators, α", found.between.alpha))
        shares += [
            _coefficient(f"{pair.first} and {pair.second}, κ", pair.kappa) for pair in found.between.pairs
        ]
    return shares


def coverage_shares(coverages: Sequence[Coverage]) -> list[Share]:
    return [
        Share(
            name=one.name,
            share=one.judged / one.of if one.of else None,
            words=f"{one.judged:,} of {one.of:,}",
        )
        for one in coverages[:MOST_COVERED]
    ]


def length_bars(lengths: LengthBias, *, bars: int = 40) -> tuple[list[float], list[float], float]:
    """Middles, heights and width of a histogram of chosen − rejected, as many bars either side of 0.

    Pairs of one length are in none. It reaches as far as nine in ten of the differences do, and half as far
    again; the outermost bars hold what lies beyond.
    """
    unlike = lengths.differences != 0
    differences, times = lengths.differences[unlike], lengths.times[unlike]
    if not differences.size:
        return [], [], 1.0
    order = np.argsort(np.abs(differences))
    sizes, reached = np.abs(differences)[order], np.cumsum(times[order])
    usual = float(sizes[int(np.searchsorted(reached, 0.9 * reached[-1]))])
    width = max(1.0, 3 * usual / bars)
    half = bars // 2
    # A bar holds what is above its lower end, to the right of 0, and mirrored to the left of it.
    place = np.sign(differences) * np.minimum(np.ceil(np.abs(differences) / width), half)
    index = np.where(place > 0, place + half - 1, place + half).astype(np.int64)
    heights = np.bincount(index, weights=times, minlength=bars)
    middles = (np.arange(bars) - half + 0.5) * width
    return middles.tolist(), heights.tolist(), width


def _share(
    name: str, share: float | None, interval: Interval, words: str, *, expected: float | None = None
) -> Share:
    return Share(name=name, share=share, words=words, low=interval.low, high=interval.high, expected=expected)


def _coefficient(name: str, found: Agreement) -> Share:
    if found.value is None:
        return Share(name=name, share=None, words="no comparison in common")
    low, high = (found.value if end is None else end for end in (found.low, found.high))
    words = f"{found.value:.2f} ({low:.2f} to {high:.2f}) over {found.items:,}".replace("-", "−")
    clipped = [min(max(value, 0.0), 1.0) for value in (found.value, low, high)]
    return Share(name=name, share=clipped[0], words=words, low=clipped[1], high=clipped[2])


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"
