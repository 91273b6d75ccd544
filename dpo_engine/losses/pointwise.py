"""Losses of each response against the reference: they say where the chosen one shall go, not only how far
apart the two shall be."""

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from dpo_engine.losses.log_ratios import PairLogProbs


def nca_pair(log_probs: PairLogProbs, *, beta: float) -> Tensor:
    """[pairs]: −log σ(r(y_w)) − ½ · log σ(−r(y_w)) − ½ · log σ(−r(y_l)).

    Noise contrastive alignment of one preference (Chen et al., arXiv 2402.05369). The middle term holds the
    chosen reward: with the first it is least at r(y_w) = log 2, so the chosen log-prob rises a little and
    then stays, while the rejected one falls. 2 ln 2 where policy and reference agree.
    """
    chosen, rejected = beta * log_probs.chosen_log_ratio, beta * log_probs.rejected_log_ratio
    return -logsigmoid(chosen) - 0.5 * logsigmoid(-chosen) - 0.5 * logsigmoid(-rejected)


def bco_pair(log_probs: PairLogProbs, *, beta: float, shift: float = 0.0) -> Tensor:
    """[pairs]: −log σ(r(y_w) − δ) − log σ(−(r(y_l) − δ)), with δ the reward `shift`.

    Binary classifier optimization (Jung et al., arXiv 2404.04656): chosen and rejected as the two classes of
    a classifier whose logit is the reward. δ, the mean of the mean rewards of both classes, tightens it as a
    bound on the DPO loss; it is taken as given, no gradient goes through it. 2 ln 2 for r = δ.
    """
    chosen, rejected = beta * log_probs.chosen_log_ratio, beta * log_probs.rejected_log_ratio
    return -logsigmoid(chosen - shift) - logsigmoid(shift - rejected)


def sppo_hard(log_probs: PairLogProbs, *, beta: float) -> Tensor:
    """[pairs]: (ρ(y_w) − 1/(2β))² + (ρ(y_l) + 1/(2β))².

    Self-play preference optimization (Wu et al., arXiv 2405.00675, equation 4.7) with the probability of
    winning set to 1 for y_w and 0 for y_l; 1/β is the paper's η. 1/(2β²) where policy and reference agree
    (50 for β = 0.1). A squared sum over tokens: long responses have large gradients.
    """
    aim = 1 / (2 * beta)
    return (log_probs.chosen_log_ratio - aim) ** 2 + (log_probs.rejected_log_ratio + aim) ** 2


def apo_zero(log_probs: PairLogProbs, *, beta: float) -> Tensor:
    """[pairs]: (1 − σ(r(y_w))) + σ(r(y_l)).

    Anchored preference optimization (D'Oosterlinck et al., arXiv 2408.06266, equation 7; the 1 is added so
    that the least value is 0), for chosen responses that are better than what the model writes: it makes
    them likelier and the rejected ones less so. 1 where policy and reference agree. The gradient vanishes
    at both ends, so a pair that starts far on the wrong side is left there.
    """
    chosen, rejected = beta * log_probs.chosen_log_ratio, beta * log_probs.rejected_log_ratio
    return torch.sigmoid(-chosen) + torch.sigmoid(rejected)


def apo_down(log_probs: PairLogProbs, *, beta: float) -> Tensor:
    """[pairs]: σ(r(y_w)) + (1 − σ(m)).

    Anchored preference optimization (D'Oosterlinck et al., arXiv 2408.06266, equation 8, plus 1), for models
    that write better than both responses: it makes both less likely, the rejected one more so. 1 where
    policy and reference agree; there the two terms balance, and the chosen log-prob begins to fall once a
    margin is there.
    """
    chosen = beta * log_probs.chosen_log_ratio
    return torch.sigmoid(chosen) + torch.sigmoid(-log_probs.margin(beta))
