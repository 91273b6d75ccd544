"""Tokens of other services: whether there is one and where it is kept; replaced or forgotten, never shown."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.shell.palette import Space
from app.shell.secret_keeping import Keeping, SecretKeeping
from app.shell.theme import Theme, set_role

_WIDTH = 480
_FOR = (
    "Sends exports to huggingface.co and fetches data sets that are private or gated, each time only when "
    "you press for it. You make one at huggingface.co/settings/tokens."
)
_NEVER = "It is in no project, setting, log or export, and is not shown here."
_NO_KEYRING = (
    "This system has no keyring, so a token is kept in memory only until DPO Studio is closed. For one that "
    "stays: on Linux install and unlock GNOME Keyring or KWallet, then start DPO Studio from that desktop "
    "session; on macOS and Windows unlock the system's own."
)


class SecretsDialog(QDialog):
    """`Enter` in the field keeps what was typed."""

    def __init__(self, keeping: SecretKeeping, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("secrets-dialog")
        self.setWindowTitle("Tokens and keys")
        self._keeping = keeping
        self.state, self.place, self.said = QLabel(), QLabel(), QLabel()
        self.field = QLineEdit(placeholderText="hf_…")
        self.keep, self.forget = QPushButton("Keep"), QPushButton("Forget it")
        self.close_button = QPushButton("Close")
        self._lay_out()
        self.setFixedWidth(theme.px(_WIDTH))
        self.field.textChanged.connect(lambda _text: self._show())
        self.field.returnPressed.connect(self._on_keep)
        self.keep.clicked.connect(self._on_keep)
        self.forget.clicked.connect(keeping.forget)
        self.close_button.clicked.connect(self.accept)
        self.finished.connect(lambda _result: keeping.close())
        keeping.listen(self._show)
        keeping.look()

    def _on_keep(self) -> None:
        if self.keep.isEnabled():
            secret = self.field.text()
            self.field.clear()
            self._keeping.keep(secret)

    def _show(self) -> None:
        state = self._keeping.state
        asking, there = state.held is None, state.held in ("keyring", "memory")
        self.state.setText(_state_words(state))
        self.place.setText(_NEVER if asking or state.keyring else f"{_NO_KEYRING} {_NEVER}")
        self.said.setText(state.problem or state.said)
        self.said.setVisible(bool(self.said.text()))
        set_role(self.said, "error" if state.problem else "secondary")
        self.keep.setText("Replace" if there else "Keep")
        self.keep.setEnabled(not asking and bool(self.field.text().strip()))
        self.forget.setEnabled(there)
        self._fit()

    def _fit(self) -> None:
        """As high as its words are at this width."""
        layout = self.layout()
        if layout is not None:
            layout.activate()
            self.setFixedHeight(layout.totalHeightForWidth(self.width()))

    def _lay_out(self) -> None:
        title, purpose = QLabel("Token of the Hugging Face hub"), QLabel(_FOR)
        set_role(title, "heading")
        for label, role in (
            (self.state, "secondary"),
            (self.said, "secondary"),
            (purpose, "caption"),
            (self.place, "caption"),
        ):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
            set_role(label, role)
        title.setBuddy(self.field)
        self.said.hide()
        self.field.setEchoMode(QLineEdit.EchoMode.Password)
        self.field.setMaxLength(4096)
        self.field.setAccessibleName("Token of the Hugging Face hub")
        set_role(self.keep, "primary")
        for button, name in ((self.keep, "keep"), (self.forget, "forget"), (self.close_button, "close")):
            button.setObjectName(f"secrets-{name}")
            button.setAutoDefault(False)
        entry = QHBoxLayout()
        entry.setSpacing(Space.S)
        entry.addWidget(self.field, 1)
        entry.addWidget(self.keep)
        entry.addWidget(self.forget)
        below = QHBoxLayout()
        below.addStretch(1)
        below.addWidget(self.close_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(Space.XL, Space.XL, Space.XL, Space.L)
        column.setSpacing(Space.M)
        for widget in (title, self.state):
            column.addWidget(widget)
        column.addLayout(entry)
        for widget in (self.said, purpose, self.place):
            column.addWidget(widget)
        column.addSpacing(Space.S)
        column.addLayout(below)


def _state_words(state: Keeping) -> str:
    match state.held:
        case None:
            return "Asking the system's keyring…"
        case "keyring":
            return f"There is one, kept in {state.keyring or 'the keyring'}."
        case "memory":
            return "There is one, in memory until DPO Studio is closed."
        case "nowhere":
            return "There is none." + (f" One would be kept in {state.keyring}." if state.keyring else "")
