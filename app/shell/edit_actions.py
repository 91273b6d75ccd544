"""Undo and redo in the window's menu: they say what they would take back, whichever page is in view."""

from collections.abc import Callable
from typing import Protocol

from PySide6.QtGui import QAction

_LONGEST = 60


class History(Protocol):
    """What was done and can be undone (`app.history`)."""

    @property
    def undo_label(self) -> str: ...

    @property
    def redo_label(self) -> str: ...

    def undo(self) -> None: ...

    def redo(self) -> None: ...

    def watch(self, watcher: Callable[[], None], /) -> Callable[[], None]: ...


class EditActions:
    """The actions stay enabled when there is nothing to undo: pressing them then says so on the page."""

    def __init__(self) -> None:
        self._named: tuple[tuple[QAction, str], ...] = ()
        self._history: History | None = None
        self._stop: Callable[[], None] = lambda: None

    def show_on(self, undo: QAction, redo: QAction) -> None:
        """Name what would be undone and redone on these actions; their handlers are `undo` and `redo`."""
        self._named = ((undo, "Undo"), (redo, "Redo"))
        self._show()

    def follow(self, history: History) -> None:
        """Undo and redo what this history tells, until another one is followed."""
        self._stop()
        self._history = history
        self._stop = history.watch(self._show)
        self._show()

    def let_go(self) -> None:
        """The project is closed."""
        self._stop()
        self._history, self._stop = None, lambda: None
        self._show()

    def undo(self) -> None:
        if self._history is not None:
            self._history.undo()

    def redo(self) -> None:
        if self._history is not None:
            self._history.redo()

    def _show(self) -> None:
        history = self._history
        labels = {"Undo": history.undo_label, "Redo": history.redo_label} if history else {}
        for action, word in self._named:
            action.setText(labelled(word, labels.get(word, "")))
            action.setEnabled(history is not None)


def labelled(word: str, label: str) -> str:
    """ "Undo" with what is undone, such as: Undo verdict on “First words…”."""
    if not label:
        return word
    named = f"{word} {label[0].lower()}{label[1:]}"
    shown = named if len(named) <= _LONGEST else f"{named[:_LONGEST]}…"
    return shown.replace("&", "&&")
