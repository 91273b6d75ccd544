"""The columns of figures against their specification, the arithmetic of one pair."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from app.inspector.figures import CASES, LogProbs, figures, summarise
from dpo_engine import pair_math
from dpo_engine.pair_math import PairScore

log_prob = st.floats(min_value=-5000, max_value=0)
four_log_probs = st.tuples(log_prob, log_prob, log_prob, log_prob)
betas = st.floats(min_value=1e-3, max_value=10)


def columns(rows: list[tuple[float, float, float, float]]) -> LogProbs:
    values = np.array(rows, dtype=np.float64).reshape(-1, 4)
    return LogProbs(
        policy_chosen=values[:, 0],
        policy_rejected=values[:, 1],
        reference_chosen=values[:, 2],
        reference_rejected=values[:, 3],
    )


def pair_score(row: tuple[float, float, float, float]) -> PairScore:
    return PairScore(
        pair="p",
        split="train",
        policy_chosen_logp=row[0],
        policy_rejected_logp=row[1],
        reference_chosen_logp=row[2],
        reference_rejected_logp=row[3],
        chosen_tokens=1,
        rejected_tokens=1,
    )


@given(st.lists(four_log_probs, min_size=1, max_size=20), betas)
def test_every_figure_is_that_of_pair_math(
    rows: list[tuple[float, float, float, float]], beta: float
) -> None:
    computed = figures(columns(rows), beta)
    for place, row in enumerate(rows):
        score = pair_score(row)
        margin = score.margin(beta)
        assert computed.chosen_log_ratio[place] == score.chosen_log_ratio
        assert computed.rejected_log_ratio[place] == score.rejected_log_ratio
        assert computed.chosen_reward[place] == beta * score.chosen_log_ratio
        assert computed.rejected_reward[place] == beta * score.rejected_log_ratio
        assert computed.margin[place] == margin
        assert CASES[computed.case[place]] == pair_math.case(margin)
        assert math.isclose(
            computed.probability[place], pair_math.probability(margin), rel_tol=1e-11, abs_tol=1e-300
        )
        assert math.isclose(
            computed.loss[place], pair_math.sigmoid_loss(margin), rel_tol=1e-11, abs_tol=1e-300
        )


@given(st.lists(four_log_probs, max_size=20), betas)
def test_figures_of_finite_log_probs_are_finite(
    rows: list[tuple[float, float, float, float]], beta: float
) -> None:
    computed = figures(columns(rows), beta)
    for column in (computed.margin, computed.probability, computed.loss, computed.chosen_reward):
        assert np.isfinite(column).all()
    assert ((computed.probability >= 0) & (computed.probability <= 1)).all()
    assert (computed.loss >= 0).all()


def test_the_articles_example() -> None:
    # log 0.7/0.3 − log 0.3/0.7 = 2 · 0.8473 = 1.6946; σ = 0.8448; −log σ = 0.1686; at β = 0.1: loss 0.6120.
    rows = columns([(math.log(0.7), math.log(0.3), math.log(0.3), math.log(0.7))])
    strong, weak = figures(rows, 1.0), figures(rows, 0.1)
    assert abs(strong.margin[0] - 1.6946) < 1e-4
    assert abs(strong.probability[0] - 0.8448) < 1e-4
    assert abs(strong.loss[0] - 0.1686) < 1e-4
    assert abs(weak.loss[0] - 0.6120) < 1e-4
    assert CASES[strong.case[0]] == "learned"
    assert CASES[weak.case[0]] == "undecided"


def test_where_policy_and_reference_agree_the_loss_is_ln_2() -> None:
    computed = figures(columns([(-3.0, -4.0, -3.0, -4.0)]), 0.1)
    assert computed.margin[0] == 0
    assert computed.probability[0] == 0.5
    assert computed.loss[0] == math.log(2)


def test_the_border_of_undecided_belongs_to_the_decided_cases() -> None:
    border = pair_math.UNDECIDED_BELOW
    rows = columns([(border, 0, 0, 0), (-border, 0, 0, 0), (np.nextafter(border, 0), 0, 0, 0)])
    assert [CASES[case] for case in figures(rows, 1.0).case] == ["learned", "against", "undecided"]


def test_summary_of_some_and_of_no_rows() -> None:
    # Margins 1, −1 and 0.5 at β = 1; σ-losses 0.3133, 1.3133 and 0.4741.
    computed = figures(columns([(1, 0, 0, 0), (-1, 0, 0, 0), (0.5, 0, 0, 0)]), 1.0)
    summary = summarise(computed, np.array([True, True, True]))
    assert summary.pairs == 3
    assert summary.mean_margin is not None and abs(summary.mean_margin - 1 / 6) < 1e-12
    assert summary.accuracy is not None and abs(summary.accuracy - 2 / 3) < 1e-12
    assert summary.mean_loss is not None and abs(summary.mean_loss - 0.7002) < 1e-4
    assert summary.cases == {"learned": 2, "undecided": 0, "against": 1}
    nothing = summarise(computed, np.array([False, False, False]))
    assert (nothing.pairs, nothing.mean_margin, nothing.accuracy, nothing.mean_loss) == (0, None, None, None)
