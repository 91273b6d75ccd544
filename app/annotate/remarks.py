"""What the person notes on the comparison on the screen: a flag, a comment, tags. Qt-free."""

from collections.abc import Callable

from app.annotate import desk
from app.annotate.line import Line
from app.annotate.voice import Voice
from app.store.access import StoreAccess
from app.store.collecting import notes
from app.store.handle import Project
from app.store.records import Comparison


class Remarks:
    """`noted` is called when one is on the disk."""

    def __init__(
        self,
        *,
        store: StoreAccess,
        line: Line,
        voice: Voice,
        annotator: Callable[[], str],
        noted: Callable[[], None],
    ) -> None:
        self._store, self._line, self._voice = store, line, voice
        self._annotator, self._noted = annotator, noted

    def flag(self) -> None:
        """Flag it, or take the flag away."""
        shown, who = self._line.shown, self._annotator()
        if shown is not None:
            wanted = not shown.flagged
            self._note(shown, lambda project: notes.set_flag(project, [shown.id], wanted, annotator=who))

    def comment(self, text: str) -> None:
        """In place of the comment there is; empty takes it away."""
        shown, who = self._line.shown, self._annotator()
        if shown is not None:
            self._note(shown, lambda project: notes.set_comment(project, [shown.id], text, annotator=who))

    def tag(self, tags: tuple[str, ...]) -> None:
        """These and no others."""
        shown, who = self._line.shown, self._annotator()
        if shown is not None:
            self._note(shown, lambda project: notes.set_tags(project, shown.id, tags, annotator=who))

    def reread(self, comparison: Comparison, gone: Callable[[], None]) -> None:
        """Show what others made of it meanwhile; `gone` is called where it was deleted."""

        def read(found: Comparison | None) -> None:
            if found is None:
                gone()
            else:
                self._line.replace(found)

        self._store.submit(lambda project: desk.reread(project, comparison.id), read, self._voice.complain)

    def _note(self, shown: Comparison, note: Callable[[Project], int]) -> None:
        def work(project: Project) -> Comparison | None:
            note(project)
            return desk.reread(project, shown.id)

        def written(found: Comparison | None) -> None:
            if found is not None:
                self._line.replace(found)
            self._noted()

        self._store.submit(
            work, written, lambda error: self._voice.complain(error, again=lambda: self._note(shown, note))
        )
