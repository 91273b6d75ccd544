"""The second step after an export: asking where on the hub it is to go, and sending it once that was said."""

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QCheckBox,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.library.exchange.export_presenter import ExportPresenter
from app.library.exchange.export_state import Sending
from app.library.exchange.panel import Message
from app.library.exchange.parts import hint_label, show_hint
from app.shell.palette import Space
from app.shell.theme import Theme, set_role

_KEPT = "Kept in the system's keyring, never in the project."


class SendingCard(QFrame):
    """Nothing leaves the machine before its button is pressed."""

    def __init__(self, presenter: ExportPresenter, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._presenter, self._theme = presenter, theme
        set_role(self, "card")
        self.title, self.hint = QLabel("Put it on the Hugging Face hub"), hint_label("")
        self.repository, self.token = QLineEdit(), QLineEdit()
        self.private = QCheckBox("Private: nobody but you sees it")
        self.message = Message(theme)
        self.bar = QProgressBar()
        self.send, self.cancel = QPushButton("Send to the hub"), QPushButton("Not now")
        self.browse = QPushButton("Open in the browser")
        self._form = QFormLayout()
        self._lay_out()
        self.send.clicked.connect(self._on_send)
        self.repository.returnPressed.connect(self._on_send)
        self.repository.textChanged.connect(lambda _: self._show_ready())
        self.token.textChanged.connect(lambda _: self._show_ready())
        self.cancel.clicked.connect(presenter.do_not_send)
        self.browse.clicked.connect(self._on_browse)
        theme.changed.connect(self._fit)
        self._fit()

    def show_sending(self, sending: Sending) -> None:
        asking, sent = sending.phase == "asking", sending.phase == "sent"
        for field in (self.repository, self.token, self.private):
            field.setEnabled(asking)
        self.token.setPlaceholderText("Kept in the keyring" if sending.has_token else "hf_…")
        self.bar.setVisible(sending.phase == "sending")
        said = f"It is there: {sending.address}" if sent else sending.said
        self.message.show_words(problem=sending.problem, said=said)
        words = f"Sending {sending.repository}; what is on its way cannot be called back."
        show_hint(self.hint, sending.said if sent else words if not asking else "")
        self.send.setVisible(not sent)
        self.browse.setVisible(sent)
        self.cancel.setText("Done" if sent else "Not now")
        self.cancel.setVisible(sending.phase != "sending")
        self._has_token, self._asking = bool(sending.has_token), asking
        self._show_ready()

    _has_token, _asking = False, True

    def _show_ready(self) -> None:
        ready = bool(self.repository.text().strip()) and (self._has_token or bool(self.token.text().strip()))
        self.send.setEnabled(self._asking and ready)

    def _on_send(self) -> None:
        if self.send.isEnabled():
            self._presenter.send(
                self.repository.text().strip(), private=self.private.isChecked(), token=self.token.text()
            )
            self.token.clear()

    def _on_browse(self) -> None:
        sending = self._presenter.state.sending
        if sending is not None and sending.address:
            QDesktopServices.openUrl(QUrl(sending.address))

    def _lay_out(self) -> None:
        set_role(self.title, "heading")
        set_role(self.send, "primary")
        self.repository.setPlaceholderText("owner/name")
        self.repository.setMaxLength(200)
        self.repository.setAccessibleName("Repository on the hub, as owner/name")
        self.token.setEchoMode(QLineEdit.EchoMode.Password)
        self.token.setMaxLength(4096)
        self.token.setAccessibleName("Token of the hub")
        self.private.setChecked(True)
        self.bar.setRange(0, 0)
        self.bar.setAccessibleName("Sending")
        self._form.setHorizontalSpacing(Space.M)
        self._form.setVerticalSpacing(Space.S)
        self._form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self._form.addRow("Repository", self.repository)
        token = QVBoxLayout()
        token.setSpacing(Space.XS)
        token.addWidget(self.token)
        token.addWidget(hint_label(_KEPT))
        self._form.addRow("Token", token)
        self._form.addRow("", self.private)
        below = QHBoxLayout()
        below.setSpacing(Space.S)
        below.addStretch(1)
        for button in (self.cancel, self.browse, self.send):
            below.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(Space.XL, Space.XL, Space.XL, Space.L)
        column.setSpacing(Space.M)
        column.addWidget(self.title)
        column.addLayout(self._form)
        column.addWidget(self.message)
        column.addWidget(self.hint)
        column.addWidget(self.bar)
        column.addLayout(below)

    def _fit(self) -> None:
        self.setFixedWidth(self._theme.px(560))
