"""A policy that learns: its model, what moves it, and what it has counted. Computes, and tells nobody.

Of several processes that train one policy together every one has a learner; who writes and tells is the
business of `run_record` alone. Which pairs a step takes is decided in `_of_step`, and nowhere else.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor

from dpo_engine.compute.device import free_cached_memory
from dpo_engine.compute.peak_memory import PeakMemory
from dpo_engine.compute.randomness import RandomStream
from dpo_engine.forward import kept_gradients
from dpo_engine.forward.activation_checkpointing import checkpoint_layers
from dpo_engine.forward.compilation import pays
from dpo_engine.forward.log_probs import LogProbs
from dpo_engine.memory.micro_batches import Members
from dpo_engine.memory.needs import fit
from dpo_engine.pairs.batches import PackedLengths, PairBatch, collate
from dpo_engine.pairs.packing import in_micro_batches
from dpo_engine.pairs.prefetch import Prefetch, pinned
from dpo_engine.reference.kinds import Reference
from dpo_engine.reference.setup import make_reference
from dpo_engine.training import state as training_state
from dpo_engine.training.checkpoint import Checkpoint
from dpo_engine.training.metrics import PairMeans, only_finite
from dpo_engine.training.optimizer_step import OptimizerStep, StepResult
from dpo_engine.training.optimizers import make_optimizer
from dpo_engine.training.plan import rate_factor
from dpo_engine.training.setup import Setup, cuts_note
from dpo_engine.training.standing import Standing


class Learner:
    """Moves the policy of `setup` step by step, and measures it."""

    def __init__(self, setup: Setup, *, reference_cache: bool = True) -> None:
        """`reference_cache`: reference log-probs are shared with other runs beside this one's folder."""
        self._setup = setup
        self._lengths = PackedLengths(setup.pairs)
        loaded, config = setup.loaded, setup.config
        self._cut = fit(
            loaded.model.config,
            config,
            setup.probably_longest(),
            of=len(setup.pairs),
            device=loaded.device,
            dtype=loaded.dtype,
        )
        if self._cut.checkpoint_activations:
            checkpoint_layers(loaded.model, dropout=config.lora_dropout > 0)
        scorer = self._make_scorer()
        self.notes = (*_about(scorer), *self._cut.notes)
        self.reference = self._make_reference(scorer, use_cache=reference_cache)
        if kept_gradients.pays(config, loaded.device):
            kept_gradients.keep_gradients(loaded.model)
        self._random = RandomStream(config.seed, loaded.device)
        self._optimizer = make_optimizer(loaded.model, config)
        self._token_budget = self._cut.token_budget
        # A processor that computes has no time to spare for the next batches; a GPU waits for nothing else.
        self._ahead = Prefetch(self._pinned) if loaded.device.type == "cuda" else None
        self.move = self._make_step(
            scorer=scorer,
            reference=self.reference,
            optimizer=self._optimizer,
            config=config,
            random=self._random,
            collate=self._ahead or self._batch,
            name_of=lambda member: setup.pairs[member].id,
        )
        free_cached_memory(loaded.device)  # what loading and trying things out left between what stays
        self._memory = PeakMemory(loaded.device)
        self._moved = False
        self.standing = Standing()

    def restore(self, found: Checkpoint) -> None:
        """Become what was saved. Raises `BadInput` where it does not fit."""
        tensors = self._saved_tensors(found)
        self.reference.load_state(tensors)
        for _ in self.prepare_reference():  # the weights just loaded are the reference
            pass
        training_state.restore(tensors, self._setup.loaded.model, self._optimizer)
        self._random.load_state(training_state.under("random", tensors))
        self.move.loss.load_state(training_state.under("loss", tensors))
        step, standing = found.info.step, found.info.standing
        self.standing = dataclasses.replace(
            standing,
            measured_step=step if standing.measured_step is None else standing.measured_step,
            sampled_step=step if standing.sampled_step is None else standing.sampled_step,
        )
        self._moved = standing.skipped_steps < step

    def close(self) -> None:
        """Let go of the thread that makes batches, if there is one."""
        if self._ahead is not None:
            self._ahead.close()

    def tensors(self) -> dict[str, Tensor]:
        """Everything that `restore` needs, on the CPU, as it is until the next step; see `training_state`."""
        return training_state.collect(self._setup.loaded.model, self._optimizer, self._other_tensors())

    def prepare_reference(self) -> Iterator[int]:
        """Before the weights change: where the reference cannot be kept, compute all its log-probs now.

        Yields how many pairs more are done. In the first epoch's batches: at low precision a sequence's
        log-prob depends a little on what it is batched with, and step 0 must compare like with like.
        """
        if not self.reference.prepare():
            return
        plan = self._setup.plan

        def fill(batch: PairBatch) -> None:
            self.reference.log_probs(batch)

        batches = [batch for step in range(1, plan.steps_per_epoch + 1) for batch in self._of_step(step)]
        for members in batches + self._held_out():
            self.move.each([members], fill)
            yield len(members)
        self.reference.seal()
        free_cached_memory(self._setup.loaded.device)

    def step(self, number: int) -> tuple[StepResult, dict[str, float]]:
        """Do step `number`; gives what came of it, and its metrics without any that is not finite."""
        setup, plan = self._setup, self._setup.plan
        rate = setup.learning_rate * rate_factor(setup.config, number, plan.total_steps)
        if self._ahead is not None:
            following = self._of_step(number + 1) if number < plan.total_steps else []
            self._ahead.expect([*self._of_step(number), *following])
        result = self.move(self._of_step(number), rate, at_reference=not self._moved)
        self.reference.stepped(number, moved=result.moved)
        self._moved = self._moved or result.moved
        self.standing = dataclasses.replace(
            self.standing,
            num_tokens=self.standing.num_tokens + result.tokens,
            skipped_steps=self.standing.skipped_steps + (not result.moved),
        )
        if number == plan.steps_per_epoch and not setup.cuts_told:
            about = cuts_note(setup.pairs.cut, f"the {len(setup.pairs)} pairs", setup.max_length)
            result = dataclasses.replace(result, notes=(*result.notes, *about))
        return result, only_finite(self._counted(result, number))

    def measure_held_out(self, means: PairMeans) -> Iterator[int]:
        """Add the held-out pairs under the policy as it is now to `means`; yields how many are done."""
        for members in self._held_out():
            self.move.measure(members, means)
            yield means.pairs

    def checked(self, step: int, metrics: Mapping[str, float]) -> None:
        """Take note of what the held-out pairs gave after `step`."""
        best, by = self.standing.best, self._setup.config.metric_for_best_model
        if step > 0:
            best = best.after(step, metrics.get(by), by)
        self.standing = dataclasses.replace(self.standing, best=best, measured_step=step)

    def _make_scorer(self) -> LogProbs:
        loaded, config, plan = self._setup.loaded, self._setup.config, self._setup.plan
        scorer = LogProbs(loaded.model, device=loaded.device, forward_dtype=loaded.dtype)
        tokens = self._setup.tokens_a_pair() * self._setup.train_pairs * plan.epoch_after(plan.total_steps)
        checkpointed = self._cut.checkpoint_activations
        if pays(config.torch_compile, loaded.device, round(tokens), checkpointed=checkpointed):
            scorer.compile_layers()
        return scorer

    def _make_reference(self, scorer: LogProbs, *, use_cache: bool) -> Reference:
        return make_reference(self._setup, scorer, use_cache=use_cache)

    def _make_step(self, **parts: Any) -> OptimizerStep:
        return OptimizerStep(**parts)

    def _saved_tensors(self, found: Checkpoint) -> dict[str, Tensor]:
        return found.tensors()

    def _other_tensors(self) -> dict[str, Tensor]:
        """What a checkpoint keeps beside weights and the optimizer's tensors, by full names."""
        return {
            **self.reference.state(),
            **training_state.with_prefix("random", self._random.state()),
            **training_state.with_prefix("loss", self.move.loss.state()),
        }

    def _counted(self, result: StepResult, number: int) -> dict[str, float]:
        more = {
            "num_tokens": float(self.standing.num_tokens),
            "epoch": self._setup.plan.epoch_after(number),
            "memory": float(self._memory.since_last()),
        }
        if self.standing.skipped_steps:
            more["skipped_steps"] = float(self.standing.skipped_steps)
        if result.skipped_pairs:
            more["skipped_pairs"] = float(result.skipped_pairs)
        return result.metrics | more

    def _of_step(self, number: int) -> list[Members]:
        """The pairs of a step, in the batches in which they go through the model."""
        return self._in_micro_batches(self._setup.plan.step(number))

    def _held_out(self) -> list[Members]:
        return self._in_micro_batches(self._setup.held_out)

    def _in_micro_batches(self, members: Members) -> list[Members]:
        """By a budget that does not depend on what is free: a resumed run adds up in the same order."""
        return in_micro_batches(members, self._lengths, self._token_budget)

    def _batch(self, members: Members) -> PairBatch:
        return collate([self._setup.pairs[member] for member in members], members)

    def _pinned(self, members: Members) -> PairBatch:
        return pinned(self._batch(members))


def _about(scorer: LogProbs) -> tuple[str, ...]:
    """What a person may want to know of how this model is computed."""
    if not scorer.sharing.note:
        return ()
    return (
        f"{scorer.sharing.note} So a pair's prompt is computed once for each of its responses, which is "
        "slower and gives the same numbers.",
    )
