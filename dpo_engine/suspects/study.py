"""Doing a study: fold by fold an adapter is trained, scores what it was not trained on, and is thrown away.

Each fold is an ordinary run in the study's folder, so that a killed study goes on at the fold's last
checkpoint, and all folds share the reference log-probs. A finished fold is a file of scores.
"""

import gc
import shutil
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from pathlib import Path

from dpo_engine import run_folder, scoring
from dpo_engine.compute.device import free_cached_memory
from dpo_engine.conversations import Pair
from dpo_engine.errors import BadInput, from_os_error
from dpo_engine.events import (
    Event,
    FoldScored,
    Note,
    PairsScored,
    Progress,
    StepDone,
    StudyAdvanced,
)
from dpo_engine.files import staged_folder
from dpo_engine.models.loading import load
from dpo_engine.pair_math import PairScore
from dpo_engine.pairs.snapshots import write_snapshot
from dpo_engine.requests import Score, Suspect, Train
from dpo_engine.suspects import study_folder
from dpo_engine.suspects.study_folder import FoldScores, StudySpec
from dpo_engine.training import run_lock
from dpo_engine.training.run import Directive, train

TRAINING_A_PAIR, SCORING_A_PAIR = 3, 2
"""Passes through the model: forward and twice as much backward; policy and reference."""


def study(request: Suspect, directive: Callable[[], Directive]) -> Iterator[Event | None]:
    """Do what is left of a study; None is a safe point without news.

    Raises `BadInput` for a folder that is no study or is worked on elsewhere, and what a training or a
    scoring raises; folds that are done stay done.
    """
    folder = Path(request.study)
    spec, pairs = study_folder.read_spec(folder), study_folder.read_pairs(folder)
    meter = _Meter(request.id, spec)

    def whole() -> Directive:
        """A fold that was stopped and kept would know less than the others, and be taken for their like."""
        return "go" if directive() == "go" else "leave"

    lock = yield from run_lock.take(folder, request.id, lambda: directive() != "go")
    try:
        waiting = []
        for fold in range(1, spec.folds + 1):
            kept = study_folder.read_fold(folder, fold)
            if kept is None:
                waiting.append(fold)
            else:
                meter.skip(fold)
                yield _told(request, kept)
        for fold in waiting:
            result = yield from _Fold(request, folder, spec, pairs, fold, meter).events(whole)
            yield _told(request, result)
    finally:
        if lock is not None:
            lock.release()


class _Fold:
    """One fold from its run's beginning to its scores."""

    def __init__(
        self,
        request: Suspect,
        study: Path,
        spec: StudySpec,
        pairs: tuple[Pair, ...],
        fold: int,
        meter: "_Meter",
    ) -> None:
        self._request, self._study, self._spec, self._fold, self._meter = request, study, spec, fold, meter
        self._run = study_folder.run_of(study, fold)
        self._held_out = study_folder.held_out_of(study, fold)
        divided = list(zip(pairs, spec.fold_of, strict=True))
        self._own = [pair for pair, place in divided if place == fold]
        self._others = [replace(pair, split="train") for pair, place in divided if place != fold]

    def events(self, directive: Callable[[], Directive]) -> Generator[Event | None, None, FoldScores]:
        """Train, unless an earlier part of the study did, and score."""
        yield self._meter.at(self._fold, trained=0.0)
        if not self._is_trained():
            self._prepare()
            yield from self._train(directive)
        scores: list[PairScore] = []
        left_out: list[str] = []
        for event in self._score():
            match event:
                case PairsScored(scores=more):
                    scores += more
                case Note(level="warning", message=message):
                    left_out.append(message)
                case Progress(done=done, total=total, unit="pairs"):
                    yield self._meter.at(self._fold, trained=1.0, scored=done / total)
                case _:
                    yield None
        result = FoldScores(fold=self._fold, scores=tuple(scores), left_out=tuple(left_out))
        self._keep(result)
        return result

    def _is_trained(self) -> bool:
        """A run that cannot be read is begun anew: nothing of it is worth a person's attention."""
        try:
            state = run_folder.read_state(self._run)
        except BadInput:
            return False
        return state.status == "finished" and run_folder.policy_folder(self._run).is_dir()

    def _prepare(self) -> None:
        try:
            run_folder.read_spec(self._run)
            run_folder.read_state(self._run)
        except BadInput:
            shutil.rmtree(self._run, ignore_errors=True)
            run_folder.create(
                self._study,
                policy=self._spec.policy,
                config=self._spec.config,
                pairs=self._others,
                name=self._run.name,
            )

    def _train(self, directive: Callable[[], Directive]) -> Iterator[Event | None]:
        request = Train(id=self._request.id, run=str(self._run), resume=True)
        for event in train(request, directive):
            match event:
                case StepDone(step=step, total_steps=total, metrics=metrics):
                    self._meter.took(metrics["step_seconds"], len(self._others), 1 / total)
                    yield self._meter.at(self._fold, trained=step / total)
                case Note(level="warning"):
                    yield event
                case _:
                    yield None

    def _score(self) -> Iterator[Event]:
        """Exactly as any scoring does, in float32."""
        config = self._spec.config
        self._write_held_out()
        request = Score(
            id=self._request.id,
            policy=str(self._run),
            reference=self._spec.policy,
            pairs=str(self._held_out),
            beta=config.beta,
            max_length=config.max_length,
            device=config.device,
            dtype="float32",
        )
        policy = load(request.policy, device=request.device, dtype=request.dtype)
        device = policy.device
        try:
            yield from scoring.score(request, policy, None)
        except BadInput as error:  # none of this fold's pairs has anything to score
            yield Note(request=request.id, message=str(error), level="warning")
        finally:
            del policy
            gc.collect()
            free_cached_memory(device)

    def _write_held_out(self) -> None:
        try:
            with staged_folder(self._held_out) as staged:
                write_snapshot(staged / "pairs", self._own)
        except OSError as error:
            raise from_os_error(error, f"writing into the study {self._study}") from error

    def _keep(self, result: FoldScores) -> None:
        try:
            study_folder.write_fold(self._study, result)
        except OSError as error:
            raise from_os_error(error, f"writing into the study {self._study}") from error
        for folder in (self._run, self._held_out):
            shutil.rmtree(folder, ignore_errors=True)
        run_lock.file_of(self._run).unlink(missing_ok=True)


class _Meter:
    """How far the study is, and how long the rest will take at the pace of this engine."""

    def __init__(self, request: str, spec: StudySpec) -> None:
        self._request, self._folds = request, spec.folds
        self._epochs = spec.config.num_train_epochs
        sizes = [spec.fold_of.count(fold) for fold in range(1, spec.folds + 1)]
        self._training = [self._passes_of(len(spec.fold_of) - size) for size in sizes]
        self._scoring = [SCORING_A_PAIR * size for size in sizes]
        self._skipped: set[int] = set()
        self._seconds = self._measured = 0.0

    def skip(self, fold: int) -> None:
        """It was done before."""
        self._skipped.add(fold)

    def took(self, seconds: float, pairs: int, share: float) -> None:
        """A step on `share` of what is to be done with `pairs` training pairs took so long."""
        self._seconds += seconds
        self._measured += share * self._passes_of(pairs)

    def at(self, fold: int, *, trained: float, scored: float = 0.0) -> StudyAdvanced:
        """`trained` and `scored`: shares of this fold's own work, 0 to 1."""
        before = [one for one in range(1, self._folds + 1) if one < fold or one in self._skipped]
        done = sum(self._training[one - 1] + self._scoring[one - 1] for one in before)
        done += trained * self._training[fold - 1] + scored * self._scoring[fold - 1]
        total = sum(self._training) + sum(self._scoring)
        left = (total - done) * self._seconds / self._measured if self._measured else None
        return StudyAdvanced(
            request=self._request, fold=fold, folds=self._folds, share=done / total, seconds_left=left
        )

    def _passes_of(self, pairs: int) -> float:
        return TRAINING_A_PAIR * self._epochs * pairs


def _told(request: Suspect, result: FoldScores) -> FoldScored:
    return FoldScored(request=request.id, fold=result.fold, scores=result.scores, left_out=result.left_out)
