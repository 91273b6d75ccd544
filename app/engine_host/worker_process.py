"""The default transport: the engine as a child process, JSON lines on its stdin and stdout. Qt-free.

A crash in a driver, an out-of-memory kill or a stuck kernel ends that process and never the window. The
child ends by itself when its stdin closes, so it does not outlive an app that was killed.
"""

import contextlib
import os
import queue
import shlex
import signal
import site
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

import dpo_engine
from app.engine_host.engine_log import EngineLog
from app.engine_host.transport import Deliver, Ended
from dpo_engine import wire
from dpo_engine.errors import BadInput
from dpo_engine.requests import Control, Request, Shutdown

PATIENCE_SECONDS = 3.0
"""For a worker that was told to end, or whose output has ended, before it is killed."""
NICENESS = 5
"""Lower priority than the window's, so that it stays smooth while both cores train."""
MAX_STDERR_LINE = 8_192

if sys.platform == "win32":
    _CREATION_FLAGS = subprocess.CREATE_NO_WINDOW | subprocess.BELOW_NORMAL_PRIORITY_CLASS
else:
    _CREATION_FLAGS = 0


def worker_command() -> list[str]:
    """The engine of this very installation; `-P` keeps the current folder out of its imports."""
    return [sys.executable, "-P", "-m", "dpo_engine", "serve"]


def worker_environment(base: Mapping[str, str] = os.environ) -> dict[str, str]:
    """`base`, plus what makes a source checkout importable wherever the app was started.

    A process that dies in a driver or a kernel says on stderr, which is kept, what each thread was doing.
    """
    environment = {**base, "PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1", "PYTHONFAULTHANDLER": "1"}
    source = str(Path(dpo_engine.__file__).resolve().parent.parent)
    if source not in site.getsitepackages():
        inherited = base.get("PYTHONPATH")
        environment["PYTHONPATH"] = os.pathsep.join([source, inherited] if inherited else [source])
    return environment


class WorkerProcess:
    """One child process from its start to its end."""

    def __init__(
        self,
        log: EngineLog,
        command: Sequence[str] | None = None,
        environment: Mapping[str, str] | None = None,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self._log = log
        self._command = list(command or worker_command())
        self._environment = dict(environment if environment is not None else worker_environment())
        self._patience = patience
        self._outbox: queue.SimpleQueue[Request | Control | None] = queue.SimpleQueue()
        self._gone = threading.Event()
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._kill_wanted = False

    def send(self, message: Request | Control) -> None:
        self._outbox.put(message)

    def stop(self, seconds: float, /) -> None:
        self.send(Shutdown())
        threading.Thread(target=self._force_end, args=(seconds,), name="engine-stop", daemon=True).start()

    def kill(self) -> None:
        with self._lock:
            self._kill_wanted = True
            if self._process is not None:
                _kill_group(self._process)

    def run(self, deliver: Deliver) -> Ended:
        self._log.begin_life(shlex.join(self._command))
        try:
            process = self._start()
        except OSError as error:
            self._gone.set()
            self._log.close()
            sentence = f"The engine could not be started: {error.strerror or error}."
            return Ended(sentence=sentence, detail=str(error))
        stdin, stdout, stderr = _pipes(process)
        helpers = [
            threading.Thread(target=self._write, args=(stdin,), name="engine-stdin", daemon=True),
            threading.Thread(target=self._keep_stderr, args=(stderr,), name="engine-stderr", daemon=True),
        ]
        for helper in helpers:
            helper.start()
        unreadable = "The events could not be passed on."
        try:
            unreadable = _read_events(stdout, deliver)
        finally:
            stdout.close()
            self._end(process, helpers, patience=0.0 if unreadable else self._patience)
        return self._ended(process.returncode, unreadable)

    def _start(self) -> subprocess.Popen[bytes]:
        with self._lock:
            process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=self._environment,
                # A group of its own: Ctrl-C in a terminal is the app's to handle, and a kill reaches
                # whatever the engine has started.
                start_new_session=os.name != "nt",
                creationflags=_CREATION_FLAGS,
            )
            self._process = process
            if self._kill_wanted:
                _kill_group(process)
        if sys.platform != "win32":
            with contextlib.suppress(OSError):
                own = os.getpriority(os.PRIO_PROCESS, 0)
                os.setpriority(os.PRIO_PROCESS, process.pid, own + NICENESS)
        return process

    def _write(self, stdin: IO[bytes]) -> None:
        """Pass messages on until told to end; a worker that is gone is noticed by the reader."""
        with contextlib.suppress(OSError, ValueError):
            while (message := self._outbox.get()) is not None:
                stdin.write(wire.encode(message))
                stdin.flush()
        with contextlib.suppress(OSError):
            stdin.close()

    def _keep_stderr(self, stderr: IO[bytes]) -> None:
        with stderr:
            while line := stderr.readline(MAX_STDERR_LINE):
                self._log.add(line.decode("utf-8", "backslashreplace"))

    def _end(
        self, process: subprocess.Popen[bytes], helpers: Sequence[threading.Thread], patience: float
    ) -> None:
        """Reap the child, whose stdout is of no more use; it and all it has started are gone after this."""
        self._outbox.put(None)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience)
        _kill_group(process)
        process.wait()
        self._gone.set()
        with self._lock:
            self._process = None
        # The last words on stderr belong into the report.
        for helper in helpers:
            helper.join(1.0)
        self._log.close()

    def _force_end(self, seconds: float) -> None:
        """First patience, then SIGTERM, then SIGKILL."""
        if self._gone.wait(seconds):
            return
        with self._lock:
            if self._process is not None:
                self._process.terminate()
        if not self._gone.wait(self._patience):
            self.kill()

    def _ended(self, code: int, unreadable: str) -> Ended:
        detail = "\n".join(part for part in (unreadable, how_it_ended(code), self._log.last_lines()) if part)
        return Ended(sentence=_sentence(code, unreadable), detail=detail)


def _pipes(process: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes], IO[bytes]]:
    if process.stdin is None or process.stdout is None or process.stderr is None:
        raise ValueError("the process was not started with pipes")
    return process.stdin, process.stdout, process.stderr


def _read_events(stdout: IO[bytes], deliver: Deliver) -> str:
    """Hand on events until the stream ends; returns why it was left early, or "" at its end.

    A line that is no event means that some event was lost, so some request would never end: the life is over.
    """
    while line := stdout.readline(wire.MAX_LINE_BYTES + 1):
        try:
            event = wire.decode_event(line)
        except BadInput as error:
            # A line without its end is the last breath of a process that died while writing.
            return f"{error} The line began with {line[:200]!r}." if line.endswith(b"\n") else ""
        deliver(event)
    return ""


def _sentence(code: int, unreadable: str) -> str:
    if unreadable:
        return "The engine sent something that could not be read and was ended."
    if code >= 0 or code == -signal.SIGTERM:
        return "The engine ended unexpectedly."
    if code == -9:
        return "The engine was killed by the system, probably because the machine ran out of memory."
    return "The engine crashed."


def how_it_ended(code: int) -> str:
    """`exit code 1`, or `signal SIGKILL`."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"signal {signal.Signals(-code).name}"
    except ValueError:
        return f"signal {-code}"


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill the worker and whatever it has started."""
    with contextlib.suppress(OSError):
        if os.name == "nt":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
