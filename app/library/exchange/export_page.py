"""Export: say what and how, see the data set's card, write it; then perhaps put it on the hub."""

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices, QShowEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.library.exchange.export_options import ExportOptions
from app.library.exchange.export_presenter import ExportPresenter
from app.library.exchange.export_state import ExportState
from app.library.exchange.panel import Panel
from app.library.exchange.parts import WorkCard, centred
from app.library.exchange.sending_card import SendingCard
from app.library.exchange.wording import KIND_WORDS
from app.library.wording import count
from app.shell.palette import Space
from app.shell.theme import Theme, set_role


class ExportPage(Panel):
    def __init__(self, presenter: ExportPresenter, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__("Export", theme, parent)
        self._presenter = presenter
        self._place = ""
        self.options, self.work = ExportOptions(presenter, theme), WorkCard(theme)
        self.card, self.sending = QPlainTextEdit(), SendingCard(presenter, theme)
        self.done = DoneCard(theme)
        self._middle = QStackedWidget()
        self._pages = {
            "asking": self._asking(),
            "exporting": centred(self.work),
            "done": centred(self.done),
            "sending": centred(self.sending),
        }
        for page in self._pages.values():
            self._middle.addWidget(page)
        self.set_body(self._middle)
        self._connect()
        self._on_state_changed()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._take_focus()

    def _asking(self) -> QWidget:
        self.card.setReadOnly(True)
        self.card.setTabChangesFocus(True)
        self.card.setAccessibleName("The data set's card")
        self.card.setFrameShape(QFrame.Shape.NoFrame)
        set_role(self.card, "source")
        heading = QLabel("Data set card")
        set_role(heading, "heading")
        hint = QLabel("README.md of the folder, as it will be.")
        set_role(hint, "caption")
        pane = QFrame()
        set_role(pane, "card")
        column = QVBoxLayout(pane)
        column.setContentsMargins(Space.L, Space.M, Space.XS, Space.S)
        column.setSpacing(Space.XS)
        column.addWidget(heading)
        column.addWidget(hint)
        column.addSpacing(Space.S)
        column.addWidget(self.card, 1)
        page = QWidget()
        row = QHBoxLayout(page)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(Space.L)
        row.addWidget(self.options)
        row.addWidget(pane, 1)
        return page

    def _connect(self) -> None:
        presenter = self._presenter
        self.destroyed.connect(presenter.listen(self._on_state_changed))
        self.work.cancelled.connect(presenter.cancel)
        self.done.folder.clicked.connect(self._on_show_folder)
        self.done.hub.clicked.connect(presenter.ask_to_send)
        self.done.back.clicked.connect(self.left)

    def _on_state_changed(self) -> None:
        state = self._presenter.state
        self.message.show_words(problem=state.problem, said=state.said)
        self.options.show_state(state)
        if self.card.toPlainText() != state.card:
            self.card.setPlainText(state.card)
        if state.phase == "exporting":
            self.work.show_work(
                "Exporting", state.progress, hint=state.wishes.folder, cancelling=state.cancelling
            )
        self.done.show_state(state)
        if state.sending is not None:
            self.sending.show_sending(state.sending)
        place = "sending" if state.sending is not None else state.phase
        self._middle.setCurrentWidget(self._pages[place])
        if place != self._place:
            self._place = place
            self._take_focus()

    def _take_focus(self) -> None:
        """Where the next key is probably meant for."""
        places = {
            "asking": self.options.start if self.options.start.isEnabled() else self.options.layouts,
            "exporting": self.work.cancel,
            "done": self.done.folder,
            "sending": self.sending.repository,
        }
        self.focus_on(places[self._place])

    def _on_show_folder(self) -> None:
        made = self._presenter.state.exported
        if made is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(made.folder)))


class DoneCard(QFrame):
    """What was written where."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        set_role(self, "card")
        self._icon, self.title, self.parts, self.where = QLabel(), QLabel(), QLabel(), QLabel()
        self.folder, self.hub = QPushButton("Show in folder"), QPushButton("Put it on the hub…")
        self.back = QPushButton("Back to the Library")
        set_role(self.title, "heading")
        set_role(self.parts, "secondary")
        set_role(self.where, "mono")
        set_role(self.folder, "primary")
        self.hub.setToolTip("Asks where to first; nothing is sent yet")
        for label in (self.title, self.parts, self.where):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        head = QHBoxLayout()
        head.setSpacing(Space.S)
        head.addWidget(self._icon)
        head.addWidget(self.title, 1)
        below = QHBoxLayout()
        below.setSpacing(Space.S)
        below.addWidget(self.hub)
        below.addStretch(1)
        below.addWidget(self.back)
        below.addWidget(self.folder)
        column = QVBoxLayout(self)
        column.setContentsMargins(Space.XL, Space.XL, Space.XL, Space.L)
        column.setSpacing(Space.M)
        column.addLayout(head)
        for label in (self.parts, self.where):
            column.addWidget(label)
        column.addLayout(below)
        theme.changed.connect(self._on_theme_changed)
        self._on_theme_changed()

    def show_state(self, state: ExportState) -> None:
        made = state.exported
        if made is None:
            return
        self.title.setText(f"{count(made.total, 'row')} exported")
        splits = {"train": "train", "held_out": "held-out"}
        self.parts.setText(
            "\n".join(
                f"{KIND_WORDS[kind]}, {splits[split]}: {number:,}"
                for (kind, split), number in made.counts.items()
            )
        )
        # A place to break the line at every folder.
        self.where.setText(str(made.folder).replace("/", "/\u200b"))

    def _on_theme_changed(self) -> None:
        size = self._theme.px(18)
        self._icon.setPixmap(self._theme.icon("circle-check", "good").pixmap(size, size))
        self.setFixedWidth(self._theme.px(560))
