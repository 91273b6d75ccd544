"""Words and figures of the Library."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.library.figure_words import days_words, grouped, length_bars, length_words
from app.library.wording import chip_words, margin_words, model_words, moment
from app.store.figures.intervals import wilson
from app.store.figures.statistics import Day, LengthBias
from app.store.library.filters import Filter


def bias(times: dict[int, int]) -> LengthBias:
    longer = sum(n for difference, n in times.items() if difference > 0)
    shorter = sum(n for difference, n in times.items() if difference < 0)
    pairs = sum(times.values())
    mean = sum(difference * n for difference, n in times.items()) / pairs
    return LengthBias(
        pairs=pairs,
        longer_won=longer,
        shorter_won=shorter,
        same=times.get(0, 0),
        mean_chosen=100 + mean,
        mean_rejected=100,
        interval=wilson(longer, longer + shorter),
        differences=np.array(sorted(times), dtype=np.int64),
        times=np.array([times[one] for one in sorted(times)], dtype=np.int64),
    )


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("starter", "SmolLM2-135M-Instruct"),
        ("person", "A person"),
        ("/home/me/My.runs/2026-11-20-brave-otter", "brave-otter"),
        ("models/2026-report", "2026-report"),
        ("/", "/"),
    ],
)
def test_models_are_called_as_a_person_knows_them(model: str, words: str) -> None:
    assert model_words(model) == words


@pytest.mark.parametrize(
    ("margin", "judged", "words"),
    [
        (None, True, ""),
        (1.234, True, "1.23"),
        (-1.2, True, "−1.20"),
        (-0.001, True, "0.00"),
        (2.0, False, "± 2.00"),
    ],
)
def test_margins(margin: float | None, judged: bool, words: str) -> None:
    assert margin_words(margin, judged=judged) == words


def test_moments_are_as_short_as_they_can_be() -> None:
    now = datetime(2026, 11, 23, 15, 0).astimezone()
    today = datetime(2026, 11, 23, 14, 5).astimezone(UTC).isoformat()
    assert moment(today, now=now) == "14:05"
    assert moment(datetime(2026, 3, 2, 9, 0).astimezone(UTC).isoformat(), now=now) == "2 Mar, 09:00"
    assert moment(datetime(2024, 3, 2, 9, 0).astimezone(UTC).isoformat(), now=now) == "2 Mar 2024"
    assert moment("no time", now=now) == "no time"


def test_chips_name_what_is_set() -> None:
    wanted = Filter(
        standings=("left", "tie", "skip"), tags=("hard",), runs=(7, 8), shortest=1_500, most_margin=-0.5
    )
    assert chip_words(wanted, {7: "brave-otter"}) == {
        "standings": ("Verdict", "Left or Tie or 1 more"),
        "tags": ("Tag", "hard"),
        "runs": ("Run", "brave-otter or run 8"),
        "length": ("Characters", "from 1,500"),
        "margin": ("Margin", "up to −0.5"),
    }
    assert chip_words(Filter(text="words are in their field"), {}) == {}


def test_length_bias_is_named_only_beyond_chance() -> None:
    assert "no more than chance" in length_words(bias({5: 6, -5: 5}))
    assert "more often than chance" in length_words(bias({5: 900, -5: 100}))
    assert "less often than chance" in length_words(bias({5: 100, -5: 900}))
    assert "1 pair of one length" in length_words(bias({5: 3, 0: 1}))
    assert length_words(None) == length_words(bias({0: 3})) == "No pair of unlike lengths yet"


@given(st.dictionaries(st.integers(-20_000, 20_000), st.integers(1, 1_000), min_size=1))
def test_a_histogram_holds_every_unlike_pair_on_its_side(times: dict[int, int]) -> None:
    lengths = bias(times)
    middles, heights, width = length_bars(lengths)
    assert sum(heights) == lengths.longer_won + lengths.shorter_won
    assert sum(h for at, h in zip(middles, heights, strict=True) if at > 0) == lengths.longer_won
    assert width >= 1
    assert middles == [-at for at in reversed(middles)]


def test_days_are_put_together_when_there_are_many() -> None:
    first = date(2026, 1, 1)
    days = [Day(day=first + timedelta(days=n), counts={"left": 1}) for n in range(365)]
    assert grouped(days[:30]) == (1, tuple(days[:30]))
    step, weeks = grouped(days)
    assert step == 7 and len(weeks) == 53 and sum(week.total for week in weeks) == 365
    assert grouped(days * 10)[0] == 28
    assert days_words(days[:2]) == "2 verdicts on 2 days; the most on 1 Jan 2026: 1"
    assert days_words([]) == "No verdict yet"
