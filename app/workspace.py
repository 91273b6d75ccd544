"""An open project with everything that works on it: store, engine, presenters, pages."""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QWidget

from app.annotate import actions as annotate
from app.annotate.page import AnnotatePage
from app.annotate.presenter import AnnotatePresenter
from app.engine_host.engine_thread import open_engine
from app.engine_host.state import EngineState
from app.history import History
from app.inspector import actions as inspector
from app.inspector.presenter import InspectorPresenter
from app.inspector.suspects.presenter import SuspectsPresenter
from app.library import actions as library
from app.library.indexing import Indexing
from app.library.panels import PanelKey
from app.library.presenter import LibraryPresenter
from app.shell.edit_actions import EditActions
from app.shell.engine_status import EngineStatusFold
from app.shell.gui_thread import GuiThread
from app.shell.keymap import Keymap
from app.shell.notifications import DesktopNotifications
from app.shell.secrets import Secrets
from app.shell.settings import SettingsFile
from app.shell.theme import Theme
from app.shell.wakefulness import KeepAwake, on_battery
from app.shell.window import MainWindow
from app.store.errors import StoreError
from app.store.library.filters import Filter
from app.store.project import Project
from app.store.reader import Reader
from app.store.writer import Writer
from app.train import actions as train
from app.train.attending import Attending, Wishes
from app.train.background import BackgroundThread
from app.train.presenter import TrainPresenter
from app.train.tools import Tools
from app.train.wording import short_name
from dpo_engine.catalogue import CATALOGUE
from dpo_engine.events import Event
from dpo_engine.locations import log_dir

if TYPE_CHECKING:  # loaded with the Library's page
    from app.library.exchange.exchange import Exchange
    from app.library.exchange.presenting import Means
    from app.library.place import LibraryPlace

_TABLES = (annotate.ACTIONS, library.ACTIONS, train.ACTIONS, inspector.ACTIONS, inspector.OF_SUSPECTS)
"""Known to the page of keys before the pages are made."""
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
        keymap: Keymap,
        edit: EditActions,
        settings: SettingsFile,
        secrets: Secrets,
        gui: GuiThread,
        annotator: str,
        hosting: Literal["worker", "thread"],
    ) -> None:
        super().__init__(window)
        self._window, self._theme, self._settings, self._keymap = window, theme, settings, keymap
        self._gui, self._secrets, self._edit = gui, secrets, edit
        self._project_path = project.path
        self._fold = EngineStatusFold()
        self._status_timer = QTimer(self, singleShot=True, interval=_STATUS_MS)
        self._closed: Callable[[], None] | None = None
        self._library_place: LibraryPlace | None = None
        self._exchange: Exchange | None = None
        self.writer = Writer(project, gui.post)
        self.readers = tuple(Reader(project.path, gui.post) for _ in range(3))
        """For what is looked at, for figures that take long, for exports; none holds up the writer."""
        self.history = History(store=self.writer, annotator=annotator, failed=window.banner.show_message)
        self.engine = open_engine(hosting, log_dir(), self)
        self.annotate = AnnotatePresenter(
            engine=self.engine,
            store=self.writer,
            reader=self.readers[1],
            history=self.history,
            annotator=annotator,
        )
        self._make_training()
        self._make_looking()
        self._connect()
        self._show_pages()
        # The first page is painted before the engine's process and the first query compete with it.
        QTimer.singleShot(0, self._begin)

    def _make_training(self) -> None:
        self.train = TrainPresenter(
            Tools(
                engine=self.engine,
                store=self.writer,
                reader=self.readers[1],
                background=BackgroundThread(self._gui.post),
                history=self.history,
                annotator=self._annotator,
                clock=time.monotonic,
                call_later=self._call_later,
                on_battery=on_battery,
            )
        )
        self._attending = Attending(
            self.train,
            wakefulness=KeepAwake(),
            notifications=DesktopNotifications(self._window),
            wishes=self._wishes,
        )

    def _make_looking(self) -> None:
        self.library = LibraryPresenter(
            reader=self.readers[0],
            slow_reader=self.readers[1],
            store=self.writer,
            history=self.history,
            annotator=self._annotator,
        )
        self.indexing = Indexing(self.writer, self.library.show_unfindable)
        self.inspector = InspectorPresenter(
            engine=self.engine, store=self.writer, reader=self.readers[0], slow_reader=self.readers[1]
        )
        self.suspects = SuspectsPresenter(
            engine=self.engine,
            store=self.writer,
            reader=self.readers[1],
            history=self.history,
            annotator=self._annotator,
        )

    def _connect(self) -> None:
        self.engine.event_received.connect(self._on_event)
        self.engine.state_changed.connect(self._on_state)
        self._status_timer.timeout.connect(lambda: self._window.status.show_engine(self._fold.status))
        self.annotate.when_policy_changes(self._on_policy_changed)
        self.train.listen_to_policy(self.annotate.set_policy)
        self._edit.follow(self.history)

    def _show_pages(self) -> None:
        for table in _TABLES:
            self._keymap.add(table.keyed())
        self._window.set_pages(
            {
                "annotate": self._annotate_page,
                "library": self._library_page,
                "train": self._train_page,
                "inspector": self._inspector_page,
            }
        )
        self._window.place_shown.connect(self._on_place_shown)

    @property
    def training(self) -> bool:
        return self.train.state.progress is not None

    def close(self, closed: Callable[[], None]) -> None:
        """End the engine, then write what its end changed, then close the project; then call `closed`."""
        self._closed = closed
        self._edit.let_go()
        self.annotate.close()
        self.indexing.close()
        self.library.close()
        self._attending.close()
        self.train.close()
        if self._exchange is not None:
            self._exchange.close()
        self.inspector.close()
        self.suspects.close()
        self.engine.ask_to_close()

    def _begin(self) -> None:
        self.engine.start()
        self.annotate.start()
        self.train.open()
        self.inspector.start()
        self.indexing.go_on()

    def _annotate_page(self, parent: QWidget) -> QWidget:
        return AnnotatePage(self.annotate, self._theme, self._keymap, self._settings, parent)

    def _library_page(self, parent: QWidget) -> QWidget:
        from app.library.exchange.exchange import Exchange
        from app.library.page import LibraryPage
        from app.library.place import LibraryPlace

        page = LibraryPage(self.library, self._theme, self._keymap)
        self._exchange = Exchange(self._means_of_exchange())
        place = self._library_place = LibraryPlace(page, self._exchange, self._theme, parent)
        for source in (page, place):
            source.annotate_requested.connect(lambda: self._window.show_place("annotate"))
        page.judge_requested.connect(self._on_judge_requested)
        return place

    def show_in_library(self, key: PanelKey) -> None:
        """Import, export, merge or agreement, in the Library's place."""
        self._window.show_place("library")
        if self._library_place is not None:
            self._library_place.show_panel(key)

    def _means_of_exchange(self) -> "Means":
        from app.library.exchange.errands import ErrandThreads
        from app.library.exchange.presenting import Means

        return Means(
            project=self._project_path,
            store=self.writer,
            reader=self.readers[2],
            errands=ErrandThreads(self._gui.post),
            deliver=self._gui.post,
            history=self.history,
            secrets=self._secrets,
            annotator=self._annotator,
            clock=time.monotonic,
            shown=lambda: self.library.state.filter,
            changed=self._on_project_changed,
            ended=self._on_exchange_ended,
        )

    def _on_project_changed(self) -> None:
        """Much came in at once."""
        self._on_place_shown(self._window.current_place)
        self.indexing.go_on()

    def _on_exchange_ended(self, key: PanelKey, sentence: str) -> None:
        """Tell who is on another page by now."""
        if self._library_place is not None and not self._library_place.shows(key):
            self._window.banner.show_message(sentence, "Show", lambda: self.show_in_library(key))

    def _train_page(self, parent: QWidget) -> QWidget:
        # Brings in pyqtgraph, which the window does not wait for.
        from app.train.page import TrainPage

        page = TrainPage(self.train, self._theme, self._settings, self._keymap, parent)
        page.verdicts_wanted.connect(lambda run_id: self._show_rows(Filter(runs=(run_id,))))
        page.written_wanted.connect(lambda model: self._show_rows(Filter(models=(model,))))
        return page

    def _show_rows(self, wanted: Filter) -> None:
        """In the Library: only these."""
        self.library.set_filter(wanted)
        self._window.show_place("library")

    def _inspector_page(self, parent: QWidget) -> QWidget:
        from app.inspector.page import InspectorPage

        page = InspectorPage(
            self.inspector,
            self._theme,
            self._settings,
            suspects=self.suspects,
            keymap=self._keymap,
            parent=parent,
        )
        page.train_page_requested.connect(lambda: self._window.show_place("train"))
        page.annotate_requested.connect(lambda: self._window.show_place("annotate"))
        return page

    def _annotator(self) -> str:
        return self.annotate.state.annotator

    def _wishes(self) -> Wishes:
        wanted = self._settings.current
        return Wishes(keep_awake=wanted.keep_awake, notify=wanted.notify)

    def _call_later(self, seconds: float, callback: Callable[[], None]) -> None:
        QTimer.singleShot(round(seconds * 1000), callback)

    def _on_place_shown(self, place: str) -> None:
        if place == "annotate":
            self.annotate.refresh()

    def _on_judge_requested(self, comparison_id: int) -> None:
        self.annotate.judge_again(comparison_id)
        self._window.show_place("annotate")

    def _on_policy_changed(self, policy: str) -> None:
        known = CATALOGUE.get(policy)
        self._window.status.show_policy(known.title if known else short_name(Path(policy).name) or policy)

    def _on_event(self, event: Event) -> None:
        self._fold.on_event(event)
        if not self._status_timer.isActive():
            self._status_timer.start()

    def _on_state(self, state: EngineState) -> None:
        self._fold.on_state(state)
        self._window.status.show_engine(self._fold.status)
        if state.phase == "down":
            self._window.banner.show_message(state.message, "Restart the engine", self.engine.restart)
        if state.phase == "closed" and self._closed is not None:
            # One turn later: the presenters have heard the end by then, and what they write is queued.
            QTimer.singleShot(0, self._finish_closing)

    def _finish_closing(self) -> None:
        closed, self._closed = self._closed, None
        self.engine.close()
        for reader in self.readers:
            reader.close()
        with suppress(StoreError):  # everything given before is on the disk already
            self.writer.close()
        if closed is not None:
            closed()
