"""Checkpoints: everything that a run needs to go on as if it had never stopped, without any pickle.

    checkpoints/step-000040/
      policy/                what the policy is at this step; can be used as a model by itself
      training.safetensors   float32 weights, optimizer moments, random states, reference log-probs;
                             of several processes a folder `training` with a file of each
      state.json             `CheckpointInfo`: step, counts, config, hashes, size and CRC-32 of every file

A checkpoint is filled in a temporary folder, flushed to the disk and renamed, so a folder with its name is
whole; one that was damaged afterwards (a torn copy, a failing disk) is noticed and passed over. CRC-32 finds
accidents at 4 GB/s; it is no proof against somebody who means harm, and nothing in a checkpoint can run.
"""

import dataclasses
import shutil
import zlib
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from dpo_engine.config import TrainConfig
from dpo_engine.errors import BadInput, from_os_error
from dpo_engine.files import TEMPORARY_PREFIX, staged_folder
from dpo_engine.models.policy_files import errors_as_os_errors
from dpo_engine.run_folder import MAY_DIFFER, RunSpec, checkpoint_folder, checkpoints
from dpo_engine.training.standing import Standing

FORMAT_VERSION = 1
SHARDS = "training"
"""The folder that has the tensors when several processes wrote them."""
_CHUNK = 4 * 1024 * 1024
_MAX_STATE_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class CheckpointInfo(Standing):
    format_version: int
    step: int
    measured_step: int | None = None
    sampled_step: int | None = None
    config: TrainConfig
    pairs_hash: str
    fingerprint: str
    """Of the model that the run started from."""
    files: dict[str, int]
    """Path inside the checkpoint -> size in bytes."""
    checksums: dict[str, int] = field(default_factory=dict)
    """Path inside the checkpoint -> CRC-32 (RFC 1952); empty in those of an older version."""

    @property
    def standing(self) -> Standing:
        own = {entry.name: getattr(self, entry.name) for entry in dataclasses.fields(Standing)}
        return Standing(**own)


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    folder: Path
    info: CheckpointInfo

    @property
    def tensor_folder(self) -> Path:
        """Where the safetensors files of its tensors are."""
        shards = self.folder / SHARDS
        return shards if shards.is_dir() else self.folder

    def tensors(self) -> dict[str, Tensor]:
        """What `save` was given, on the CPU. Raises `BadInput` where a file is damaged."""
        if self.tensor_folder != self.folder:
            from dpo_engine.processes.sharded_checkpoint import read as read_shards

            return read_shards(self.tensor_folder)
        try:
            loaded: dict[str, Tensor] = load_file(self.folder / "training.safetensors")
        except (SafetensorError, OSError) as error:
            raise BadInput(f"The checkpoint {self.folder} is damaged ({error}); delete it.") from error
        return loaded


def write_tensors(folder: Path, tensors: Mapping[str, Tensor]) -> None:
    """Into the checkpoint that is being filled in `folder`, by one process."""
    save_file(
        {name: tensor.contiguous() for name, tensor in tensors.items()}, folder / "training.safetensors"
    )


def save(
    run: Path,
    spec: RunSpec,
    *,
    step: int,
    standing: Standing,
    write_tensors: Callable[[Path], None],
    write_policy: Callable[[Path], None],
) -> Path:
    """Write the checkpoint of `step`, which the two functions fill.

    Then delete those beyond `save_total_limit`, but never the best one, nor the last one within its bounds.

    Raises `DiskFull` (or what the system said) with every earlier checkpoint intact.
    """
    folder = checkpoint_folder(run, step)
    try:
        with staged_folder(folder) as staged, errors_as_os_errors():
            policy = staged / "policy"
            policy.mkdir()
            write_policy(policy)
            write_tensors(staged)
            info = CheckpointInfo(
                **{entry.name: getattr(standing, entry.name) for entry in dataclasses.fields(Standing)},
                format_version=FORMAT_VERSION,
                step=step,
                config=spec.config,
                pairs_hash=spec.pairs_hash,
                fingerprint=spec.fingerprint,
                files=_sizes(staged),
                checksums={name: _crc32(staged / name) for name in _sizes(staged)},
            )
            (staged / "state.json").write_bytes(msgspec.json.format(msgspec.json.encode(info), indent=2))
    except OSError as error:
        raise from_os_error(error, f"saving the checkpoint of step {step}") from error
    spared = {standing.best.step, standing.sound_step}
    _delete_old(run, spec.config.save_total_limit, newest=step, spared=spared)
    return folder


def latest(run: Path) -> tuple[Checkpoint | None, list[str]]:
    """The newest whole checkpoint, and a sentence for each newer one that had to be passed over."""
    warnings: list[str] = []
    for _, folder in reversed(checkpoints(run)):
        try:
            return read(folder), warnings
        except BadInput as error:
            warnings.append(f"{error} It is passed over.")
    return None, warnings


def read(folder: Path) -> Checkpoint:
    """The checkpoint in `folder`. Raises `BadInput` where it is not whole."""
    try:
        return Checkpoint(folder=folder, info=_read_whole(folder))
    except OSError as error:
        raise BadInput(f"The checkpoint {folder.name} cannot be read ({error.strerror or error}).") from error


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
    unusable = f"The checkpoint {folder.name} is incomplete or damaged"
    if not state.is_file() or state.stat().st_size > _MAX_STATE_BYTES:
        raise BadInput(f"{unusable}: it has no usable state.json.")
    try:
        info = msgspec.json.decode(state.read_bytes(), type=CheckpointInfo)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{unusable}: its state.json makes no sense ({error}).") from error
    if info.format_version > FORMAT_VERSION:
        raise BadInput(f"The checkpoint {folder.name} cannot be used: a newer version of DPO Studio made it.")
    present = _sizes(folder)
    for name, size in info.files.items():
        if present.get(name) != size:
            raise BadInput(f"{unusable}: {name} is missing or has the wrong size.")
    for name, checksum in info.checksums.items():
        if name not in present or _crc32(folder / name) != checksum:
            raise BadInput(f"{unusable}: {name} is not what was written.")
    return info


def _sizes(folder: Path) -> dict[str, int]:
    return {
        path.relative_to(folder).as_posix(): path.stat().st_size
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "state.json"
    }


def _crc32(path: Path) -> int:
    value = 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            value = zlib.crc32(chunk, value)
    return value


def _delete_old(run: Path, keep: int, *, newest: int, spared: Set[int]) -> None:
    """Keep the last `keep` up to `newest`, and the spared ones.

    Later ones are damaged ones that were passed over: they count for nothing until the run gets past them.
    Under a temporary name first, so that a half-deleted one never looks like a checkpoint.
    """
    passed = [(step, folder) for step, folder in checkpoints(run) if step <= newest]
    for step, folder in passed[:-keep]:
        if step in spared:
            continue
        doomed = folder.with_name(f"{TEMPORARY_PREFIX}{folder.name}-old")
        folder.rename(doomed)
        shutil.rmtree(doomed, ignore_errors=True)
