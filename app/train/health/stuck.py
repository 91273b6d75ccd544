"""The loss stays where it began and every reward is zero: which of three causes it is. Qt-free."""

import numpy as np

from app.train.health.curves import SHORTEST, Curves
from app.train.health.finding import Action, Figure, Finding, ShowCheck, StartAgain
from app.train.wording import count, figure, rate
from dpo_engine.recommendations import recommended, recommended_learning_rate

NO_REWARD = 0.02
"""A reward, and a margin, that says nothing: σ(0.02) = 0.505, and the loss is 0.683 instead of ln 2 = 0.693.

It is not compared with the reward so far but with what it would be at the run's end. Adam's steps are about
as long as the learning rate (arXiv 1412.6980, section 2.1), and near the start a reward grows with the way
gone, so reward now / way so far · whole way is the end's; the rest of the way is taken at the highest rate
yet, which is more than it will be, so that a run with a long warm-up is not called stuck.
"""
SAME = 1e-6
"""Largest relative difference of two log-probs that were computed from the same tokens."""


def stuck(curves: Curves) -> Finding | None:
    step = curves.step
    rewards = [curves.recent(f"rewards/{name}") for name in ("chosen", "rejected", "margins")]
    rates = curves.values("learning_rate")
    if not curves.has_reference or step < SHORTEST or not len(rates) or not rates.sum():
        return None
    left = max(0, curves.facts.total_steps - step) * float(rates.max())
    expected = max((abs(one) for one in rewards if one is not None), default=None)
    if expected is None:
        return None
    at_the_end = expected * (1 + left / float(rates.sum()))
    if at_the_end > NO_REWARD and not _sides_are_identical(curves):
        return None
    loss = curves.recent("loss")
    told = f"The loss stays at {loss:.3f}" if loss is not None else "The loss does not move"
    cause, action = _cause(curves)
    return Finding(
        kind="stuck",
        level="warning",
        sentence=f"{told} and every margin at zero: the policy does not learn.",
        cause=cause,
        figures=(
            *(
                Figure(name=name, value=figure("{:+.5f}", reward))
                for name, reward in zip(("Chosen reward", "Rejected reward", "Margin"), rewards, strict=True)
                if reward is not None
            ),
            *_gradient(curves),
            Figure(name="Learning rate", value=rate(float(rates.max()))),
            Figure(name="Steps", value=f"{step:,} of {curves.facts.total_steps:,}"),
        ),
        action=action,
    )


def _cause(curves: Curves) -> tuple[str, Action | None]:
    """What the evidence is for, and what helps against it."""
    config = curves.facts.config
    if _sides_are_identical(curves):
        return (
            "Chosen and rejected have the same log-probs at every step: the two sides of each pair are the "
            "same text, so there is nothing to prefer.",
            ShowCheck(),
        )
    gradients = curves.values("grad_norm")
    if len(gradients) and not gradients.any():
        cause = "The gradient is exactly 0 at every step: what may learn has no influence on the answers. "
        if config.method == "full":
            return cause + "The model's weights seem to be cut off from its output.", None
        if config.lora_target_modules == "all-linear":
            return cause + "The adapter seems to be frozen.", None
        return (
            f"{cause}The adapter sits on {config.lora_target_modules} alone.",
            StartAgain(changes={"lora_target_modules": "all-linear"}),
        )
    return _too_small_steps(curves)


def _too_small_steps(curves: Curves) -> tuple[str, Action]:
    config, pairs = curves.facts.config, curves.facts.train_pairs
    usual = recommended(config.method, pairs)
    usual_rate = recommended_learning_rate(config.method, pairs)
    cause = (
        f"There is a gradient, but {count(curves.facts.total_steps, 'step')} with a learning rate of "
        f"{rate(curves.learning_rate)} move nothing. For {count(pairs, 'pair')} {rate(usual_rate)} and "
        f"{count(round(usual.num_train_epochs), 'epoch')} are usual."
    )
    if usual_rate < 3 * curves.learning_rate and usual.num_train_epochs > 1.5 * config.num_train_epochs:
        return cause, StartAgain(changes={"num_train_epochs": usual.num_train_epochs})
    higher = usual_rate if usual_rate >= 3 * curves.learning_rate else 10 * curves.learning_rate
    return cause, StartAgain(changes={"learning_rate": min(1.0, float(f"{higher:.2g}"))})


def _sides_are_identical(curves: Curves) -> bool:
    chosen, rejected = curves.values("logps/chosen"), curves.values("logps/rejected")
    if not len(chosen) or len(chosen) != len(rejected):
        return False
    return bool(np.all(np.abs(chosen - rejected) <= SAME * np.abs(chosen)))


def _gradient(curves: Curves) -> tuple[Figure, ...]:
    norm = curves.recent("grad_norm")
    return () if norm is None else (Figure(name="Gradient norm", value=f"{norm:.3g}"),)
