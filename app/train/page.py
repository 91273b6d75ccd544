"""The Train page: on the left what to train and how, on the right the curves and the runs."""

from PySide6.QtCore import Qt, QTimer, QUrl, Signal
from PySide6.QtGui import QAction, QDesktopServices, QKeySequence, QShowEvent
from PySide6.QtWidgets import QFileDialog, QFrame, QHBoxLayout, QScrollArea, QSplitter, QVBoxLayout, QWidget

from app.shell.palette import Space
from app.shell.theme import Theme, set_role
from app.train.curve_area import CurveArea
from app.train.presenter import TrainPresenter
from app.train.progress_card import ProgressCard
from app.train.runs_panel import RunsPanel
from app.train.setup_panel import SetupPanel
from app.train.start_box import ProblemBanner, StartBox
from app.train.state import TrainState

_LEFT_WIDTH = 340
_REFRESH_MS = 30
"""A burst of events is shown once."""


class TrainPage(QFrame):
    """Shows what its presenter holds, and tells it what the person wants."""

    policy_chosen = Signal(str)
    """A model reference: this policy writes the next candidates."""

    def __init__(self, presenter: TrainPresenter, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_role(self, "page")
        self._presenter, self._theme = presenter, theme
        self._form_filled = False
        self.setup = SetupPanel(theme)
        self.problem = ProblemBanner(theme)
        self.start_box = StartBox(theme)
        self.progress = ProgressCard(theme)
        self.curves = CurveArea(theme)
        self.runs = RunsPanel(theme)
        self._left = QFrame()
        self._refresh = QTimer(self, singleShot=True, interval=_REFRESH_MS)
        self._refresh.timeout.connect(self._show_state)
        self._lay_out()
        self._actions = self._make_actions()
        self._connect()
        self._show_state()

    def actions(self) -> list[QAction]:
        """What the shell offers in its menu and command palette."""
        return list(self._actions.values())

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.curves.load()
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
        foot = QVBoxLayout()
        foot.setContentsMargins(Space.XL, Space.S, Space.L, Space.XL)
        foot.setSpacing(Space.S)
        for part in (self.problem, self.start_box, self.progress):
            foot.addWidget(part)
        self.progress.hide()
        left = QVBoxLayout(self._left)
        left.setContentsMargins(0, 0, 0, 0)
        left.setSpacing(0)
        left.addWidget(scroll, 1)
        left.addLayout(foot)
        right = QSplitter(Qt.Orientation.Vertical)
        right.addWidget(self.curves)
        right.addWidget(self.runs)
        right.setStretchFactor(0, 1)
        right.setChildrenCollapsible(False)
        right.setHandleWidth(Space.S)
        self.curves.setMinimumHeight(240)
        self.runs.setMinimumHeight(180)
        right.setSizes([500, 250])
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, Space.XL, Space.XL)
        row.setSpacing(Space.S)
        row.addWidget(self._left)
        upright = QVBoxLayout()
        upright.setContentsMargins(0, Space.XL, 0, 0)
        upright.addWidget(right)
        row.addLayout(upright, 1)
        self._restyle()

    def _make_actions(self) -> dict[str, QAction]:
        presenter = self._presenter
        described = (
            ("train.start", "Start training", "Ctrl+Return", "play", self._on_start_wanted),
            ("train.pause", "Pause or go on", "Ctrl+P", "pause", self._on_pause_triggered),
            ("train.stop", "Stop and keep the policy", "Ctrl+.", "square", presenter.stop_and_keep),
            ("train.cancel", "Cancel training", "Ctrl+Shift+.", "x", presenter.cancel),
            ("train.use", "Use the selected run's policy", "Ctrl+U", "sparkles", self._on_use_wanted),
            ("train.untrained", "Go back to the untrained model", "", "undo-2", presenter.use_untrained),
            ("train.resume", "Resume the selected run", "Ctrl+R", "rotate-cw", self._on_resume_wanted),
            (
                "train.folder",
                "Open the selected run's folder",
                "Ctrl+Shift+O",
                "folder-open",
                self._on_folder_wanted,
            ),
            ("train.model", "Start from a model folder…", "", "folder-open", self._on_model_folder_wanted),
            ("train.zoom", "Show the whole curves", "Ctrl+Shift+0", "search", self._on_zoom_reset_wanted),
        )
        actions = {}
        for name, text, shortcut, icon, slot in described:
            action = QAction(text, self)
            action.setObjectName(name)
            action.setShortcut(QKeySequence(shortcut))
            action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            action.setIcon(self._theme.icon(icon))
            action.setData(icon)
            action.triggered.connect(lambda _checked=False, slot=slot: slot())
            self.addAction(action)
            actions[name] = action
        return actions

    def _connect(self) -> None:
        presenter = self._presenter
        self.destroyed.connect(presenter.listen(self._on_presenter_changed))
        self.destroyed.connect(presenter.listen_to_policy(self.policy_chosen.emit))
        self.setup.pairs_chosen.connect(presenter.choose_pairs)
        self.setup.start_chosen.connect(presenter.choose_start)
        self.setup.folder_wanted.connect(self._on_model_folder_wanted)
        self.setup.settings_edited.connect(presenter.configure)
        self.setup.settings_refused.connect(presenter.refuse_form)
        self.problem.dismissed.connect(presenter.dismiss_problem)
        self.start_box.start_wanted.connect(self._on_start_wanted)
        self.progress.pause_wanted.connect(presenter.pause)
        self.progress.going_on_wanted.connect(presenter.go_on)
        self.progress.stop_wanted.connect(presenter.stop_and_keep)
        self.progress.cancel_wanted.connect(presenter.cancel)
        self.runs.run_selected.connect(presenter.select)
        self.runs.use_wanted.connect(self._on_use_wanted)
        self.runs.resume_wanted.connect(self._on_resume_wanted)
        self.runs.folder_wanted.connect(self._on_folder_wanted)
        self.runs.back_wanted.connect(presenter.use_untrained)
        self.curves.board_built.connect(self._on_board_built)
        self._theme.changed.connect(self._restyle)

    # --- showing ------------------------------------------------------------------------------------

    def _show_state(self) -> None:
        state = self._presenter.state
        if not state.loading and not self._form_filled:
            self._form_filled = True
            self.setup.show_settings(state.config)
        self.setup.show_state(state)
        self.problem.show_sentence(state.problem)
        self._show_foot(state)
        self.curves.show_state(state)
        self.runs.show_state(state)
        self.runs.setVisible(bool(state.runs))
        self._enable_actions(state)

    def _show_foot(self, state: TrainState) -> None:
        training = state.progress is not None
        had_focus = self.start_box.isAncestorOf(self.focusWidget()) or self.progress.isAncestorOf(
            self.focusWidget()
        )
        self.start_box.show_state(state)
        if state.progress is not None:
            self.progress.show_progress(state.progress)
        if training == self.progress.isHidden():
            self.progress.setVisible(training)
            self.start_box.setVisible(not training)
            if had_focus:
                # The keyboard stays where the person was: at the foot.
                if training:
                    self.progress.take_focus()
                else:
                    self.start_box.button.setFocus()

    def _enable_actions(self, state: TrainState) -> None:
        line, progress = state.selected_line, state.progress
        running = progress is not None and progress.phase in ("training", "pausing", "paused")
        enabled = {
            "train.start": state.can_start,
            "train.pause": running,
            "train.stop": running,
            "train.cancel": progress is not None,
            "train.use": line is not None and line.can_use,
            "train.untrained": state.back_to is not None,
            "train.resume": line is not None and line.can_resume and progress is None,
            "train.folder": line is not None,
        }
        for name, on in enabled.items():
            self._actions[name].setEnabled(on)

    def _restyle(self) -> None:
        self._left.setFixedWidth(self._theme.px(_LEFT_WIDTH))
        for action in getattr(self, "_actions", {}).values():
            action.setIcon(self._theme.icon(action.data()))

    # --- slots --------------------------------------------------------------------------------------

    def _on_presenter_changed(self) -> None:
        if not self._refresh.isActive():
            self._refresh.start()

    def _on_board_built(self) -> None:
        if self.curves.board is not None:
            self._presenter.draw_on(self.curves.board)
        self._show_state()

    def _on_start_wanted(self) -> None:
        if self.setup.errors():
            self.setup.focus_first_error()
        else:
            self._presenter.start()

    def _on_pause_triggered(self) -> None:
        progress = self._presenter.state.progress
        if progress is not None and progress.phase in ("pausing", "paused"):
            self._presenter.go_on()
        else:
            self._presenter.pause()

    def _on_use_wanted(self) -> None:
        line = self._presenter.state.selected_line
        if line is not None:
            self._presenter.use_policy(line.run.id)

    def _on_resume_wanted(self) -> None:
        line = self._presenter.state.selected_line
        if line is not None:
            self._presenter.resume_run(line.run.id)

    def _on_folder_wanted(self) -> None:
        line = self._presenter.state.selected_line
        if line is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(line.run.folder))

    def _on_model_folder_wanted(self) -> None:
        dialog = QFileDialog(self, "Choose a model folder")
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self._presenter.choose_folder)
        dialog.open()

    def _on_zoom_reset_wanted(self) -> None:
        if self.curves.board is not None:
            self.curves.board.group.reset_zoom()
