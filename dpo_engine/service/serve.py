"""The engine behind a pipe: JSON lines in on stdin, JSON lines out on stdout, until stdin ends.

The engine never outlives the program that started it: the end of stdin, SIGTERM and SIGINT all ask it to
finish its step, save a checkpoint and end, and if that takes too long it ends anyway.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from io import BufferedWriter
from types import FrameType

from dpo_engine import wire
from dpo_engine.errors import BadInput
from dpo_engine.events import Event, RequestFailed
from dpo_engine.requests import Shutdown
from dpo_engine.session import Session

CHUNK = 64 * 1024
SECONDS_TO_END = 120.0
"""For the step under way and its checkpoint, once nobody listens any more."""


def serve() -> int:
    """Serve this process's stdin and stdout; gives the exit code."""
    output = _Output(_take_stdout(), on_gone=lambda: session.put(Shutdown()))
    session = Session(output.write)

    def ask_to_end(_signal: int, _frame: FrameType | None) -> None:
        session.put(Shutdown())

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ask_to_end)
    reader = threading.Thread(
        target=_read, args=(sys.stdin.fileno(), session, output.write), name="engine-stdin", daemon=True
    )
    reader.start()
    session.run()
    output.flush()
    return 0


def _take_stdout() -> BufferedWriter:
    """The real stdout for ourselves; whatever any library prints goes to stderr from now on."""
    sys.stdout.flush()
    ours = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return ours


class _Output:
    """Writes events as lines. When nobody reads them any more, `on_gone` is called, once."""

    def __init__(self, stream: BufferedWriter, on_gone: Callable[[], None]) -> None:
        self._stream = stream
        self._on_gone = on_gone
        self._lock = threading.Lock()
        self._gone = False

    def write(self, event: Event) -> None:
        with self._lock:
            if self._gone:
                return
            try:
                self._stream.write(wire.encode(event))
                self._stream.flush()
            except OSError:
                self._gone = True
                self._on_gone()

    def flush(self) -> None:
        with self._lock:
            if not self._gone:
                self._stream.flush()


def _read(descriptor: int, session: Session, emit: Callable[[Event], None]) -> None:
    """Hand every line to the session; at the end of the stream, ask it to end and see that it does."""
    for line in _lines(descriptor):
        if not line.strip():
            continue
        try:
            session.put(wire.decode_inbound(line))
        except BadInput as error:
            emit(RequestFailed(request="", code=error.code, message=str(error)))
    session.put(Shutdown())
    deadline = threading.Timer(SECONDS_TO_END, os._exit, args=(1,))
    deadline.daemon = True
    deadline.start()


def _lines(descriptor: int) -> Iterator[bytes]:
    """Lines of at most `MAX_LINE_BYTES`; of a longer one only so much that it is refused.

    Read without Python's own buffer: Python aborts when it ends while a thread waits inside that.
    """
    pieces: list[bytes] = []
    size = 0
    while chunk := os.read(descriptor, CHUNK):
        *ended, rest = chunk.split(b"\n")
        for piece in ended:
            yield b"".join([*pieces, piece])
            pieces, size = [], 0
        if size <= wire.MAX_LINE_BYTES:
            pieces.append(rest)
            size += len(rest)
    if pieces:
        yield b"".join(pieces)
