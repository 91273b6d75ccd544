"""Under the two responses: the verdicts, each with its key, and below them what else can be done."""

from PySide6.QtCore import QSize, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.annotate.keys import KeyButton
from app.shell.edit_actions import labelled
from app.shell.keymap import Keymap
from app.shell.palette import Space
from app.shell.shortcuts import shown_key
from app.shell.theme import Theme, set_role
from app.store.records import Choice

_ACKNOWLEDGED_MS = 600
_LONGEST_NOTE, _LONGEST_NOTE_COMPACT = 28, 9
_COMPACT_BELOW, _NARROWEST = 900, 560
_BUTTONS: tuple[tuple[Choice, str, str], ...] = (
    ("left", "left", "Left is better"),
    ("tie", "tie", "Tie"),
    ("both_bad", "both-bad", "Both bad"),
    ("skip", "skip", "Skip"),
    ("right", "right", "Right is better"),
)
"""Choice, action, words."""
_STACKED_WORDS = {"left": "Upper is better", "right": "Lower is better"}


class VerdictBar(QWidget):
    """Left stands left and right stands right, so that a key needs no second thought."""

    verdict_pressed = Signal(str)
    """A `Choice`."""

    def __init__(self, theme: Theme, keymap: Keymap, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._keymap = theme, keymap
        self._buttons: dict[str, KeyButton] = {}
        self._acknowledged: KeyButton | None = None
        self._compact = False
        self._notes: tuple[bool, tuple[str, ...], str] = (False, (), "")
        self._timer = QTimer(self, singleShot=True, interval=_ACKNOWLEDGED_MS)
        self._timer.timeout.connect(self._forget)
        self.undo = self._quiet("verdict-undo", "Undo")
        self.flag = self._quiet("note-flag", "Flag")
        self.tags = self._quiet("note-tags", "Tags")
        self.comment = self._quiet("note-comment", "Comment")
        self.edit = self._quiet("edit-response", "Edit")
        self.go_on = self._quiet("continue-conversation", "Continue")
        self.again = self._quiet("write-again", "Write again")
        self.stop = self._quiet("stop-writing", "Stop writing")
        self._lay_out()
        self._keyed = {
            "undo": self.undo,
            "annotate.flag": self.flag,
            "annotate.tags": self.tags,
            "annotate.comment": self.comment,
            "annotate.edit": self.edit,
            "annotate.continue": self.go_on,
            "annotate.again": self.again,
            "annotate.stop": self.stop,
        } | {f"annotate.{action}": self._buttons[choice] for choice, action, _ in _BUTTONS}
        self.edit.set_words("Edit", tip="Put a response into your own words and choose it")
        self.again.set_words("Write again", tip="Write both responses again")
        self.go_on.set_words("Continue", tip="Continue the conversation from the response chosen last")
        self.show_notes(*self._notes)
        self.destroyed.connect(keymap.subscribe(self.follow_keys))
        self.follow_keys()

    def minimumSizeHint(self) -> QSize:
        # Smaller than its buttons ask for: where there is little room they make do with less.
        return QSize(_NARROWEST, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        compact = event.size().width() < self._theme.px(_COMPACT_BELOW)
        if compact != self._compact:
            self._compact = compact
            for button in (self.undo, self.flag, self.tags, self.comment, self.edit, self.go_on, self.again):
                button.set_compact(compact)
            self.show_notes(*self._notes)
        super().resizeEvent(event)

    def follow_keys(self) -> None:
        for action, button in self._keyed.items():
            button.set_key(shown_key(self._keymap, action))

    def doors(self) -> list[tuple[KeyButton, str]]:
        """The buttons that do what an action of the page does, with its name."""
        named = ((self.flag, "flag"), (self.tags, "tags"), (self.comment, "comment"), (self.edit, "edit"))
        return [*named, (self.go_on, "continue"), (self.again, "again"), (self.stop, "stop")]

    def set_possible(self, *, whole: bool, judged: bool, writing: bool) -> None:
        """`whole`: a comparison is there; `judged`: what is there of two texts coming in may be judged."""
        for button in self._buttons.values():
            if button.isEnabled() != (whole or judged):
                button.setEnabled(whole or judged)
        for button in (self.flag, self.tags, self.comment, self.edit, self.again):
            button.setEnabled(whole)
        self.stop.setVisible(writing)
        self.again.setVisible(not writing)

    def set_can_go_on(self, possible: bool) -> None:
        """Whether a response was chosen that the conversation can continue from."""
        self.go_on.setEnabled(possible)

    def set_stacked(self, stacked: bool) -> None:
        for choice, _action, words in _BUTTONS:
            self._buttons[choice].set_words(_STACKED_WORDS.get(choice, words) if stacked else words)

    def show_undo(self, label: str) -> None:
        self.undo.set_words("Undo", tip=labelled("Undo", label))
        self.undo.setEnabled(bool(label))

    def show_notes(self, flagged: bool, tags: tuple[str, ...], comment: str) -> None:
        """What a person noted on the comparison; said in words, and marked as set."""
        self._notes = (flagged, tags, comment)
        most = _LONGEST_NOTE_COMPACT if self._compact else _LONGEST_NOTE
        first = _short(comment.split("\n", 1)[0], most)
        for button, plain, noted, tip in (
            (self.flag, "Flag", "Flagged" if flagged else "", "Flagged"),
            (self.tags, "Tags", _short(", ".join(tags), most), f"Tags: {', '.join(tags)}"),
            (self.comment, "Comment", f"“{first}”" if first else "", f"Comment: {comment}"),
        ):
            button.set_words(noted or plain, tip=tip if noted else "")
            role = "noted" if noted else "quiet"
            if button.property("role") != role:
                set_role(button, role)

    def acknowledge(self, choice: str) -> None:
        """Show for a moment which verdict was saved; nothing waits for that."""
        self._forget()
        self._acknowledged = self._buttons[choice]
        set_role(self._acknowledged, "saved")
        self._timer.start()

    def focused_verdict(self) -> bool:
        """Whether the keyboard focus is on one of the verdicts."""
        return any(button.hasFocus() for button in self._buttons.values())

    def _forget(self) -> None:
        if self._acknowledged is not None:
            set_role(self._acknowledged, "")
            self._acknowledged = None

    def _quiet(self, name: str, words: str) -> KeyButton:
        button = KeyButton("", words, quiet=True)
        button.setObjectName(name)
        return button

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.setSpacing(Space.S)
        for choice, _action, words in _BUTTONS:
            button = KeyButton("", words)
            button.setObjectName(f"verdict-{choice}")
            button.clicked.connect(lambda _=False, choice=choice: self.verdict_pressed.emit(choice))
            self._buttons[choice] = button
            top.addWidget(button, 3 if choice in ("left", "right") else 1)
        bottom = QHBoxLayout()
        bottom.setSpacing(Space.XS)
        bottom.addWidget(self.undo)
        bottom.addStretch(1)
        for button in (self.flag, self.tags, self.comment, self.edit, self.go_on):
            bottom.addWidget(button)
        bottom.addStretch(1)
        bottom.addWidget(self.stop)
        bottom.addWidget(self.again)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(Space.XS)
        layout.addLayout(top)
        layout.addLayout(bottom)


def _short(words: str, most: int) -> str:
    return words if len(words) <= most else f"{words[: most - 1]}…"
