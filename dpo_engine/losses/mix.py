"""The loss of a training: one or several losses by weights, and what they remember between steps."""

import math
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from dpo_engine.config import TrainConfig
from dpo_engine.errors import BadInput
from dpo_engine.loss_mix import REFERENCE_FREE, needs_reference, weighted_losses
from dpo_engine.losses import contrastive, pointwise, reference_free
from dpo_engine.losses.log_ratios import PairLogProbs

PairLoss = Callable[[PairLogProbs], Tensor]


class Loss:
    """`loss(log_probs)` is [pairs], differentiable: the sum over `loss_type` and `loss_mix` by weight."""

    def __init__(self, config: TrainConfig) -> None:
        self.beta = config.beta
        self.needs_reference = needs_reference(config)
        """Otherwise the reference log-probs are not looked at and need not be computed."""
        self._main = config.loss_type
        self._shift = RewardShift(config.beta)
        known = pair_losses(config, self._shift)
        self._parts = [(name, weight, known[name]) for name, weight in weighted_losses(config).items()]
        self._remembers = any(name == "bco_pair" for name, _, _ in self._parts)

    def __call__(self, log_probs: PairLogProbs) -> Tensor:
        return torch.stack([weight * loss(log_probs) for _, weight, loss in self._parts]).sum(dim=0)

    def parts(self, log_probs: PairLogProbs) -> dict[str, Tensor]:
        """Of a mix, each part by name, [pairs] and before its weight; nothing where there is but one."""
        if len(self._parts) == 1:
            return {}
        return {name: loss(log_probs) for name, _, loss in self._parts}

    def rewards(self, log_probs: PairLogProbs) -> tuple[Tensor, Tensor]:
        """[pairs] each: what `loss_type` takes for the rewards of the chosen and the rejected responses.

        β · log-ratio; of losses without a reference β · log-prob per token, which is SimPO's reward (arXiv
        2405.14734, equation 3) and by custom ORPO's, whose paper defines none.
        """
        if self._main in REFERENCE_FREE:
            chosen, rejected = reference_free.mean_log_probs(log_probs)
            return self.beta * chosen, self.beta * rejected
        return self.beta * log_probs.chosen_log_ratio, self.beta * log_probs.rejected_log_ratio

    def after_step(self, log_probs: PairLogProbs) -> None:
        """Learn from all pairs of an optimizer step, once, after it."""
        if self._remembers:
            self._shift.update(log_probs)

    def state(self) -> dict[str, Tensor]:
        """What is remembered between steps, on the CPU; empty where nothing is."""
        return self._shift.state() if self._remembers else {}

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Raises `BadInput` where `state` is not that of this loss."""
        if set(state) != set(self.state()):
            raise BadInput("The checkpoint does not fit the run: it was made with another loss.")
        if self._remembers:
            self._shift.load_state(state)


class RewardShift:
    """bco_pair's δ: the mean reward of the responses of all steps so far, chosen and rejected ones alike.

    Every pair of a step sees the value from before the step, so that it does not matter how the step is cut.
    The first one sees 0, which is right: policy and reference are the same then.
    """

    def __init__(self, beta: float) -> None:
        self._beta = beta
        self._pairs = 0
        self.value = 0.0

    @torch.no_grad()
    def update(self, log_probs: PairLogProbs) -> None:
        self._pairs += log_probs.pairs
        both = log_probs.chosen_log_ratio.double() + log_probs.rejected_log_ratio.double()
        mean = self._beta * both.mean().item() / 2
        self.value += (mean - self.value) * log_probs.pairs / self._pairs

    def state(self) -> dict[str, Tensor]:
        return {
            "bco_pair_shift": torch.tensor(self.value, dtype=torch.float64),
            "bco_pair_pairs": torch.tensor(self._pairs),
        }

    def load_state(self, state: dict[str, Tensor]) -> None:
        value, pairs = state["bco_pair_shift"], state["bco_pair_pairs"]
        if value.numel() != 1 or pairs.numel() != 1 or not math.isfinite(value.item()):
            raise BadInput("The checkpoint is damaged: the reward shift of bco_pair in it is no number.")
        self.value, self._pairs = value.item(), int(pairs.item())


def pair_losses(config: TrainConfig, shift: RewardShift) -> dict[str, PairLoss]:
    """Every loss by its config name, with its settings from `config`."""
    beta, label_smoothing = config.beta, config.label_smoothing
    return {
        "sigmoid": partial(contrastive.sigmoid, beta=beta, label_smoothing=label_smoothing),
        "sigmoid_norm": partial(contrastive.sigmoid_norm, beta=beta),
        "ipo": partial(contrastive.ipo, beta=beta),
        "hinge": partial(contrastive.hinge, beta=beta),
        "robust": partial(contrastive.robust, beta=beta, label_smoothing=label_smoothing),
        "exo_pair": partial(contrastive.exo_pair, beta=beta, label_smoothing=label_smoothing),
        "discopop": partial(contrastive.discopop, beta=beta, tau=config.discopop_tau),
        "nca_pair": partial(pointwise.nca_pair, beta=beta),
        "bco_pair": lambda log_probs: pointwise.bco_pair(log_probs, beta=beta, shift=shift.value),
        "sppo_hard": partial(pointwise.sppo_hard, beta=beta),
        "apo_zero": partial(pointwise.apo_zero, beta=beta),
        "apo_down": partial(pointwise.apo_down, beta=beta),
        "simpo": partial(reference_free.simpo, beta=beta, gamma=config.simpo_gamma),
        "orpo": partial(reference_free.orpo, beta=beta),
        "sft": reference_free.sft,
    }
