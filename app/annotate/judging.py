"""Verdicts: given, given in better words, undone and redone, and what follows on the screen. Qt-free.

A verdict is acknowledged, and the next comparison shown, only when the store has it on disk.
"""

from collections.abc import Callable

from app.annotate import desk
from app.annotate.drafts import Draft
from app.annotate.figures import Figures
from app.annotate.keeping import Said
from app.annotate.ledger import Entry, Ledger
from app.annotate.line import Line
from app.annotate.pace import Pace
from app.annotate.remarks import Remarks
from app.annotate.state import LastJudged
from app.annotate.voice import Voice
from app.annotate.write_ahead import WriteAhead
from app.history import History
from app.store.access import StoreAccess
from app.store.records import Choice, Comparison, Side
from app.store.undo.journal import Done

_BACK_ON_SCREEN = ("verdict", "write_again")
"""Kinds of acts after whose undoing a comparison is to be judged again."""


class Judging:
    """`busy` while a verdict is on its way to the disk, or an undo is: keys pressed then are ignored."""

    def __init__(
        self,
        *,
        store: StoreAccess,
        history: History,
        line: Line,
        ahead: WriteAhead,
        figures: Figures,
        remarks: Remarks,
        pace: Pace,
        voice: Voice,
        annotator: Callable[[], str],
        clock: Callable[[], float],
        changed: Callable[[], None],
    ) -> None:
        self.last: LastJudged | None = None
        self._store, self._history, self._line, self._ahead = store, history, line, ahead
        self._figures, self._remarks, self._pace, self._voice = figures, remarks, pace, voice
        self._annotator, self._clock = annotator, clock
        self._ledger = Ledger(store=store, voice=voice, saved=self._on_saved, changed=changed)
        self._again: int | None = None
        """The comparison that somebody chose to judge again."""
        self._stop_listening = history.listen(self._on_done)

    @property
    def busy(self) -> bool:
        return self._ledger.busy or self._history.busy

    def close(self) -> None:
        self._stop_listening()

    def can_be_judged(self, draft: Draft | None) -> bool:
        """Both texts have begun, and it is not whole and about to be shown anyway."""
        return draft is not None and draft.can_be_judged and not draft.finished

    def give(self, choice: Choice, strength: int = 1) -> None:
        """The person's verdict on what is shown, also while it is written: then what is there is kept.

        Ignored, with a hint, while there is nothing to judge.
        """
        self._judge(choice, strength, None)

    def give_edited(self, side: Side, text: str, strength: int = 1) -> None:
        """This side is better, in these words; the response as it was written is kept as well."""
        self._judge(side, strength, text)

    def edit_last(self, text: str) -> None:
        """What was chosen last should have been in these words."""
        last = self.last
        if last is None or not last.winner:
            self._voice.say("There is no chosen response to edit.")
        elif not self.busy:
            verdict = last.verdict
            said = self._said(verdict.choice, verdict.strength, verdict.seconds, text)
            self._ledger.give(last.comparison, said)

    def judge_again(self, comparison_id: int) -> None:
        """Show this one now, judged or not: a verdict comes in the place of one's own earlier verdict."""
        if not self._line.may_show():
            return

        def found(comparison: Comparison | None) -> None:
            if comparison is None:
                self._voice.say("That comparison was deleted.")
            else:
                self._again = comparison_id
                self._line.give_back(comparison)

        self._store.submit(lambda project: desk.look_up(project, comparison_id), found, self._voice.complain)

    def leave(self) -> bool:
        """Leave the verdict of what was chosen to be judged again as it is; False where none was."""
        shown = self._line.shown
        if shown is None or shown.id != self._again or shown.state != "answered" or self.busy:
            return False
        self._again = None
        self._voice.say("Left as it was.")
        self._line.show_next()
        return True

    def undo(self) -> None:
        """Take back what was done last, here or on another page."""
        if not self.busy:
            self._history.undo(
                nothing=lambda: self._voice.say("There is nothing to undo."),
                failed=lambda error: self._voice.complain(error, again=self.undo),
            )

    def redo(self) -> None:
        """Do again what was undone last."""
        if not self.busy:
            self._history.redo(
                nothing=lambda: self._voice.say("There is nothing to redo."),
                failed=lambda error: self._voice.complain(error, again=self.redo),
            )

    def _judge(self, choice: Choice, strength: int, edited: str | None) -> None:
        shown, draft = self._line.shown, self._ahead.draft
        if self.busy or (choice == "skip" and self.leave()):
            return
        if shown is not None:
            seconds = self._clock() - self._line.shown_at
            self._ledger.give(shown, self._said(choice, strength, seconds, edited))
        elif draft is not None and self.can_be_judged(draft):
            seconds = 0.0 if draft.ready_at is None else self._clock() - draft.ready_at
            self._ahead.cut(draft)
            self._ledger.give_draft(draft, self._said(choice, strength, seconds, edited))
        else:
            self._voice.say("Both responses have to be there first.")

    def _said(self, choice: Choice, strength: int, seconds: float, edited: str | None) -> Said:
        return Said(
            choice=choice,
            strength=strength,
            seconds=max(0.0, seconds),
            annotator=self._annotator(),
            edited=edited,
        )

    def _on_saved(self, entry: Entry) -> None:
        judged, draft = entry.judged, entry.draft
        shown = self._line.shown
        self._voice.saved(judged.verdict.choice)
        if draft is None and (shown is None or shown.id != judged.comparison.id):
            self.last = judged  # one from before, in better words
        else:
            self._go_on(judged, draft)
        self._history.refresh()
        self._figures.look()

    def _go_on(self, judged: LastJudged, draft: Draft | None) -> None:
        choice, comparison_id = judged.verdict.choice, judged.comparison.id
        if choice == "skip":
            self._line.skip(comparison_id)
        else:
            self.last = judged
            self._pace.judged(judged.verdict.seconds)
        self._figures.given(choice)
        if self._ahead.held:
            self._ahead.go_on()
        self._line.show_next()
        if draft is not None:
            self._ahead.let_go(draft)

    def _on_done(self, done: Done) -> None:
        self._voice.say(f"{'Undone' if done.undone else 'Done again'}: {done.label}")
        self._figures.look()
        shown, comparison_id = self._line.shown, done.comparison_id
        if done.kind in _BACK_ON_SCREEN and comparison_id is not None:
            if self.last is not None and self.last.comparison.id == comparison_id:
                self.last = None
            if done.undone:
                self._give_back(comparison_id)
                return
            if shown is not None and shown.id == comparison_id:
                self._line.show_next()
                return
        self.look_again()

    def _give_back(self, comparison_id: int) -> None:
        who = self._annotator()

        def found(comparison: Comparison | None) -> None:
            if comparison is None:
                self.look_again()
            else:
                self._line.give_back(comparison)

        self._store.submit(
            lambda project: desk.to_judge_again(project, comparison_id, who), found, self._voice.complain
        )

    def look_again(self) -> None:
        """Something changed elsewhere: what is shown may have other notes, or be gone."""
        shown = self._line.shown
        if shown is not None:
            self._remarks.reread(shown, gone=lambda: self._on_gone(shown))
        self._line.look_ahead()

    def _on_gone(self, comparison: Comparison) -> None:
        if self._line.shown is not None and self._line.shown.id == comparison.id:
            self._line.show_next()
