"""Keeps Python's cycle collector on the GUI thread.

The collector runs on whatever thread happens to allocate, and it destroys the Qt objects it finds right
there. A widget that dies on the thread which reads the engine's events takes the app along (PySide does not
move that to the GUI thread). So it is switched off and called by a timer instead.
"""

import gc

from PySide6.QtCore import QObject, QTimer

INTERVAL_MS = 500


class GuiThreadCollector(QObject):
    """Make it on the GUI thread. Between `begin` and `end` cycles are collected there and nowhere else."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._was_enabled = False
        self._timer = QTimer(self, interval=INTERVAL_MS)
        self._timer.timeout.connect(self._on_timeout)

    def begin(self) -> None:
        if not self._timer.isActive():
            self._was_enabled = gc.isenabled()
            gc.disable()
            self._timer.start()

    def end(self) -> None:
        if self._timer.isActive():
            self._timer.stop()
            if self._was_enabled:
                gc.enable()

    def _on_timeout(self) -> None:
        """What Python would have collected by now: the oldest generation that is due."""
        due = [
            generation
            for generation, (count, threshold) in enumerate(
                zip(gc.get_count(), gc.get_threshold(), strict=True)
            )
            if threshold and count > threshold
        ]
        if due:
            gc.collect(max(due))
