"""A picture with its title, the ways to take it elsewhere, and what it says as a sentence."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QMenu, QToolButton, QVBoxLayout, QWidget

from app.inspector.pictures.brush import Brushed
from app.inspector.pictures.canvas import PictureCanvas
from app.inspector.pictures.drawing import Drawing
from app.inspector.pictures.material import Columns
from app.shell.palette import FontSize, Space
from app.shell.theme import Theme, set_role
from app.widgets.plot_export import add_export_actions


class PictureCard(QFrame):
    """One of the four pictures."""

    def __init__(self, drawing: Drawing, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.drawing, self._theme = drawing, theme
        self.canvas = PictureCanvas(drawing, theme)
        self.sentence, self.problem = QLabel(), QLabel()
        self._title, self._button = QLabel(drawing.title), QToolButton()
        self._lay_out()
        self.canvas.focus_changed.connect(self._on_focus_changed)
        theme.changed.connect(self._on_theme_changed)
        self._on_theme_changed()

    def show_pairs(self, columns: Columns, strong: Brushed | None) -> None:
        """Figures and picture of these pairs; see `Drawing.show_pairs`."""
        self.drawing.show_pairs(columns, strong)
        self.canvas.refresh()
        if self.canvas.sentence != self.sentence.text():
            self.sentence.setText(self.canvas.sentence)

    def _lay_out(self) -> None:
        for part in (self._title, self.sentence):
            part.setToolTip(self.drawing.help)
        for words, role in ((self.sentence, "secondary"), (self.problem, "error")):
            set_role(words, role)
            words.setWordWrap(True)
            words.setTextFormat(Qt.TextFormat.PlainText)
            words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.problem.hide()
        menu = QMenu(self)
        add_export_actions(
            menu,
            plot=lambda: self.canvas,
            name=lambda: f"{self.drawing.title.lower()} of pairs",
            failed=self._on_failed,
        )
        menu.aboutToShow.connect(self.problem.hide)
        self._button.setMenu(menu)
        self._button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._button.setToolTip("Save or copy this picture")
        self._button.setAccessibleName(f"Save or copy: {self.drawing.title}")
        set_role(self._button, "quiet-small")
        head = QHBoxLayout()
        head.addWidget(self._title)
        head.addStretch(1)
        head.addWidget(self._button)
        self._column = QVBoxLayout(self)
        self._column.setSpacing(Space.XS)
        self._column.addLayout(head)
        self._column.addWidget(self.canvas, 1)
        self._column.addWidget(self.sentence)
        self._column.addWidget(self.problem)
        self._on_focus_changed(focused=False)

    def _on_failed(self, words: str) -> None:
        self.problem.setText(words)
        self.problem.show()

    def _on_focus_changed(self, focused: bool) -> None:
        set_role(self, "card-active" if focused else "card")
        # The border of a card in use is a pixel wider.
        side = Space.M - (1 if focused else 0)
        self._column.setContentsMargins(side, Space.S - (side != Space.M), side, side)

    def _on_theme_changed(self) -> None:
        self._title.setFont(self._theme.font(FontSize.BODY, weight=600))
        self._button.setIcon(self._theme.icon("download"))
