"""Preference losses: pure functions of the log-probs of each pair, and the mix of them that a training uses.

Notation: x the prompt, y_w the chosen and y_l the rejected response, |y| the scored tokens of a response,
π_θ the policy, π_ref the reference, log-ratio ρ(y) = log π_θ(y|x) − log π_ref(y|x), reward r(y) = β · ρ(y),
margin m = r(y_w) − r(y_l), σ the logistic function. Log-probs are sums over response tokens, in nats. Every
loss gives one value a pair; means are taken by the caller, over all pairs of an optimizer step.
"""

from dpo_engine.losses.log_ratios import PairLogProbs
from dpo_engine.losses.mix import Loss

__all__ = ["Loss", "PairLogProbs"]
