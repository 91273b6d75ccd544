"""One optimizer step over any number of micro-batches: forward, loss, backward, clip, move."""

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from dpo_engine.compute.randomness import RandomStream
from dpo_engine.config import TrainConfig
from dpo_engine.errors import TrainingDiverged
from dpo_engine.forward.log_probs import LogProbs
from dpo_engine.losses import Loss, PairLogProbs
from dpo_engine.memory.micro_batches import Collate, Members, MicroBatches, fits, halves
from dpo_engine.pairs.batches import PairBatch
from dpo_engine.reference.kinds import Reference
from dpo_engine.training.metrics import PairMeans
from dpo_engine.training.optimizers import begin_moments
from dpo_engine.training.state import trained_parameters

START_TOLERANCE = 1e-3


@dataclass(frozen=True, kw_only=True)
class StepResult:
    """`metrics` are means over `pairs` pairs; where every pair was left out there are none."""

    metrics: dict[str, float] = field(default_factory=dict)
    tokens: int = 0
    pairs: int = 0
    moved: bool = False
    """The weights were changed; False where a number was not finite."""
    skipped_pairs: int = 0
    """Left out, because they do not fit into memory alone."""
    notes: tuple[str, ...] = ()


@dataclass(kw_only=True)
class StepSums:
    """What a step has come to so far, of `pairs` pairs in all."""

    pairs: int
    means: PairMeans = field(default_factory=PairMeans)
    tokens: int = 0
    left_out: int = 0
    """Pairs that were asked for and do not fit into memory alone."""
    half_added: bool = False
    """A batch's gradient is being added."""


class OptimizerStep:
    """Moves a policy by batches of pairs.

    The gradient is that of the mean loss over all pairs of the step, however they are cut into batches.
    """

    def __init__(
        self,
        *,
        scorer: LogProbs,
        reference: Reference,
        optimizer: Optimizer,
        config: TrainConfig,
        random: RandomStream,
        collate: Collate,
        name_of: Callable[[int], str],
        token_budget: int | None = None,
    ) -> None:
        """`collate` makes a batch of the pairs with these numbers, `name_of` names one for a person.

        `token_budget`: the attribute of that name from an earlier part of the run, if there was one.
        """
        self.scorer = scorer
        self.reference = reference
        self.optimizer = optimizer
        self.config = config
        self._random = random
        self.loss = Loss(config)
        self._dropout = _only_adapter_dropout(scorer.model)
        self._micro_batches = MicroBatches(
            collate=collate,
            name_of=name_of,
            device=scorer.device,
            too_large=config.on_out_of_memory,
            token_budget=token_budget,
        )

    @property
    def token_budget(self) -> int | None:
        """The most tokens at once that were found to fit; None while memory never ran out."""
        return self._micro_batches.token_budget

    def __call__(
        self, micro_batches: Sequence[Members], learning_rate: float, *, at_reference: bool = False
    ) -> StepResult:
        """One step by the mean loss of all pairs in `micro_batches`, which are made smaller as memory asks.

        Raises `TrainingDiverged` when the policy is said to be at its reference and is not, `OutOfMemory`
        where one pair alone does not fit and the run is to stop then.
        """
        sums = self._gradient(micro_batches)
        if not sums.pairs:
            return StepResult(skipped_pairs=sums.left_out, notes=self.take_notes())
        norm_on_device = self._clipped_norm()
        metrics = sums.means.means()  # the one wait for the device
        norm = float(norm_on_device)
        metrics |= {"grad_norm": norm, "learning_rate": learning_rate}
        moved = math.isfinite(norm) and math.isfinite(metrics["loss"])
        if moved:
            if at_reference:
                check_start(sums.means.log_probs(), self.loss)
            for group in self.optimizer.param_groups:
                group["lr"] = learning_rate
            begin_moments(self.optimizer)
            self.optimizer.step()
            self.loss.after_step(sums.means.log_probs())
        self.optimizer.zero_grad(set_to_none=True)
        return StepResult(
            metrics=metrics,
            tokens=sums.tokens,
            pairs=sums.pairs,
            moved=moved,
            skipped_pairs=sums.left_out,
            notes=self.take_notes(),
        )

    @torch.no_grad()
    def measure(self, members: Members, means: PairMeans) -> None:
        """Add the pairs' figures to `means` without moving anything; `OutOfMemory` as above."""

        def add(batch: PairBatch) -> None:
            means.add(self._forward(batch), self.loss)

        self.each([members], add)

    def each(self, micro_batches: Sequence[Members], work: Callable[[PairBatch], None]) -> None:
        """Do other work on pairs, in batches as small as memory asks; see `MicroBatches.each`."""
        self._micro_batches.each(micro_batches, work)

    def take_notes(self) -> tuple[str, ...]:
        """Sentences about batches made smaller and pairs left out, for a person, each given once."""
        return self._micro_batches.take_notes()

    def _gradient(self, micro_batches: Sequence[Members]) -> StepSums:
        """Leave the gradient of the mean loss in the weights' `.grad`."""
        before = self._random.state()
        while True:
            self._random.load_state(before)
            self.optimizer.zero_grad(set_to_none=True)
            sums = self._attempt(self._micro_batches.usable(micro_batches))
            if sums is not None:
                sums.left_out = sum(map(len, micro_batches)) - sums.pairs
                return sums

    def _attempt(self, micro_batches: Sequence[Members]) -> StepSums | None:
        """The gradient over these pairs; None where it must be begun anew, in smaller batches.

        A forward pass that fails has added nothing, so only its micro-batch is done again. A backward pass
        that fails midway has added a part of its gradient to `.grad`. Telling that part from the rest would
        take a second gradient's memory in every step, for what happens a few times in a run and nearly
        always in the step's first batch, its largest. So then the step begins again, with the same random
        numbers; likewise when a pair is left out, because the mean is over one pair less.
        """
        sums = StepSums(pairs=sum(map(len, micro_batches)))
        waiting = deque(micro_batches)
        with self._random.active(), self._dropout_on():
            while waiting:
                members = waiting.popleft()
                batch = self._micro_batches.fitting(members)
                if batch is None:
                    waiting.extendleft(reversed(halves(members)))
                elif not fits(partial(self._add, batch, sums)):
                    parts = self._micro_batches.smaller(batch)
                    if sums.half_added or not parts:
                        return None
                    waiting.extendleft(reversed(parts))
        return sums

    def _add(self, batch: PairBatch, sums: StepSums) -> None:
        """Add a batch's share to the gradient and its figures to `sums`."""
        log_probs = self._forward(batch)
        losses = self.loss(log_probs)
        sums.half_added = True
        (losses.sum() / sums.pairs).backward()  # type: ignore[no-untyped-call]
        sums.means.add(log_probs, self.loss)
        sums.tokens += batch.tokens
        sums.half_added = False

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

    def _forward(self, batch: PairBatch) -> PairLogProbs:
        device = self.scorer.device
        known = self.reference.log_probs(batch)
        policy = self.scorer.sums(batch)
        reference = self.reference.confirmed(batch, known, policy).to(device)
        tokens = torch.tensor(batch.lengths, dtype=policy.dtype, device=device).view(2, batch.pairs)
        return PairLogProbs(
            policy_chosen=policy[0],
            policy_rejected=policy[1],
            reference_chosen=reference[0],
            reference_rejected=reference[1],
            chosen_tokens=tokens[0],
            rejected_tokens=tokens[1],
        )

    def _clipped_norm(self) -> Tensor:
        """Norm of the gradient before it is scaled down to `max_grad_norm` (0: left as it is)."""
        gradients = [
            parameter.grad
            for _, parameter in trained_parameters(self.scorer.model)
            if parameter.grad is not None
        ]
        norm = nn.utils.get_total_norm(gradients)
        self._clip(gradients, norm)
        return norm

    def _clip(self, gradients: list[Tensor], norm: Tensor) -> None:
        limit = self.config.max_grad_norm
        if limit > 0:
            torch._foreach_mul_(gradients, torch.clamp(limit / (norm + 1e-6), max=1.0))


def check_start(log_probs: PairLogProbs, loss: Loss) -> None:
    """Before the first step policy and reference are the same model, so every margin is 0, and the loss is
    that of the reference with itself (ln 2 for the sigmoid loss).

    Anything else means that the two were not computed alike (a wrong reference, dropout left on, a leak
    between packed sequences), and a run that starts so would learn something else than was asked.
    """
    if not loss.needs_reference:
        return
    found, right = loss(log_probs).mean().item(), loss(log_probs.at_reference()).mean().item()
    margin = log_probs.margin(loss.beta).abs().max().item()
    if abs(found - right) < START_TOLERANCE * max(1.0, abs(right)) and margin < START_TOLERANCE:
        return
    raise TrainingDiverged(
        f"Before the first step the loss is {found:.4f} ({right:.4f} is right) and the largest reward "
        f"margin {margin:.4f} (0 is right): policy and reference do not agree although they are "
        "the same model. Nothing was changed. Try the precision float32; if it stays, please report it."
    )


def _only_adapter_dropout(model: nn.Module) -> list[nn.Module]:
    """Switch every dropout of `model` off, and give back LoRA's own, which alone may act while training.

    The model's own would make the policy differ from its reference before anything was learned.
    """
    model.eval()
    return [module for name, module in model.named_modules() if "lora_dropout" in name]
