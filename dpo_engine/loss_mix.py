"""Which losses a training makes small, with which weights. Torch-free, so that a form can check it as typed.

A mix is text, for example "sft 0.2, ipo 0.5": further losses beside `loss_type`, whose weight is 1.
"""

import math
from collections.abc import Mapping
from typing import Protocol

from dpo_engine.errors import BadInput

PAPERS: Mapping[str, str] = {
    "sigmoid": "2305.18290",
    "ipo": "2310.12036",
    "hinge": "2309.06657",
    "robust": "2403.00409",
    "exo_pair": "2402.00856",
    "nca_pair": "2402.05369",
    "bco_pair": "2404.04656",
    "sppo_hard": "2405.00675",
    "apo_zero": "2408.06266",
    "apo_down": "2408.06266",
    "discopop": "2406.08414",
    "sigmoid_norm": "2411.15124",
    "simpo": "2405.14734",
    "orpo": "2403.07691",
    "sft": "2404.19733",
}
"""Every loss that can be mixed, and where on arXiv it comes from."""

REFERENCE_FREE = ("simpo", "orpo", "sft")
"""These look at the policy alone."""


class LossSettings(Protocol):
    """What of a `TrainConfig` says which losses there are."""

    @property
    def loss_type(self) -> str: ...
    @property
    def loss_mix(self) -> str | None: ...
    @property
    def label_smoothing(self) -> float: ...
    @property
    def sync_ref_model(self) -> bool: ...


def weighted_losses(settings: LossSettings) -> dict[str, float]:
    """Loss -> weight, `loss_type` first. Raises `BadInput` where `loss_mix` cannot be understood."""
    weights = {settings.loss_type: 1.0}
    if settings.loss_mix is None:
        return weights
    for entry in settings.loss_mix.split(","):
        name, weight = _entry(entry)
        if name in weights:
            raise BadInput(f"The loss {name} is named twice; loss_mix lists each further loss once.")
        weights[name] = weight
    return weights


def needs_reference(settings: LossSettings) -> bool:
    """Whether any of the losses compares the policy with its reference."""
    return any(name not in REFERENCE_FREE for name in weighted_losses(settings))


def check_losses(settings: LossSettings) -> None:
    """Raise `BadInput` for a mix that is none, or for settings that some loss of it cannot work with."""
    names = weighted_losses(settings)
    if "exo_pair" in names and settings.label_smoothing == 0:
        raise BadInput(
            "label_smoothing is 0, with which the loss exo_pair is infinite; it must be above 0 (its paper "
            "takes 0.001)."
        )
    if settings.sync_ref_model and not needs_reference(settings):
        raise BadInput(
            f"sync_ref_model is on, but has no effect while the loss is {described(settings)}, which has no "
            "reference. Leave it off, or choose another loss."
        )


def described(settings: LossSettings) -> str:
    """The losses in one line: "sigmoid + 0.2 · sft"."""
    first, *others = weighted_losses(settings).items()
    return " + ".join([first[0], *(f"{weight:g} · {name}" for name, weight in others)])


def _entry(entry: str) -> tuple[str, float]:
    words = entry.split()
    if len(words) != 2:
        raise BadInput(
            f"loss_mix has {entry.strip()[:40]!r} where a loss and its weight belong, as in "
            '"sft 0.2, ipo 0.5".'
        )
    name, text = words
    if name not in PAPERS:
        raise BadInput(f"loss_mix names {name[:40]!r}; it must be one of {', '.join(PAPERS)}.")
    try:
        weight = float(text)
    except ValueError:
        raise BadInput(f"loss_mix gives {name} the weight {text[:40]!r}, which is no number.") from None
    if not math.isfinite(weight) or weight <= 0:
        raise BadInput(f"loss_mix gives {name} the weight {text[:40]}; it must be above 0 and finite.")
    return name, weight
