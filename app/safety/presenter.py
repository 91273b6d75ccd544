"""The backups of a project as a list, what each holds, and a new one by hand. Qt-free."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from app.safety.elsewhere import Elsewhere
from app.store.errors import StoreError
from app.store.safekeeping.backups import Backup, Contents, backups_of, contents_of
from app.store.safekeeping.caretaker import Caretaker


@dataclass(frozen=True, kw_only=True)
class BackupsState:
    backups: tuple[Backup, ...] | None = None
    """Newest first; None until they were looked for."""
    contents: tuple[tuple[Path, Contents], ...] = ()
    """Of those that were opened so far and could be read."""
    working: bool = False
    """A backup is being made."""
    said: str = ""
    """What came of the last thing asked for."""

    def holds(self, backup: Backup) -> Contents | None:
        return dict(self.contents).get(backup.path)


class BackupsPresenter:
    """`caretaker` makes backups by hand; without one (no project is open) there is only the list."""

    def __init__(self, path: Path, elsewhere: Elsewhere, caretaker: Caretaker | None) -> None:
        self._path, self._elsewhere, self._caretaker = path, elsewhere, caretaker
        self._listeners: list[Callable[[], None]] = []
        self.state = BackupsState()

    @property
    def folder(self) -> Path:
        return self._path.parent / "backups"

    @property
    def can_back_up(self) -> bool:
        return self._caretaker is not None and not self.state.working

    def listen(self, changed: Callable[[], None]) -> Callable[[], None]:
        """`changed` hears of every new state; call the result to stop that."""
        self._listeners.append(changed)
        return lambda: self._listeners.remove(changed)

    def refresh(self) -> None:
        self._elsewhere.run(lambda: backups_of(self._path), self._on_listed, self._on_failed)

    def back_up_now(self) -> None:
        if self._caretaker is not None and not self.state.working:
            self._show(working=True, said="Making a backup…")
            self._caretaker.back_up_now(self._on_backed_up, self._on_failed)

    def _on_listed(self, backups: list[Backup]) -> None:
        self._show(backups=tuple(backups))
        unopened = [backup for backup in backups if self.state.holds(backup) is None]
        self._elsewhere.run(lambda: _opened(unopened), self._on_opened, self._on_failed)

    def _on_opened(self, found: list[tuple[Path, Contents]]) -> None:
        self._show(contents=(*self.state.contents, *found))

    def _on_backed_up(self, _backup: Backup) -> None:
        self._show(working=False, said="A backup was made and checked.")
        self.refresh()

    def _on_failed(self, error: StoreError) -> None:
        self._show(working=False, said=str(error))

    def _show(self, **changes: object) -> None:
        self.state = replace(self.state, **changes)  # type: ignore[arg-type]
        for changed in list(self._listeners):
            changed()


def _opened(backups: list[Backup]) -> list[tuple[Path, Contents]]:
    """What each holds; of one that cannot be read nothing is said."""
    found = []
    for backup in backups:
        with suppress(StoreError):
            found.append((backup.path, contents_of(backup)))
    return found
