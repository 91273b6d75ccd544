"""The selected verdict for reading: the prompt, what was chosen, and what the policy holds better."""

from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.inspector.pair_texts import TextCard, conversation_text
from app.inspector.suspects.material import SuspectRow
from app.inspector.wording import count, decimal, percent
from app.shell.palette import Space
from app.shell.theme import Theme, set_role
from app.store.training.studies import StudyTexts


class SuspectReading(QWidget):
    """Follows the selection; empty while there is none."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.sentence = QLabel()
        self.sentence.setAccessibleName("What the policy says of this verdict")
        self.sentence.setWordWrap(True)
        set_role(self.sentence, "secondary")
        self.prompt = TextCard("Prompt", "strong", "message-square", theme)
        self.chosen = TextCard("Chosen", "chosen", "check", theme)
        self.rejected = TextCard("Rejected", "rejected", "x", theme)
        cards = QHBoxLayout()
        cards.setSpacing(Space.M)
        for card, share in ((self.prompt, 3), (self.chosen, 4), (self.rejected, 4)):
            cards.addWidget(card, share)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, Space.S, 0, 0)
        column.setSpacing(Space.S)
        column.addWidget(self.sentence)
        column.addLayout(cards, 1)

    def show_row(self, one: SuspectRow | None) -> None:
        """Its figures at once; the texts follow."""
        self.sentence.setText("" if one is None else verdict_sentence(one))
        lengths = (0, 0) if one is None else (one.row.score.chosen_tokens, one.row.score.rejected_tokens)
        for card, tokens in zip((self.chosen, self.rejected), lengths, strict=True):
            card.show_text("", length=count(tokens, "token") if tokens else "")
        self.prompt.show_text("")

    def show_texts(self, one: SuspectRow, texts: StudyTexts) -> None:
        score = one.row.score
        split = "Held-out" if score.split == "held_out" else "Train"
        self.prompt.show_text(conversation_text(texts.prompt), length=split)
        for card, text, tokens, ratio in (
            (self.chosen, texts.chosen, score.chosen_tokens, score.chosen_log_ratio),
            (self.rejected, texts.rejected, score.rejected_tokens, score.rejected_log_ratio),
        ):
            card.show_text(
                text,
                length=count(tokens, "token"),
                figures=f"log-ratio {decimal(ratio, 3)}",
                tip="Log-prob under the policy that never saw this verdict, less that under its reference",
            )

    def show_problem(self, sentence: str) -> None:
        self.sentence.setText(sentence)


def verdict_sentence(one: SuspectRow) -> str:
    """What a policy that learned from the others says, without calling anybody wrong."""
    chance = percent(one.found.probability, 0)
    said = f"margin {decimal(one.found.margin)}, {chance} for the chosen"
    if one.disagrees:
        return f"A policy trained on the other verdicts holds the rejected response better ({said})."
    return f"A policy trained on the other verdicts agrees with this one ({said})."
