"""Beside the texts of a row: its history, tags, comment, and what each response was written by and with."""

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtWidgets import QFrame, QLabel, QPlainTextEdit, QScrollArea, QVBoxLayout, QWidget

from app.library.reading import Happening, Reading
from app.library.wording import (
    SPLIT_WORDS,
    STANDING_WORDS,
    count,
    margin_words,
    model_words,
    moment,
    source_words,
)
from app.shell.palette import FontSize, Space
from app.shell.theme import Theme, set_role
from app.store.records import Candidate, Comparison
from app.words import STRENGTH_WORDS

_EVENTS = {"superseded": "replaced", "undone": "undone", "redone": "redone"}
_PURPOSES = {"repeat": "asked again", "settle": "asked again to settle", "second_look": "second look"}


class Details(QScrollArea):
    """Emits `comment_changed` when the person leaves a row's comment with another text in it."""

    comment_changed = Signal(int, str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setWidgetResizable(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName("History and details")
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.history, self.facts = QLabel(), QLabel()
        for label, name in ((self.history, "History"), (self.facts, "Details")):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setAccessibleName(name)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            label.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
            set_role(label, "secondary")
        self.comment = QPlainTextEdit()
        self.comment.setAccessibleName("Comment")
        self.comment.setPlaceholderText("No comment")
        self.comment.setTabChangesFocus(True)
        self.comment.setFixedHeight(theme.px(64))
        self.comment.installEventFilter(self)
        self._key, self._kept = 0, ""
        body = QFrame()
        set_role(body, "details")
        column = QVBoxLayout(body)
        column.setContentsMargins(Space.XS, 0, Space.M, Space.S)
        column.setSpacing(Space.XS)
        self._comment_heading = _heading("Comment")
        for heading, part in (
            (_heading("History"), self.history),
            (self._comment_heading, self.comment),
            (_heading("Details"), self.facts),
        ):
            column.addWidget(heading)
            column.addWidget(part)
            column.addSpacing(Space.S)
        column.addStretch(1)
        self.setWidget(body)
        theme.changed.connect(self._on_theme_changed)
        self._on_theme_changed()

    def show_reading(self, reading: Reading) -> None:
        self.history.setText("\n".join(_line(one) for one in reading.history) or _none_yet(reading))
        self.facts.setText("\n".join(f"{name}: {value}" for name, value in _facts(reading) if value))
        has_comment = reading.comparison is not None
        self._comment_heading.setVisible(has_comment)
        self.comment.setVisible(has_comment)
        comment = reading.comparison.comment if reading.comparison else ""
        if reading.key != self._key or comment != self._kept:
            self.comment.setPlainText(comment)
        self._key, self._kept = reading.key, comment

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.comment and event.type() == QEvent.Type.FocusOut:
            text = self.comment.toPlainText().strip()
            if text != self._kept:
                self._kept = text
                self.comment_changed.emit(self._key, text)
        return super().eventFilter(watched, event)

    def _on_theme_changed(self) -> None:
        for label in (self.history, self.facts):
            label.setFont(self._theme.figures(FontSize.CAPTION))


def origin(candidate: Candidate) -> str:
    """Who wrote a response, and with what, on one line."""
    parts = [count(candidate.chars, "character"), model_words(candidate.model)]
    settings = candidate.sampling
    parts += [f"{name.replace('_', ' ')} {value:g}" for name, value in settings.items() if value]
    if candidate.seed:
        parts.append(f"seed {candidate.seed}")
    if candidate.finish_reason == "length":
        parts.append("cut at the longest length")
    return " · ".join(parts)


def verdict_words(reading: Reading) -> str:
    """What counts, in words: "Left is much better"."""
    if reading.comparison is None:
        return "Not compared yet"
    if reading.choice is None:
        return "Out of the queue" if reading.comparison.state == "retired" else "Waits for a verdict"
    if reading.choice in ("left", "right"):
        strength = reading.verdict.strength if reading.verdict else 1
        return f"{STANDING_WORDS[reading.choice]} is {STRENGTH_WORDS[strength].lower()}"
    return STANDING_WORDS[reading.choice]


def _line(one: Happening) -> str:
    words = STANDING_WORDS[one.choice]
    if one.choice in ("left", "right") and one.strength > 1:
        words += f", {STRENGTH_WORDS[one.strength].lower()}"
    notes = [_EVENTS.get(one.what, ""), _PURPOSES.get(one.purpose, "")]
    notes += ["edited" if one.edited else "", "imported" if one.imported else ""]
    if one.what == "given" and one.seconds and not one.imported:
        notes.append(f"{one.seconds:.1f} s")
    said = " · ".join(note for note in notes if note)
    return f"{moment(one.at)}  {one.annotator}: {words}" + (f" ({said})" if said else "")


def _none_yet(reading: Reading) -> str:
    return "No verdict yet" if reading.comparison else "No comparison yet: one is written when its turn comes"


def _facts(reading: Reading) -> list[tuple[str, str]]:
    prompt, comparison = reading.prompt, reading.comparison
    tags = sorted({*prompt.tags, *(comparison.tags if comparison else ())})
    facts = [
        ("Tags", ", ".join(tags)),
        ("Split", SPLIT_WORDS[prompt.split]),
        ("Prompt", f"{source_words(prompt.source).lower()}, {moment(prompt.created_at)}"),
    ]
    if comparison is not None:
        facts += _comparison_facts(comparison, reading)
    return facts


def _comparison_facts(comparison: Comparison, reading: Reading) -> list[tuple[str, str]]:
    judged = reading.choice is not None
    margin = comparison.margin
    if margin is not None and reading.choice == "right":
        margin = -margin
    return [
        ("Margin", margin_words(margin, judged=judged)),
        ("Chosen for you", "at random" if comparison.picked == "random" else ""),
        ("Fingerprint", comparison.left.fingerprint[:12] if judged else ""),
    ]


def _heading(text: str) -> QLabel:
    label = QLabel(text)
    set_role(label, "caption")
    return label
