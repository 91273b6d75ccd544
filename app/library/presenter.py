"""The Library's logic: filter and order, the rows, the row being read, acts on many rows, figures. Qt-free.

Everything is read on readers' threads; what changes something goes through the store's one writer, as one act
that can be undone by name. After an act, an undo or a return to the page the rows are read again; those on
the screen stay until their successors are there.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count
from typing import TypeVar

import numpy as np

from app.history import History
from app.library import acts, reading, saved
from app.library.acts import Act
from app.library.saved import SavedFilter
from app.library.state import EVERYTHING, LibraryState, Notice
from app.library.table_rows import Span, TableRows
from app.library.wording import rows_words
from app.store.access import StoreAccess, StoreReader
from app.store.errors import StoreError
from app.store.figures.statistics import Statistics, statistics
from app.store.handle import Project
from app.store.library import table as library
from app.store.library.filters import Filter, Sort
from app.store.library.table import Facets, Keys
from app.store.undo.journal import Done

T = TypeVar("T")


class LibraryPresenter:
    """`listen`: the state is another one. `listen_to_rows`: the rows are, or some were filled in."""

    def __init__(
        self,
        *,
        reader: StoreReader,
        slow_reader: StoreReader,
        store: StoreAccess,
        history: History,
        annotator: Callable[[], str],
    ) -> None:
        """`reader` answers at once, `slow_reader` takes what may last seconds; `annotator` signs."""
        self._reader, self._slow_reader, self._store = reader, slow_reader, store
        self._history, self._annotator = history, annotator
        self._state = LibraryState()
        self._listeners: list[Callable[[], None]] = []
        self._on_rows: Callable[[], None] = lambda: None
        self._on_filled: Callable[[int, int], None] = lambda _first, _last: None
        self._numbers = count(1)
        self._visible = False
        self._wants_statistics = False
        self._give_up_reading: Callable[[], None] = lambda: None
        self._give_up_statistics: Callable[[], None] = lambda: None
        self.rows = TableRows(
            reader,
            slow_reader,
            changed=self._on_rows_changed,
            filled=self._on_rows_filled,
            failed=self._on_read_failed,
        )
        self._stop_listening = history.listen(self._on_undone)

    @property
    def state(self) -> LibraryState:
        return self._state

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` after every change of the state; call the result to stop."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    def listen_to_rows(self, changed: Callable[[], None], filled: Callable[[int, int], None]) -> None:
        """One page listens: the keys are other ones; rows from `first` to `last` were filled in."""
        self._on_rows, self._on_filled = changed, filled

    def close(self) -> None:
        self._stop_listening()
        self._listeners.clear()
        self.listen_to_rows(lambda: None, lambda _first, _last: None)
        self.rows.stop()

    def set_visible(self, visible: bool) -> None:
        """Tell whether the page is in view: only then is anything read."""
        self._visible = visible
        if visible:
            self.refresh()

    def show_unfindable(self, texts: int) -> None:
        """How many texts of an import a search does not find yet; a search is done again when all are."""
        done = self._state.unfindable > 0 and texts == 0
        self._change(unfindable=texts)
        if done and self._visible and self._state.filter.text:
            self.rows.show(self._state.filter, self._state.sort)

    def refresh(self) -> None:
        """Read everything that is shown again: something may have changed."""
        self.rows.show(self._state.filter, self._state.sort)
        self._reader.submit(saved.saved_filters, self._on_saved, self._on_read_failed)
        self._slow_reader.submit(library.facets, self._on_facets, self._on_read_failed)
        if self._state.reading is not None:
            self.read(self._state.reading.key)
        if self._wants_statistics:
            self.show_statistics()

    # --- which rows ---------------------------------------------------------------------------------

    def set_filter(self, wanted: Filter) -> None:
        if wanted != self._state.filter:
            self._change(filter=wanted, total=None)
            self.rows.show(wanted, self._state.sort)

    def clear_filter(self) -> None:
        self.set_filter(EVERYTHING)

    def set_sort(self, sort: Sort) -> None:
        if sort != self._state.sort:
            self._change(sort=sort)
            self.rows.show(self._state.filter, sort)

    # --- one row ------------------------------------------------------------------------------------

    def read(self, key: int | None) -> None:
        """Show everything about a row; None for nothing."""
        self._give_up_reading()
        if key is None:
            self._change(reading=None)
            return
        self._give_up_reading = self._reader.submit(
            lambda project: reading.load(project, key),
            lambda found: self._change(reading=found),
            lambda _gone: self._change(reading=None),
        )

    def set_comment(self, key: int, text: str) -> None:
        """Of one row."""
        self._do(np.array([key]), acts.comment(text), lambda _n: "Comment kept", "Nothing to change")

    # --- many rows ----------------------------------------------------------------------------------

    def tag(self, spans: Sequence[Span], tags: Sequence[str]) -> None:
        self._act(spans, acts.tag(tags), lambda n: f"Tagged {n} {_quoted(tags)}", "They had it already")

    def untag(self, spans: Sequence[Span], tags: Sequence[str]) -> None:
        self._act(spans, acts.untag(tags), lambda n: f"Took {_quoted(tags)} off {n}", "None of them had it")

    def flag(self, spans: Sequence[Span], flagged: bool) -> None:
        verb = "Flagged" if flagged else "Took the flag off"
        self._act(spans, acts.flag(flagged), lambda n: f"{verb} {n}", "Nothing to change")

    def hold_out(self, spans: Sequence[Span]) -> None:
        """Their prompts, with all of their comparisons, only measure from now on."""
        self._act(spans, acts.move("held_out"), lambda n: f"Held out {n}", "Held out already", "prompt")

    def train_on(self, spans: Sequence[Span]) -> None:
        self._act(
            spans, acts.move("train"), lambda n: f"Moved {n} to training", "For training already", "prompt"
        )

    def delete(self, spans: Sequence[Span]) -> None:
        self._act(spans, acts.delete(True), lambda n: f"Deleted {n}", "They are gone already")

    def restore(self, spans: Sequence[Span]) -> None:
        self._act(spans, acts.delete(False), lambda n: f"Restored {n}", "They are there already")

    def ask_again(self, spans: Sequence[Span]) -> None:
        """Blind, on the page where verdicts are given; the new answer counts."""
        self._act(
            spans, acts.ask_again(), lambda n: f"{n} will be asked again, blind", "None of them has a verdict"
        )

    def undo(self) -> None:
        """Take back the latest act, whichever page it was on."""
        self._history.undo(nothing=lambda: self._say("There is nothing to undo"), failed=self._on_act_failed)

    # --- saved filters ------------------------------------------------------------------------------

    def save_filter(self, name: str) -> None:
        wanted, annotator = self._state.filter, self._annotator()
        self._write(
            lambda project: saved.save(project, name, wanted, annotator=annotator),
            lambda kept: self._on_saved_changed(kept, f"Saved the filter “{name.strip()}”"),
        )

    def delete_filter(self, name: str) -> None:
        annotator = self._annotator()
        self._write(
            lambda project: saved.delete(project, name, annotator=annotator),
            lambda kept: self._on_saved_changed(kept, f"Deleted the filter “{name}”"),
        )

    # --- figures ------------------------------------------------------------------------------------

    def show_statistics(self) -> None:
        """Work out the figures of the whole project; they come as `state.statistics`."""
        self._wants_statistics = True
        self._give_up_statistics()
        self._give_up_statistics = self._slow_reader.submit(
            statistics, self._on_statistics, self._on_read_failed
        )

    def hide_statistics(self) -> None:
        self._wants_statistics = False
        self._give_up_statistics()

    # --- answers ------------------------------------------------------------------------------------

    def _on_rows_changed(self) -> None:
        total = len(self.rows.keys) if self.rows.complete else self._state.total
        self._change(phase="ready", total=total, problem="")
        self._on_rows()

    def _on_rows_filled(self, first: int, last: int) -> None:
        self._on_filled(first, last)

    def _on_read_failed(self, error: StoreError) -> None:
        self._change(phase="failed", problem=str(error))

    def _on_facets(self, facets: Facets) -> None:
        self._change(facets=facets)

    def _on_saved(self, found: tuple[SavedFilter, ...]) -> None:
        self._change(saved=found)

    def _on_saved_changed(self, kept: tuple[SavedFilter, ...], words: str) -> None:
        self._change(saved=kept)
        self._say(words, undo=True)
        self._history.refresh()

    def _on_statistics(self, found: Statistics) -> None:
        self._change(statistics=found)

    def _on_undone(self, done: Done) -> None:
        if self._visible:
            self._say(f"{'Undone' if done.undone else 'Redone'}: {done.label}")
            self.refresh()

    def _on_act_failed(self, error: StoreError) -> None:
        self._change(working="")
        self._say(str(error), problem=True)

    # --- acting -------------------------------------------------------------------------------------

    def _act(
        self,
        spans: Sequence[Span],
        act: Act,
        words: Callable[[str], str],
        nothing: str,
        of: str = "row",
    ) -> None:
        """`words`: what was done to so many, as a phrase; `nothing` when there was nothing to do."""
        self._do(self.rows.keys_of(spans), act, words, nothing, of)

    def _do(self, keys: Keys, act: Act, words: Callable[[str], str], nothing: str, of: str = "row") -> None:
        if not keys.size or self._state.working:
            return
        annotator = self._annotator()
        self._change(working=f"Working on {rows_words(len(keys))}…")

        def done(changed: int) -> None:
            self._change(working="")
            if changed:
                # Several tags on one row are several changes, of one row.
                number = changed if of == "prompt" else min(changed, len(keys))
                self._say(words(rows_words(number).replace("row", of)), undo=True)
                self._history.refresh()
                self.refresh()
            else:
                self._say(nothing)

        self._write(lambda project: act(project, keys, annotator), done)

    def _write(self, work: Callable[[Project], T], done: Callable[[T], None]) -> None:
        self._store.submit(work, done, self._on_act_failed)

    def _say(self, text: str, *, undo: bool = False, problem: bool = False) -> None:
        self._change(notice=Notice(number=next(self._numbers), text=text, undo=undo, problem=problem))

    def _change(self, **changes: object) -> None:
        self._state = replace(self._state, **changes)  # type: ignore[arg-type]
        for listener in list(self._listeners):
            listener()


def _quoted(tags: Sequence[str]) -> str:
    return ", ".join(f"“{tag}”" for tag in tags)
