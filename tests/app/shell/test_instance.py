"""A second start on the same file raises the first window; a dead socket is in nobody's way."""

import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtNetwork import QLocalSocket
from pytestqt.qtbot import QtBot

from app.shell.instance import InstanceServer, socket_name

_ASK = """
import sys, threading
from pathlib import Path
from app.shell.instance import ask_to_raise
thread = threading.Thread(target=lambda: print(ask_to_raise(Path(sys.argv[1]))))
thread.start()
thread.join()
"""


def ask(path: Path, qtbot: QtBot) -> str:
    """From a thread of another process, while the server answers in this one's event loop."""
    process = subprocess.Popen(
        [sys.executable, "-c", _ASK, str(path)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    )
    with process:
        qtbot.waitUntil(lambda: process.poll() is not None, timeout=20_000)
        assert process.stdout is not None
        return process.stdout.read().strip()


def test_the_first_window_is_raised_and_says_so(qtbot: QtBot, tmp_path: Path) -> None:
    raised: list[int] = []
    server = InstanceServer(tmp_path / "a.dpo", lambda: raised.append(1))
    assert ask(tmp_path / "a.dpo", qtbot) == "raised"
    assert ask(tmp_path / "b.dpo", qtbot) == "nobody"
    assert raised == [1]
    server.say_closing()
    assert ask(tmp_path / "a.dpo", qtbot) == "closing"
    assert raised == [1]
    server.close()
    assert ask(tmp_path / "a.dpo", qtbot) == "nobody"


def test_every_way_to_name_the_file_is_the_same(tmp_path: Path) -> None:
    (tmp_path / "a.dpo").touch()
    (tmp_path / "link.dpo").symlink_to(tmp_path / "a.dpo")
    assert socket_name(tmp_path / "link.dpo") == socket_name(tmp_path / "x" / ".." / "a.dpo")
    assert socket_name(tmp_path / "a.dpo") != socket_name(tmp_path / "b.dpo")


_KILLED = """
import os, sys
from pathlib import Path
from PySide6.QtCore import QCoreApplication
from app.shell.instance import InstanceServer
app = QCoreApplication([])
server = InstanceServer(Path(sys.argv[1]), lambda: None)
print(server.listening, flush=True)
os._exit(9)
"""


def test_the_socket_of_a_killed_process_is_replaced(qtbot: QtBot, tmp_path: Path) -> None:
    path = tmp_path / "a.dpo"
    done = subprocess.run(
        [sys.executable, "-c", _KILLED, str(path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[3],
    )
    assert done.stdout == "True\n", done.stderr
    assert ask(path, qtbot) == "nobody"
    server = InstanceServer(path, lambda: None)
    assert server.listening
    assert ask(path, qtbot) == "raised"
    server.close()


@pytest.mark.parametrize("said", [b"what\n", b"\xff\xfe\n", b"x" * 5000, b"raise " + b"y" * 3000])
def test_whoever_says_something_else_changes_nothing(qtbot: QtBot, tmp_path: Path, said: bytes) -> None:
    raised: list[int] = []
    server = InstanceServer(tmp_path / "a.dpo", lambda: raised.append(1))
    socket = QLocalSocket()
    socket.connectToServer(socket_name(tmp_path / "a.dpo"))
    socket.write(said)
    qtbot.waitUntil(lambda: socket.state() == QLocalSocket.LocalSocketState.UnconnectedState, timeout=5000)
    assert not raised
    assert ask(tmp_path / "a.dpo", qtbot) == "raised"
    server.close()
