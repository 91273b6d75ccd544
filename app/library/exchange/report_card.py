"""What became of an import or a merge: what came in, what was there already, what was left out and why."""

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.library.exchange.wording import added_words, rest_words
from app.shell.palette import Space
from app.shell.theme import Theme, set_role
from app.store.exchange.report import Report

_MOST_SHOWN = 500
_MOST_LINES = 9
_ROW = 30


class ReportCard(QFrame):
    """`buttons` stand below in this order, the first one leading on."""

    def __init__(self, theme: Theme, buttons: Sequence[QPushButton], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._undone = False
        set_role(self, "card")
        self._icon, self.title, self.rest = QLabel(), QLabel(), QLabel()
        self.refused = QTreeWidget()
        self.save = QPushButton("Save the report…")
        self.save.setToolTip("The rows that were left out, with line and reason, as CSV or JSONL")
        self._lay_out(buttons)
        theme.changed.connect(self._on_theme_changed)
        self._on_theme_changed()

    def show_report(self, report: Report, *, undone: bool) -> None:
        self._undone = undone
        self.title.setText("Undone: nothing of it is in the project" if undone else added_words(report))
        backed_up = "A backup of the project as it was before is among its backups."
        self.rest.setText("\n".join([*rest_words(report), backed_up]))
        self._show_refused(report)
        self._on_theme_changed()

    def _show_refused(self, report: Report) -> None:
        self.refused.clear()
        several = any(row.file for row in report.refused[:_MOST_SHOWN])
        self.refused.setColumnHidden(0, not several)
        for row in report.refused[:_MOST_SHOWN]:
            item = QTreeWidgetItem([row.file, f"{row.line:,}", row.reason])
            item.setTextAlignment(1, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            item.setFont(1, self._theme.figures())
            item.setForeground(1, self._theme.colour("faint"))
            item.setToolTip(2, row.reason[:1_000])
            item.setSizeHint(2, QSize(0, self._theme.px(_ROW)))
            self.refused.addTopLevelItem(item)
        first = self.refused.topLevelItem(0)
        if first is not None:
            self.refused.setCurrentItem(first)
        lines = min(len(report.refused), _MOST_LINES) + 1
        self.refused.setFixedHeight(lines * self._theme.px(_ROW) + Space.M)
        self.refused.setVisible(bool(report.refused))
        self.save.setVisible(bool(report.refused))

    def _lay_out(self, buttons: Sequence[QPushButton]) -> None:
        set_role(self.title, "heading")
        set_role(self.rest, "secondary")
        for label in (self.title, self.rest):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
        self.refused.setAccessibleName("Rows that were left out")
        self.refused.setHeaderLabels(["File", "Line", "Why it was left out"])
        self.refused.setRootIsDecorated(False)
        self.refused.setUniformRowHeights(True)
        self.refused.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        header = self.refused.header()
        for section in (0, 1):
            header.setSectionResizeMode(section, QHeaderView.ResizeMode.ResizeToContents)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        head = QHBoxLayout()
        head.setSpacing(Space.S)
        head.addWidget(self._icon)
        head.addWidget(self.title, 1)
        below = QHBoxLayout()
        below.setSpacing(Space.S)
        below.addWidget(self.save)
        below.addStretch(1)
        for button in reversed(buttons):
            below.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(Space.XL, Space.XL, Space.XL, Space.L)
        column.setSpacing(Space.M)
        column.addLayout(head)
        column.addWidget(self.rest)
        column.addWidget(self.refused, 1)
        column.addLayout(below)

    def _on_theme_changed(self) -> None:
        size = self._theme.px(18)
        name, colour = ("undo-2", "secondary") if self._undone else ("circle-check", "good")
        self._icon.setPixmap(self._theme.icon(name, colour).pixmap(size, size))
        self.setFixedWidth(self._theme.px(720))
