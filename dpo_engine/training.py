"""The training loop: yields events, polls a directive, and leaves a run that can be resumed at any step.

Every yield is a safe point: no autocast, no gradient mode and no random state of the training is in force
while the caller has control, so it may generate and score in between, or simply not ask for more (pause).
"""

import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Literal

import torch

from dpo_engine import checkpoint, run_folder, run_lock, training_state
from dpo_engine.batches import PairBatch, collate
from dpo_engine.checkpoint import Checkpoint
from dpo_engine.errors import Cancelled, EngineError, OutOfMemory, TrainingDiverged, from_os_error
from dpo_engine.events import (
    CheckpointSaved,
    Evaluated,
    Event,
    ModelLoaded,
    Note,
    Progress,
    StepDone,
    TrainingFinished,
    TrainingStarted,
)
from dpo_engine.files import remove_leftovers
from dpo_engine.log_probs import LogProbs
from dpo_engine.metrics import PairMeans, StepClock, only_finite
from dpo_engine.models import load_for_training
from dpo_engine.optimizer_step import OptimizerStep, StepResult, make_optimizer
from dpo_engine.plan import in_batches, rate_factor
from dpo_engine.policy_files import save_final, write_policy
from dpo_engine.randomness import RandomStream
from dpo_engine.reference import Reference, policy_itself, policy_without_adapter
from dpo_engine.requests import Train
from dpo_engine.run_folder import RunSpec, StepMetrics
from dpo_engine.run_status import RunProgress
from dpo_engine.training_setup import Loader, Setup, set_up, starting_point

Directive = Literal["go", "keep", "leave"]
"""`keep`: end now and save the policy as it is. `leave`: save a checkpoint and end."""

SKIPS_IN_A_ROW = 3


def train(
    request: Train, directive: Callable[[], Directive], *, load: Loader = load_for_training
) -> Iterator[Event]:
    """Train the run of `request` and keep its folder up to date.

    Raises `Cancelled` once a `leave` has been followed, `TrainingDiverged`, `OutOfMemory`, `DiskFull` or
    `BadInput`; the run's state then says why, and its checkpoints are whole. A run that could not even
    begin stays as it was.
    """
    run = Path(request.run)
    spec = run_folder.read_spec(run)
    lock = yield from run_lock.take(run, request.id, lambda: directive() != "go")
    try:
        yield from _train_locked(request, directive, load, run, spec)
    finally:
        if lock is not None:
            lock.release()


def _train_locked(
    request: Train, directive: Callable[[], Directive], load: Loader, run: Path, spec: RunSpec
) -> Iterator[Event]:
    found, warnings = starting_point(run, resume=request.resume)
    status = RunProgress(run, step=found.info.step if found else 0)
    try:
        for warning in warnings:
            yield Note(request=request.id, message=warning, level="warning")
        with RandomStream(spec.config.seed, torch.device("cpu")).active():
            loaded = load(spec.policy, spec.config)
        setup = set_up(run, spec, loaded)
        yield from _Training(request.id, setup, directive, status).events(found)
    except (Cancelled, GeneratorExit):
        status.ended_early(
            "interrupted", "Ended before its last step. It can be resumed from its last checkpoint."
        )
        raise
    except BaseException as error:
        sentence = _as_engine_error(error, spec)
        status.ended_early("failed", str(sentence or error))
        if sentence is error or sentence is None:
            raise
        raise sentence from error


class _Training:
    """One run under way: its model, what moves it, and how far it is."""

    def __init__(
        self, request: str, setup: Setup, directive: Callable[[], Directive], status: RunProgress
    ) -> None:
        self._id = request
        self._setup = setup
        self._directive = directive
        self._status = status
        loaded, config = setup.loaded, setup.config
        scorer = LogProbs(loaded.model, device=loaded.device, forward_dtype=loaded.dtype)
        compute = policy_without_adapter(scorer) if config.method == "lora" else policy_itself(scorer)
        self._reference = Reference(compute, len(setup.pairs))
        self._random = RandomStream(config.seed, loaded.device)
        self._optimizer = make_optimizer(loaded.model, config)
        self._move = OptimizerStep(
            scorer=scorer,
            reference=self._reference,
            optimizer=self._optimizer,
            config=config,
            random=self._random,
        )
        self._clock = StepClock()
        self._num_tokens = 0
        self._skipped = 0
        self._moved = False
        self._saved_step = 0

    def events(self, found: Checkpoint | None) -> Iterator[Event]:
        """From the first step (or the one after `found`) to the saved policy."""
        first = self._resume_from(found) if found else 0
        run_folder.write_spec(self._setup.run, self._setup.spec)
        run_folder.drop_metrics_after(self._setup.run, first if found else -1)
        for folder in (self._setup.run, self._setup.run / "checkpoints"):
            remove_leftovers(folder)
        self._status.begin(first, self._setup.plan.total_steps)
        yield from self._opening(first)
        if not found and self._setup.config.method == "full":
            yield from self._fill_reference()
        if not found:
            yield from self._evaluate(0)
        last = yield from self._steps(first)
        yield from self._finish(last)

    def _resume_from(self, found: Checkpoint) -> int:
        checkpoint.check_fits(found, self._setup.spec)
        training_state.restore(
            found.tensors(), self._setup.loaded.model, self._optimizer, self._random, self._reference
        )
        if self._setup.config.method == "full":
            self._reference.seal()
        self._num_tokens = found.info.num_tokens
        self._skipped = found.info.skipped_steps
        self._moved = True
        self._saved_step = found.info.step
        return found.info.step

    def _opening(self, first: int) -> Iterator[Event]:
        setup, loaded = self._setup, self._setup.loaded
        yield ModelLoaded(
            request=self._id,
            model=loaded.reference,
            fingerprint=loaded.fingerprint,
            parameters=loaded.parameters,
            device=loaded.device.type,
            dtype=setup.spec.dtype,
        )
        for note in setup.notes:
            yield Note(request=self._id, message=note)
        trained = training_state.trained_parameters(loaded.model)
        yield TrainingStarted(
            request=self._id,
            run=str(setup.run),
            first_step=first,
            total_steps=setup.plan.total_steps,
            train_pairs=setup.train_pairs,
            held_out_pairs=len(setup.held_out),
            learning_rate=setup.learning_rate,
            device=loaded.device.type,
            dtype=setup.spec.dtype,
            trainable_parameters=sum(parameter.numel() for _, parameter in trained),
            refused=setup.refused,
        )

    def _fill_reference(self) -> Iterator[Event]:
        """All reference log-probs while the weights still are the reference, in the first epoch's batches.

        The same batches matter: at low precision a sequence's log-prob depends a little on what it is
        batched with, and step 0 must compare like with like.
        """
        plan = self._setup.plan
        members = [batch for number in range(1, plan.steps_per_epoch + 1) for batch in plan.step(number)]
        members += self._held_out_batches()
        batches = (self._batch(batch) for batch in members)
        for done in self._reference.fill(batches):
            yield Progress(
                request=self._id,
                stage="Computing the reference log-probs",
                done=done,
                total=len(self._setup.pairs),
                unit="pairs",
            )
            if self._directive() == "leave":
                raise Cancelled("Training was ended before its first step.")

    def _steps(self, first: int) -> Generator[Event, None, int]:
        """Every step still to do; the value of the generator is the last step done."""
        plan, config = self._setup.plan, self._setup.config
        skips = 0
        for step in range(first + 1, plan.total_steps + 1):
            match self._directive():
                case "keep":
                    return step - 1
                case "leave":
                    yield from self._leave(step - 1)
            started = time.perf_counter()
            result = self._one_step(step)
            skips = 0 if result.moved else skips + 1
            yield from self._report(step, result, time.perf_counter() - started)
            if not result.moved:
                yield from self._after_a_skip(step, skips)
            if step % config.eval_steps == 0 or step == plan.total_steps:
                yield from self._evaluate(step)
            if step % config.save_steps == 0:
                yield from self._save(step)
        return plan.total_steps

    def _one_step(self, step: int) -> StepResult:
        plan, config = self._setup.plan, self._setup.config
        factor = rate_factor(config.lr_scheduler_type, step, plan.total_steps, config.warmup_ratio)
        batches = [self._batch(members) for members in plan.step(step)]
        result = self._move(batches, self._setup.learning_rate * factor, at_reference=not self._moved)
        self._moved = self._moved or result.moved
        self._skipped += not result.moved
        self._num_tokens += result.tokens
        return result

    def _report(self, step: int, result: StepResult, seconds: float) -> Iterator[Event]:
        self._clock.add(seconds)
        metrics = only_finite(result.metrics) | {
            "num_tokens": float(self._num_tokens),
            "epoch": self._setup.plan.epoch_after(step),
            "step_seconds": seconds,
            "tokens_per_second": result.tokens / seconds,
        }
        if self._skipped:
            metrics["skipped_steps"] = float(self._skipped)
        run_folder.append_metrics(self._setup.run, StepMetrics(step=step, split="train", metrics=metrics))
        self._status.at(step)
        total = self._setup.plan.total_steps
        yield StepDone(
            request=self._id,
            step=step,
            total_steps=total,
            metrics=metrics,
            seconds_left=self._clock.seconds_left(total - step),
        )

    def _after_a_skip(self, step: int, skips: int) -> Iterator[Event]:
        yield Note(
            request=self._id,
            message=f"Step {step} gave a number that is not finite and was skipped; no weight was changed.",
            level="warning",
        )
        if skips >= SKIPS_IN_A_ROW:
            kept = f"The checkpoint of step {self._saved_step} is kept. " if self._saved_step else ""
            raise TrainingDiverged(
                f"{skips} steps in a row gave numbers that are not finite, so training stopped at step "
                f"{step}. {kept}Try a smaller learning rate, or the precision float32."
            )

    def _evaluate(self, step: int) -> Iterator[Event]:
        """The held-out pairs under the policy as it is now."""
        if not self._setup.held_out:
            return
        means = PairMeans()
        for members in self._held_out_batches():
            self._move.measure(self._batch(members), means)
            yield Progress(
                request=self._id,
                stage="Measuring the held-out pairs",
                done=means.pairs,
                total=len(self._setup.held_out),
                unit="pairs",
            )
        metrics = only_finite(means.means("eval_"))
        run_folder.append_metrics(self._setup.run, StepMetrics(step=step, split="held_out", metrics=metrics))
        yield Evaluated(request=self._id, step=step, metrics=metrics)

    def _leave(self, step: int) -> Iterator[Event]:
        if step > self._saved_step:
            yield from self._save(step)
        raise Cancelled(f"Training was ended after step {step}. It can be resumed from there.")

    def _save(self, step: int) -> Iterator[Event]:
        setup = self._setup
        folder = checkpoint.save(
            setup.run,
            setup.spec,
            step=step,
            num_tokens=self._num_tokens,
            skipped_steps=self._skipped,
            tensors=training_state.collect(
                setup.loaded.model, self._optimizer, self._random, self._reference
            ),
            write_policy=lambda policy: write_policy(policy, setup.loaded, setup.spec, step),
        )
        self._saved_step = step
        yield CheckpointSaved(request=self._id, step=step, path=str(folder))

    def _finish(self, step: int) -> Iterator[Event]:
        if step > self._saved_step:
            yield from self._save(step)
        try:
            policy = save_final(self._setup.run, self._setup.loaded, self._setup.spec, step)
        except OSError as error:
            raise from_os_error(error, "saving the policy") from error
        stopped = step < self._setup.plan.total_steps
        self._status.at(step)
        self._status.write("stopped" if stopped else "finished")
        yield TrainingFinished(
            request=self._id, run=str(self._setup.run), step=step, policy=str(policy), stopped=stopped
        )

    def _held_out_batches(self) -> list[tuple[int, ...]]:
        return in_batches(self._setup.held_out, self._setup.config.per_device_train_batch_size)

    def _batch(self, members: tuple[int, ...]) -> PairBatch:
        tokenizer = self._setup.loaded.tokenizer
        pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else 0
        return collate([self._setup.pairs[member] for member in members], members, pad)


def _as_engine_error(error: BaseException, spec: RunSpec) -> EngineError | None:
    """The sentence for what ended a run; None where it is no kind of failure that is known."""
    if isinstance(error, EngineError):
        return error
    if isinstance(error, OSError):
        return from_os_error(error, f"writing the run {spec.name}")
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)) or "can't allocate memory" in str(error):
        config = spec.config
        return OutOfMemory(
            f"There was too little memory for a batch of {config.per_device_train_batch_size} pairs of up to "
            f"{config.max_length} tokens. Its checkpoints are intact. Try a smaller batch size with more "
            "gradient accumulation (the curve stays the same), a smaller max length, or LoRA."
        )
    return None
