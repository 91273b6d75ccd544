"""Opening a project that another window has: that one is raised, or waited for while it closes."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.safety.opening import open_when_free
from app.shell.instance import InstanceServer
from app.store.errors import AlreadyOpen
from app.store.locks import take_lock

_OPEN = """
import sys
from pathlib import Path
from app.safety.opening import open_when_free
from app.store.errors import StoreError
try:
    project = open_when_free(Path(sys.argv[1]))
except StoreError as error:
    print(error.code)
else:
    print("opened")
    project.close()
"""

Start = Callable[[], "subprocess.Popen[str]"]


@pytest.fixture
def start(path: Path) -> Iterator[Start]:
    """Start another process on the project."""
    begun: list[subprocess.Popen[str]] = []

    def start() -> "subprocess.Popen[str]":
        begun.append(
            subprocess.Popen(
                [sys.executable, "-c", _OPEN, str(path)],
                stdout=subprocess.PIPE,
                text=True,
                cwd=Path(__file__).parents[3],
            )
        )
        return begun[-1]

    yield start
    for process in begun:
        process.kill()
        with process:  # waits for it and closes its pipe
            pass


def answer(process: "subprocess.Popen[str]", qtbot: QtBot) -> str:
    qtbot.waitUntil(lambda: process.poll() is not None, timeout=30_000)
    assert process.stdout is not None
    return process.stdout.read().strip()


def test_the_other_window_comes_to_the_front(path: Path, start: Start, qtbot: QtBot) -> None:
    raised: list[int] = []
    server, lock = InstanceServer(path, lambda: raised.append(1)), take_lock(path)
    assert answer(start(), qtbot) == "open_elsewhere"
    assert raised == [1]
    server.close()
    lock.release()


def test_one_that_is_closing_is_waited_for(path: Path, start: Start, qtbot: QtBot) -> None:
    server, lock = InstanceServer(path, lambda: None), take_lock(path)
    server.say_closing()
    asked: list[int] = []
    server._server.newConnection.connect(lambda: asked.append(1))
    process = start()
    qtbot.waitUntil(lambda: len(asked) >= 2, timeout=30_000)  # it was told so, and asks again
    assert process.poll() is None
    lock.release()
    assert answer(process, qtbot) == "opened"
    server.close()


def test_without_an_answer_it_is_said(path: Path) -> None:
    lock = take_lock(path)
    with pytest.raises(AlreadyOpen, match="already open in another window"):
        open_when_free(path)
    lock.release()
    open_when_free(path).close()
