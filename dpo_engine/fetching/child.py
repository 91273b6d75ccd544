"""Work with the libraries of the hub in a process of its own, so that it can be ended at any moment.

Those libraries know no cancel and hold a connection for as long as it hangs; a process can be ended. What it
leaves are files that the libraries themselves take for unfinished: the next try goes on after them. The child
is told its task, a secret in it perhaps, on its stdin (never in its arguments or its environment), and ends
when that is closed, so that it does not outlive who started it. Torch-free.
"""

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

Told = dict[str, Any]
"""What a child says, as JSON: `done` and `total` of what is fetched, then `result` or `failed`."""
Tell = Callable[[Told], None]

SLICE = 0.1
"""Seconds within which a caller may act, though nothing is told."""
_PATIENCE = 5.0


class Child:
    """`with Child(module, task) as child: for told in child.news(): …`; leaving the block ends it."""

    def __init__(self, module: str, task: Mapping[str, Any]) -> None:
        """Start `python -m module` with a task. Raises `OSError` where there is no room for a process."""
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_environment(),
        )
        self._told: queue.SimpleQueue[Told | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, name="fetching", daemon=True)
        self._reader.start()
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):  # it ended at once: `news` ends, too
                self._process.stdin.write(json.dumps(dict(task)).encode() + b"\n")
                self._process.stdin.flush()

    @property
    def pid(self) -> int:
        return self._process.pid

    def __enter__(self) -> "Child":
        return self

    def __exit__(self, *_raised: object) -> None:
        self.end()

    def news(self) -> Iterator[Told | None]:
        """What it tells, None now and then while it tells nothing; ends with the process."""
        while True:
            try:
                told = self._told.get(timeout=SLICE)
            except queue.Empty:
                yield None
                continue
            if told is None:
                return
            yield told

    def end(self) -> None:
        """At once. What it has not finished stays unfinished."""
        self._process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_PATIENCE)
        self._reader.join(_PATIENCE)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def _read(self) -> None:
        for line in self._process.stdout or ():
            with contextlib.suppress(ValueError):
                told = json.loads(line)
                if isinstance(told, dict):
                    self._told.put(told)
        self._told.put(None)


def serve(work: Callable[[Told, Tell], object]) -> None:
    """The child's side: do `work` with the task, and tell its result, or what is wrong by type and words."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what a library prints is no news

    def tell(told: Told) -> None:
        out.write(json.dumps(told).encode() + b"\n")
        out.flush()

    task = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    try:
        tell({"result": work(task, tell)})
    except Exception as error:  # the caller decides what a person is told of it
        tell({"failed": type(error).__name__, "code": getattr(error, "code", ""), "words": str(error)})


def _end_with_stdin() -> None:
    while sys.stdin.buffer.read(4096):
        pass
    os._exit(1)


def _environment() -> dict[str, str]:
    """What makes this very installation importable, wherever the process was started."""
    source = str(Path(__file__).resolve().parents[2])
    inherited = [path for path in (os.environ.get("PYTHONPATH"),) if path]
    return {**os.environ, "PYTHONUTF8": "1", "PYTHONPATH": os.pathsep.join([source, *inherited])}
