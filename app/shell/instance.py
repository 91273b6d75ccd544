"""One window for a project: a second start on the same file raises the first one's window.

The window that has a project open listens at a local socket whose name follows from the file. The lock
beside the file (`app.store.locks`) is what keeps the project to one process; this is for the person's sake.
"""

import getpass
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QObject
from PySide6.QtNetwork import QLocalServer, QLocalSocket

_CONNECT_MS = 300
_ANSWER_MS = 1500
_LONGEST = 512
_ACTIVATION = "XDG_ACTIVATION_TOKEN"

Answer = Literal["raised", "closing", "nobody"]


def socket_name(path: Path) -> str:
    """The same for every way to name the file, another one for every user."""
    whose = f"{getpass.getuser()}\0{path.resolve()}"
    return "dpo-studio-" + hashlib.sha256(whose.encode("utf-8", "surrogateescape")).hexdigest()[:24]


def ask_to_raise(path: Path) -> Answer:
    """Ask the window that has the project open to come to the front; waits 2 s at most for its answer."""
    socket = QLocalSocket()
    socket.connectToServer(socket_name(path))
    if not socket.waitForConnected(_CONNECT_MS):
        return "nobody"
    # Wayland lets a window come to the front only by the right that the person's click gave this process.
    socket.write(f"raise {os.environ.get(_ACTIVATION, '')[:_LONGEST]}\n".encode())
    answer = b""
    while b"\n" not in answer and socket.waitForReadyRead(_ANSWER_MS):
        answer += bytes(socket.readAll().data())
    socket.abort()
    if answer == b"raised\n":
        return "raised"
    return "closing" if answer == b"closing\n" else "nobody"


class InstanceServer(QObject):
    """Answers others that start on the same file; `raised` is called when one does."""

    def __init__(self, path: Path, raised: Callable[[], None], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._raised = raised
        self._closing = False
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._on_connection)
        name = socket_name(path)
        if not self._server.listen(name) and ask_to_raise(path) == "nobody":
            # The socket of a process that was killed: nobody answers there.
            QLocalServer.removeServer(name)
            self._server.listen(name)

    @property
    def listening(self) -> bool:
        return self._server.isListening()

    def say_closing(self) -> None:
        """From now on who asks is told that the project will be free in a moment."""
        self._closing = True

    def close(self) -> None:
        self._server.close()

    def _on_connection(self) -> None:
        while (socket := self._server.nextPendingConnection()) is not None:
            socket.readyRead.connect(lambda one=socket: self._on_asked(one))
            socket.disconnected.connect(socket.deleteLater)
            if socket.bytesAvailable():
                self._on_asked(socket)

    def _on_asked(self, socket: QLocalSocket) -> None:
        if socket.bytesAvailable() > _LONGEST * 2:
            socket.abort()
            return
        if not socket.canReadLine():
            return
        words = bytes(socket.readLine().data()).decode("utf-8", "replace").split()
        if words[:1] != ["raise"]:
            socket.abort()
            return
        if self._closing:
            socket.write(b"closing\n")
        else:
            socket.write(b"raised\n")
            if len(words) > 1:
                os.environ[_ACTIVATION] = words[1]
            self._raised()
        socket.flush()
        socket.disconnectFromServer()
