"""A training run as a folder: what passes between the app and the engine, and from machine to machine.

    runs/2026-11-23-brave-otter/
      run.json                    `RunSpec`: model, config, seed, hash of the pairs
      state.json                  `RunState`: how far it is; written by the engine, atomically
      pairs/train, pairs/held_out the snapshot of verdicts (datasets/Arrow, TRL's conversational format)
      metrics.jsonl               a line a step, appended and flushed
      samples.jsonl               what the policy answered to the run's fixed prompts, a line a check
      checkpoints/step-000040/    written beside, fsynced, then renamed; the last K and the best stay
      policy/                     the result: adapter or full weights (safetensors), tokenizer, model card

Torch-free: the app creates the folder and reads it; the engine fills it.
"""

import dataclasses
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from dpo_engine.config import TrainConfig
from dpo_engine.conversations import Pair, Split
from dpo_engine.documents import read_document
from dpo_engine.errors import BadInput, from_os_error
from dpo_engine.events import Sample
from dpo_engine.files import staged_folder, write_atomically
from dpo_engine.pairs.snapshots import (
    SnapshotPairs,
    in_snapshot_order,
    open_snapshot,
    pairs_hash,
    read_snapshot,
    write_snapshot,
)
from dpo_engine.recommendations import resolved

FORMAT_VERSION = 1

RunStatus = Literal["created", "running", "paused", "stopped", "finished", "failed", "interrupted"]

MAY_DIFFER = frozenset(
    {
        *("save_steps", "save_total_limit", "eval_steps", "report_to", "eval_samples", "eval_sample_tokens"),
        *("early_stopping_patience", "load_best_model_at_end", "stop_at_repetition", "stop_at_kl"),
        *("device", "micro_batch_tokens", "on_out_of_memory", "gradient_checkpointing", "torch_compile"),
    }
)
"""Settings that a resumed run may change: what is looked at, kept and told, when to end, and how the same
numbers are computed. Every other one bends the curve, or (`metric_for_best_model`) is what the best
checkpoint so far was chosen by."""

_CHECKPOINT_NAME = re.compile(r"step-(\d{6,})")

Line = TypeVar("Line", "StepMetrics", "StepSamples")


@dataclass(frozen=True, kw_only=True)
class RunSpec:
    """What the run is. The last five are filled in by the engine when it starts."""

    format_version: int
    name: str
    policy: str
    """The model reference that the run starts from, which is also its reference."""
    config: TrainConfig
    created_at: str
    pairs_hash: str
    train_pairs: int
    held_out_pairs: int
    fingerprint: str = ""
    device: str = ""
    dtype: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    processes: int = 1
    """As many as trained together when it began: a step takes so many batches, also when it is resumed with
    another number of them."""


@dataclass(frozen=True, kw_only=True)
class RunState:
    """How far the run is. `message` is a sentence when it failed, was interrupted or ended early."""

    status: RunStatus
    step: int = 0
    total_steps: int = 0
    message: str = ""
    updated_at: str = ""
    best_step: int = 0
    """Of the best held-out check so far, by the config's `metric_for_best_model`; 0: none yet."""
    best_value: float | None = None
    policy_step: int | None = None
    """The step whose policy is the run's result; None until there is one."""


@dataclass(frozen=True, kw_only=True)
class StepMetrics:
    """One line of `metrics.jsonl`: a training step's means, or the held-out ones (`eval_` names)."""

    step: int
    split: Split
    metrics: dict[str, float]


@dataclass(frozen=True, kw_only=True)
class StepSamples:
    """One line of `samples.jsonl`: the fixed prompts answered after `step` optimizer steps."""

    step: int
    samples: tuple[Sample, ...]
    distinct: float | None = None
    kl: float | None = None


def create(
    parent: Path, *, policy: str, config: TrainConfig, pairs: Sequence[Pair], name: str | None = None
) -> Path:
    """A new run folder in `parent`, complete or not there at all; `name` is made up when not given.

    The learning rate is settled here. Raises `BadInput` when there is nothing to train on, a pair's id is
    used twice or the folder exists, and `DiskFull` when there is no room.
    """
    ordered = in_snapshot_order(pairs)
    train_pairs = sum(pair.split == "train" for pair in ordered)
    if not train_pairs:
        raise BadInput("There is no training pair: every pair is held out, or there are none.")
    if len({pair.id for pair in ordered}) < len(ordered):
        raise BadInput("Two of the pairs have the same id; each needs its own.")
    folder = parent / (name or new_name(parent))
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BadInput(f"{folder} exists already; choose another name for the run.")
    spec = RunSpec(
        format_version=FORMAT_VERSION,
        name=folder.name,
        policy=policy,
        config=resolved(config, train_pairs),
        created_at=now(),
        pairs_hash=pairs_hash(ordered),
        train_pairs=train_pairs,
        held_out_pairs=len(ordered) - train_pairs,
    )
    try:
        with staged_folder(folder) as staged:
            write_snapshot(staged / "pairs", ordered)
            _write(staged / "run.json", spec)
            _write(staged / "state.json", RunState(status="created", updated_at=spec.created_at))
    except OSError as error:
        raise from_os_error(error, f"creating the run folder {folder}") from error
    return folder


def read_spec(run: Path) -> RunSpec:
    """Raises `BadInput` where there is no run, it is damaged, or it was made by a newer version."""
    spec = read_document(run / "run.json", RunSpec, missing=f"{run} is no run folder: it has no run.json.")
    if spec.format_version > FORMAT_VERSION:
        raise BadInput(f"{run} was made by a newer version of DPO Studio; update to open it.")
    return spec


def write_spec(run: Path, spec: RunSpec) -> None:
    _write(run / "run.json", spec)


def read_state(run: Path) -> RunState:
    """Raises `BadInput` where there is none or it is damaged."""
    return read_document(run / "state.json", RunState, missing=f"{run} has no state.json.")


def write_state(run: Path, state: RunState) -> None:
    """Atomic; the time is set here."""
    _write(run / "state.json", dataclasses.replace(state, updated_at=now()))


def read_pairs(run: Path) -> tuple[Pair, ...]:
    """The snapshot: training pairs, then held-out ones. Raises `BadInput` where it is damaged or changed."""
    pairs = read_snapshot(run / "pairs")
    if pairs_hash(pairs) != read_spec(run).pairs_hash:
        raise other_pairs(run)
    return pairs


def other_pairs(run: Path) -> BadInput:
    """What to raise where a run's pairs are not those of its hash."""
    return BadInput(f"The pairs in {run} are not those the run was made with (their hash differs).")


def open_pairs(run: Path) -> SnapshotPairs:
    """The same without reading them all and without comparing the hash. Raises `BadInput` where damaged."""
    return open_snapshot(run / "pairs")


def append_metrics(run: Path, row: StepMetrics) -> None:
    """Add one line and flush it. Every value must be finite."""
    _append(run / "metrics.jsonl", row)


def read_metrics(run: Path) -> list[StepMetrics]:
    """Every whole line, in order; a last line torn by a crash is left out."""
    return _read_lines(run / "metrics.jsonl", StepMetrics)


def append_samples(run: Path, row: StepSamples) -> None:
    """Add one line and flush it."""
    _append(run / "samples.jsonl", row)


def read_samples(run: Path) -> list[StepSamples]:
    """As `read_metrics`; empty for a run that samples nothing."""
    return _read_lines(run / "samples.jsonl", StepSamples)


def drop_lines_after(run: Path, step: int) -> None:
    """Keep the metrics and samples up to `step` (a resumed run writes the later ones again). Atomic."""
    write_atomically(run / "metrics.jsonl", _as_lines(row for row in read_metrics(run) if row.step <= step))
    if (run / "samples.jsonl").exists():
        write_atomically(
            run / "samples.jsonl", _as_lines(row for row in read_samples(run) if row.step <= step)
        )


def checkpoint_folder(run: Path, step: int) -> Path:
    return run / "checkpoints" / f"step-{step:06d}"


def checkpoints(run: Path) -> list[tuple[int, Path]]:
    """(step, folder) of every checkpoint, oldest first; whether each is whole is `checkpoint`'s question."""
    folder = run / "checkpoints"
    if not folder.is_dir():
        return []
    named = ((_CHECKPOINT_NAME.fullmatch(entry.name), entry) for entry in folder.iterdir() if entry.is_dir())
    return sorted((int(match.group(1)), entry) for match, entry in named if match)


def policy_folder(run: Path) -> Path:
    """Where the run's result is once it is finished or stopped."""
    return run / "policy"


def now() -> str:
    """This moment in UTC, ISO 8601 to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def new_name(parent: Path) -> str:
    """Today's date and two words that no folder in `parent` has yet."""
    import coolname

    today = datetime.now(UTC).astimezone().date().isoformat()
    while True:
        name = f"{today}-{coolname.generate_slug(2)}"
        if not (parent / name).exists():
            return name


def _write(path: Path, document: RunSpec | RunState) -> None:
    write_atomically(path, msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")


def _append(path: Path, row: StepMetrics | StepSamples) -> None:
    with path.open("ab") as file:
        file.write(_as_lines([row]))


def _as_lines(rows: Iterable[StepMetrics | StepSamples]) -> bytes:
    return b"".join(msgspec.json.encode(row) + b"\n" for row in rows)


def _read_lines(path: Path, kind: type[Line]) -> list[Line]:
    if not path.exists():
        return []
    rows: list[Line] = []
    lines = path.read_bytes().split(b"\n")
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        try:
            rows.append(msgspec.json.decode(line, type=kind))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            if number == len(lines):
                break  # the last line has no newline yet: it was being written
            raise BadInput(f"Line {number} of {path} is damaged ({error}).") from error
    return rows
