"""The project's safety in the window: backups while it is open and when it closes, and ways out of damage."""

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtGui import QAction

from app.safety.dialog import BackupsDialog
from app.safety.elsewhere import Elsewhere
from app.safety.presenter import BackupsPresenter
from app.safety.rescue import Rescued, RescuePresenter
from app.safety.rescue_page import RescuePage
from app.shell.gui_thread import GuiThread
from app.shell.theme import Theme
from app.shell.window import MainWindow
from app.store.errors import ProjectDamaged, StoreError
from app.store.safekeeping.backups import Backup
from app.store.safekeeping.caretaker import Caretaker, Listener, back_up_closed
from app.store.safekeeping.restore import restore


class Safekeeping:
    """`restore` puts a backup in the place of the open project; `mend` closes it and shows the ways out."""

    def __init__(
        self,
        window: MainWindow,
        theme: Theme,
        gui: GuiThread,
        *,
        restore: Callable[[Backup], None],
        mend: Callable[[ProjectDamaged], None],
    ) -> None:
        self._window, self._theme, self._gui = window, theme, gui
        self._restore, self._mend = restore, mend
        self._elsewhere = Elsewhere(gui.post)
        self._caretaker: Caretaker | None = None
        self._rescue: RescuePresenter | None = None

    def look_after(self, path: Path) -> None:
        """From when the project is open until `let_go`."""
        listener = Listener(damaged=self._on_damaged, failed=self._on_backup_failed)
        self._caretaker = Caretaker(path, self._gui.post, listener)
        self._caretaker.start()

    def let_go(self) -> None:
        """Before the project's writer closes it."""
        if self._caretaker is not None:
            self._caretaker.stop()
            self._caretaker = None

    def back_up_closed(self, path: Path, done: Callable[[], None]) -> None:
        """After the project was closed; `done` hears the end, whatever came of it."""
        self._elsewhere.run(lambda: back_up_closed(path), lambda _: done(), lambda _: done())

    def restore(
        self,
        path: Path,
        backup: Backup,
        done: Callable[[Rescued], None],
        failed: Callable[[StoreError], None],
    ) -> None:
        """Put it in the place of a project that was just closed."""
        self._elsewhere.run(lambda: Rescued(restore(path, backup)), done, failed)

    def show_backups(self, path: Path) -> None:
        """The list, to restore one from, of the open project or of one that does not open."""
        presenter = BackupsPresenter(path, self._elsewhere, self._caretaker)
        chosen = self._rescue.restore if self._rescue is not None else self._restore
        BackupsDialog(presenter, self._theme, chosen, self._window).open()

    def offer_rescue(
        self, path: Path, error: StoreError, rescued: Callable[[Rescued], None], others: Sequence[QAction]
    ) -> None:
        """Show the ways out in place of the pages; `rescued` when one was taken."""

        def done(outcome: Rescued) -> None:
            self._rescue = None
            rescued(outcome)

        self.drop_rescue()
        self._rescue = RescuePresenter(path, error, self._elsewhere, done)
        page = RescuePage(self._rescue, self._theme, lambda: self.show_backups(path), others)
        self._window.show_instead(page)
        self._rescue.start()

    def drop_rescue(self) -> Callable[[], None]:
        """Another way out was found; call the result, on another thread, before the file is opened."""
        rescue, self._rescue = self._rescue, None
        return rescue.let_go if rescue is not None else lambda: None

    def _on_damaged(self, error: ProjectDamaged) -> None:
        self._window.banner.show_message(str(error), "See what can be done", lambda: self._mend(error))

    def _on_backup_failed(self, error: StoreError) -> None:
        self._window.banner.show_message(f"The regular backup did not succeed. {error}")
