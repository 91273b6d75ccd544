"""Has callbacks run on the GUI thread, from whatever thread they come."""

from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, Signal


class GuiThread(QObject):
    """Make it on the GUI thread; `post` may be called from anywhere and keeps the order of each thread."""

    _posted = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._posted.connect(self._on_posted, Qt.ConnectionType.QueuedConnection)

    def post(self, callback: Callable[[], None]) -> None:
        self._posted.emit(callback)

    def _on_posted(self, callback: Callable[[], None]) -> None:
        callback()
