"""The arithmetic that is written out comes to the figure beside it."""

import math
import re

import pytest

from app.inspector.explorer.explored import Explored
from app.inspector.explorer.formulas import FORMULAS, formula_of, worked_out
from app.inspector.explorer.numbers import figure, setting, term
from dpo_engine.loss_mix import PAPERS, REFERENCE_FREE
from dpo_engine.loss_values import LOSSES, LossOptions, LossPoint
from dpo_engine.pair_math import log_sigmoid
from tests.app.inspector.explorer.points import ORDINARY

SETTINGS = (
    LossOptions(),
    LossOptions(beta=0.5, label_smoothing=0.125, discopop_tau=0.25, simpo_gamma=0.75, shift=0.5),
    LossOptions(beta=2.0, label_smoothing=0.25, discopop_tau=0.5, simpo_gamma=0.0, shift=-0.25),
)


def work_out(text: str) -> float:
    """What a person with a calculator gets."""
    for written, meant in (
        ("·10", "e"),
        ("log σ(", "log_sigmoid("),
        ("σ(", "sigma("),
        ("−", "-"),
        ("½", "0.5"),
        (")²", ") ** 2"),
        ("·", "*"),
    ):
        text = text.replace(written, meant)
    text = text.translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789"))
    assert re.fullmatch(r"[-+*/(),.\d\s_a-z]+", text), text
    names = {
        "log_sigmoid": log_sigmoid,
        "sigma": lambda x: math.exp(log_sigmoid(x)),
        "log": math.log,
        "exp": math.exp,
        "max": max,
    }
    return float(eval(text, {"__builtins__": {}}, names))  # noqa: S307 (of our own templates)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("point", ORDINARY)
@pytest.mark.parametrize("options", SETTINGS)
def test_what_is_written_is_what_is_shown(loss: str, point: LossPoint, options: LossOptions) -> None:
    explored = Explored(point=point, loss=loss, options=options)
    formula, value = formula_of(explored), explored.value
    for template, expected in (
        (formula.written, value.loss),
        (formula.chosen, value.chosen_weight),
        (formula.rejected, value.rejected_weight),
    ):
        written = worked_out(template, explored, digits=14)
        assert work_out(written) == pytest.approx(expected, rel=1e-7, abs=1e-12), template


def test_every_loss_has_a_formula_and_a_paper() -> None:
    assert list(FORMULAS) == list(LOSSES)
    assert set(FORMULAS) == set(PAPERS)
    assert {name for name, formula in FORMULAS.items() if not formula.reference} == set(REFERENCE_FREE)


@pytest.mark.parametrize("loss", LOSSES)
def test_only_the_options_that_act_are_offered(loss: str) -> None:
    """Each offered option changes the loss, each other one does not; likewise the token counts."""
    for name in ("label_smoothing", "discopop_tau", "simpo_gamma", "shift"):
        first = Explored(point=ORDINARY[0], loss=loss, options=SETTINGS[1])
        other = first.with_options(**{name: 0.3})
        assert (first.value != other.value) == (name in FORMULAS[loss].options), name
    counted = first.with_tokens(chosen=5)
    assert (first.value != counted.value) == FORMULAS[loss].tokens


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.8473, "0.847"),
        (-0.0458, "−0.0458"),
        (-140.2, "−140.200"),
        (0.0, "0"),
        (-0.0, "0"),
        (1.2e-7, "1.20·10⁻⁷"),
        (-3.5e8, "−3.50·10⁸"),
        (math.inf, "∞"),
        (-math.inf, "−∞"),
        (math.nan, "no number"),
    ],
)
def test_figures_are_short_and_honest(value: float, text: str) -> None:
    assert figure(value) == text


def test_settings_and_terms() -> None:
    assert setting(0.1) == "0.1" and setting(-0.25) == "−0.25" and setting(0.3333333) == "0.3333"
    assert term("−1") == "(−1)" and term("1") == "1"
