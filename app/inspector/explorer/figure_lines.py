"""Every figure of the pair as a line: its name, how it is worked out, what it comes to. Qt-free."""

import math
from dataclasses import dataclass

from app.inspector.explorer.explored import Explored
from app.inspector.explorer.formulas import FORMULAS, formula_of, worked_out
from app.inspector.explorer.numbers import figure, setting, term
from app.inspector.wording import CASE_WORDS
from dpo_engine.pair_math import UNDECIDED_BELOW, Case


@dataclass(frozen=True, kw_only=True)
class Line:
    key: str
    name: str
    arithmetic: str
    value: str
    number: float | None = None

    @property
    def sentence(self) -> str:
        return f"{self.name}: {self.value} = {self.arithmetic}"


def lines(explored: Explored) -> tuple[Line, ...]:
    """From the log-probs down to the case, each line on top of those above it."""
    point, beta, margin = explored.point, setting(explored.beta), explored.margin
    ratios = (figure(point.chosen_log_ratio), figure(point.rejected_log_ratio))
    difference = f"{ratios[0]} − {term(ratios[1])}"
    formula, value = formula_of(explored), explored.value

    def line(key: str, name: str, arithmetic: str, number: float) -> Line:
        return Line(key=key, name=name, arithmetic=arithmetic, value=figure(number), number=number)

    def minus(first: float, second: float) -> str:
        return f"{figure(first)} − {term(figure(second))}"

    return (
        line(
            "chosen_log_ratio",
            "Log-ratio, chosen",
            minus(point.policy_chosen, point.reference_chosen),
            point.chosen_log_ratio,
        ),
        line(
            "rejected_log_ratio",
            "Log-ratio, rejected",
            minus(point.policy_rejected, point.reference_rejected),
            point.rejected_log_ratio,
        ),
        line("chosen_reward", "Reward, chosen", f"{beta} · {term(ratios[0])}", explored.chosen_reward),
        line("rejected_reward", "Reward, rejected", f"{beta} · {term(ratios[1])}", explored.rejected_reward),
        line("margin", "Margin", f"{beta} · ({difference})", margin),
        line("probability", "σ(margin)", f"1 / (1 + exp({figure(-margin)}))", explored.preference),
        line("loss", "Loss", worked_out(formula.written, explored), value.loss),
        line(
            "chosen_weight", "∂L/∂ log π, chosen", worked_out(formula.chosen, explored), value.chosen_weight
        ),
        line(
            "rejected_weight",
            "∂L/∂ log π, rejected",
            worked_out(formula.rejected, explored),
            value.rejected_weight,
        ),
        Line(key="case", name="Case", arithmetic=_case_words(explored), value=CASE_WORDS[explored.case]),
    )


def _case_words(explored: Explored) -> str:
    """The margin against the border between the cases: a preference of 60 : 40."""
    margin, border = figure(explored.margin), figure(UNDECIDED_BELOW)
    found: Case = explored.case
    if found == "undecided":
        return f"{margin} is between −{border} and {border}"
    return f"{margin} ≥ {border}" if found == "learned" else f"{margin} ≤ −{border}"


def policy_alone(explored: Explored) -> str:
    """What the policy by itself makes of the pair, which is not what the margin says."""
    if not FORMULAS[explored.loss].reference:
        return "This loss looks at the policy alone; margin and case are counted against the reference still."
    point = explored.point
    apart = point.policy_chosen - point.policy_rejected
    if figure(apart) == "0":
        return "By itself the policy finds both responses equally likely."
    likelier = "chosen" if apart > 0 else "rejected"
    words = f"By itself the policy finds the {likelier} response likelier, by {figure(abs(apart))} nats"
    against = (apart > 0) != (explored.margin > 0) and abs(explored.margin) > 0
    if not against:
        return f"{words}."
    moved = "towards the rejected" if apart > 0 else "towards the chosen"
    return f"{words}; but against its reference it has moved {moved}, and the margin counts that."


def next_step(explored: Explored) -> str:
    """What a step of gradient descent would do to the two log-probs."""
    chosen, rejected = explored.value.chosen_weight, explored.value.rejected_weight
    if not (math.isfinite(chosen) and math.isfinite(rejected)):
        return "The gradient is beyond what a number can hold here."
    if chosen == rejected == 0:
        return "A gradient step leaves both where they are."
    if rejected == 0:
        return _one_step("chosen", chosen, "rejected")
    if chosen == 0:
        return _one_step("rejected", rejected, "chosen")
    one, other = abs(chosen), abs(rejected)
    if math.isclose(one, other, rel_tol=1e-6):
        weight = f"with the same weight, {figure(one)}"
    else:
        more = "chosen" if one > other else "rejected"
        times = max(one, other) / min(one, other)
        weight = f"the {more} {figure(times, 1)} times as hard"
    if (chosen > 0) == (rejected > 0):
        return f"A gradient step {_pushes(chosen)} both, {weight}."
    return f"A gradient step {_pushes(chosen)} the chosen and {_pushes(rejected)} the rejected, {weight}."


def _one_step(moved: str, weight: float, left: str) -> str:
    step = f"A gradient step {_pushes(weight)} the {moved}, with weight {figure(abs(weight))}"
    return f"{step}, and leaves the {left} alone."


def _pushes(weight: float) -> str:
    return "raises" if weight < 0 else "lowers"


def chance(log_prob: float) -> str:
    """The probability behind a log-prob, where it is large enough to mean something; else nothing."""
    share = math.exp(log_prob)
    return f"p {figure(share, 2)}" if share >= 0.005 else ""
