"""Reference log-probs on disk, shared by all runs of a project: what one run computed, the next one knows.

    runs/reference-cache/
      3f…e1.logps     one file for each `CacheKey`, named by it

A file is a row of frames, each appended by a single write:

    "DPOREF1\\n"       8 bytes
    key               16 bytes, of the key that the file is for
    pairs, crc        uint32 each; CRC-32 of the key, `pairs` and the records
    records           for each pair: its name (16 bytes), log π(y_w|x) and log π(y_l|x), as float32, or as
                      float64 where the key says so

Any number of processes may append at once, with no lock: the system puts each write at the end of the file,
and where one does not (some network folders) or a process is killed half-way, the checksum tells, the frame
is passed over and reading goes on at the next one. A database would need locks that not every folder has,
could not be read from a read-only one, and keeps no checksums. Nor is it faster: a batch of 8 pairs takes it
0.4 ms to write (here 0.02 ms), and reading 100,000 pairs 64 ms (here 34 ms, and 66 ms from batches of 8).

It is a cache: a file that cannot be read or written, or is damaged, only costs time.
"""

import hashlib
import json
import os
import struct
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from dpo_engine.files import write_atomically

FOLDER = "reference-cache"
MOST_BYTES = 256 * 1024 * 1024
"""Of all files together: about 11 million pairs."""
FORMAT_VERSION = 2

_MAGIC = b"DPOREF1\n"
_HEADER = struct.Struct("<8s16sII")
_MOST_PAIRS = 4096
"""In one frame: what a damaged or hostile file can make the reader check in vain."""
_MOST_DAMAGES = 1000
_SUFFIX = ".logps"

Records = npt.NDArray[np.void]


class Key:
    """Everything besides a pair's name that its log-probs depend on: a frozen dataclass."""

    numbers: ClassVar[str] = "<f4"
    """What a log-prob is kept as: float32, or float64 (`<f8`)."""

    def digest(self) -> bytes:
        """16 bytes."""
        facts: dict[str, Any] = asdict(self)  # type: ignore[call-overload]
        text = json.dumps({"format": FORMAT_VERSION, **facts}, sort_keys=True)
        return hashlib.sha256(text.encode()).digest()[:16]

    @property
    def record(self) -> np.dtype[np.void]:
        return np.dtype([("pair", "V16"), ("sums", self.numbers, (2,))])


@dataclass(frozen=True, kw_only=True)
class CacheKey(Key):
    """Of what a training compares with. A pair is named by the hash of its texts."""

    model: str
    """Fingerprint of the reference."""
    tokenizer: str
    """SHA-256 of tokenizer and chat template."""
    max_length: int
    weights: str
    """What the reference's weights are kept in."""
    forward: str
    """What its matrix products are computed in."""
    device: str
    """`cpu`, `cuda` or `mps`."""
    libraries: tuple[str, ...]
    """Name and version of what computes."""


class ReferenceCache:
    """The file of one key. Nothing here raises for what is wrong with disk or file; `take_notes` tells."""

    def __init__(self, folder: Path, key: Key, *, most_bytes: int = MOST_BYTES) -> None:
        self._key, self._record = key.digest(), key.record
        self.path = folder / f"{self._key.hex()}{_SUFFIX}"
        self._most_bytes = most_bytes
        self._writable = True
        self._notes: list[str] = []

    def known(self, pairs: Sequence[bytes]) -> Tensor:
        """[2, pairs], as exact as they are kept: the log-probs of the pairs of these names, NaN for none."""
        sums = np.full((len(pairs), 2), np.nan, self._record["sums"].base)
        records = self._read()
        if len(records):
            rows, found = _find(pairs, records)
            sums[found] = records["sums"][rows[found]]
        return torch.from_numpy(sums.T.copy())

    def append(self, pairs: Sequence[bytes], sums: Tensor) -> None:
        """Keep `sums`, [2, pairs], of the pairs of these names; what is no log-prob is left out."""
        if not self._writable:
            return
        records = np.empty(len(pairs), self._record)
        records["pair"] = np.frombuffer(b"".join(pairs), "V16")
        records["sums"] = sums.detach().cpu().T.numpy()
        records = _plausible(records)
        try:
            for start in range(0, len(records), _MOST_PAIRS):
                self._write(_frame(self._key, records[start : start + _MOST_PAIRS]))
        except OSError as error:
            self._writable = False
            self._notes.append(
                f"The reference log-probs cannot be kept for later runs ({error.strerror or error}); "
                "this run is not affected."
            )

    def forget(self) -> None:
        """Delete the file: its numbers are not those of the model that it is named for."""
        _unlink(self.path)

    def thin(self) -> None:
        """Delete the files that were not used for longest until all fit into the bound; this one stays."""
        try:
            files = sorted(self.path.parent.glob(f"*{_SUFFIX}"), key=lambda file: file.stat().st_mtime_ns)
            total = sum(file.stat().st_size for file in files)
            for file in files:
                if total > self._most_bytes and file != self.path:
                    total -= file.stat().st_size
                    file.unlink()
        except OSError:
            return  # another process is at it, or the folder is read-only

    def take_notes(self) -> list[str]:
        """Sentences on what went wrong since the last call."""
        notes, self._notes = self._notes, []
        return notes

    def _read(self) -> Records:
        """All records, the first ones written first; mends the file where it is damaged."""
        try:
            if not self.path.is_file():
                return np.empty(0, self._record)
            if self.path.stat().st_size > self._most_bytes:
                _unlink(self.path)
                self._notes.append("The file of reference log-probs had become too large and was begun anew.")
                return np.empty(0, self._record)
            content = self.path.read_bytes()
        except OSError as error:
            self._notes.append(
                f"The reference log-probs of earlier runs cannot be read ({error.strerror or error}); "
                "they are computed again."
            )
            return np.empty(0, self._record)
        frames, damaged = read_frames(content, self._key, self._record.itemsize)
        if damaged:
            self._mend(b"".join(frames))
        else:
            _mark_as_used(self.path)
        records = [np.frombuffer(frame, self._record, offset=_HEADER.size) for frame in frames]
        return _plausible(np.concatenate(records) if records else np.empty(0, self._record))

    def _mend(self, good: bytes) -> None:
        self._notes.append(
            "The file of reference log-probs from earlier runs was damaged in part (as by a run that was "
            "killed). What is whole was kept; the rest is computed again."
        )
        try:
            write_atomically(self.path, good)
        except OSError:
            return  # then the damage is passed over again next time

    def _write(self, frame: bytes) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab", buffering=0) as file:
            if file.tell() + len(frame) > self._most_bytes:
                raise OSError(f"{self.path.name} has reached its largest size")
            if file.write(frame) != len(frame):
                raise OSError("the disk is full")


def read_frames(content: bytes, key: bytes, record_bytes: int) -> tuple[list[bytes], bool]:
    """The whole frames in `content`, and whether anything between them was damaged.

    A frame that is cut off by the end of the file is no damage: another process may be writing it.
    """
    frames: list[bytes] = []
    damages = 0
    at = 0
    while at < len(content) and damages <= _MOST_DAMAGES:
        frame = _frame_at(content, at, key, record_bytes)
        if frame is not None:
            frames.append(frame)
            at += len(frame)
            continue
        further = content.find(_MAGIC, at + 1)
        if further < 0:
            return frames, damages > 0 or not _may_be_growing(content[at:], key, record_bytes)
        damages += 1
        at = further
    return frames, damages > 0


def _frame(key: bytes, records: Records) -> bytes:
    body = records.tobytes()
    return _HEADER.pack(_MAGIC, key, len(records), _checksum(key, len(records), body)) + body


def _frame_at(content: bytes, at: int, key: bytes, record_bytes: int) -> bytes | None:
    if len(content) - at < _HEADER.size:
        return None
    magic, written_for, pairs, checksum = _HEADER.unpack_from(content, at)
    if magic != _MAGIC or written_for != key or not 0 < pairs <= _MOST_PAIRS:
        return None
    end = at + _HEADER.size + pairs * record_bytes
    if end > len(content):
        return None
    body = content[at + _HEADER.size : end]
    return content[at:end] if _checksum(key, pairs, body) == checksum else None


def _may_be_growing(rest: bytes, key: bytes, record_bytes: int) -> bool:
    """Whether `rest`, which ends the file, is the beginning of a frame whose end is missing."""
    if len(rest) < _HEADER.size:
        return (_MAGIC + key).startswith(rest[: len(_MAGIC + key)])
    magic, written_for, pairs, _ = _HEADER.unpack_from(rest)
    missing = len(rest) < _HEADER.size + pairs * record_bytes
    return bool(magic == _MAGIC and written_for == key and 0 < pairs <= _MOST_PAIRS and missing)


def _checksum(key: bytes, pairs: int, body: bytes) -> int:
    return zlib.crc32(body, zlib.crc32(struct.pack("<16sI", key, pairs)))


def _plausible(records: Records) -> Records:
    """Those whose sums are log-probs: finite, and not above zero by more than rounding."""
    sums = records["sums"]
    kept: Records = records[(np.isfinite(sums) & (sums <= 1e-3)).all(axis=1)]
    return kept


def _find(pairs: Sequence[bytes], records: Records) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
    """The row of each pair in `records` (at least one), and whether it is there at all.

    Of a pair that two processes wrote, the row written first counts, so that its numbers never change.
    """
    wanted = np.frombuffer(b"".join(pairs), "<u8").reshape(-1, 2)
    present = np.frombuffer(records["pair"].tobytes(), "<u8").reshape(-1, 2)
    order = np.argsort(present[:, 0], kind="stable")
    places = np.searchsorted(present[order, 0], wanted[:, 0])
    rows = order[places.clip(max=len(order) - 1)]
    return rows, (present[rows] == wanted).all(axis=1)


def _mark_as_used(path: Path) -> None:
    try:
        os.utime(path)
    except OSError:
        return


def _unlink(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return
