"""The Inspector: a row of figures for every pair of a run, and the selected pair for reading."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QAction, QHideEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QLabel, QStackedWidget, QVBoxLayout, QWidget

from app.inspector.actions import ACTIONS
from app.inspector.empty_words import explain_empty
from app.inspector.pairs_view import PairsView
from app.inspector.presenter import InspectorPresenter
from app.inspector.top_bar import TopBar
from app.shell.keymap import Keymap
from app.shell.page_actions import Handlers, add_page_actions, keyed_tip
from app.shell.palette import Space
from app.shell.settings import SettingsFile
from app.shell.theme import Theme, set_role
from app.widgets.blank import Blank

if TYPE_CHECKING:
    from app.inspector.explorer.panel import ExplorerPanel
    from app.inspector.suspects.panel import SuspectsPanel
    from app.inspector.suspects.presenter import SuspectsPresenter

_PATIENCE_MS = 250
"""How long reading may take before the page says that it reads."""
_ROOM_FOR_PICTURES = 1500
"""Width of the page, in pixels, from which on the pictures are there unasked."""


class InspectorPage(QFrame):
    """Shows what its presenters hold."""

    train_page_requested = Signal()
    """There is nothing to inspect and the person wants to train."""
    annotate_requested = Signal()
    """The person wants to judge what is asked again."""

    def __init__(
        self,
        presenter: InspectorPresenter,
        theme: Theme,
        settings: SettingsFile | None = None,
        *,
        suspects: "SuspectsPresenter | None" = None,
        keymap: Keymap | None = None,
        parent: QWidget | None = None,
    ) -> None:
        """Without `settings` nothing is remembered; without `suspects` there is no view of them; without
        `keymap` the keys are the usual ones."""
        super().__init__(parent)
        set_role(self, "page")
        self._presenter, self._theme, self._settings = presenter, theme, settings
        self._suspects_presenter, self._keymap = suspects, keymap or Keymap()
        # Each part is made where it will be: whatever is moved there later is polished once more.
        self._views = QStackedWidget(self)
        self.top = TopBar(theme, with_suspects=suspects is not None, parent=self)
        self.problem = QLabel()
        self.pairs = PairsView(presenter, theme, self._views)
        self.blank = Blank(theme)
        self.suspects: SuspectsPanel | None = None
        self.explorer: ExplorerPanel | None = None
        self._patience = QTimer(self, singleShot=True, interval=_PATIENCE_MS)
        self._lay_out()
        self._actions = add_page_actions(
            self, ACTIONS, theme, self._keymap, self._handlers(), {"rows": self.pairs.rows}
        )
        self._connect()
        self.setFocusProxy(self.pairs)
        self._on_presenter_changed()

    def actions(self) -> list[QAction]:
        """What the shell offers in its menu and command palette."""
        of_suspects = self.suspects.actions() if self.suspects is not None and self.top.view() == 1 else []
        return [*self._actions.values(), *of_suspects]

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._presenter.set_visible(True)
        wanted = self._settings.current.inspector_pictures if self._settings is not None else None
        self._set_pictures(self.width() >= self._theme.px(_ROOM_FOR_PICTURES) if wanted is None else wanted)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._presenter.set_visible(False)

    # --- building -----------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        set_role(self.problem, "error")
        self.problem.setWordWrap(True)
        self.problem.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._views.addWidget(self.pairs)
        self._views.addWidget(self.blank)
        column = QVBoxLayout(self)
        column.setContentsMargins(Space.XL, Space.L, Space.XL, Space.L)
        column.setSpacing(Space.M)
        column.addWidget(self.top)
        column.addWidget(self.problem)
        column.addWidget(self._views, 1)

    def _handlers(self) -> Handlers:
        pairs, presenter, what_if = self.pairs, self._presenter, self.top.what_if
        return {
            "search": pairs.search,
            "sort": pairs.show_sort_menu,
            "reverse": pairs.reverse,
            "clear": pairs.clear_filters,
            "copy": pairs.copy_rows,
            "next_view": pairs.pane.show_next_view,
            "pictures": self._on_pictures,
            "beta": what_if.edit,
            "beta-up": lambda: what_if.step(1),
            "beta-down": lambda: what_if.step(-1),
            "beta-back": what_if.go_back,
            "explore": self._on_explore,
            "explorer": lambda: self.top.views.choose(2),
            "link": pairs.copy_link,
            "export": pairs.export_shown,
            "export-all": pairs.export_all,
            "score": presenter.score,
            "score-all": self._on_score_all,
            "score-any": self._on_score_any,
            "automatic": lambda: presenter.scorer.set_automatic(not presenter.scorer.automatic),
            "stop": presenter.cancel_scoring,
        }

    def _connect(self) -> None:
        presenter = self._presenter
        stop_listening = presenter.listen(self._on_presenter_changed)
        self.destroyed.connect(stop_listening)
        self.top.run_chosen.connect(presenter.choose_run)
        self.top.checkpoint_chosen.connect(presenter.choose_checkpoint)
        self.top.score_requested.connect(presenter.score)
        self.top.stop_requested.connect(presenter.cancel_scoring)
        self.top.what_if.beta_chosen.connect(presenter.set_beta)
        self.top.view_chosen.connect(lambda _view: self._show_view())
        self.pairs.pane.explore.clicked.connect(self._actions["explore"].trigger)
        keyed_tip(self.pairs.pane.explore, self._actions["explore"])
        self.blank.pressed.connect(self._on_blank_pressed)
        self._patience.timeout.connect(self._show_view)

    # --- what the presenter says ------------------------------------------------------------------------

    def _on_presenter_changed(self) -> None:
        state = self._presenter.state
        self.top.show_state(state)
        self._actions["score"].setEnabled(state.target is not None and state.phase != "scoring")
        self._actions["score-all"].setEnabled(state.selected is not None and bool(state.selected.unfinished))
        self._actions["automatic"].setChecked(state.automatic)
        self._actions["stop"].setEnabled(state.phase == "scoring" or bool(state.elsewhere))
        if state.phase == "loading":
            # What was there stays until the answer is in, unless that takes long: no flicker.
            if not self._patience.isActive():
                self._patience.start()
            return
        self._patience.stop()
        self.pairs.follow()
        self.pairs.show_table(self._presenter.table)
        self._show_view()

    def _show_view(self) -> None:
        """The suspect verdicts, the loss explorer, the rows, or words where there are none."""
        view = self.top.view()
        self._actions["explore"].setEnabled(view == 0)
        if view != 0:
            self._views.setCurrentWidget(self._suspects() if view == 1 else self._explorer())
            self.problem.hide()
            return
        state = self._presenter.state
        some = state.phase != "loading" and len(self._presenter.table) > 0
        if not some and not state.elsewhere:
            self.top.status.hide()
        told = " ".join(filter(None, [state.message if some else "", state.notice]))
        self.problem.setText(told)
        self.problem.setVisible(bool(told))
        set_role(self.problem, "error" if state.phase == "failed" or state.notice_failed else "secondary")
        if not some:
            explain_empty(self.blank, state)
        self._views.setCurrentWidget(self.pairs if some else self.blank)

    def _suspects(self) -> QWidget:
        if self.suspects is None:
            from app.inspector.suspects.panel import SuspectsPanel

            assert self._suspects_presenter is not None  # noqa: S101  # else there is no such view to choose
            self.suspects = SuspectsPanel(self._suspects_presenter, self._theme, self._keymap, self._views)
            self.suspects.annotate_requested.connect(self.annotate_requested)
            self._views.addWidget(self.suspects)
        return self.suspects

    def _explorer(self) -> "ExplorerPanel":
        if self.explorer is None:
            from app.inspector.explorer.panel import ExplorerPanel
            from app.inspector.explorer.presenter import ExplorerPresenter

            self.explorer = ExplorerPanel(ExplorerPresenter(), self._theme, self._views)
            self.explorer.left.connect(self._on_explorer_left)
            self._views.addWidget(self.explorer)
        return self.explorer

    def _on_explore(self) -> None:
        from app.inspector.explorer.opening import pair_at

        selected, place = self._presenter.state.selected, self.pairs.selected_place()
        if selected is not None and place >= 0:
            self._explorer().show_pair(pair_at(self._presenter.table, place, selected.run))
            self.top.views.choose(2)
            self._explorer().setFocus()

    def _on_explorer_left(self) -> None:
        self.top.views.choose(0)
        self.pairs.setFocus()

    def _on_blank_pressed(self) -> None:
        state = self._presenter.state
        if state.phase == "no_runs":
            self.train_page_requested.emit()
        elif state.phase == "scoring":
            self._presenter.cancel_scoring()
        else:
            self._presenter.retry()

    # --- scoring -----------------------------------------------------------------------------------------

    def _on_score_all(self) -> None:
        target = self._presenter.state.target
        if target is not None:
            self._presenter.scorer.score_all(target.run_id)

    def _on_score_any(self) -> None:
        from app.inspector.ledger.any_model_dialog import AnyModelDialog

        dialog = AnyModelDialog(self._presenter.state.runs, self._theme, self)
        dialog.wished.connect(self._presenter.errands.score_model)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    # --- pictures ---------------------------------------------------------------------------------------

    def _on_pictures(self) -> None:
        shown = not self.pairs.pictures_shown
        if self._settings is not None:
            self._settings.change(inspector_pictures=shown)
        self._set_pictures(shown)

    def _set_pictures(self, shown: bool) -> None:
        self.pairs.show_pictures(shown)
        self._actions["pictures"].setChecked(shown)
