"""One optimizer step over any number of micro-batches: forward, loss, backward, clip, move."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.optim import AdamW

from dpo_engine.batches import PairBatch
from dpo_engine.config import TrainConfig
from dpo_engine.errors import TrainingDiverged
from dpo_engine.log_probs import LogProbs
from dpo_engine.losses import LOSSES, PairLogProbs
from dpo_engine.metrics import PairMeans
from dpo_engine.randomness import RandomStream
from dpo_engine.reference import Reference
from dpo_engine.training_state import trained_parameters

START_TOLERANCE = 1e-3


@dataclass(frozen=True, kw_only=True)
class StepResult:
    """`moved`: the weights were changed; False where a number was not finite."""

    metrics: dict[str, float]
    tokens: int
    moved: bool


class OptimizerStep:
    """Moves a policy by batches of pairs.

    The gradient is that of the mean loss over all pairs of the step, however they are cut into batches.
    """

    def __init__(
        self,
        *,
        scorer: LogProbs,
        reference: Reference,
        optimizer: AdamW,
        config: TrainConfig,
        random: RandomStream,
    ) -> None:
        self.scorer = scorer
        self.reference = reference
        self.optimizer = optimizer
        self.config = config
        self._random = random
        self._loss = LOSSES[config.loss_type]
        self._dropout = _only_adapter_dropout(scorer.model)

    def __call__(
        self, batches: Sequence[PairBatch], learning_rate: float, *, at_reference: bool = False
    ) -> StepResult:
        """Raises `TrainingDiverged` when the policy is said to be at its reference and is not."""
        means = PairMeans()
        pairs = sum(batch.pairs for batch in batches)
        self.optimizer.zero_grad(set_to_none=True)
        with self._random.active(), self._dropout_on():
            for batch in batches:
                log_probs, losses = self._forward(batch)
                (losses.sum() / pairs).backward()  # type: ignore[no-untyped-call]
                means.add(log_probs, losses, self.config.beta)
        norm = self._clipped_norm()
        metrics = means.means() | {"grad_norm": norm, "learning_rate": learning_rate}
        moved = math.isfinite(norm) and math.isfinite(metrics["loss"])
        if moved:
            if at_reference:
                check_start(metrics["loss"], means.largest_margin())
            for group in self.optimizer.param_groups:
                group["lr"] = learning_rate
            self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return StepResult(metrics=metrics, tokens=sum(batch.tokens for batch in batches), moved=moved)

    @torch.no_grad()
    def measure(self, batch: PairBatch, means: PairMeans) -> None:
        """Add a batch's figures to `means` without moving anything."""
        log_probs, losses = self._forward(batch)
        means.add(log_probs, losses, self.config.beta)

    @contextmanager
    def _dropout_on(self) -> Iterator[None]:
        """While the policy learns; it is measured, and the reference computed, without any dropout."""
        for module in self._dropout:
            module.train()
        try:
            yield
        finally:
            for module in self._dropout:
                module.eval()

    def _forward(self, batch: PairBatch) -> tuple[PairLogProbs, Tensor]:
        reference = self.reference.log_probs(batch).to(self.scorer.device)
        policy = self.scorer.sums(batch)
        log_probs = PairLogProbs(
            policy_chosen=policy[0],
            policy_rejected=policy[1],
            reference_chosen=reference[0],
            reference_rejected=reference[1],
        )
        return log_probs, self._loss(log_probs, self.config)

    def _clipped_norm(self) -> float:
        """Norm of the gradient before it is scaled down to `max_grad_norm` (0: left as it is)."""
        gradients = [
            parameter.grad
            for _, parameter in trained_parameters(self.scorer.model)
            if parameter.grad is not None
        ]
        norm = nn.utils.get_total_norm(gradients)
        limit = self.config.max_grad_norm
        if limit > 0:
            torch._foreach_mul_(gradients, torch.clamp(limit / (norm + 1e-6), max=1.0))
        return float(norm)


def check_start(loss: float, largest_margin: float) -> None:
    """Before the first step policy and reference are the same model, so every margin is 0 and the loss ln 2.

    Anything else means that the two were not computed alike (a wrong reference, dropout left on, a leak
    between packed sequences), and a run that starts so would learn something else than was asked.
    """
    if abs(loss - math.log(2)) < START_TOLERANCE and largest_margin < START_TOLERANCE:
        return
    raise TrainingDiverged(
        f"Before the first step the loss is {loss:.4f} (ln 2 = 0.6931 is right) and the largest reward "
        f"margin {largest_margin:.4f} (0 is right): policy and reference do not agree although they are "
        "the same model. Nothing was changed. Try the precision float32; if it stays, please report it."
    )


def make_optimizer(model: nn.Module, config: TrainConfig) -> AdamW:
    """AdamW over the trained weights; weight decay acts on matrices, not on norms and biases."""
    parameters = [parameter for _, parameter in trained_parameters(model)]
    groups = [
        {"params": [one for one in parameters if one.ndim >= 2], "weight_decay": config.weight_decay},
        {"params": [one for one in parameters if one.ndim < 2], "weight_decay": 0.0},
    ]
    fused = all(one.device.type in ("cpu", "cuda", "mps") for one in parameters)
    return AdamW([group for group in groups if group["params"]], lr=config.learning_rate or 0.0, fused=fused)


def _only_adapter_dropout(model: nn.Module) -> list[nn.Module]:
    """Switch every dropout of `model` off, and give back LoRA's own, which alone may act while training.

    The model's own would make the policy differ from its reference before anything was learned.
    """
    model.eval()
    return [module for name, module in model.named_modules() if "lora_dropout" in name]
