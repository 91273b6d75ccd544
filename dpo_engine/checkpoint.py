"""Checkpoints: everything that a run needs to go on as if it had never stopped, without any pickle.

    checkpoints/step-000040/
      policy/                what the policy is at this step; can be used as a model by itself
      training.safetensors   float32 weights, optimizer moments, random states, reference log-probs
      state.json             `CheckpointInfo`: step, config, hashes, and the size of every file

A checkpoint is filled in a temporary folder, flushed to the disk and renamed, so a folder with its name is
whole; one that lost a part afterwards (a torn copy) is noticed by its file sizes and passed over.
"""

import dataclasses
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from dpo_engine.config import TrainConfig
from dpo_engine.errors import BadInput, from_os_error
from dpo_engine.files import TEMPORARY_PREFIX, staged_folder
from dpo_engine.policy_files import errors_as_os_errors
from dpo_engine.run_folder import RunSpec, checkpoint_folder, checkpoints

FORMAT_VERSION = 1
MAY_DIFFER = {"save_steps", "save_total_limit", "eval_steps", "device"}
"""Settings that a resumed run may change: they do not bend the curve."""

_MAX_STATE_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class CheckpointInfo:
    format_version: int
    step: int
    num_tokens: int
    skipped_steps: int
    config: TrainConfig
    pairs_hash: str
    fingerprint: str
    """Of the model that the run started from."""
    files: dict[str, int]
    """Path inside the checkpoint -> size in bytes."""


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    folder: Path
    info: CheckpointInfo

    def tensors(self) -> dict[str, Tensor]:
        """What `save` was given, on the CPU. Raises `BadInput` where the file is damaged."""
        try:
            loaded: dict[str, Tensor] = load_file(self.folder / "training.safetensors")
        except (SafetensorError, OSError) as error:
            raise BadInput(f"The checkpoint {self.folder} is damaged ({error}); delete it.") from error
        return loaded


def save(
    run: Path,
    spec: RunSpec,
    *,
    step: int,
    num_tokens: int,
    skipped_steps: int,
    tensors: dict[str, Tensor],
    write_policy: Callable[[Path], None],
) -> Path:
    """Write the checkpoint of `step`, then delete those beyond `save_total_limit`.

    Raises `DiskFull` (or what the system said) with every earlier checkpoint intact.
    """
    folder = checkpoint_folder(run, step)
    try:
        with staged_folder(folder) as staged, errors_as_os_errors():
            policy = staged / "policy"
            policy.mkdir()
            write_policy(policy)
            save_file(
                {name: tensor.contiguous() for name, tensor in tensors.items()},
                staged / "training.safetensors",
            )
            info = CheckpointInfo(
                format_version=FORMAT_VERSION,
                step=step,
                num_tokens=num_tokens,
                skipped_steps=skipped_steps,
                config=spec.config,
                pairs_hash=spec.pairs_hash,
                fingerprint=spec.fingerprint,
                files=_sizes(staged),
            )
            (staged / "state.json").write_bytes(msgspec.json.format(msgspec.json.encode(info), indent=2))
    except OSError as error:
        raise from_os_error(error, f"saving the checkpoint of step {step}") from error
    _delete_old(run, spec.config.save_total_limit)
    return folder


def latest(run: Path) -> tuple[Checkpoint | None, list[str]]:
    """The newest whole checkpoint, and a sentence for each newer one that had to be passed over."""
    warnings: list[str] = []
    for _, folder in reversed(checkpoints(run)):
        try:
            return Checkpoint(folder=folder, info=_read_whole(folder)), warnings
        except BadInput as error:
            warnings.append(str(error))
    return None, warnings


def check_fits(found: Checkpoint, spec: RunSpec) -> None:
    """Raise `BadInput` where going on from `found` would not be the same run."""
    differing = [
        entry.name
        for entry in dataclasses.fields(TrainConfig)
        if entry.name not in MAY_DIFFER
        and getattr(found.info.config, entry.name) != getattr(spec.config, entry.name)
    ]
    if differing:
        raise BadInput(
            f"The checkpoint {found.folder.name} was made with other settings ({', '.join(differing)}), "
            "so the run cannot go on from it. Put the settings back, or start a new run."
        )
    if found.info.pairs_hash != spec.pairs_hash:
        raise BadInput(
            f"The checkpoint {found.folder.name} was made with other pairs, so the run cannot go on from it. "
            "Start a new run."
        )
    if found.info.fingerprint != spec.fingerprint:
        raise BadInput(
            f"The model {spec.policy} is not the one that this run started from (its files have changed), so "
            "the run cannot go on. Put that model back, or start a new run."
        )


def _read_whole(folder: Path) -> CheckpointInfo:
    state = folder / "state.json"
    passed_over = f"The checkpoint {folder.name} is incomplete and is passed over"
    if not state.is_file() or state.stat().st_size > _MAX_STATE_BYTES:
        raise BadInput(f"{passed_over}: it has no usable state.json.")
    try:
        info = msgspec.json.decode(state.read_bytes(), type=CheckpointInfo)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{passed_over}: its state.json is damaged ({error}).") from error
    if info.format_version > FORMAT_VERSION:
        raise BadInput(f"{passed_over}: a newer version of DPO Studio made it.")
    present = _sizes(folder)
    for name, size in info.files.items():
        if present.get(name) != size:
            raise BadInput(f"{passed_over}: {name} is missing or has the wrong size.")
    return info


def _sizes(folder: Path) -> dict[str, int]:
    return {
        path.relative_to(folder).as_posix(): path.stat().st_size
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "state.json"
    }


def _delete_old(run: Path, keep: int) -> None:
    """Under a temporary name first, so that a half-deleted one never looks like a checkpoint."""
    for _, folder in checkpoints(run)[:-keep]:
        doomed = folder.with_name(f"{TEMPORARY_PREFIX}{folder.name}-old")
        folder.rename(doomed)
        shutil.rmtree(doomed, ignore_errors=True)
