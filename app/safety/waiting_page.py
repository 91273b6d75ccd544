"""A quiet page for the seconds in which a project is closed and another file takes its place."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QLabel, QVBoxLayout

from app.shell.theme import set_role


class WaitingPage(QFrame):
    def __init__(self, sentence: str) -> None:
        super().__init__()
        set_role(self, "page")
        said = QLabel(sentence, alignment=Qt.AlignmentFlag.AlignCenter, textFormat=Qt.TextFormat.PlainText)
        set_role(said, "secondary")
        QVBoxLayout(self).addWidget(said)
