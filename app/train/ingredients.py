"""What there is to train on: how many verdicts, how many held out, and which policies wrote them. Qt-free."""

import math
from dataclasses import dataclass

from app.store.collecting import verdicts
from app.store.handle import Project
from app.store.records import PairSelection
from dpo_engine.config import TrainConfig

FEW = 20
"""Below this many preferences a run says little about anything but those preferences."""


SELECTIONS: tuple[tuple[PairSelection, str], ...] = (
    ("all", "All preferences"),
    ("new", "New since the last run"),
    ("much_better", "Only much better"),
)
"""Which preferences to train on, with the words for it."""


@dataclass(frozen=True, kw_only=True)
class Ingredients:
    """Standing left and right verdicts of a selection; `held_out` of them only measure."""

    preferences: int
    held_out: int
    policies: tuple[tuple[str, int], ...] = ()
    """(model reference, how many of the preferences it wrote the chosen response of), most first."""
    selection: PairSelection = "all"

    @property
    def train(self) -> int:
        return self.preferences - self.held_out


def load_ingredients(project: Project, selection: PairSelection = "all") -> Ingredients:
    found = verdicts.preferences(project, selection)
    return Ingredients(
        preferences=found.total, held_out=found.held_out, policies=found.models, selection=selection
    )


def obstacle(ingredients: Ingredients) -> str:
    """Why no run can start from these, and what to do; empty when one can."""
    if not ingredients.preferences and ingredients.selection != "all":
        return "No preference belongs to this selection. Choose all preferences, or give more verdicts."
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
