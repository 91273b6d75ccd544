"""The Train page: on the left what to train and how, on the right the curves and the runs."""

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QAction, QDesktopServices, QShowEvent
from PySide6.QtWidgets import QFileDialog, QFrame, QHBoxLayout, QScrollArea, QSplitter, QVBoxLayout, QWidget

from app.shell.keymap import Keymap
from app.shell.page_actions import Handlers, add_page_actions, keyed_tip
from app.shell.palette import Space
from app.shell.settings import SettingsFile
from app.shell.theme import Theme, set_role
from app.train.actions import ACTIONS, enable, name_wishes
from app.train.curve_area import CurveArea
from app.train.foot import Foot
from app.train.panel_stack import PanelStack
from app.train.panels import LINES, PANELS, Means, follow
from app.train.presenter import TrainPresenter
from app.train.runs.panel import RunsPanel
from app.train.runs.trash_question import ask_to_empty
from app.train.setup.asking import SettingsErrands
from app.train.setup.panel import SetupPanel
from app.train.state import RunLine, TrainState

_LEFT_WIDTH = 340


class TrainPage(QFrame):
    """Shows what its presenter holds, and tells it what the person wants."""

    policy_chosen = Signal(str)
    """A model reference: this policy writes the next candidates."""
    verdicts_wanted = Signal(int)
    """Show the verdicts that made this run."""
    written_wanted = Signal(str)
    """Show the candidates that this model wrote."""

    def __init__(
        self,
        presenter: TrainPresenter,
        theme: Theme,
        settings: SettingsFile,
        keymap: Keymap | None = None,
        parent: QWidget | None = None,
    ) -> None:
        """Without a keymap the usual keys."""
        super().__init__(parent)
        set_role(self, "page")
        self._presenter, self._theme, self._settings = presenter, theme, settings
        self._form_shown = -1
        self.setup = SetupPanel(theme)
        self.foot = Foot(theme)
        means = Means(
            presenter=presenter,
            theme=theme,
            settings=settings,
            show_verdicts=self.verdicts_wanted.emit,
            show_written=self.written_wanted.emit,
        )
        self.panels = PanelStack(means, PANELS, LINES)
        self.runs = RunsPanel(theme)
        self.errands = SettingsErrands(self, self.setup, presenter)
        self._left = QFrame()
        self._lay_out()
        self._actions = add_page_actions(
            self, ACTIONS, theme, keymap or Keymap(), self._handlers(), {"runs": self.runs.table}
        )
        self.runs.set_actions(self._actions)
        self._tell_keys()
        self._connect()
        self._restyle()
        self._refresh = follow(self, presenter, self._show_state)

    @property
    def curves(self) -> CurveArea:
        area = self.panels.panel("curves")
        if not isinstance(area, CurveArea):
            raise TypeError(f"the curves are a {type(area).__name__}")
        return area

    def actions(self) -> list[QAction]:
        """What the shell offers in its menu and command palette."""
        return list(self._actions.values())

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._presenter.refresh()

    # --- building -----------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(self.setup)
        # The scroll bar takes the margin's place, so that nothing moves when it comes.
        scroll.verticalScrollBar().rangeChanged.connect(lambda _low, high: self.setup.make_room(high > 0))
        left = QVBoxLayout(self._left)
        left.setContentsMargins(0, 0, 0, 0)
        left.setSpacing(0)
        left.addWidget(scroll, 1)
        left.addWidget(self.foot)
        right = QSplitter(Qt.Orientation.Vertical)
        right.addWidget(self.panels)
        right.addWidget(self.runs)
        right.setStretchFactor(0, 3)
        right.setStretchFactor(1, 1)
        right.setChildrenCollapsible(False)
        right.setHandleWidth(Space.S)
        self.panels.setMinimumHeight(240)
        self.runs.setMinimumHeight(180)
        right.setSizes([500, 250])
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, Space.XL, Space.XL)
        row.setSpacing(Space.S)
        row.addWidget(self._left)
        upright = QVBoxLayout()
        upright.setContentsMargins(0, Space.L, 0, 0)
        upright.addWidget(right)
        row.addLayout(upright, 1)

    def _handlers(self) -> Handlers:
        presenter = self._presenter
        return {
            "start": self._on_start_wanted,
            "check": self._on_check_wanted,
            "pause": self._on_pause_triggered,
            "stop": presenter.stop_and_keep,
            "cancel": presenter.cancel,
            "queue": self._on_queue_triggered,
            "untrained": presenter.use_untrained,
            "band": lambda: presenter.show_band(not presenter.state.desk.band),
            "empty": lambda: ask_to_empty(self, presenter),
            "health": self.panels.unfold_lines,
            "awake": lambda: self._on_wish("keep_awake"),
            "notify": lambda: self._on_wish("notify"),
            "model": self._on_model_folder_wanted,
            "recommended": lambda: presenter.use_preset("recommended"),
            "save": self.errands.save,
            "load": self.errands.load,
            "command": self.errands.copy_command,
            "zoom": self._on_zoom_reset_wanted,
            **{f"show-{panel.key}": partial(self.panels.show_panel, panel.key) for panel in PANELS},
            **self._handlers_of_runs(),
        }

    def _handlers_of_runs(self) -> Handlers:
        """Those for the selected run do nothing while none is."""
        presenter, runs, queue = self._presenter, self.runs, self._presenter.queue
        of_line: dict[str, Callable[[RunLine], object]] = {
            "use": lambda line: presenter.use_policy(line.run.id),
            "resume": lambda line: presenter.resume_run(line.run.id),
            "earlier": lambda line: queue.move(line.run.id, -1),
            "later": lambda line: queue.move(line.run.id, 1),
            "leave": lambda line: queue.leave(line.run.id),
            "compare": lambda line: presenter.compare(line.run.id, not line.compared),
            "pin": lambda line: presenter.runs.pin(line.run.id, not line.run.pinned),
            "folder": _open_folder,
            "verdicts": lambda line: self.verdicts_wanted.emit(line.run.id),
            "written": lambda line: self.written_wanted.emit(line.run.folder),
            "delete": lambda line: presenter.delete_run(line.run.id),
        }
        return {
            "search": runs.start_search,
            "note": runs.edit_note,
            "differ": lambda: self.panels.show_panel("details"),
            **{key: partial(self._with_line, act) for key, act in of_line.items()},
        }

    def _tell_keys(self) -> None:
        foot, runs = self.foot, self.runs
        told: dict[str, QWidget] = {
            "start": foot.start_box.button,
            "check": foot.start_box.check,
            "pause": foot.progress.pause,
            "stop": foot.progress.stop,
            "queue": foot.queue.button,
            "search": runs.search,
            "use": runs.use,
            **{f"show-{panel.key}": self.panels.segments.button(n) for n, panel in enumerate(PANELS)},
        }
        for key, widget in told.items():
            keyed_tip(widget, self._actions[key])

    def _connect(self) -> None:
        presenter = self._presenter
        self.destroyed.connect(presenter.listen_to_policy(self.policy_chosen.emit))
        self.setup.pairs_chosen.connect(presenter.form.choose_pairs)
        self.setup.start_chosen.connect(presenter.form.choose_start)
        self.setup.folder_wanted.connect(self._on_model_folder_wanted)
        self.setup.settings_edited.connect(presenter.form.configure)
        self.setup.settings_refused.connect(presenter.form.refuse)
        self.foot.problem.dismissed.connect(presenter.dismiss_problem)
        self.foot.start_box.start_wanted.connect(self._on_start_wanted)
        self.foot.start_box.check_wanted.connect(self._on_check_wanted)
        self.foot.queue.toggled.connect(self._on_queue_triggered)
        self.foot.progress.pause_wanted.connect(presenter.pause)
        self.foot.progress.going_on_wanted.connect(presenter.go_on)
        self.foot.progress.stop_wanted.connect(presenter.stop_and_keep)
        self.foot.progress.cancel_wanted.connect(presenter.cancel)
        self.runs.run_selected.connect(presenter.select)
        self.runs.compare_wanted.connect(presenter.compare)
        self.runs.note_written.connect(presenter.runs.note)
        self.runs.search_changed.connect(presenter.runs.search)
        self.runs.undo_wanted.connect(presenter.tools.history.undo)
        self._theme.changed.connect(self._restyle)

    # --- showing ------------------------------------------------------------------------------------

    def _show_state(self, state: TrainState) -> None:
        if not state.loading and self._form_shown != state.form_number:
            self._form_shown = state.form_number
            self.setup.show_settings(state.config)
        self.setup.show_state(state)
        self.foot.show_state(state)
        self.runs.show_state(state)
        self.runs.setVisible(bool(state.runs or state.desk.trash))
        enable(self._actions, state)
        wishes = self._settings.current
        name_wishes(self._actions, keep_awake=wishes.keep_awake, notify=wishes.notify)

    def _restyle(self) -> None:
        self._left.setFixedWidth(self._theme.px(_LEFT_WIDTH))

    # --- slots --------------------------------------------------------------------------------------

    def _with_line(self, act: Callable[[RunLine], object]) -> None:
        line = self._presenter.state.selected_line
        if line is not None:
            act(line)

    def _on_start_wanted(self) -> None:
        if self.setup.errors():
            self.setup.focus_first_error()
        else:
            self._presenter.start()

    def _on_check_wanted(self) -> None:
        if self.panels.has("check"):
            self.panels.show_panel("check")

    def _on_pause_triggered(self) -> None:
        progress = self._presenter.state.progress
        if progress is not None and progress.phase in ("pausing", "paused"):
            self._presenter.go_on()
        else:
            self._presenter.pause()

    def _on_queue_triggered(self) -> None:
        queue = self._presenter.queue
        if queue.held:
            queue.go_on()
        else:
            queue.hold()

    def _on_wish(self, name: str) -> None:
        self._settings.change(**{name: not getattr(self._settings.current, name)})
        self._presenter.refresh()
        self._refresh.start()

    def _on_model_folder_wanted(self) -> None:
        dialog = QFileDialog(self, "Choose a model folder")
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self._presenter.form.choose_folder)
        dialog.open()

    def _on_zoom_reset_wanted(self) -> None:
        if self.curves.board is not None:
            self.curves.board.group.reset_zoom()


def _open_folder(line: RunLine) -> None:
    QDesktopServices.openUrl(QUrl.fromLocalFile(line.run.folder))
