"""Downloading one large file so that a cut connection, a cancel or a crash costs nothing already received."""

import hashlib
import time
import urllib.error
from collections.abc import Callable, Generator, Iterator
from http.client import HTTPException, HTTPResponse
from pathlib import Path

from dpo_engine.errors import FetchFailed
from dpo_engine.fetching.package_index import OR_A_FOLDER, RemoteFile, open_url, reason_of

CHUNK = 256 * 1024
TRIES_WITHOUT_NEWS = 5
_LONGEST_WAIT = 8.0
_WAIT_SLICE = 0.1

Sleep = Callable[[float], None]


def download(remote: RemoteFile, to: Path, *, sleep: Sleep = time.sleep) -> Iterator[tuple[int, int]]:
    """Get `remote` into `to`, going on after what is there already; yields (bytes so far, bytes in all).

    The total is 0 where it is not known. A cut connection is taken up again, a server that cannot begin in
    the middle is asked from the start. Raises `FetchFailed` when it stays cut, and `OSError` where the file
    cannot be written; what was received stays for the next time.
    """
    tries = 0
    while True:
        have = to.stat().st_size if to.exists() else 0
        if remote.size and have >= remote.size:
            _refuse_longer(have, remote, to)
            yield have, remote.size
            return
        try:
            finished = yield from _one_connection(remote, to, have)
            if finished:
                return
            cause: Exception = ConnectionError("the connection was closed early")
        except urllib.error.HTTPError as error:
            error.close()
            if error.code < 500 and error.code not in (408, 429):
                raise FetchFailed(
                    f"The download of {to.stem} was refused (HTTP {error.code}). Try again later, "
                    f"{OR_A_FOLDER}."
                ) from error
            cause = error
        except (HTTPException, urllib.error.URLError, ConnectionError, TimeoutError) as error:
            cause = error
        grown = to.exists() and to.stat().st_size > have
        tries = 1 if grown else tries + 1
        if tries >= TRIES_WITHOUT_NEWS:
            raise FetchFailed(
                f"The download of {to.stem} was cut off ({reason_of(cause)}). What was received is kept: "
                f"try again when the network is back, {OR_A_FOLDER}."
            ) from cause
        yield from _wait(min(2.0 ** (tries - 1), _LONGEST_WAIT), (have, remote.size), sleep)


def sha256_of(path: Path) -> Generator[None, None, str]:
    """Yields after every part that was read; the generator's value is the 64 hex digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(16 * CHUNK):
            digest.update(chunk)
            yield None
    return digest.hexdigest()


def _one_connection(remote: RemoteFile, to: Path, have: int) -> Generator[tuple[int, int], None, bool]:
    headers = {"Range": f"bytes={have}-"} if have else {}
    try:
        response = open_url(remote.url, headers)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416 and have:  # there is nothing after what we have: it may be another file's part
            to.unlink()
            return False
        raise
    with response:
        start = have if have and _continues(response, have) else 0
        total = remote.size or _length(response, start)
        with to.open("ab" if start else "wb") as file:
            done = start
            while chunk := response.read(CHUNK):
                file.write(chunk)
                done += len(chunk)
                if total and done > total:
                    break
                yield done, total
    _refuse_longer(done, RemoteFile(url=remote.url, size=total), to)
    return done == total if total else True


def _continues(response: HTTPResponse, have: int) -> bool:
    """Does the body begin where we left off?"""
    return response.status == 206 and response.headers.get("Content-Range", "").startswith(f"bytes {have}-")


def _length(response: HTTPResponse, start: int) -> int:
    stated = response.headers.get("Content-Length", "")
    return start + int(stated) if stated.isdigit() else 0


def _refuse_longer(have: int, remote: RemoteFile, to: Path) -> None:
    if remote.size and have > remote.size:
        to.unlink()
        raise FetchFailed(
            f"The download of {to.stem} is longer than the {remote.size} bytes it should have, so it was "
            f"thrown away. Try again, {OR_A_FOLDER}."
        )


def _wait(seconds: float, news: tuple[int, int], sleep: Sleep) -> Iterator[tuple[int, int]]:
    """In slices, so that a cancel acts meanwhile."""
    left = seconds
    while left > 0:
        sleep(min(_WAIT_SLICE, left))
        left -= _WAIT_SLICE
        yield news
