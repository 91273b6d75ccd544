"""What can be done about a project that does not open: the newest backup, what can still be read. Qt-free.

Both are looked at before anybody is asked, so that the choice is between two numbers of verdicts.
"""

import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from app.safety.elsewhere import Elsewhere
from app.store.errors import NotAProject, ProjectDamaged, StoreError
from app.store.safekeeping.backups import Backup, Contents, backups_of, contents_of
from app.store.safekeeping.restore import restore
from app.store.safekeeping.salvage import Salvaged, salvaging


@dataclass(frozen=True, kw_only=True)
class RescueState:
    looking_for_backup: bool = True
    backup: Backup | None = None
    """The newest that can be read."""
    contents: Contents | None = None
    reading: bool = False
    """What can be read of the damaged file is being saved beside."""
    salvaged: Salvaged | None = None
    no_salvage: str = ""
    """Why nothing can be saved of it."""
    working: bool = False
    """The choice was made and is being carried out."""
    said: str = ""
    """Why that did not succeed."""


@dataclass(frozen=True)
class Rescued:
    """The project can be opened again."""

    aside: Path | None
    """Where the file that was there is now."""


def can_be_rescued(path: Path, error: StoreError) -> bool:
    """Whether there may be a way out other than another file."""
    return isinstance(error, ProjectDamaged) or (isinstance(error, NotAProject) and bool(backups_of(path)))


class RescuePresenter:
    """For the project at `path`, which did not open with `error`. `rescued` hears the end of it."""

    def __init__(
        self, path: Path, error: StoreError, elsewhere: Elsewhere, rescued: Callable[[Rescued], None]
    ) -> None:
        self.path, self.error = path, error
        self._elsewhere, self._rescued = elsewhere, rescued
        self._listeners: list[Callable[[], None]] = []
        self._salvage = ExitStack()
        self._keep: Callable[[], Path | None] | None = None
        self._given_up = threading.Event()
        self._one_at_a_time = threading.Lock()
        """Held by whoever works on the file; the project's own lock knows only processes."""
        self.state = RescueState(reading=isinstance(error, ProjectDamaged))

    def listen(self, changed: Callable[[], None]) -> None:
        self._listeners.append(changed)

    def start(self) -> None:
        """Look at both ways out."""
        self._elsewhere.run(
            lambda: _newest_readable(self.path), self._on_backup, lambda _: self._on_backup(None)
        )
        if self.state.reading:
            self._elsewhere.run(self._read, self._on_read, self._on_unreadable)

    def let_go(self) -> None:
        """End the reading and let go of the file; returns when that is so. For another thread."""
        self._given_up.set()
        with self._one_at_a_time:
            self._keep = None
            self._salvage.close()

    def restore_newest(self) -> None:
        """Put the newest backup that can be read in the project's place."""
        if self.state.backup is not None:
            self.restore(self.state.backup)

    def restore(self, backup: Backup) -> None:
        """Put a backup in the project's place."""
        if self.state.working:
            return
        self._show(working=True, said="")

        def work() -> Rescued:
            self.let_go()
            with self._one_at_a_time:
                return Rescued(restore(self.path, backup))

        self._elsewhere.run(work, self._rescued, self._on_failed)

    def salvage(self) -> None:
        """Put what could be read in the project's place."""
        keep = self._keep
        if keep is None or self.state.working:
            return
        self._show(working=True, said="")

        def work() -> Rescued:
            try:
                return Rescued(keep())
            finally:
                self.let_go()

        self._elsewhere.run(work, self._rescued, self._on_failed)

    def _read(self) -> Salvaged:
        with self._one_at_a_time:
            salvaged, self._keep = self._salvage.enter_context(salvaging(self.path, self._given_up.is_set))
            return salvaged

    def _on_backup(self, found: tuple[Backup, Contents] | None) -> None:
        backup, contents = found or (None, None)
        self._show(looking_for_backup=False, backup=backup, contents=contents)

    def _on_read(self, salvaged: Salvaged) -> None:
        self._show(reading=False, salvaged=salvaged)

    def _on_unreadable(self, error: StoreError) -> None:
        self._show(reading=False, no_salvage=str(error))

    def _on_failed(self, error: StoreError) -> None:
        self._show(working=False, said=str(error), salvaged=None)

    def _show(self, **changes: object) -> None:
        self.state = replace(self.state, **changes)  # type: ignore[arg-type]
        for changed in self._listeners:
            changed()


def _newest_readable(path: Path) -> tuple[Backup, Contents] | None:
    for backup in backups_of(path):
        try:
            return backup, contents_of(backup)
        except StoreError:
            continue
    return None
