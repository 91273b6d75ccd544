"""The best held-out check, by each figure that may decide it."""

import pytest

from dpo_engine.config import BestBy
from dpo_engine.training.best import Best


@pytest.mark.parametrize(
    ("by", "values", "best"),
    [
        ("eval_loss", [0.7, 0.5, 0.6], 2),
        ("eval_rewards/margins", [-0.1, 0.2, 0.1], 2),
        ("eval_rewards/accuracies", [0.5, 0.75, 0.75], 2),  # a tie is not better
        ("eval_loss", [0.3, 0.5, 0.6], 1),
    ],
)
def test_which_check_is_the_best(by: BestBy, values: list[float], best: int) -> None:
    found = Best()
    for step, value in enumerate(values, start=1):
        found = found.after(step, value, by)
    assert found == Best(step=best, value=values[best - 1], checks_since=len(values) - best)


def test_a_figure_that_is_not_finite_is_never_the_best() -> None:
    none_yet = Best().after(1, None, "eval_loss")
    assert none_yet == Best(step=0, value=None, checks_since=1)
    assert none_yet.after(2, 9.0, "eval_loss").after(3, None, "eval_loss") == Best(
        step=2, value=9.0, checks_since=1
    )
