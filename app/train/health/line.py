"""The health line above the curves: what goes on in the shown run, and one thing to do about it."""

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.shell.palette import Space
from app.shell.theme import Theme, set_role
from app.train.health.details import FindingBlock, show_icon
from app.train.health.finding import Finding, KeepStep, Level, ShowCheck, StartAgain, StopAndKeep
from app.train.health.watch import HealthWatch
from app.train.panels import Means, follow
from app.train.state import TrainState

_MOST_HEIGHT = 200
_ROLES: dict[Level, str] = {"warning": "banner-warning", "notice": "sunken", "quiet": "sunken"}


class HealthLine(QFrame):
    """Hidden while there is nothing to say. At most one finding is in the line, the others below a fold."""

    action_wanted = Signal(object)
    panel_wanted = Signal(str)
    """The panel with this key should come forward."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._findings: tuple[Finding, ...] = ()
        self._icon, self._sentence = QLabel(), QLabel()
        self._blocks: list[FindingBlock] = []
        self.button = QPushButton()
        self.fold = QToolButton()
        self._area = QScrollArea()
        self._inside = QWidget()
        self._lay_out()
        self.button.clicked.connect(self._on_button_clicked)
        self.fold.toggled.connect(self._on_fold_toggled)
        theme.changed.connect(self._show_again)
        self.hide()

    def show_findings(self, findings: Sequence[Finding]) -> None:
        """The most important one first, as `judge` gives them."""
        if tuple(findings) != self._findings:
            self._findings = tuple(findings)
            self._show_again()

    def words(self) -> str:
        """What is said, with what is below the fold."""
        return "\n".join(
            "\n".join([found.sentence, found.cause, *(f"{one.name}: {one.value}" for one in found.figures)])
            for found in self._findings
        )

    def _lay_out(self) -> None:
        self.setAccessibleName("Health of the run")
        self._sentence.setWordWrap(True)
        self._sentence.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.fold.setCheckable(True)
        self.fold.setToolTip("The numbers behind it, and whatever else there is")
        self.fold.setAccessibleName("Details")
        self.button.setAccessibleName("What can be done about it")
        self.button.setToolTip("What can be done about it")
        set_role(self.fold, "fold")
        self.fold.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._area.setWidgetResizable(True)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setWidget(self._inside)
        self._area.hide()
        row = QHBoxLayout()
        row.setSpacing(Space.S)
        row.addWidget(self._icon)
        row.addWidget(self._sentence, 1)
        row.addWidget(self.fold)
        row.addWidget(self.button)
        column = QVBoxLayout(self)
        column.setContentsMargins(Space.M, Space.S, Space.S, Space.S)
        column.setSpacing(Space.S)
        column.addLayout(row)
        column.addWidget(self._area)
        inside = QVBoxLayout(self._inside)
        inside.setContentsMargins(0, 0, Space.S, Space.S)
        inside.setSpacing(Space.M)

    def _show_again(self) -> None:
        self.setVisible(bool(self._findings))
        if not self._findings:
            self.fold.setChecked(False)
            return
        first, others = self._findings[0], len(self._findings) - 1
        show_icon(self._icon, first.level, self._theme)
        self._sentence.setText(first.sentence)
        set_role(self._sentence, "secondary" if first.level == "quiet" else "strong")
        self.button.setVisible(first.action is not None)
        if first.action is not None:
            self.button.setText(first.action.words)
            self.button.setAccessibleName(first.action.words)
            self.button.setToolTip(first.action.help)
        self.fold.setText(f"Details, {others} more" if others else "Details")
        self.fold.setAccessibleName(f"Details of: {first.sentence}")
        self._show_fold()
        self._show_details()

    def _show_details(self) -> None:
        column = self._inside.layout()
        if column is None:
            return
        for block in self._blocks:
            column.removeWidget(block)
            block.deleteLater()
        self._blocks.clear()
        if not self.fold.isChecked():
            return
        for number, finding in enumerate(self._findings):
            block = FindingBlock(finding, self._theme, first=number == 0)
            block.action_wanted.connect(self.action_wanted)
            column.addWidget(block)
            block.show()
            self._blocks.append(block)
        self._fit()

    def _fit(self) -> None:
        """As high as the details need, up to a bound."""
        width = max(200, self.width() - 2 * Space.M - Space.S)
        heights = [
            max(block.heightForWidth(width), block.minimumSizeHint().height()) for block in self._blocks
        ]
        need = sum(heights) + Space.M * (len(heights) - 1) + Space.S
        self._area.setFixedHeight(min(self._theme.px(_MOST_HEIGHT), need))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._blocks:
            self._fit()

    def _show_fold(self) -> None:
        if self._findings:
            # Unfolded it is something to read, on the surface that all reading is on.
            set_role(self, "card" if self.fold.isChecked() else _ROLES[self._findings[0].level])
        name = "chevron-down" if self.fold.isChecked() else "chevron-right"
        size = self._theme.px(14)
        self.fold.setIconSize(QSize(size, size))
        self.fold.setIcon(self._theme.icon(name, "faint"))

    def _on_button_clicked(self) -> None:
        if self._findings:
            self.action_wanted.emit(self._findings[0].action)

    def _on_fold_toggled(self, unfolded: bool) -> None:
        self._area.setVisible(unfolded)
        self._show_fold()
        self._show_details()


def health_line(means: Means) -> HealthLine:
    """The line that follows the page's presenter and does what its buttons say."""
    presenter = means.presenter
    line = HealthLine(means.theme)
    watch = HealthWatch(presenter.tools.background)

    def show(state: TrainState) -> None:
        line.show_findings(watch.look(state.selected_line))

    def act(action: object) -> None:
        selected = presenter.state.selected
        match action:
            case StopAndKeep():
                presenter.stop_and_keep()
            case ShowCheck():
                line.panel_wanted.emit("check")
            case KeepStep(step=step) if selected is not None:
                presenter.keep_step(selected, step)
            case StartAgain(changes=changes) if selected is not None:
                presenter.start_again(selected, changes)
            case _:
                pass

    watch.listen(follow(line, presenter, show).start)
    line.destroyed.connect(presenter.draw_on(watch))
    line.destroyed.connect(presenter.hear(watch.hear))
    line.action_wanted.connect(act)
    return line
