"""Losses of the policy alone. The reference costs nothing here, and nothing holds the policy near it."""

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from dpo_engine.losses.log_ratios import PairLogProbs


def simpo(log_probs: PairLogProbs, *, beta: float, gamma: float) -> Tensor:
    """[pairs]: −log σ(β · (log π_θ(y_w|x)/|y_w| − log π_θ(y_l|x)/|y_l|) − γ).

    SimPO (Meng et al., arXiv 2405.14734, equation 6). γ is the margin itself, not its share of β. The paper
    takes β between 2 and 10 (log-probs per token are of the order of −1) and γ between 0.3 and 1.6; with
    DPO's β = 0.1 next to nothing is learned.
    """
    chosen, rejected = mean_log_probs(log_probs)
    return -logsigmoid(beta * (chosen - rejected) - gamma)


def orpo(log_probs: PairLogProbs, *, beta: float) -> Tensor:
    """[pairs]: −log P_w − β · log σ(log odds(P_w) − log odds(P_l)), odds(P) = P / (1 − P).

    P_w and P_l are the geometric means of the token probabilities, exp(log π_θ(y|x)/|y|). ORPO (Hong et al.,
    arXiv 2403.07691, equations 4, 6 and 7), with β the paper's λ (0.1 there). The first term, the mean
    negative log-likelihood of the chosen response, is what mainly trains: for models that were not tuned
    on such responses before.
    """
    chosen, rejected = mean_log_probs(log_probs)
    return -chosen - beta * logsigmoid(_log_odds(chosen) - _log_odds(rejected))


def sft(log_probs: PairLogProbs) -> Tensor:
    """[pairs]: −log π_θ(y_w|x) / |y_w|, the mean negative log-likelihood of the chosen response's tokens.

    Beside a preference loss it keeps the chosen log-prob from falling: RPO (Pang et al., arXiv 2404.19733,
    equation 1, its weight there is α). Each response counts once, whatever its length, as in the paper;
    pooling the tokens of a batch instead would make the value depend on how pairs are batched.
    """
    return -log_probs.policy_chosen / log_probs.chosen_tokens


def mean_log_probs(log_probs: PairLogProbs) -> tuple[Tensor, Tensor]:
    """[pairs] each: the policy's log-prob per token, chosen and rejected."""
    return (
        log_probs.policy_chosen / log_probs.chosen_tokens,
        log_probs.policy_rejected / log_probs.rejected_tokens,
    )


def _log_odds(log_p: Tensor) -> Tensor:
    """log(P / (1 − P)) from log P. Float32 can round a near-certain response's log P to 0, whose odds are
    infinite; it counts as just below that."""
    below_zero = log_p.clamp(max=-torch.finfo(torch.float32).eps)
    return log_p - torch.log(-torch.expm1(below_zero))
