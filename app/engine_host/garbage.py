"""Keeps Python's cycle collector on the GUI thread.

The collector runs on whatever thread happens to allocate, and it destroys the Qt objects it finds right
there. A widget that dies on the thread which reads the engine's events takes the app along (PySide does not
move that to the GUI thread). So it is switched off and called by a timer instead.

A look through everything that ever lived takes 40 to 100 ms here, longer than a picture may be late. So what
has survived one such look is set aside (`gc.freeze`) and not looked at again until very much has come to it
or the engine, which lives as long as its project is open, ends.
"""

import gc

from PySide6.QtCore import QObject, QTimer

INTERVAL_MS = 500
_OLDEST = len(gc.get_threshold()) - 1
_MORE_SET_ASIDE = 100_000
"""Objects that may be set aside after the last look at everything: some tens of megabytes at most."""


class GuiThreadCollector(QObject):
    """Make it on the GUI thread. Between `begin` and `end` cycles are collected there and nowhere else."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._was_enabled = False
        self._kept = 0
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
            gc.unfreeze()
            if self._was_enabled:
                gc.enable()

    def _look_at_everything(self) -> None:
        """Also at what was set aside."""
        gc.unfreeze()
        gc.collect()
        gc.freeze()
        self._kept = gc.get_freeze_count()

    def _on_timeout(self) -> None:
        """What Python would have collected by now: the oldest generation that is due."""
        due = [
            generation
            for generation, (count, threshold) in enumerate(
                zip(gc.get_count(), gc.get_threshold(), strict=True)
            )
            if threshold and count > threshold
        ]
        if not due:
            return
        gc.collect(max(due))
        if max(due) < _OLDEST:
            return
        gc.freeze()
        if gc.get_freeze_count() > self._kept + _MORE_SET_ASIDE:
            self._look_at_everything()
