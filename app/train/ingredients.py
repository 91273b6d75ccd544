"""What there is to train on: how many verdicts, how many held out, and which policies wrote them. Qt-free."""

import math
from dataclasses import dataclass

from app.store import verdicts
from app.store.handle import Project
from app.store.rows import read
from dpo_engine.config import TrainConfig

FEW = 20
"""Below this many preferences a run says little about anything but those preferences."""


@dataclass(frozen=True, kw_only=True)
class Ingredients:
    """Standing left and right verdicts; `held_out` of them only measure."""

    preferences: int
    held_out: int
    policies: tuple[tuple[str, int], ...] = ()
    """(model reference, how many of the preferences it wrote the chosen response of), most first."""

    @property
    def train(self) -> int:
        return self.preferences - self.held_out


def load_ingredients(project: Project) -> Ingredients:
    counts = verdicts.counts(project)
    rows = read(
        project,
        "counting who wrote the responses",
        """
        SELECT candidates.model AS model, count(*) AS n FROM comparisons
        JOIN candidates ON candidates.id =
            CASE comparisons.choice WHEN 'left' THEN comparisons.left_id ELSE comparisons.right_id END
        WHERE comparisons.choice IN ('left', 'right')
        GROUP BY candidates.model ORDER BY n DESC, model
        """,
    )
    return Ingredients(
        preferences=counts.preferences,
        held_out=counts.held_out,
        policies=tuple((row["model"], row["n"]) for row in rows),
    )


def obstacle(ingredients: Ingredients) -> str:
    """Why no run can start from these, and what to do; empty when one can."""
    if not ingredients.preferences:
        return (
            "Give at least one verdict first: on Annotate, press 1 or 2 for the better of two responses. "
            "Twenty or more make a run worthwhile."
        )
    if not ingredients.train:
        return (
            "Every preference so far is held out for measuring, so there is nothing to train on. Give a "
            "verdict on one more prompt on Annotate."
        )
    return ""


def advice(ingredients: Ingredients) -> str:
    """What to expect of a run from these, where that is not plain; empty otherwise."""
    if obstacle(ingredients):
        return ""
    if ingredients.train < FEW:
        return (
            f"With {_preferences(ingredients.train)} this is good for trying it out. From about {FEW} on, "
            "the policy learns something that holds for other prompts too."
        )
    if not ingredients.held_out:
        return (
            "No preference is held out, so nothing shows how well it carries over to other prompts. Verdicts "
            "on held-out prompts are used for that."
        )
    return ""


def plan(ingredients: Ingredients, config: TrainConfig) -> str:
    """What a run with these settings would do: steps, and when it is measured."""
    if not ingredients.train:
        return ""
    batch = config.per_device_train_batch_size * config.gradient_accumulation_steps
    steps = max(1, math.ceil(math.ceil(ingredients.train / batch) * config.num_train_epochs))
    return (
        f"{steps:,} step{'s' if steps > 1 else ''}: {ingredients.train:,} preferences in batches of "
        f"{batch:,}, {config.num_train_epochs:g} times."
    )


def _preferences(number: int) -> str:
    return "one preference" if number == 1 else f"{number} preferences"
