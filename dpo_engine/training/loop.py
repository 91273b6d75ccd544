"""The order of things in a training: steps, checks, checkpoints, and how it ends.

Every yield is a safe point: no autocast, no gradient mode and no random state of the training is in force
while the caller has control, so it may generate and score in between, or simply not ask for more (pause).
"""

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Literal

from dpo_engine.errors import Cancelled, TrainingDiverged
from dpo_engine.events import Event, Sample
from dpo_engine.training import checkpoint
from dpo_engine.training.checkpoint import Checkpoint
from dpo_engine.training.divergence import is_reference_at_hand, mean_kl
from dpo_engine.training.learner import Learner
from dpo_engine.training.metrics import PairMeans, only_finite
from dpo_engine.training.run_record import RunRecord
from dpo_engine.training.samples import answers
from dpo_engine.training.setup import Setup
from dpo_engine.training.text_health import distinct_share

Directive = Literal["go", "keep", "leave"]
"""`keep`: end now and save the policy as it is. `leave`: save a checkpoint and end."""

SKIPS_IN_A_ROW = 3


@dataclass(frozen=True, kw_only=True)
class _End:
    """After which step a run ended, and why: a person's wish, or `reason` where it ended by itself early."""

    step: int
    stopped: bool = False
    reason: str = ""


class TrainingLoop:
    """One run under way: what the learner does, and what the record says of it."""

    def __init__(
        self, setup: Setup, learner: Learner, record: RunRecord, directive: Callable[[], Directive]
    ) -> None:
        self._setup = setup
        self._learner = learner
        self._record = record
        self._directive = directive
        self._skips = 0

    def events(self, found: Checkpoint | None) -> Iterator[Event | None]:
        """From the first step (or the one after `found`) to the saved policy."""
        first = 0
        if found is not None:
            checkpoint.check_fits(found, self._setup.spec)
            self._learner.restore(found)
            first = found.info.step
        yield from self._record.begin(first, self._learner.standing, resumed=found is not None)
        for sentence in self._learner.notes:
            yield self._record.note(sentence)
        if found is None:
            yield from self._prepare_reference()
        end = yield from self._steps(first)
        if end.step > self._record.saved_step:
            yield self._save(end.step)
        if end.reason:
            yield self._record.note(end.reason)
        result, why = self._result(end.step)
        yield from self._record.finished(end.step, result, why=why, stopped=end.stopped, reason=end.reason)

    def _result(self, last: int) -> tuple[int, str]:
        """Which step's policy is the run's result (0: the last one's), and why that one."""
        config, standing = self._setup.config, self._learner.standing
        best = standing.best.step if config.load_best_model_at_end else 0
        if standing.beyond(config) and (best or last) > standing.sound_step:
            return standing.sound_step, "the last check within its bounds"
        return best, "its best held-out check"

    def _prepare_reference(self) -> Iterator[Event]:
        done, total = 0, len(self._setup.pairs)
        for pairs in self._learner.prepare_reference():
            done += pairs
            yield self._record.progress("Computing the reference log-probs", done, total)
            if self._directive() == "leave":
                raise Cancelled("Training was ended before its first step.")
        yield from self._remarks()

    def _remarks(self) -> Iterator[Event]:
        """What the reference has to tell since it was last asked."""
        for level, sentence in self._learner.reference.take_notes():
            yield self._record.warning(sentence) if level == "warning" else self._record.note(sentence)

    def _steps(self, first: int) -> Generator[Event | None, None, _End]:
        """Check what is due after a step, then go on to the next, until there is a reason to end."""
        step, last = first, self._setup.plan.total_steps
        while True:
            yield from self._check(step)
            checked = not self._is_check_due(step)
            if checked and step == last:
                return _End(step=step)
            if checked and step > self._record.saved_step and self._is_checkpoint_due(step):
                yield self._save(step)
            match self._directive():
                case "keep":
                    return _End(step=step, stopped=True)
                case "leave":
                    yield from self._leave(step)
            if reason := self._reason_to_end(step):
                return _End(step=step, reason=reason)
            if checked:
                step += 1
                yield from self._step(step)

    def _step(self, step: int) -> Iterator[Event]:
        started = time.perf_counter()
        result, metrics = self._learner.step(step)
        seconds = time.perf_counter() - started
        for note in result.notes:
            yield self._record.warning(note)
        yield from self._remarks()
        yield from self._record.step(step, metrics, tokens=result.tokens, seconds=seconds)
        if result.moved:
            self._skips = 0
        elif result.pairs:
            yield from self._skipped(step)

    def _skipped(self, step: int) -> Iterator[Event]:
        self._skips += 1
        yield self._record.warning(
            f"Step {step} gave a number that is not finite and was skipped; no weight was changed."
        )
        if self._skips >= SKIPS_IN_A_ROW:
            saved = self._record.saved_step
            kept = f"The checkpoint of step {saved} is kept. " if saved else ""
            raise TrainingDiverged(
                f"{self._skips} steps in a row gave numbers that are not finite, so training stopped at step "
                f"{step}. {kept}Try a smaller learning rate, or the precision float32."
            )

    def _check(self, step: int) -> Iterator[Event | None]:
        """Answer the fixed prompts and measure the held-out pairs, where that is due; figures of both are
        told together.

        Left half-done when the run is to end, and then made up for when it is resumed.
        """
        if self._is_sampling_due(step):
            yield from self._sample(step)
        if self._is_measuring_due(step) and not self._is_sampling_due(step):
            yield from self._measure(step)

    def _measure(self, step: int) -> Iterator[Event]:
        means = PairMeans()
        for done in self._learner.measure_held_out(means):
            yield self._record.progress("Measuring the held-out pairs", done, len(self._setup.held_out))
            if self._directive() != "go" and done < len(self._setup.held_out):
                return
        metrics = only_finite(means.means("eval_"))
        self._learner.checked(step, metrics)
        standing = self._learner.standing
        yield from self._record.held_out(step, metrics | standing.sample_figures(step), standing)

    def _sample(self, step: int) -> Iterator[Event | None]:
        setup = self._setup
        samples: list[Sample] = []
        yield self._answering(samples)
        for heard in answers(setup.sample_prompts, setup.loaded, setup.config.eval_sample_tokens):
            if heard is None:
                yield None
            else:
                samples.append(heard)
                yield self._answering(samples)
            if self._directive() != "go":
                return
        distinct = distinct_share([sample.text for sample in samples])
        kl = mean_kl(setup.loaded, samples) if is_reference_at_hand(setup.loaded) else None
        tokens = mean(sample.tokens for sample in samples) if samples else None
        standing = self._learner.standing.sampled(
            step, distinct=distinct, kl=kl, tokens=tokens, config=setup.config
        )
        self._learner.standing = standing
        yield self._record.sampled(step, tuple(samples), distinct=distinct, kl=kl)
        if not setup.held_out:
            yield from self._record.held_out(step, standing.sample_figures(step), standing)

    def _answering(self, samples: Sequence[Sample]) -> Event:
        total = len(self._setup.sample_prompts)
        return self._record.progress("Answering the sampled prompts", len(samples), total, "")

    def _is_check_due(self, step: int) -> bool:
        return self._is_measuring_due(step) or self._is_sampling_due(step)

    def _is_measuring_due(self, step: int) -> bool:
        there = bool(self._setup.held_out)
        return there and self._is_time_to_look(step) and self._learner.standing.measured_step != step

    def _is_sampling_due(self, step: int) -> bool:
        there = bool(self._setup.sample_prompts)
        return there and self._is_time_to_look(step) and self._learner.standing.sampled_step != step

    def _is_time_to_look(self, step: int) -> bool:
        return step % self._setup.config.eval_steps == 0 or step == self._setup.plan.total_steps

    def _is_checkpoint_due(self, step: int) -> bool:
        """Every few steps, and whenever a check was the best one yet or may be what the run goes back to."""
        config, standing = self._setup.config, self._learner.standing
        return step % config.save_steps == 0 or step in (standing.best.step, standing.sound_step)

    def _reason_to_end(self, step: int) -> str:
        """A sentence where the policy went beyond a bound, or nothing better has come for as many checks as
        the config has patience."""
        config, standing = self._setup.config, self._learner.standing
        ended = f"The run ended after step {step} of {self._setup.plan.total_steps}:"
        if clause := standing.beyond(config):
            return f"{ended} {clause}."
        best = standing.best
        if not config.early_stopping_patience or best.checks_since < config.early_stopping_patience:
            return ""
        than = f"than step {best.step} did ({best.value:.4g})" if best.value is not None else "that is finite"
        return (
            f"{ended} {best.checks_since} held-out checks in a row brought no better "
            f"{config.metric_for_best_model} {than}."
        )

    def _leave(self, step: int) -> Iterator[Event]:
        if step > self._record.saved_step:
            yield self._save(step)
        raise Cancelled(f"Training was ended after step {step}. It can be resumed from there.")

    def _save(self, step: int) -> Event:
        return self._record.checkpoint(step, self._learner.standing, self._learner.tensors())
