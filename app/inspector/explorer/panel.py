"""The loss explorer: move a pair's log-probs, β and the loss, and see all that follows."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.inspector.explorer.curves import AXES, curves
from app.inspector.explorer.figure_lines import lines, next_step, policy_alone
from app.inspector.explorer.figure_view import FigureView
from app.inspector.explorer.lines_view import LinesView
from app.inspector.explorer.presenter import ExplorerPresenter, OpenedPair
from app.inspector.explorer.settings_pane import SettingsPane
from app.inspector.figures import CASES
from app.inspector.table_model import CASE_ICONS
from app.inspector.wording import CASE_WORDS
from app.shell.palette import Space
from app.shell.theme import Theme, set_role
from app.widgets.plot_export import add_export_actions
from app.widgets.segments import Segments

_SETTINGS_WIDTH = 360
_AXIS_TITLES = ("Chosen alone", "Rejected alone", "Both apart")


class ExplorerPanel(QWidget):
    """Shows what its presenter holds."""

    left = Signal()
    """Esc: the person is done here."""

    def __init__(self, presenter: ExplorerPresenter, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._presenter, self._theme = presenter, theme
        self.title = QLabel()
        self.worked = QPushButton("Worked example")
        self.cases = {case: QPushButton(CASE_WORDS[case]) for case in CASES}
        self.back = QPushButton("Back to the pair")
        self.settings = SettingsPane(presenter, theme)
        self.axes = Segments("Along", _AXIS_TITLES)
        self.figure, self.lines = FigureView(theme), LinesView(theme)
        self.step, self.alone, self.problem = QLabel(), QLabel(), QLabel()
        self._save, self._copy = QToolButton(), QToolButton()
        self._lay_out()
        self._connect()
        self._on_theme_changed()
        self._on_changed()
        self.setFocusProxy(self.settings.losses)

    def show_pair(self, opened: OpenedPair) -> None:
        self._presenter.show_pair(opened)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.left.emit()
        else:
            super().keyPressEvent(event)

    # --- building -----------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        self._scroll = _scrolling(self.settings)
        shown = QWidget()
        right = QVBoxLayout(shown)
        right.setContentsMargins(0, 0, 0, 0)
        right.setSpacing(Space.M)
        right.addWidget(self._figure_card(), 1)
        right.addWidget(self._lines_card())
        body = QHBoxLayout()
        body.setSpacing(Space.XL)
        body.addWidget(self._scroll)
        body.addWidget(_scrolling(shown), 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(Space.M)
        column.addLayout(self._head())
        column.addLayout(body, 1)

    def _head(self) -> QHBoxLayout:
        set_role(self.title, "heading")
        self.title.setTextFormat(Qt.TextFormat.PlainText)
        row = QHBoxLayout()
        row.setSpacing(Space.S)
        self.title.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        row.addWidget(self.title, 1)
        row.addWidget(self.back)
        for button in (self.worked, *self.cases.values()):
            set_role(button, "quiet")
            row.addWidget(button)
        for case, button in self.cases.items():
            button.setAccessibleName(f"Example of a pair that is {case}")
        return row

    def _figure_card(self) -> QWidget:
        self._save.setAccessibleName("Save or copy the figure")
        self._save.setToolTip("Save or copy the figure")
        self._save.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        set_role(self._save, "quiet-small")
        set_role(self.problem, "error")
        self.problem.setWordWrap(True)
        self.problem.hide()
        menu = QMenu(self)
        add_export_actions(
            menu,
            plot=lambda: self.figure,
            name=lambda: f"{self._presenter.explored.loss} loss",
            failed=self._on_export_failed,
        )
        menu.aboutToShow.connect(self.problem.hide)
        self._save.setMenu(menu)
        head = QHBoxLayout()
        head.addWidget(self.axes)
        head.addStretch(1)
        head.addWidget(self._save)
        return _card(head, self.figure, self.problem)

    def _lines_card(self) -> QWidget:
        set_role(self._copy, "quiet-small")
        self._copy.setAccessibleName("Copy the figures as a table")
        self._copy.setToolTip("Copy the figures as a table")
        set_role(self.step, "strong")
        set_role(self.alone, "secondary")
        for label in (self.step, self.alone):
            label.setWordWrap(True)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        head = QHBoxLayout()
        head.addWidget(self.step, 1)
        head.addWidget(self._copy, 0, Qt.AlignmentFlag.AlignTop)
        return _card(head, self.lines, self.alone)

    def _connect(self) -> None:
        presenter = self._presenter
        self.destroyed.connect(presenter.listen(self._on_changed))
        self.worked.clicked.connect(presenter.show_worked_example)
        self.back.clicked.connect(presenter.go_back)
        for case, button in self.cases.items():
            button.clicked.connect(lambda _checked=False, case=case: presenter.show_case(case))
        self.axes.choose(AXES.index(presenter.axis))
        self.axes.chosen.connect(lambda number: presenter.set_axis(AXES[number]))
        self.figure.moved.connect(presenter.move_to)
        self._copy.clicked.connect(self.lines.copy)
        self._theme.changed.connect(self._on_theme_changed)

    # --- what the presenter says ------------------------------------------------------------------------

    def _on_changed(self) -> None:
        presenter = self._presenter
        explored = presenter.explored
        self.title.setText(f"{presenter.title}, moved" if presenter.changed else presenter.title)
        opened = presenter.opened
        self.back.setVisible(opened is not None)
        self.back.setEnabled(opened is not None and explored != opened.explored)
        self.settings.show_explored()
        self.figure.show_curves(explored, curves(explored, presenter.axis, presenter.spans))
        self.lines.show_lines(lines(explored))
        self.step.setText(next_step(explored))
        self.alone.setText(policy_alone(explored))

    def _on_export_failed(self, sentence: str) -> None:
        self.problem.setText(sentence)
        self.problem.show()

    def _on_theme_changed(self) -> None:
        self._scroll.setFixedWidth(self._theme.px(_SETTINGS_WIDTH))
        self._save.setIcon(self._theme.icon("download"))
        self._copy.setIcon(self._theme.icon("copy"))
        self.back.setIcon(self._theme.icon("undo-2"))
        for case, button in self.cases.items():
            button.setIcon(self._theme.icon(*CASE_ICONS[case]))


def _scrolling(content: QWidget) -> QScrollArea:
    """Up and down only, where the window is low."""
    area = QScrollArea()
    area.setWidget(content)
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setMinimumWidth(content.minimumSizeHint().width())
    return area


def _card(head: QHBoxLayout, *parts: QWidget) -> QWidget:
    card = QFrame()
    set_role(card, "card")
    column = QVBoxLayout(card)
    column.setContentsMargins(Space.M, Space.S, Space.M, Space.M)
    column.setSpacing(Space.S)
    column.addLayout(head)
    for number, part in enumerate(parts):
        column.addWidget(part, 1 if number == 0 else 0)
    return card
