"""The tokens of one pair on a card: the prompt above, the two responses side by side below it."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QLabel, QSplitter, QVBoxLayout, QWidget

from app.shell.palette import Space
from app.shell.theme import Theme, set_role
from app.train.preflight.token_view import TokenView
from app.train.preflight.tokens import PairTokens
from app.widgets.unseen import LINE_END, SPACE

_LEGEND = (
    "Underlined: scored. Not underlined: only read. Struck out: cut. On a coloured ground: a sign of the "
    f"template. {SPACE} is a blank, {LINE_END} a line break."
)


class TokenCard(QFrame):
    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_role(self, "card")
        self.problem = QLabel()
        self.prompt = TokenView("Prompt", "text", theme)
        self.chosen = TokenView("Chosen", "chosen", theme)
        self.rejected = TokenView("Rejected", "rejected", theme)
        legend = QLabel(_LEGEND)
        set_role(self.problem, "error")
        set_role(legend, "caption")
        for label in (self.problem, legend):
            label.setWordWrap(True)
        self.problem.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        responses = QSplitter(Qt.Orientation.Horizontal)
        whole = QSplitter(Qt.Orientation.Vertical)
        for splitter, parts in ((responses, (self.chosen, self.rejected)), (whole, (self.prompt, responses))):
            splitter.setChildrenCollapsible(False)
            splitter.setHandleWidth(Space.M)
            for part in parts:
                splitter.addWidget(part)
        whole.setStretchFactor(0, 2)
        whole.setStretchFactor(1, 3)
        column = QVBoxLayout(self)
        column.setContentsMargins(Space.L, Space.M, Space.S, Space.S)
        column.setSpacing(Space.S)
        column.addWidget(self.problem)
        column.addWidget(whole, 1)
        column.addWidget(legend)
        self.show_tokens(None)

    def show_tokens(self, tokens: PairTokens | None) -> None:
        self.problem.setText(tokens.problem if tokens else "")
        self.problem.setVisible(bool(self.problem.text()))
        self.prompt.show_tokens(tokens.prompt if tokens else None)
        self.chosen.show_tokens(tokens.chosen if tokens else None)
        self.rejected.show_tokens(tokens.rejected if tokens else None)
