"""Keeps Python's cycle collector on the GUI thread.

The collector runs on whatever thread happens to allocate, and it destroys the Qt objects it finds right
there. A widget that dies on the thread which reads the engine's events takes the app along (PySide does not
move that to the GUI thread). So it is switched off and called by a timer instead.

A look takes about 0.2 µs an object: 40 to 100 ms for everything that lives here, longer than a picture may be
late. So what is too much to be looked at in one piece, as the window itself or what a large library brings
along, and what has survived a look at the oldest, is set aside (`gc.freeze`). It is not looked at again until
very much has come to it or the engine, which lives as long as its project is open, ends.
"""

import gc

from PySide6.QtCore import QObject, QTimer

INTERVAL_MS = 100
_OLDEST = len(gc.get_threshold()) - 1
_MOST_AT_ONCE = 25_000
"""Objects that are looked at in one piece: about 5 ms."""
_MORE_SET_ASIDE = 1_000_000
"""Objects that may be set aside after the last look at everything. Nearly all of them live on anyway; were it
none, they would keep some hundred megabytes."""


class GuiThreadCollector(QObject):
    """Make it on the GUI thread. Between `begin` and `end` cycles are collected there and nowhere else."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._was_enabled = False
        self._set_aside = 0
        self._timer = QTimer(self, interval=INTERVAL_MS)
        self._timer.timeout.connect(self._on_timeout)

    def begin(self) -> None:
        if not self._timer.isActive():
            self._was_enabled = gc.isenabled()
            gc.disable()
            gc.freeze()
            self._set_aside = 0
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
        self._set_aside = 0

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
        oldest = max(due)
        if _objects(oldest) <= _MOST_AT_ONCE:
            gc.collect(oldest)
            if oldest < _OLDEST:
                return
        self._set_aside += _objects(_OLDEST)  # `gc.get_freeze_count` would count all of them again
        gc.freeze()
        if self._set_aside > _MORE_SET_ASIDE:
            self._look_at_everything()


def _objects(oldest: int) -> int:
    """How many there are up to a generation, without those set aside."""
    return sum(len(gc.get_objects(generation)) for generation in range(oldest + 1))
