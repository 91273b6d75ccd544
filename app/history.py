"""Undo and redo of everything a person did in the project, by name, from any page. Qt-free.

What there is to undo is in the project file, so that it survives a restart. Each annotator walks along their
own acts. Whoever keeps something that can be undone calls `refresh`; whoever shows what an undo may change
listens.
"""

from collections.abc import Callable

from app.store.access import StoreAccess
from app.store.errors import StoreError
from app.store.handle import Project
from app.store.undo import journal
from app.store.undo.journal import Done, Outlook

_NOTHING = Outlook(undo="", redo="")


class History:
    """`undo_label` and `redo_label` name what would be undone and redone; empty where there is nothing."""

    def __init__(self, *, store: StoreAccess, annotator: str, failed: Callable[[str], None]) -> None:
        """`failed` hears why an undo or redo did not succeed, where the caller of it does not want to."""
        self.busy = False
        self._store, self._annotator, self._failed = store, annotator, failed
        self._outlook = _NOTHING
        self._listeners: list[Callable[[Done], None]] = []
        self._watchers: list[Callable[[], None]] = []

    @property
    def undo_label(self) -> str:
        return self._outlook.undo

    @property
    def redo_label(self) -> str:
        return self._outlook.redo

    def listen(self, listener: Callable[[Done], None]) -> Callable[[], None]:
        """Hear what was undone or redone; call the result to stop."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    def watch(self, watcher: Callable[[], None]) -> Callable[[], None]:
        """Hear that the labels are other ones; call the result to stop."""
        self._watchers.append(watcher)
        return lambda: self._watchers.remove(watcher) if watcher in self._watchers else None

    def set_annotator(self, annotator: str) -> None:
        """Somebody else sits down, with a history of their own."""
        self._annotator = annotator
        self._take(_NOTHING)
        self.refresh()

    def refresh(self) -> None:
        """Look again at what could be undone: something was done."""
        annotator = self._annotator
        self._store.submit(lambda project: journal.peek(project, annotator), self._take, _ignore)

    def undo(
        self,
        *,
        nothing: Callable[[], None] = lambda: None,
        failed: Callable[[StoreError], None] | None = None,
    ) -> None:
        """Take back the latest act. `nothing` is called when there is none."""
        self._step(journal.undo, nothing, failed)

    def redo(
        self,
        *,
        nothing: Callable[[], None] = lambda: None,
        failed: Callable[[StoreError], None] | None = None,
    ) -> None:
        """Do again what was undone last. `nothing` is called when there is nothing."""
        self._step(journal.redo, nothing, failed)

    def _step(
        self,
        step: Callable[[Project, str], Done | None],
        nothing: Callable[[], None],
        failed: Callable[[StoreError], None] | None,
    ) -> None:
        if self.busy:
            return
        self.busy = True
        annotator = self._annotator

        def work(project: Project) -> tuple[Done | None, Outlook]:
            return step(project, annotator), journal.peek(project, annotator)

        def stepped(result: tuple[Done | None, Outlook]) -> None:
            done, outlook = result
            self.busy = False
            if annotator == self._annotator:
                self._take(outlook)
            if done is None:
                nothing()
                return
            for listener in list(self._listeners):
                listener(done)

        def did_not(error: StoreError) -> None:
            self.busy = False
            if failed is not None:
                failed(error)
            else:
                self._failed(str(error))

        self._store.submit(work, stepped, did_not)

    def _take(self, outlook: Outlook) -> None:
        if outlook != self._outlook:
            self._outlook = outlook
            for watcher in list(self._watchers):
                watcher()


def _ignore(_error: StoreError) -> None:
    """The labels stay as they were; undoing itself will say what is wrong."""
