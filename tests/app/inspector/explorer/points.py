"""Pairs for the explorer: ordinary ones, and ones at the ends of what numbers can be."""

from app.inspector.explorer.explored import LOWEST
from dpo_engine.loss_values import LossPoint

ORDINARY = (
    LossPoint(
        policy_chosen=-88.12,
        policy_rejected=-140.2,
        reference_chosen=-90.5,
        reference_rejected=-131.9,
        chosen_tokens=41,
        rejected_tokens=77,
    ),
    LossPoint(
        policy_chosen=-31.0,
        policy_rejected=-4.5,
        reference_chosen=-12.25,
        reference_rejected=-6.0,
        chosen_tokens=9,
        rejected_tokens=2,
    ),
    LossPoint(
        policy_chosen=-0.4,
        policy_rejected=-1.2,
        reference_chosen=-1.2,
        reference_rejected=-0.4,
        chosen_tokens=3,
        rejected_tokens=4,
    ),
)


def extreme(chosen: float, rejected: float) -> LossPoint:
    return LossPoint(
        policy_chosen=chosen, policy_rejected=rejected, reference_chosen=-3.0, reference_rejected=-3.0
    )


EXTREME = (
    extreme(0.0, 0.0),
    extreme(LOWEST, LOWEST),
    extreme(0.0, LOWEST),
    extreme(LOWEST, 0.0),
    extreme(-1e-12, -745.0),
)
