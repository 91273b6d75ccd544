"""The first rows of an import as they will be: a list, and the one the keyboard stands on for reading."""

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QBoxLayout,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QSplitter,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.library.exchange.wording import line_words, side_names, verdict_of
from app.library.response_card import ResponseCard
from app.library.wording import SPLIT_WORDS, STANDING_ICONS, count, model_words
from app.shell.palette import FontSize, Space
from app.shell.theme import Theme, set_role
from app.store.exchange.entries import Entry, Response
from app.store.exchange.preview import PreviewRow
from app.widgets.conversation import ConversationText

_STACKED_BELOW = 560
_ROW = 30
_LONGEST = 200


class PreviewPane(QSplitter):
    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Vertical, parent)
        self._theme = theme
        self._rows: tuple[PreviewRow, ...] = ()
        self.list = QTreeWidget()
        self.origin, self.problem = QLabel(), QLabel()
        self.prompt = ConversationText(theme)
        self.cards = ResponseCard("First response", theme), ResponseCard("Second response", theme)
        self._texts = QHBoxLayout()
        self._lay_out()
        self.list.currentItemChanged.connect(lambda *_: self._show_current())
        theme.changed.connect(self._on_theme_changed)

    def show_rows(self, rows: Sequence[PreviewRow]) -> None:
        """Where rows were there before, the place stays."""
        if tuple(rows) == self._rows:
            return
        place = self._place()
        self._rows = tuple(rows)
        self.list.clear()
        for row in self._rows:
            self.list.addTopLevelItem(self._item(row))
        item = self.list.topLevelItem(min(place, len(self._rows) - 1))
        if item is not None:
            self.list.setCurrentItem(item)
        self._show_current()

    @property
    def current(self) -> PreviewRow | None:
        place = self._place()
        return self._rows[place] if place < len(self._rows) else None

    def _place(self) -> int:
        item = self.list.currentItem()
        return self.list.indexOfTopLevelItem(item) if item is not None else 0

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _item(self, row: PreviewRow) -> QTreeWidgetItem:
        entry = row.entry
        words = _first_words(entry) if entry is not None else row.problem
        item = QTreeWidgetItem([f"{row.line:,}", words, verdict_of(row)])
        item.setTextAlignment(0, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        item.setFont(0, self._theme.figures())
        item.setForeground(0, self._theme.colour("faint"))
        item.setIcon(2, self._theme.icon(*_icon(row)))
        item.setSizeHint(0, QSize(0, self._theme.px(_ROW)))
        if entry is None:
            item.setForeground(1, self._theme.colour("danger"))
        return item

    def _show_current(self) -> None:
        row = self.current
        entry = row.entry if row is not None else None
        self.origin.setText(_origin(row) if row is not None else "")
        self.problem.setText(row.problem if row is not None and entry is None else "")
        self.problem.setVisible(row is not None and entry is None)
        self.prompt.setVisible(entry is not None)
        if entry is not None:
            self.prompt.show_messages(entry.prompt)
        sides = (entry.left, entry.right) if entry is not None else (None, None)
        names = side_names(entry) if entry is not None else ("", "")
        for number, (card, side, name) in enumerate(zip(self.cards, sides, names, strict=True)):
            card.setVisible(side is not None)
            if entry is not None and side is not None:
                card.heading.setText(name)
                card.text.setAccessibleName(name)
                self._show_response(card, entry, side, number)
        self._fit()

    def _show_response(self, card: ResponseCard, entry: Entry, side: Response, number: int) -> None:
        counts = entry.verdicts[-1] if entry.verdicts else None
        preferred = {"left": 0, "right": 1}.get(counts.choice) if counts is not None else None
        fate = "" if preferred is None else "chosen" if preferred == number else "rejected"
        edited = counts.edited if counts is not None and fate == "chosen" else None
        model = f" · {model_words(side.model)}" if side.model else ""
        card.show_response(
            side.text, edited=edited, fate=fate, origin=f"{count(len(side.text), 'character')}{model}"
        )

    def _fit(self) -> None:
        side_by_side = self.width() >= self._theme.px(_STACKED_BELOW)
        self._texts.setDirection(
            QBoxLayout.Direction.LeftToRight if side_by_side else QBoxLayout.Direction.TopToBottom
        )
        self.prompt.fit(max(self._theme.px(44), self.height() // 6))

    def _lay_out(self) -> None:
        self.list.setAccessibleName("The first rows, as they will be")
        self.list.setHeaderLabels(["Line", "Prompt", "Becomes"])
        self.list.setRootIsDecorated(False)
        self.list.setUniformRowHeights(True)
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.list.setTabKeyNavigation(False)
        header = self.list.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(2, QHeaderView.ResizeMode.ResizeToContents)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        set_role(self.origin, "caption")
        self.origin.setTextFormat(Qt.TextFormat.PlainText)
        set_role(self.problem, "secondary")
        self.problem.setWordWrap(True)
        self.problem.setTextFormat(Qt.TextFormat.PlainText)
        self._texts.setSpacing(Space.M)
        for card in self.cards:
            self._texts.addWidget(card, 1)
        reading = QFrame()
        column = QVBoxLayout(reading)
        column.setContentsMargins(0, Space.S, 0, 0)
        column.setSpacing(Space.S)
        column.addWidget(self.origin)
        column.addWidget(self.prompt)
        column.addWidget(self.problem)
        column.addLayout(self._texts, 1)
        column.addStretch(0)
        self.addWidget(self.list)
        self.addWidget(reading)
        self.setChildrenCollapsible(False)
        self.setHandleWidth(Space.S)
        self.setStretchFactor(0, 2)
        self.setStretchFactor(1, 3)
        self.setSizes([300, 420])
        self.list.setMinimumHeight(self._theme.px(120))
        reading.setMinimumHeight(self._theme.px(200))
        self._on_theme_changed()

    def _on_theme_changed(self) -> None:
        self.origin.setFont(self._theme.figures(FontSize.CAPTION))
        rows, self._rows = self._rows, ()
        self.show_rows(rows)


def _first_words(entry: Entry) -> str:
    """Of the last thing that was asked, on one line."""
    asked = next((turn.content for turn in reversed(entry.prompt) if turn.role == "user"), "")
    return " ".join((asked or entry.prompt[-1].content)[:_LONGEST].split())


def _icon(row: PreviewRow) -> tuple[str, str]:
    if row.entry is None:
        return "circle-alert", "danger"
    if row.entry.left is None:
        return "message-square", "secondary"
    if len(row.entry.verdicts) == 1:
        choice = row.entry.verdicts[0].choice
        if not row.entry.placed and choice in ("left", "right"):
            return "check", "secondary"
        return STANDING_ICONS[choice], "secondary"
    return ("users" if row.entry.verdicts else "clock"), "secondary"


def _origin(row: PreviewRow) -> str:
    """Where a row stands in its file, and what else it brings."""
    entry = row.entry
    parts = [line_words(row)]
    if entry is not None:
        people = sorted({given.annotator for given in entry.verdicts if given.annotator})
        tags = [*entry.prompt_tags, *entry.tags]
        parts += [SPLIT_WORDS[entry.split]] if entry.split else []
        parts += [f"judged by {', '.join(people[:3])}"] if people else []
        parts += [f"tags {', '.join(tags[:5])}"] if tags else []
        parts += ["flagged"] if entry.flagged else []
    return " · ".join(parts)
