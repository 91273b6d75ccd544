"""Where everything is made and wired together; the only module that knows every feature.

The window is shown first and empty; then the project is opened on a thread of its own, and the engine and
the pages are made. Nothing slow stands between the start of the process and the window.
"""

import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtGui import QAction, QIcon
from PySide6.QtWidgets import QApplication

import resources
from app.options import Options, parse
from app.shell import crash
from app.shell.actions import build_menus
from app.shell.commands import Commands
from app.shell.gui_thread import GuiThread
from app.shell.problem_page import ProblemPage
from app.shell.settings import SettingsFile
from app.shell.theme import Theme
from app.shell.window import MainWindow
from app.store.errors import StoreError
from app.store.project import Project, open_or_create
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
        self.window = MainWindow(self.theme)
        self.workspace: Workspace | None = None
        self.project_path = self._chosen_project()
        crash.watch(self._tell, crash.open_log(log_dir()))
        commands = Commands(self.window, self.theme, self.settings, lambda: self.project_path)
        build_menus(self.window, commands.handlers | {"restart-engine": self._restart_engine})
        self.window.close_requested.connect(self.close)

    def start(self) -> None:
        """Show the window, and open the project as soon as it is painted."""
        if self._options.size:
            self.window.resize(*self._options.size)
        self.window.status.show_project(self.project_path.stem, str(self.project_path))
        self.window.show()
        QTimer.singleShot(0, self.open_project)

    def open_project(self) -> None:
        """Open on a thread: checking a large file takes seconds, and the window stays alive meanwhile."""

        def work() -> None:
            try:
                project = open_or_create(self.project_path)
            except StoreError as error:
                problem = error
                self.gui.post(lambda: self._on_open_failed(problem))
            else:
                self.gui.post(lambda: self._on_opened(project))

        threading.Thread(target=work, name="open-project", daemon=True).start()

    def close(self) -> None:
        """End the engine in good order (training saves a checkpoint), then the store, then the window."""
        if self.workspace is None:
            self.window.let_close()
            self._app.quit()
            return
        if self.workspace.training:
            self.window.banner.show_message("Saving a checkpoint of the training before closing…")
        else:
            self.window.hide()
        self.workspace.close(self._on_workspace_closed)

    def _on_workspace_closed(self) -> None:
        self.workspace = None
        self.window.let_close()
        self._app.quit()

    def _on_opened(self, project: Project) -> None:
        self.settings.change(last_project=str(self.project_path))
        self.workspace = Workspace(
            project=project,
            window=self.window,
            theme=self.theme,
            gui=self.gui,
            annotator=self.settings.current.annotator,
            hosting=self._options.engine or self.settings.current.engine,
        )

    def _on_open_failed(self, error: StoreError) -> None:
        retry = QAction("Try again", self.window)
        retry.triggered.connect(self.open_project)
        other = self.window.findChild(QAction, "open-project")
        new = self.window.findChild(QAction, "new-project")
        actions = [action for action in (retry, other, new) if action is not None]
        title = f"{self.project_path.name} could not be opened"
        self.window.show_instead(ProblemPage(self.theme, title, str(error), actions))

    def _tell(self, sentence: str) -> None:
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
    studio = Studio(app, options)
    # Ctrl+C in a terminal closes in good order; the timer lets Python see the signal.
    signal.signal(signal.SIGINT, lambda *_: studio.close())
    wake = QTimer(app, interval=250)
    wake.timeout.connect(lambda: None)
    wake.start()
    studio.start()
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
