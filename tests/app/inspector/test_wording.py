"""The sentence that reads a pair to a person must be true for every combination of signs."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.inspector.figures import Summary
from app.inspector.wording import decimal, percent, reading, summary_cells
from dpo_engine.pair_math import case

BETA = 0.1


def read(chosen: float, rejected: float, beta: float = BETA) -> str:
    sentence = reading(
        margin=beta * (chosen - rejected), chosen_log_ratio=chosen, rejected_log_ratio=rejected
    )
    return sentence.replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("chosen", "rejected", "expected"),
    [
        (
            1.2,
            -3.0,
            "The policy now prefers the chosen response by margin 0.42 (60 %). "
            "It raised the chosen by 1.2 nats and lowered the rejected by 3.0.",
        ),
        (
            -1.2,
            -9.0,
            "The policy now prefers the chosen response by margin 0.78 (69 %). "
            "It lowered both, the rejected more: the chosen by 1.2 nats, the rejected by 9.0.",
        ),
        (
            9.0,
            1.2,
            "The policy now prefers the chosen response by margin 0.78 (69 %). "
            "It raised both, the chosen more: the chosen by 9.0 nats, the rejected by 1.2.",
        ),
        (
            -2.0,
            6.5,
            "The policy now prefers the rejected response: margin −0.85 (30 % for the chosen). "
            "It lowered the chosen by 2.0 nats and raised the rejected by 6.5.",
        ),
        (
            -8.0,
            -2.0,
            "The policy now prefers the rejected response: margin −0.60 (35 % for the chosen). "
            "It lowered both, the chosen more: the chosen by 8.0 nats, the rejected by 2.0.",
        ),
        (
            2.0,
            8.0,
            "The policy now prefers the rejected response: margin −0.60 (35 % for the chosen). "
            "It raised both, the rejected more: the chosen by 2.0 nats, the rejected by 8.0.",
        ),
        (
            0.5,
            -0.7,
            "The policy is undecided: margin 0.12, leaning to the chosen (53 %). "
            "It raised the chosen by 0.50 nats and lowered the rejected by 0.70.",
        ),
        (
            -0.5,
            0.7,
            "The policy is undecided: margin −0.12, leaning to the rejected (47 % for the chosen). "
            "It lowered the chosen by 0.50 nats and raised the rejected by 0.70.",
        ),
        (
            -3.0,
            -3.0,
            "The policy is undecided: the margin is 0.00 (50 %). "
            "It lowered both, about equally: the chosen by 3.0 nats, the rejected by 3.0.",
        ),
        (
            0.0,
            -6.0,
            "The policy now prefers the chosen response by margin 0.60 (65 %). "
            "It left the chosen where it was and lowered the rejected by 6.0 nats.",
        ),
        (
            -6.0,
            0.001,
            "The policy now prefers the rejected response: margin −0.60 (35 % for the chosen). "
            "It lowered the chosen by 6.0 nats and left the rejected where it was.",
        ),
        (
            0.002,
            -0.003,
            "The policy is undecided: the margin is 0.00 (50 %). "
            "Neither response has moved by as much as 0.01 nats.",
        ),
        (
            0.0,
            0.0,
            "The policy is undecided: it gives both responses exactly the reference's probability.",
        ),
        (
            90.0,
            -90.0,
            "The policy now prefers the chosen response by margin 18.00 (over 99 %). "
            "It raised the chosen by 90.0 nats and lowered the rejected by 90.0.",
        ),
        (
            -90.0,
            90.0,
            "The policy now prefers the rejected response: margin −18.00 (under 1 % for the chosen). "
            "It lowered the chosen by 90.0 nats and raised the rejected by 90.0.",
        ),
    ],
)
def test_reading(chosen: float, rejected: float, expected: str) -> None:
    assert read(chosen, rejected) == expected


@given(
    st.floats(min_value=-200, max_value=200),
    st.floats(min_value=-200, max_value=200),
    st.floats(min_value=0.01, max_value=1),
)
def test_the_sentence_never_contradicts_the_numbers(chosen: float, rejected: float, beta: float) -> None:
    sentence = read(chosen, rejected, beta)
    kind = case(beta * (chosen - rejected))
    assert ("prefers the chosen" in sentence) == (kind == "learned")
    assert ("prefers the rejected" in sentence) == (kind == "against")
    assert ("undecided" in sentence) == (kind == "undecided")
    if chosen >= 0.005 and rejected >= 0.005:
        assert "raised both" in sentence and "lowered" not in sentence
    if chosen <= -0.005 and rejected <= -0.005:
        assert "lowered both" in sentence and "raised" not in sentence
    if chosen > 0.005 and rejected < -0.005:
        assert "raised the chosen" in sentence and "lowered the rejected" in sentence
    if chosen < -0.005 and rejected > 0.005:
        assert "lowered the chosen" in sentence and "raised the rejected" in sentence
    assert "nan" not in sentence and not re.search(r"[−-]0\.0+\b", sentence)


def test_decimals_carry_a_typographic_minus_and_no_sign_for_zero() -> None:
    assert [decimal(value, 2) for value in (-1.5, 0.0, -0.0, -0.004, 0.004, 12345.678)] == [
        "−1.50",
        "0.00",
        "0.00",
        "0.00",
        "0.00",
        "12345.68",
    ]
    assert percent(0.6012) == "60.1\u00a0%"


def test_a_split_without_pairs_has_dashes_and_never_nan() -> None:
    nothing = Summary(
        pairs=0,
        mean_margin=None,
        accuracy=None,
        mean_loss=None,
        cases={"learned": 0, "undecided": 0, "against": 0},
    )
    assert summary_cells("Held-out", nothing) == (
        "Held-out",
        "0 pairs",
        "mean margin –",
        "accuracy –",
        "mean loss –",
        "0 learned · 0 undecided · 0 against",
    )
