"""The words of the Train page."""

from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest

from app.store.records import RunStatus
from app.train.training import Phase
from app.train.wording import (
    PHASE_WORDS,
    STATUS_ICONS,
    STATUS_WORDS,
    count,
    figure,
    rate,
    short_name,
    when,
)
from app.words import time_left


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0, "under a minute left"),
        (59.0, "under a minute left"),
        (60.0, "1 min left"),
        (230.0, "4 min left"),
        (3599.0, "1 h left"),
        (4800.0, "1 h 20 min left"),
        (90_000.0, "1 d 1 h left"),
    ],
)
def test_time_left(seconds: float, words: str) -> None:
    assert time_left(seconds) == words


def test_every_state_has_words_and_an_icon() -> None:
    assert set(STATUS_WORDS) == set(STATUS_ICONS) == set(get_args(RunStatus))
    assert set(PHASE_WORDS) == set(get_args(Phase))
    assert len({icon for icon, _ in STATUS_ICONS.values()}) == len(STATUS_ICONS), "not by colour alone"


def test_dates() -> None:
    now = datetime.now(UTC)
    assert when(now.isoformat()) == f"{now.astimezone():%H:%M}"
    assert when("2019-03-05T12:00:00+00:00") == "5 Mar 2019"
    assert ":" not in when((now - timedelta(days=3)).isoformat())
    assert when("nonsense") == "nonsense"


@pytest.mark.parametrize(
    ("value", "words"), [(2e-4, "2e-4"), (5e-6, "5e-6"), (1.5e-5, "1.5e-5"), (0.01, "0.01")]
)
def test_rates(value: float, words: str) -> None:
    assert rate(value) == words


@pytest.mark.parametrize(
    ("name", "short"),
    [("2026-11-23-brave-otter", "brave-otter"), ("2026-11-23-", "2026-11-23-"), ("mine", "mine"), ("", "")],
)
def test_short_names(name: str, short: str) -> None:
    assert short_name(name) == short


def test_numbers() -> None:
    assert count(1, "pair") == "1 pair"
    assert count(1200, "pair") == "1,200 pairs"
    assert figure("{:.2f}", -0.5) == "−0.50"
