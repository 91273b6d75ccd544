"""Losses of the difference between the two responses: they ask for a margin, wherever it comes from.

None of them minds both log-probs falling, as long as the rejected one falls faster.
"""

import math

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from dpo_engine.losses.log_ratios import PairLogProbs


def sigmoid(log_probs: PairLogProbs, *, beta: float, label_smoothing: float = 0.0) -> Tensor:
    """[pairs]: −(1−ε) · log σ(m) − ε · log σ(−m), with ε the label smoothing.

    ε = 0 is DPO (Rafailov et al., arXiv 2305.18290, equation 7), ε > 0 conservative DPO, which takes a share
    ε of the verdicts to be wrong (Mitchell, "A note on DPO with noisy preferences", 2023, equation 3): its
    least value lies at the finite margin log((1−ε)/ε), so beyond that a margin is pushed back.
    """
    margin = log_probs.margin(beta)
    return -(1 - label_smoothing) * logsigmoid(margin) - label_smoothing * logsigmoid(-margin)


def sigmoid_norm(log_probs: PairLogProbs, *, beta: float) -> Tensor:
    """[pairs]: −log σ(β · (ρ(y_w)/|y_w| − ρ(y_l)/|y_l|)).

    Length-normalised DPO (Lambert et al., "Tülu 3", arXiv 2411.15124). Log-ratios per token are smaller by
    the length of a response, so β must be larger by about that (Tülu 3 takes 5): with 0.1 hardly anything
    is learned.
    """
    return -logsigmoid(log_probs.margin_per_token(beta))


def ipo(log_probs: PairLogProbs, *, beta: float) -> Tensor:
    """[pairs]: (ρ(y_w)/|y_w| − ρ(y_l)/|y_l| − 1/(2β))², with β what the paper calls τ.

    Identity preference optimization (Azar et al., arXiv 2310.12036, equation 17), which aims at a finite
    difference instead of an ever larger one. The equation has sums; means over tokens are what its authors
    used, and what keeps a long response from weighing by its length. The value is 1/(4β²) where policy and
    reference agree (25 for β = 0.1), so it is not to be compared with that of other losses.
    """
    return (log_probs.margin_per_token(1.0) - 1 / (2 * beta)) ** 2


def hinge(log_probs: PairLogProbs, *, beta: float) -> Tensor:
    """[pairs]: max(0, 1 − m).

    SLiC's hinge (Zhao et al., arXiv 2305.10425) on log-ratios, as in Liu et al., "Statistical Rejection
    Sampling Improves Preference Optimization" (RSO), arXiv 2309.06657. A pair whose margin has reached 1
    gives no gradient any more.
    """
    return torch.relu(1 - log_probs.margin(beta))


def robust(log_probs: PairLogProbs, *, beta: float, label_smoothing: float) -> Tensor:
    """[pairs]: (−(1−ε) · log σ(m) + ε · log σ(−m)) / (1 − 2ε), with ε < ½ the share of wrong verdicts.

    Robust DPO (Chowdhury et al., arXiv 2403.00409): its mean over verdicts of which a share ε is turned
    around is the DPO loss of the right ones. Mind the sign of the second term, against that of `sigmoid`
    with label smoothing. The value falls without bound (and below zero) as the margin grows, and the
    gradient never gets smaller than ε/(1−2ε), so a run must be ended by other evidence than the loss.
    """
    margin = log_probs.margin(beta)
    right, wrong = -logsigmoid(margin), -logsigmoid(-margin)
    return ((1 - label_smoothing) * right - label_smoothing * wrong) / (1 - 2 * label_smoothing)


def exo_pair(log_probs: PairLogProbs, *, beta: float, label_smoothing: float) -> Tensor:
    """[pairs]: KL(p_θ ‖ p) = σ(m) · log(σ(m)/(1−ε)) + σ(−m) · log(σ(−m)/ε), with 0 < ε < ½.

    EXO for two responses (Ji et al., arXiv 2402.00856, equation 16): the reverse divergence between the
    policy's preference p_θ = (σ(m), σ(−m)) and the verdict p = (1−ε, ε). Zero at m = log((1−ε)/ε) and nowhere
    else; the gradient vanishes at both ends, so a pair that is far on the wrong side is left there. With
    ε = 0 it would be infinite. The paper takes ε = 0.001, and β = 1 in this formula.
    """
    margin = log_probs.margin(beta)
    log_right, log_wrong = logsigmoid(margin), logsigmoid(-margin)
    return log_right.exp() * (log_right - math.log1p(-label_smoothing)) + log_wrong.exp() * (
        log_wrong - math.log(label_smoothing)
    )


def discopop(log_probs: PairLogProbs, *, beta: float, tau: float) -> Tensor:
    """[pairs]: (1 − σ(m/τ)) · (−log σ(m)) + σ(m/τ) · e^−m.

    DiscoPOP's log-ratio modulated loss (Lu et al., arXiv 2406.08414, equation 5, with τ = 0.05), found by a
    search rather than derived, and not convex: at τ = 0.05 it rises with the margin from −0.12 to 0.07, so at
    the start it first pushes margins down a little, and only pairs that get past 0.07 are pushed on. e^−m is
    multiplied in logarithms, for it overflows where its weight is zero; with τ > 1 the product itself grows
    like e^(|m|(1 − 1/τ)) for negative margins.
    """
    margin = log_probs.margin(beta)
    logistic = torch.sigmoid(-margin / tau) * -logsigmoid(margin)
    exponential = torch.exp(logsigmoid(margin / tau) - margin)
    return logistic + exponential
