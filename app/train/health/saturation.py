"""Every pair is won by so much that there is nothing left to learn from it. Qt-free."""

import math

import numpy as np

from app.train.health.curves import Curves, first_of_the_end
from app.train.health.finding import Action, Figure, Finding, StartAgain, StopAndKeep
from app.train.wording import figure

LEAST_WEIGHT = 0.025
"""Mean weight below which the pairs hardly move the policy any more: a twentieth of what it was at the start.

The gradient of −log σ(m) is β·σ(−m) times that of the log-ratios' difference (arXiv 2305.18290, section 4),
so σ(−m), 0.5 at the start, is how much a pair still counts. As loss = −log σ(m), σ(−m) = 1 − exp(−loss), and
1 − exp(−mean loss) is never below the mean of it: the rule does not speak too early.
"""


def saturated(curves: Curves) -> Finding | None:
    config = curves.facts.config
    loss = curves.recent("loss")
    if config.loss_type != "sigmoid" or config.label_smoothing or loss is None:
        return None
    weight = -math.expm1(-max(0.0, loss))
    if weight > LEAST_WEIGHT:
        return None
    steps, losses = curves.smoothed("loss")
    since = first_of_the_end(steps, 1 - np.exp(-losses) <= LEAST_WEIGHT)
    margin = curves.recent("rewards/margins")
    return Finding(
        kind="saturated",
        level="notice",
        sentence=f"Nothing is left to learn from these pairs since step {since:,}.",
        cause="Nearly every margin is so large that its pair has almost no weight in the gradient. "
        + (
            f"What still moves the policy is the mix ({config.loss_mix})."
            if config.loss_mix
            else "Further steps move the policy without teaching it a preference."
        ),
        figures=(
            Figure(name="Weight of a pair", value=figure("{:.3f} of 0.5 at the start", weight)),
            *([] if margin is None else [Figure(name="Margin", value=figure("{:+.2f}", margin))]),
            Figure(name="Loss", value=figure("{:.4f}", loss)),
            Figure(name="Steps since then", value=f"{curves.step - since:,} of {curves.facts.total_steps:,}"),
        ),
        action=_action(curves, since),
    )


def _action(curves: Curves, since: int) -> Action | None:
    facts = curves.facts
    if facts.trains:
        return StopAndKeep()
    epoch = curves.epoch_at(since)
    if epoch is None or epoch > 0.8 * facts.config.num_train_epochs:
        return None  # it came as the run ended anyway
    return curves.back_to(since, StartAgain(changes={"num_train_epochs": max(0.1, round(epoch, 1))}))
