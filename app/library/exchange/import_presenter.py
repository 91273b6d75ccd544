"""Import's logic: look at a file, name its columns where need be, take it in, report. Qt-free.

Looking reads only. The import itself is one act on the store's thread: all of it or nothing.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from msgspec import structs

from app.library.exchange.choice_values import unknown_choices
from app.library.exchange.guessing import guessed_mapping
from app.library.exchange.import_state import ImportState, Wishes
from app.library.exchange.long_work import NO_PROGRESS
from app.library.exchange.presenting import Means, Presenter
from app.library.exchange.wording import added_words
from app.store.errors import StoreError
from app.store.exchange import importing, preview, report
from app.store.exchange.mapped import ColumnMapping
from app.store.exchange.preview import Preview
from app.store.exchange.report import Report
from app.store.exchange.sources import Source, SourceFile, source_at
from app.store.undo.journal import Done

_HUB = "huggingface.co/datasets/"
_ENDED = "The fetch of {name} was ended. Nothing came into the project, and nothing half done is used."


class ImportPresenter(Presenter[ImportState]):
    def __init__(self, means: Means) -> None:
        super().__init__(means, ImportState())
        self._stop_looking: Callable[[], None] = lambda: None
        self._cancel: Callable[[], None] = lambda: None
        self._stop_listening = means.history.listen(self._on_undone)

    @property
    def is_working(self) -> bool:
        return self.state.phase == "importing"

    def open(self) -> None:
        """The page comes into view: what is under way or was not read yet stays."""
        if not self.state.wishes.unsigned:
            self.set_wishes(replace(self.state.wishes, unsigned=self._means.annotator()))

    def close(self) -> None:
        self._stop_looking()
        self._cancel()
        self._stop_listening()
        self._listeners.clear()

    # --- looking ------------------------------------------------------------------------------------

    def look(self, paths: Sequence[Path]) -> None:
        """At a file, several, or a folder."""
        if self.is_working or not paths:
            return
        name = paths[0].name if len(paths) == 1 else f"{len(paths)} files"
        self._look(lambda: preview.look_at(_joined(paths, name)), name, online=False)

    def look_on_hub(self, text: str) -> None:
        """At a data set of the hub, `owner/name`, or `owner/name part`: it is fetched for that."""
        words = text.rsplit(_HUB, maxsplit=1)[-1].split()
        if self.is_working or not words:
            return
        name, part = words[0].rstrip("/"), words[1] if len(words) > 1 else None
        secrets, ended = self._means.secrets, threading.Event()
        self._look(
            lambda: preview.look_on_hub(
                name,
                part,
                token=secrets.get("hub-token") or None,
                on_bytes=lambda received: self._tell_received(received, ended),
                cancelled=ended.is_set,
            ),
            name,
            online=True,
        )
        give_up = self._stop_looking

        def stop() -> None:
            ended.set()
            give_up()

        self._stop_looking = stop

    def stop_looking(self) -> None:
        self._stop_looking()
        said = _ENDED.format(name=self.state.name) if self.state.online else ""
        self._change(phase="choosing", said=said, problem="")

    def start_over(self) -> None:
        """To another file."""
        if not self.is_working:
            self._stop_looking()
            self._state = ImportState(wishes=replace(self.state.wishes, take="verdicts"))
            self._change()

    def map_columns(self, mapping: ColumnMapping | None) -> None:
        """Read the rows by columns that a person named; None: by the format that was recognised."""
        found = self.state.preview
        if found is None or self.state.phase != "previewing":
            return
        self._stop_looking()
        self._change(mapping=mapping, reading_again=True, problem="")
        source = found.source
        self._stop_looking = self._means.errands.start(
            lambda: (preview.look_at(source, mapping), unknown_choices(source, mapping) if mapping else ()),
            self._on_read_again,
            self._on_not_read_again,
        )

    def name_columns(self) -> None:
        """Start with the columns that are probably meant."""
        if self.state.preview is not None:
            self.map_columns(guessed_mapping(self.state.preview.columns))

    def _tell_received(self, received: int, ended: threading.Event) -> None:
        """From the thread that fetches."""
        self._means.deliver(lambda: None if ended.is_set() else self._change(received=received))

    def _look(self, look: Callable[[], Preview], name: str, *, online: bool) -> None:
        self._stop_looking()
        self._state = ImportState(wishes=self.state.wishes, phase="looking", name=name, online=online)
        self._change()
        self._stop_looking = self._means.errands.start(look, self._on_looked, self._on_not_looked)

    def _on_looked(self, found: Preview) -> None:
        self._change(phase="previewing", preview=found, name=found.source.name)
        # What looks like prompts alone may well have responses beside them.
        if found.format is None or (found.format == "prompts" and guessed_mapping(found.columns).left):
            self.name_columns()

    def _on_not_looked(self, error: StoreError) -> None:
        self._change(phase="choosing", problem=str(error))

    def _on_read_again(self, result: tuple[Preview, tuple[str, ...]]) -> None:
        found, unknown = result
        self._change(preview=found, unknown_choices=unknown, reading_again=False)

    def _on_not_read_again(self, error: StoreError) -> None:
        self._change(reading_again=False, problem=str(error))

    # --- importing ----------------------------------------------------------------------------------

    def set_wishes(self, wishes: Wishes) -> None:
        self._change(wishes=wishes)

    @property
    def can_start(self) -> bool:
        state = self.state
        found = state.preview
        ready = state.phase == "previewing" and not state.reading_again
        return ready and found is not None and found.usable

    def start(self) -> None:
        found, wishes = self.state.preview, self.state.wishes
        if not self.can_start or found is None:
            return
        work = self._long_work()
        self._cancel = work.cancel
        annotator = self._means.annotator()
        self._change(phase="importing", progress=NO_PROGRESS, cancelling=False, said="", problem="")
        self._means.store.submit(
            lambda project: importing.run(
                project,
                found,
                annotator=annotator,
                unsigned=wishes.unsigned.strip() or annotator,
                held_out_share=wishes.held_out_percent / 100,
                take=wishes.take,
                on_progress=work.on_progress,
                cancelled=work.is_cancelled,
            ),
            self._on_imported,
            self._on_not_imported,
        )

    def cancel(self) -> None:
        """It ends at the next batch of rows, and nothing of it stays."""
        if self.is_working and not self.state.cancelling:
            self._cancel()
            self._change(cancelling=True)

    def _on_imported(self, made: Report) -> None:
        self._change(phase="done", report=made)
        self._means.history.refresh()
        self._means.changed()
        self._means.ended("import", f"{self.state.name}: {added_words(made)}")

    def _on_not_imported(self, error: StoreError) -> None:
        if error.code == "cancelled":
            self._change(phase="previewing", said=str(error))
        else:
            self._change(phase="previewing", problem=str(error))
            self._means.ended("import", str(error))

    # --- afterwards ---------------------------------------------------------------------------------

    def undo(self) -> None:
        self._means.history.undo(failed=lambda error: self._change(problem=str(error)))

    def save_report(self, path: Path) -> None:
        """The refused rows and why, as CSV or JSONL by the name's ending; CSV where it has neither."""
        made = self.state.report
        if made is None:
            return
        target = path if path.suffix.lower() in (".csv", ".jsonl") else path.with_name(f"{path.name}.csv")
        self._means.errands.start(
            lambda: report.save_refused(made, target),
            lambda _none: self._change(saved=target, said=f"Saved as {target.name}.", problem=""),
            lambda error: self._change(problem=str(error)),
        )

    def _on_undone(self, done: Done) -> None:
        made = self.state.report
        if made is not None and done.kind == "import" and self.state.phase == "done":
            self._change(undone=done.undone)


def _joined(paths: Sequence[Path], name: str) -> Source:
    """Several files as one source, each row with its file's name."""
    if len(paths) == 1:
        return source_at(paths[0])
    files: list[SourceFile] = []
    for path in paths:
        found = source_at(path)
        files += [structs.replace(file, name=file.name or path.name) for file in found.files]
    return Source(name=name, files=tuple(files))
