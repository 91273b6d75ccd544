"""The one voice of a run: what happens to it becomes lines and files in its folder, and events.

Everything that a run tells or writes goes through here, so that of several processes that train together
one alone speaks.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Literal

from torch import Tensor

from dpo_engine import run_folder
from dpo_engine.errors import BadInput, from_os_error
from dpo_engine.events import (
    CheckpointSaved,
    Evaluated,
    Event,
    ModelLoaded,
    Note,
    Progress,
    Sample,
    Sampled,
    StepDone,
    TrainingFinished,
    TrainingStarted,
)
from dpo_engine.files import remove_leftovers
from dpo_engine.models.policy_files import copy_final, save_final, write_policy
from dpo_engine.run_folder import StepMetrics, StepSamples
from dpo_engine.training import checkpoint
from dpo_engine.training.loggers import MetricLogger, open_logger
from dpo_engine.training.metrics import StepClock
from dpo_engine.training.run_status import RunProgress
from dpo_engine.training.setup import Setup
from dpo_engine.training.standing import Standing
from dpo_engine.training.state import trained_parameters


class RunRecord:
    """Writes the folder of a run that has begun; every method gives the events to tell."""

    def __init__(self, request: str, setup: Setup, status: RunProgress) -> None:
        self._id = request
        self._setup = setup
        self._status = status
        self._clock = StepClock()
        self._logger: MetricLogger | None = None
        self.saved_step = 0
        """The newest checkpoint; 0: there is none."""

    def begin(self, first: int, standing: Standing, *, resumed: bool) -> Iterator[Event]:
        """From here on the folder changes: what is in it after step `first` is cut off."""
        setup, loaded = self._setup, self._setup.loaded
        self.saved_step = first
        run_folder.write_spec(setup.run, setup.spec)
        run_folder.drop_lines_after(setup.run, first if resumed else -1)
        for folder in (setup.run, setup.run / "checkpoints"):
            remove_leftovers(folder)
        self._status.begin(first, setup.plan.total_steps, standing.best)
        yield ModelLoaded(
            request=self._id,
            model=loaded.reference,
            fingerprint=loaded.fingerprint,
            parameters=loaded.parameters,
            device=loaded.device.type,
            dtype=setup.spec.dtype,
        )
        for note in setup.notes:
            yield self.note(note)
        yield from self._open_logger()
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
            trainable_parameters=sum(one.numel() for _, one in trained_parameters(loaded.model)),
            refused=setup.refused,
        )

    def close(self) -> None:
        logger, self._logger = self._logger, None
        if logger is not None:
            with suppress(Exception):  # as in `_log`
                logger.close()

    def note(self, message: str) -> Event:
        return Note(request=self._id, message=message)

    def warning(self, message: str) -> Event:
        return Note(request=self._id, message=message, level="warning")

    def progress(self, stage: str, done: int, total: int, unit: Literal["pairs", ""] = "pairs") -> Event:
        return Progress(request=self._id, stage=stage, done=done, total=total, unit=unit)

    def step(
        self, step: int, metrics: Mapping[str, float], *, tokens: int, seconds: float
    ) -> Iterator[Event]:
        """A step is done that took `seconds` and computed `tokens` tokens."""
        self._clock.add(seconds)
        total = self._setup.plan.total_steps
        told = dict(metrics) | {"step_seconds": seconds, "tokens_per_second": tokens / seconds}
        run_folder.append_metrics(self._setup.run, StepMetrics(step=step, split="train", metrics=told))
        yield from self._log(step, told)
        self._status.at(step)
        yield StepDone(
            request=self._id,
            step=step,
            total_steps=total,
            metrics=told,
            seconds_left=self._clock.seconds_left(total - step),
        )

    def held_out(self, step: int, metrics: dict[str, float], standing: Standing) -> Iterator[Event]:
        run_folder.append_metrics(self._setup.run, StepMetrics(step=step, split="held_out", metrics=metrics))
        yield from self._log(step, metrics)
        self._status.best = standing.best
        yield Evaluated(request=self._id, step=step, metrics=metrics)

    def sampled(
        self, step: int, samples: tuple[Sample, ...], *, distinct: float | None, kl: float | None
    ) -> Event:
        row = StepSamples(step=step, samples=samples, distinct=distinct, kl=kl)
        run_folder.append_samples(self._setup.run, row)
        return Sampled(request=self._id, step=step, samples=samples, distinct=distinct, kl=kl)

    def checkpoint(self, step: int, standing: Standing, tensors: dict[str, Tensor]) -> Event:
        setup = self._setup
        folder = checkpoint.save(
            setup.run,
            setup.spec,
            step=step,
            standing=standing,
            write_tensors=lambda staged: self._write_tensors(staged, tensors),
            write_policy=lambda policy: write_policy(
                policy, setup.loaded, setup.spec, step, self._policy_state()
            ),
        )
        self.saved_step = step
        return CheckpointSaved(request=self._id, step=step, path=str(folder))

    def finished(
        self, step: int, result: int, *, why: str = "", stopped: bool, reason: str
    ) -> Iterator[Event]:
        """Save the policy of step `result` (0: of the last one, as it is in memory) as the run's result.

        `why` says what that step is, where it is not the last one.
        """
        policy_step = step
        if result not in (0, step):
            try:
                self._copy_policy_of(result)
                policy_step = result
                yield self.note(f"The run's policy is the one of step {result}, {why}.")
            except BadInput as error:
                yield self.warning(f"{error} So the run's policy is the one of its last step.")
        setup = self._setup
        if policy_step == step:
            try:
                save_final(setup.run, setup.loaded, setup.spec, step, self._policy_state())
            except OSError as error:
                raise from_os_error(error, "saving the policy") from error
        self._status.at(step)
        self._status.write("stopped" if stopped else "finished", reason, policy_step=policy_step)
        yield TrainingFinished(
            request=self._id,
            run=str(setup.run),
            step=step,
            policy=str(run_folder.policy_folder(setup.run)),
            stopped=stopped,
            policy_step=policy_step if policy_step != step else None,
            message=reason,
        )

    def _write_tensors(self, folder: Path, tensors: Mapping[str, Tensor]) -> None:
        checkpoint.write_tensors(folder, tensors)

    def _policy_state(self) -> Mapping[str, Tensor] | None:
        """The trained weights, where the model itself has only a part of each."""
        return None

    def _copy_policy_of(self, step: int) -> None:
        found = checkpoint.read(run_folder.checkpoint_folder(self._setup.run, step))
        try:
            copy_final(self._setup.run, found.folder / "policy")
        except OSError as error:
            raise from_os_error(error, "saving the policy") from error

    def _open_logger(self) -> Iterator[Event]:
        run, name = self._setup.run, self._setup.config.report_to
        try:
            self._logger = open_logger(name, run, run_folder.read_metrics(run))
        except Exception as error:  # another project's code: a run does not end because of a second log
            yield from self._without_logger(error)

    def _log(self, step: int, metrics: Mapping[str, float]) -> Iterator[Event]:
        if self._logger is None:
            return
        try:
            self._logger.log(step, metrics)
        except Exception as error:  # as above
            yield from self._without_logger(error)

    def _without_logger(self, error: Exception) -> Iterator[Event]:
        self.close()
        yield self.warning(
            f"{self._setup.config.report_to} failed ({error}), so nothing more is logged to it. "
            "The run goes on, and its own metrics are complete."
        )
