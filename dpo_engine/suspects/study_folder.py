"""A study as a folder: what passes between the app and the engine, and what a killed one goes on from.

    studies/2026-11-23-brave-otter/
      study.json          `StudySpec`: model, settings, which pair is held out in which fold
      pairs/              every pair that is asked about (a snapshot, as in a run's folder)
      fold-2/             the run under way: a run folder of the pairs outside of fold 2
      held-out-2/pairs/   the pairs of fold 2, which its policy will score
      scores-1.json       what a finished fold gave; its other folders are gone
      reference-cache/    reference log-probs, each computed once for all folds

Torch-free: the app creates the folder and reads it; the engine fills it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from dpo_engine.config import TrainConfig
from dpo_engine.conversations import Pair
from dpo_engine.documents import read_document
from dpo_engine.errors import BadInput, from_os_error
from dpo_engine.files import staged_folder, write_atomically
from dpo_engine.pair_math import PairScore
from dpo_engine.pairs.snapshots import in_snapshot_order, pairs_hash, read_snapshot, write_snapshot
from dpo_engine.run_folder import new_name, now
from dpo_engine.suspects.folds import folds_of
from dpo_engine.suspects.settings import FOLDS, fit_for_a_study

FORMAT_VERSION = 1
_MOST_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class StudySpec:
    """What the study is; nothing in it changes."""

    format_version: int
    name: str
    policy: str
    """The model reference that every fold's training starts from."""
    config: TrainConfig
    folds: int
    fold_of: tuple[int, ...]
    """The fold (from 1) in which each pair is held out, in the snapshot's order."""
    pairs_hash: str
    created_at: str


@dataclass(frozen=True, kw_only=True)
class FoldScores:
    """What the policy that was not trained on a fold says about it."""

    fold: int
    scores: tuple[PairScore, ...]
    left_out: tuple[str, ...] = ()
    """Sentences on pairs that could not be scored."""


def create(
    parent: Path,
    *,
    policy: str,
    config: TrainConfig,
    pairs: Sequence[Pair],
    folds: int = FOLDS,
    name: str | None = None,
) -> Path:
    """A new study folder in `parent`, complete or not there at all; `name` is made up when not given.

    Raises `BadInput` where the pairs cannot be cut into folds, an id is used twice or the folder exists, and
    `DiskFull` when there is no room.
    """
    ordered = in_snapshot_order(pairs)
    if len({pair.id for pair in ordered}) < len(ordered):
        raise BadInput("Two of the pairs have the same id; each needs its own.")
    fold_of = folds_of(ordered, folds, config.seed)
    folder = parent / (name or new_name(parent))
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BadInput(f"{folder} exists already; choose another name for the study.")
    spec = StudySpec(
        format_version=FORMAT_VERSION,
        name=folder.name,
        policy=policy,
        config=fit_for_a_study(config),
        folds=max(fold_of),
        fold_of=fold_of,
        pairs_hash=hash_of(ordered),
        created_at=now(),
    )
    try:
        with staged_folder(folder) as staged:
            write_snapshot(staged / "pairs", ordered)
            _write(staged / "study.json", spec)
    except OSError as error:
        raise from_os_error(error, f"creating the study {folder}") from error
    return folder


def read_spec(study: Path) -> StudySpec:
    """Raises `BadInput` where there is no study, it is damaged, or it was made by a newer version."""
    spec = read_document(
        study / "study.json",
        StudySpec,
        missing=f"{study} is no study: it has no study.json.",
        most_bytes=_MOST_BYTES,
    )
    if spec.format_version > FORMAT_VERSION:
        raise BadInput(f"{study} was made by a newer version of DPO Studio; update to open it.")
    return spec


def read_pairs(study: Path) -> tuple[Pair, ...]:
    """Every pair, in the order of `StudySpec.fold_of`. Raises `BadInput` where one is damaged or changed."""
    spec, pairs = read_spec(study), read_snapshot(study / "pairs")
    if pairs_hash(pairs) != spec.pairs_hash or len(pairs) != len(spec.fold_of):
        raise BadInput(f"The pairs in {study} are not those the study was made with (their hash differs).")
    return pairs


def hash_of(pairs: Sequence[Pair]) -> str:
    """What `StudySpec.pairs_hash` is for these pairs, in any order of the splits."""
    return pairs_hash(in_snapshot_order(pairs))


def run_of(study: Path, fold: int) -> Path:
    """Where the run of a fold under way is."""
    return study / f"fold-{fold}"


def held_out_of(study: Path, fold: int) -> Path:
    """Where the pairs are that this run's policy will score: a folder with a snapshot."""
    return study / f"held-out-{fold}"


def write_fold(study: Path, result: FoldScores) -> None:
    """Keep what a finished fold gave. Atomic; raises `OSError`."""
    _write(_scores_of(study, result.fold), result)


def read_fold(study: Path, fold: int) -> FoldScores | None:
    """None while the fold is not done. Raises `BadInput` where the file is damaged."""
    path = _scores_of(study, fold)
    return read_document(path, FoldScores, missing="", most_bytes=_MOST_BYTES) if path.is_file() else None


def _scores_of(study: Path, fold: int) -> Path:
    return study / f"scores-{fold}.json"


def _write(path: Path, document: StudySpec | FoldScores) -> None:
    write_atomically(path, msgspec.json.encode(document) + b"\n")
