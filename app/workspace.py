"""An open project with everything that works on it: store, engine, presenters, pages."""

from collections.abc import Callable
from typing import Literal

from PySide6.QtCore import QObject, QTimer

from app.annotate.presenter import AnnotatePresenter
from app.engine_host.engine_thread import open_engine
from app.engine_host.state import EngineState
from app.inspector.presenter import InspectorPresenter
from app.shell.engine_status import EngineStatusFold
from app.shell.gui_thread import GuiThread
from app.shell.theme import Theme
from app.shell.window import MainWindow
from app.store.errors import StoreError
from app.store.project import Project
from app.store.writer import Writer
from app.train.presenter import TrainPresenter
from dpo_engine.events import Event
from dpo_engine.locations import log_dir

_STATUS_MS = 120
"""The status bar follows the engine's events no faster than a person reads."""


class Workspace(QObject):
    """Made when a project was opened; `close` gives everything back."""

    def __init__(
        self,
        *,
        project: Project,
        window: MainWindow,
        theme: Theme,
        gui: GuiThread,
        annotator: str,
        hosting: Literal["worker", "thread"],
    ) -> None:
        super().__init__(window)
        self._window = window
        self._gui = gui
        self._fold = EngineStatusFold()
        self._status_timer = QTimer(self, singleShot=True, interval=_STATUS_MS)
        self._status_timer.timeout.connect(lambda: window.status.show_engine(self._fold.status))
        self._closed: Callable[[], None] | None = None
        self.writer = Writer(project, gui.post)
        self.engine = open_engine(hosting, log_dir(), self)
        self.engine.event_received.connect(self._on_event)
        self.engine.state_changed.connect(self._on_state)
        self.annotate = AnnotatePresenter(engine=self.engine, store=self.writer, annotator=annotator)
        self.train = TrainPresenter(engine=self.engine, store=self.writer)
        self.inspector = InspectorPresenter(engine=self.engine, store=self.writer)
