"""What each loss is: its formula in symbols, and as arithmetic with the numbers of a pair. Qt-free.

The formulas' sources stand at `dpo_engine.losses`; a test works the written arithmetic out and compares.
In the templates a name in round brackets is put in brackets where the number is negative; a leading minus
stands for the negated number.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from app.inspector.explorer.explored import Explored
from app.inspector.explorer.numbers import figure, setting, term

OptionName = Literal["label_smoothing", "discopop_tau", "simpo_gamma", "shift"]

_MARGIN = "m = β · (ρ_w − ρ_l)"
_REWARD = "r = β · ρ"
_TURNED = "−{(wc)}"


@dataclass(frozen=True, kw_only=True)
class Formula:
    title: str
    loss: str
    """In symbols; what follows an underscore is a subscript."""
    where: str = _MARGIN
    written: str
    """A template of the loss with numbers."""
    chosen: str
    """A template of ∂L/∂ log π_θ(y_w|x)."""
    rejected: str = _TURNED
    options: tuple[OptionName, ...] = ()
    tokens: bool = False
    """Looks at how many tokens the responses have."""
    reference: bool = True


def formula_of(explored: Explored) -> Formula:
    """Of the explored loss, simpler where its options make it so."""
    if explored.loss == "sigmoid" and explored.effective.label_smoothing:
        return _SMOOTHED
    if explored.loss == "hinge" and explored.margin >= 1:
        return _HINGE_REACHED
    return FORMULAS[explored.loss]


def worked_out(template: str, explored: Explored, digits: int = 3) -> str:
    """The template with the pair's numbers, to so many digits."""
    return template.format_map(_names(explored, digits))


def _names(explored: Explored, digits: int) -> dict[str, str]:
    point, options, value = explored.point, explored.effective, explored.value
    beta, smoothing = options.beta, options.label_smoothing
    per_token = (
        point.chosen_log_ratio / point.chosen_tokens - point.rejected_log_ratio / point.rejected_tokens
    )
    mean_w, mean_l = (
        point.policy_chosen / point.chosen_tokens,
        point.policy_rejected / point.rejected_tokens,
    )
    left_w, left_l = _left(mean_w), _left(mean_l)
    computed = {
        "m": explored.margin,
        "m/t": explored.margin / options.discopop_tau,
        "rw": explored.chosen_reward,
        "rl": explored.rejected_reward,
        "pw": point.chosen_log_ratio,
        "pl": point.rejected_log_ratio,
        "lw": point.policy_chosen,
        "ll": point.policy_rejected,
        "aim": 1 / (2 * beta),
        "off": per_token - 1 / (2 * beta),
        "norm": beta * per_token,
        "simpo": beta * (mean_w - mean_l) - options.simpo_gamma,
        "odds": (mean_w - math.log(left_w)) - (mean_l - math.log(left_l)),
        "leftw": left_w,
        "leftl": left_l,
        "slope": value.chosen_weight / beta,
        "wc": value.chosen_weight,
    }
    given = {
        "b": beta,
        "e": smoothing,
        "1-e": 1 - smoothing,
        "1-2e": 1 - 2 * smoothing,
        "g": options.simpo_gamma,
        "d": options.shift,
        "nw": point.chosen_tokens,
        "nl": point.rejected_tokens,
    }
    plain = {name: figure(number, digits) for name, number in computed.items()}
    plain |= {name: setting(number) for name, number in given.items()}
    return {
        **plain,
        **{f"({name})": term(text) for name, text in plain.items()},
        **{f"-{name}": figure(-number, digits) for name, number in computed.items()},
    }


def _left(mean: float) -> float:
    """1 − P of a response whose log-prob per token is `mean`; never 0, as in the loss."""
    return -math.expm1(min(mean, -(2.0**-23)))


_SMOOTHED = Formula(
    title="DPO, smoothed",
    loss="−(1 − ε) · log σ(m) − ε · log σ(−m)",
    written="−{1-e} · log σ({m}) − {e} · log σ({-m})",
    chosen="{b} · (−{1-e} · σ({-m}) + {e} · σ({m}))",
    options=("label_smoothing",),
)
_HINGE_REACHED = Formula(
    title="Hinge", loss="max(0, 1 − m)", written="max(0, 1 − {(m)})", chosen="0", rejected="0"
)

FORMULAS: Mapping[str, Formula] = {
    "sigmoid": Formula(
        title="DPO",
        loss="−log σ(m)",
        written="−log σ({m})",
        chosen="−{b} · σ({-m})",
        options=("label_smoothing",),
    ),
    "ipo": Formula(
        title="IPO",
        loss="(ρ_w / |y_w| − ρ_l / |y_l| − 1 / 2β)²",
        where="ρ per token: divided by the tokens |y|",
        written="({pw} / {nw} − {(pl)} / {nl} − {aim})²",
        chosen="2 · {(off)} / {nw}",
        rejected="−2 · {(off)} / {nl}",
        tokens=True,
    ),
    "hinge": Formula(
        title="Hinge", loss="max(0, 1 − m)", written="max(0, 1 − {(m)})", chosen="−{b}", rejected="{b}"
    ),
    "robust": Formula(
        title="Robust DPO",
        loss="(−(1 − ε) · log σ(m) + ε · log σ(−m)) / (1 − 2ε)",
        written="(−{1-e} · log σ({m}) + {e} · log σ({-m})) / {1-2e}",
        chosen="{b} · (−{1-e} · σ({-m}) − {e} · σ({m})) / {1-2e}",
        options=("label_smoothing",),
    ),
    "exo_pair": Formula(
        title="EXO",
        loss="σ(m) · log(σ(m) / (1 − ε)) + σ(−m) · log(σ(−m) / ε)",
        written="σ({m}) · (log σ({m}) − log({1-e})) + σ({-m}) · (log σ({-m}) − log({e}))",
        chosen="{b} · σ({m}) · σ({-m}) · ({m} − log({1-e} / {e}))",
        options=("label_smoothing",),
    ),
    "nca_pair": Formula(
        title="NCA",
        loss="−log σ(r_w) − ½ · log σ(−r_w) − ½ · log σ(−r_l)",
        where=_REWARD,
        written="−log σ({rw}) − ½ · log σ({-rw}) − ½ · log σ({-rl})",
        chosen="{b} · (−σ({-rw}) + ½ · σ({rw}))",
        rejected="{b} · ½ · σ({rl})",
    ),
    "bco_pair": Formula(
        title="BCO",
        loss="−log σ(r_w − δ) − log σ(δ − r_l)",
        where=f"{_REWARD}, δ the running mean of rewards",
        written="−log σ({rw} − {(d)}) − log σ({d} − {(rl)})",
        chosen="−{b} · σ({d} − {(rw)})",
        rejected="{b} · σ({rl} − {(d)})",
        options=("shift",),
    ),
    "sppo_hard": Formula(
        title="SPPO",
        loss="(ρ_w − 1 / 2β)² + (ρ_l + 1 / 2β)²",
        where="ρ = log π_θ − log π_ref",
        written="({pw} − {aim})² + ({pl} + {aim})²",
        chosen="2 · ({pw} − {aim})",
        rejected="2 · ({pl} + {aim})",
    ),
    "apo_zero": Formula(
        title="APO-zero",
        loss="σ(−r_w) + σ(r_l)",
        where=_REWARD,
        written="σ({-rw}) + σ({rl})",
        chosen="−{b} · σ({rw}) · σ({-rw})",
        rejected="{b} · σ({rl}) · σ({-rl})",
    ),
    "apo_down": Formula(
        title="APO-down",
        loss="σ(r_w) + σ(−m)",
        where=f"{_REWARD}, {_MARGIN}",
        written="σ({rw}) + σ({-m})",
        chosen="{b} · (σ({rw}) · σ({-rw}) − σ({m}) · σ({-m}))",
        rejected="{b} · σ({m}) · σ({-m})",
    ),
    "discopop": Formula(
        title="DiscoPOP",
        loss="σ(−m / τ) · (−log σ(m)) + σ(m / τ) · e^−m",
        written="σ({-m/t}) · (−log σ({m})) + σ({m/t}) · exp({-m})",
        chosen="{b} · {(slope)}",
        options=("discopop_tau",),
    ),
    "sigmoid_norm": Formula(
        title="DPO per token",
        loss="−log σ(β · (ρ_w / |y_w| − ρ_l / |y_l|))",
        where="ρ per token: divided by the tokens |y|",
        written="−log σ({b} · ({pw} / {nw} − {(pl)} / {nl}))",
        chosen="−{b} · σ({-norm}) / {nw}",
        rejected="{b} · σ({-norm}) / {nl}",
        tokens=True,
    ),
    "simpo": Formula(
        title="SimPO",
        loss="−log σ(β · (log π_w / |y_w| − log π_l / |y_l|) − γ)",
        where="log π per token: divided by the tokens |y|",
        written="−log σ({b} · ({lw} / {nw} − {(ll)} / {nl}) − {g})",
        chosen="−{b} · σ({-simpo}) / {nw}",
        rejected="{b} · σ({-simpo}) / {nl}",
        options=("simpo_gamma",),
        tokens=True,
        reference=False,
    ),
    "orpo": Formula(
        title="ORPO",
        loss="−log P_w − β · log σ(log odds(P_w) − log odds(P_l))",
        where="P = π^(1 / |y|), odds(P) = P / (1 − P)",
        written="{-lw} / {nw} − {b} · log σ({odds})",
        chosen="(−1 − {b} · σ({-odds}) / {leftw}) / {nw}",
        rejected="{b} · σ({-odds}) / {leftl} / {nl}",
        tokens=True,
        reference=False,
    ),
    "sft": Formula(
        title="SFT",
        loss="−log π_w / |y_w|",
        where="the chosen response alone",
        written="{-lw} / {nw}",
        chosen="−1 / {nw}",
        rejected="0",
        tokens=True,
        reference=False,
    ),
}
"""By the losses' names, in their order."""
