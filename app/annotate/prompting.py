"""What a person asks to be written: responses anew, for a prompt of their own, after a winner. Qt-free."""

from collections.abc import Callable
from typing import Literal

from app.annotate import desk
from app.annotate.drafts import draft_of_one_side
from app.annotate.judging import Judging
from app.annotate.line import Line
from app.annotate.voice import Voice
from app.annotate.write_ahead import WriteAhead
from app.annotate.writers import Writers
from app.history import History
from app.store.access import StoreAccess
from app.store.collecting import comparisons
from app.store.errors import StoreError
from app.store.handle import Project
from app.store.records import Comparison, Prompt, Side

Answered = Callable[[str], None]
"""Hears "" when it was done, else the sentence why it was refused."""


def _nobody(_answer: str) -> None:
    """Nobody wants to know."""


class Prompting:
    """While a verdict is on its way to the disk nothing is written again."""

    def __init__(
        self,
        *,
        store: StoreAccess,
        history: History,
        line: Line,
        ahead: WriteAhead,
        writers: Writers,
        judging: Judging,
        voice: Voice,
        annotator: Callable[[], str],
        changed: Callable[[], None],
        failed: Callable[[StoreError], None],
    ) -> None:
        self._store, self._history, self._line, self._ahead = store, history, line, ahead
        self._writers, self._judging, self._voice = writers, judging, voice
        self._annotator, self._changed, self._failed = annotator, changed, failed

    def write_again(self, which: Literal["both", "left", "right"] = "both") -> None:
        """One or both responses anew: of what is shown, of what is being written, or after a stop."""
        shown, draft = self._line.shown, self._ahead.draft
        if self._judging.busy:
            return
        if shown is not None and which != "both":
            self._write_one_side(shown, which)
        elif shown is not None:
            self._write_both(shown)
        elif draft is not None:
            self._line.wait_for(draft.prompt)
            self._ahead.write_now(draft.prompt)
        else:
            self._ahead.go_on()
        self._changed()

    def stop_writing(self) -> None:
        """End what is being written on the screen; `write_again` goes on. Leaves what is judged again."""
        if self._judging.leave():
            return
        if self._line.shown is None and self._ahead.draft is not None:
            self._line.wait_no_more()
            self._ahead.hold()
            self._line.look_ahead()

    def add_prompt(self, text: str, system: str = "", answered: Answered = _nobody) -> None:
        """Keep a prompt of the person's own and write for it next."""
        who = self._annotator()
        self._add(
            lambda project: desk.add_prompt(project, text.strip(), system.strip(), who),
            "Your prompt comes next.",
            answered,
        )

    def continue_from_winner(self, text: str, answered: Answered = _nobody) -> None:
        """The conversation goes on from what was chosen last, with these words; it is written for next."""
        last, who = self._judging.last, self._annotator()
        if last is None or not last.winner:
            answered("A conversation goes on from a chosen response: say first which one is better.")
            return
        self._add(
            lambda project: desk.continue_conversation(project, last.prompt, last.winner, text.strip(), who),
            "The conversation goes on next.",
            answered,
        )

    def on_side_given_up(self, sentence: str) -> None:
        """What was to be written again stays as it was."""
        self._voice.complain(f"The response was not written again. {sentence}")
        self._line.wait_no_more()
        self._line.look_ahead()

    def _write_both(self, shown: Comparison) -> None:
        who = self._annotator()
        self._line.wait_for(shown.prompt)
        self._store.submit(
            lambda project: comparisons.retire(project, shown.id, annotator=who),
            lambda _retired: self._history.refresh(),
            self._failed,
        )
        self._ahead.write_now(shown.prompt)

    def _write_one_side(self, shown: Comparison, side: Side) -> None:
        replaced, kept = (shown.left, shown.right) if side == "left" else (shown.right, shown.left)
        author = self._writers.author_of(replaced.model)
        self._line.wait_for(shown.prompt)
        self._ahead.write_draft(draft_of_one_side(shown.id, shown.prompt, author, kept, side))

    def _add(self, work: Callable[[Project], Prompt], words: str, answered: Answered) -> None:
        def added(prompt: Prompt) -> None:
            answered("")
            self._voice.say(words)
            self._history.refresh()
            self._ahead.put_first(prompt)

        self._store.submit(work, added, lambda error: answered(str(error)))
