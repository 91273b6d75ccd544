"""Where everything is made and wired together; the only module that knows every feature.

The window is shown first and empty; then the project is opened on a thread of its own, and the engine and
the pages are made. Nothing slow stands between the start of the process and the window.
"""

import signal
import sys
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import get_args

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QAction, QIcon
from PySide6.QtWidgets import QApplication

import resources
from app.library.panels import PanelKey
from app.options import Options, parse
from app.safety.opening import OpenElsewhere, open_when_free
from app.safety.rescue import Rescued, can_be_rescued
from app.safety.safekeeping import Safekeeping
from app.safety.waiting_page import WaitingPage
from app.shell import crash
from app.shell.actions import build_menus
from app.shell.commands import Commands
from app.shell.edit_actions import EditActions
from app.shell.gui_thread import GuiThread
from app.shell.instance import InstanceServer, ask_to_raise
from app.shell.keymap import Keymap
from app.shell.problem_page import ProblemPage
from app.shell.secret_keeping import SecretKeeping
from app.shell.secrets import KeyringSecrets
from app.shell.secrets_dialog import SecretsDialog
from app.shell.settings import SettingsFile
from app.shell.theme import Theme
from app.shell.window import MainWindow
from app.store.errors import ProjectDamaged, StoreError
from app.store.handle import Project
from app.store.safekeeping.backups import Backup
from app.store.safekeeping.places import worry_once
from app.workspace import Workspace
from dpo_engine.locations import config_dir, data_dir, log_dir

DEFAULT_PROJECT = "My preferences.dpo"
_EXIT_CODE = "exit-code"


class Studio:
    """The running app: a window, and in it one project once that is open."""

    def __init__(self, app: QApplication, options: Options) -> None:
        self._app = app
        self._options = options
        self.settings = SettingsFile(config_dir() / "settings.json")
        wanted = self.settings.current
        self.theme = Theme(app, options.theme or wanted.theme, wanted.text_scale)
        self.gui = GuiThread(app)
        self.secrets = KeyringSecrets()
        self.window = MainWindow(self.theme)
        self.workspace: Workspace | None = None
        self.project_path = self._chosen_project()
        crash.watch(self.tell, crash.open_log(log_dir()))
        self.safety = Safekeeping(self.window, self.theme, self.gui, restore=self._restore, mend=self._mend)
        self._instance: InstanceServer | None = None
        self.edit = EditActions()
        self.keymap = Keymap(wanted.keys, lambda keys: self.settings.change(keys=keys))
        commands = Commands(self.window, self.theme, self.settings, self.keymap, lambda: self.project_path)
        handlers = commands.handlers | {
            "restart-engine": self._restart_engine,
            "secrets": self._show_secrets,
            "backups": lambda: self.safety.show_backups(self.project_path),
            **{key: partial(self._show_in_library, key) for key in get_args(PanelKey)},
            "undo": self.edit.undo,
            "redo": self.edit.redo,
        }
        actions = build_menus(self.window, handlers, self.keymap)
        self.edit.show_on(actions["undo"], actions["redo"])
        self.window.close_requested.connect(self.close)

    def start(self) -> bool:
        """Show the window, and open the project as soon as it is painted.

        False where another window has the project open: that one was brought to the front instead.
        """
        if ask_to_raise(self.project_path) == "raised":
            return False
        if self._options.size:
            self.window.resize(*self._options.size)
        self.window.status.show_project(self.project_path.stem, str(self.project_path))
        self.window.show()
        QTimer.singleShot(0, self.open_project)
        return True

    def open_project(self) -> None:
        """Open on a thread: checking a file takes its time, and the window stays alive meanwhile."""

        let_go = self.safety.drop_rescue()

        def work() -> None:
            let_go()
            try:
                project = open_when_free(self.project_path)
                told = worry_once(project)
            except StoreError as error:
                problem = error
                self.gui.post(lambda: self._on_open_failed(problem))
            else:
                self.gui.post(lambda: self._on_opened(project, told))

        threading.Thread(target=work, name="open-project", daemon=True).start()

    def close(self) -> None:
        """End the engine in good order (training saves a checkpoint), then the store, then the window."""
        if self._instance is not None:
            self._instance.say_closing()
        if self.workspace is None:
            self.safety.drop_rescue()()
            self._quit()
            return
        if self.workspace.training:
            self.window.banner.show_message("Saving a checkpoint of the training before closing…")
        else:
            self.window.hide()
        self._leave(lambda: self.safety.back_up_closed(self.project_path, self._quit))

    def _show_secrets(self) -> None:
        keeping = SecretKeeping("hub-token", self.secrets, self.gui.post)
        dialog = SecretsDialog(keeping, self.theme, self.window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def _show_in_library(self, key: PanelKey) -> None:
        if self.workspace is not None:
            self.workspace.show_in_library(key)

    def _quit(self) -> None:
        self.window.let_close()
        self._app.quit()

    def _leave(self, then: Callable[[], None]) -> None:
        """Close the project in good order; the window stays."""

        def closed() -> None:
            if self.workspace is not None:
                self.workspace.deleteLater()
            self.workspace = None
            then()

        self.safety.let_go()
        if self.workspace is None:
            then()
        else:
            self.workspace.close(closed)

    def _restore(self, backup: Backup) -> None:
        """Put a backup in the open project's place, and open it."""
        self._show_waiting("Restoring the backup…")
        path, done, failed = self.project_path, self._on_rescued, self._on_open_failed
        self._leave(lambda: self.safety.restore(path, backup, done, failed))

    def _mend(self, error: ProjectDamaged) -> None:
        """Damage was found while the project is open: close it and show the ways out."""
        self._show_waiting("Closing the project…")
        self._leave(lambda: self._on_open_failed(error))

    def _on_rescued(self, rescued: Rescued) -> None:
        if rescued.aside is not None:
            self.window.banner.show_message(
                f"The project is back. The file that was there before is kept as {rescued.aside.name}.",
                calm=True,
            )
        self.open_project()

    def _show_waiting(self, sentence: str) -> None:
        self.window.navigation.setEnabled(False)
        self.window.show_instead(WaitingPage(sentence))

    def _on_opened(self, project: Project, told: str = "") -> None:
        self.settings.change(last_project=str(self.project_path))
        if self._instance is None:
            self._instance = InstanceServer(self.project_path, self._on_raised, self.window)
        self.workspace = Workspace(
            project=project,
            window=self.window,
            theme=self.theme,
            keymap=self.keymap,
            edit=self.edit,
            settings=self.settings,
            secrets=self.secrets,
            gui=self.gui,
            annotator=self.settings.current.annotator,
            hosting=self._options.engine or self.settings.current.engine,
        )
        self.safety.look_after(project.path)
        if told:
            self.window.banner.show_message(told)

    def _on_raised(self) -> None:
        """The person started the app again on this project."""
        self.window.setWindowState(self.window.windowState() & ~Qt.WindowState.WindowMinimized)
        self.window.show()
        self.window.raise_()
        self.window.activateWindow()

    def _on_open_failed(self, error: StoreError) -> None:
        if isinstance(error, OpenElsewhere):
            self._quit()
            return
        retry = QAction("Try again", self.window)
        retry.triggered.connect(self.open_project)
        other = self.window.findChild(QAction, "open-project")
        new = self.window.findChild(QAction, "new-project")
        actions = [action for action in (retry, other, new) if action is not None]
        if can_be_rescued(self.project_path, error):
            self.safety.offer_rescue(self.project_path, error, self._on_rescued, actions)
            return
        title = f"{self.project_path.name} could not be opened"
        self.window.show_instead(ProblemPage(self.theme, title, str(error), actions))

    def tell(self, sentence: str) -> None:
        """Say something in the window, from any thread."""
        self.gui.post(lambda: self.window.banner.show_message(sentence))

    def _restart_engine(self) -> None:
        if self.workspace is not None:
            self.workspace.engine.restart()

    def _chosen_project(self) -> Path:
        """The one asked for, else the last one if it is still there, else the one every newcomer gets."""
        if self._options.project is not None:
            return self._options.project.expanduser().absolute()
        last = Path(self.settings.current.last_project)
        if self.settings.current.last_project and last.is_file():
            return last
        return data_dir() / "projects" / DEFAULT_PROJECT


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    app = QApplication(sys.argv[:1])
    app.setApplicationName("DPO Studio")
    app.setDesktopFileName("dpo-studio")
    app.setWindowIcon(QIcon(str(resources.path("icons", "dpo-studio.svg"))))
    app.setQuitOnLastWindowClosed(False)
    note = crash.LastNote(log_dir())
    studio = Studio(app, options)
    # Ctrl+C in a terminal closes in good order; the timer lets Python see the signal.
    signal.signal(signal.SIGINT, lambda *_: studio.close())
    wake = QTimer(app, interval=250)
    wake.timeout.connect(lambda: None)
    wake.start()
    if not studio.start():
        return 0
    if note.sentence:
        studio.tell(note.sentence)
    if options.tour is not None:
        _begin_tour(app, studio, options.tour)
    app.exec()
    return int(app.property(_EXIT_CODE) or 0)


def _begin_tour(app: QApplication, studio: Studio, folder: Path) -> None:
    """The exit code is a failure until the tour has seen everything."""
    from app.tour.driver import Driver
    from app.tour.guide import Guide, prepared
    from app.tour.script import whole_job

    guide = Guide(whole_job, Driver(studio.window, studio.theme, prepared(folder)), app)

    def end(code: int) -> None:
        app.setProperty(_EXIT_CODE, code)
        studio.close()

    app.setProperty(_EXIT_CODE, 1)
    guide.ended.connect(end)
    guide.begin()
