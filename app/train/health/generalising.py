"""The training pairs are known by heart, and the held-out ones are not. Qt-free."""

import math

import numpy as np

from app.store.figures.intervals import Interval, wilson
from app.train.health.curves import Curves
from app.train.health.finding import Action, Figure, Finding, StartAgain
from app.train.wording import count, figure

BY_HEART = 0.95
"""Accuracy on the training pairs that counts as nearly all."""


def memorised(curves: Curves) -> Finding | None:
    """Held-out pairs are few, so their accuracy is an interval (Wilson's, 95 %).

    It is a finding where that interval holds 0.5, which is guessing, and lies below the training pairs'
    interval as a whole. Two such intervals that do not meet differ at well under 1 in 100.
    """
    facts = curves.facts
    train, held_out = _as_share(curves.recent("rewards/accuracies")), _as_share(_held_out(curves))
    if train is None or held_out is None or train < BY_HEART or not facts.held_out_pairs:
        return None
    ours = wilson(round(train * curves.pairs_in_stretch), curves.pairs_in_stretch)
    theirs = wilson(round(held_out * facts.held_out_pairs), facts.held_out_pairs)
    if not theirs.low <= 0.5 or theirs.high >= ours.low:
        return None
    best = _best_check(curves)
    return Finding(
        kind="memorised",
        level="warning",
        sentence=f"It knows the training pairs by heart ({_share(train)}) but guesses on held-out ones "
        f"({_share(held_out)}).",
        cause="The policy learned these very pairs, and not what they have in common. More and more varied "
        "verdicts help most; fewer passes over the same ones keep it from learning them by heart.",
        figures=(
            Figure(name="Training pairs", value=f"{_share(train)} ({_between(ours)})"),
            Figure(name="Held-out pairs", value=f"{_share(held_out)} ({_between(theirs)})"),
            Figure(name="Held out", value=count(facts.held_out_pairs, "pair")),
            *_losses(curves, best),
        ),
        action=_action(curves, best),
    )


def _held_out(curves: Curves) -> float | None:
    """The held-out accuracy, where it was measured in the stretch that it is compared with. Before the first
    step every margin is 0, and no pair counts as won."""
    steps = curves.steps("eval_rewards/accuracies")
    if not len(steps) or not max(1, curves.step - curves.stretch) <= steps[-1]:
        return None
    return curves.last("eval_rewards/accuracies")


def _as_share(accuracy: float | None) -> float | None:
    """From 0 to 1, whatever a damaged metrics file says; None where it says no number."""
    return None if accuracy is None or math.isnan(accuracy) else min(1.0, max(0.0, accuracy))


def _best_check(curves: Curves) -> int:
    """The check after the first step with the smallest held-out loss; 0 where there is none."""
    steps, losses = curves.steps("eval_loss"), curves.values("eval_loss")
    later = steps > 0
    return int(steps[later][np.argmin(losses[later])]) if later.any() else 0


def _action(curves: Curves, best: int) -> Action | None:
    passes = curves.facts.config.num_train_epochs
    epoch = curves.epoch_at(best) if best else None
    fewer = epoch if epoch and epoch < 0.8 * passes else passes / 2
    again = StartAgain(changes={"num_train_epochs": max(0.1, round(fewer, 1))})
    return curves.back_to(best, again) if 0 < best < curves.step else again


def _losses(curves: Curves, best: int) -> tuple[Figure, ...]:
    now = curves.last("eval_loss")
    if not best or now is None:
        return ()
    values = curves.values("eval_loss")[curves.steps("eval_loss") == best]
    return (
        Figure(name="Held-out loss", value=figure("{:.3f}", now)),
        Figure(name="Its smallest", value=f"{values[0]:.3f} after step {best:,}"),
    )


def _share(value: float) -> str:
    return f"{100 * value:.0f} %"


def _between(interval: Interval) -> str:
    return f"95 %: {100 * interval.low:.0f} to {100 * interval.high:.0f} %"
