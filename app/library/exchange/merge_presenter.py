"""Merge's logic: look at another project, take its content in as one act, tell what became of it. Qt-free."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from app.library.exchange.long_work import NO_PROGRESS, Progress
from app.library.exchange.presenting import Means, Presenter
from app.library.exchange.wording import added_words
from app.store.errors import StoreError
from app.store.exchange import glance, merging
from app.store.exchange.glance import Holdings
from app.store.exchange.report import Report
from app.store.undo.journal import Done


@dataclass(frozen=True, kw_only=True)
class MergeState:
    phase: Literal["choosing", "looking", "looked", "merging", "done"] = "choosing"
    path: Path | None = None
    holdings: Holdings | None = None
    """None, too, for a project of an older version: what is in it shows when it is merged."""
    progress: Progress = NO_PROGRESS
    cancelling: bool = False
    report: Report | None = None
    undone: bool = False
    said: str = ""
    problem: str = ""


class MergePresenter(Presenter[MergeState]):
    def __init__(self, means: Means) -> None:
        super().__init__(means, MergeState())
        self._stop_looking: Callable[[], None] = lambda: None
        self._cancel: Callable[[], None] = lambda: None
        self._stop_listening = means.history.listen(self._on_undone)

    @property
    def is_working(self) -> bool:
        return self.state.phase == "merging"

    def close(self) -> None:
        self._stop_looking()
        self._cancel()
        self._stop_listening()
        self._listeners.clear()

    def look(self, path: Path) -> None:
        """At another project file, which is only read."""
        if self.is_working:
            return
        self._stop_looking()
        self._state = MergeState(phase="looking", path=path)
        self._change()
        self._stop_looking = self._means.reader.submit(
            lambda project: glance.look_at_project(project, path),
            lambda found: self._change(phase="looked", holdings=found),
            lambda error: self._change(phase="choosing", problem=str(error)),
        )

    def start_over(self) -> None:
        """To another file."""
        if not self.is_working:
            self._stop_looking()
            self._state = MergeState()
            self._change()

    def start(self) -> None:
        path = self.state.path
        if self.state.phase != "looked" or path is None:
            return
        work = self._long_work()
        self._cancel = work.cancel
        annotator = self._means.annotator()
        self._change(phase="merging", progress=NO_PROGRESS, cancelling=False, said="", problem="")
        self._means.store.submit(
            lambda project: merging.merge(
                project,
                path,
                annotator=annotator,
                on_progress=work.on_progress,
                cancelled=work.is_cancelled,
            ),
            self._on_merged,
            self._on_not_merged,
        )

    def cancel(self) -> None:
        """It ends at the next batch, and nothing of it stays."""
        if self.is_working and not self.state.cancelling:
            self._cancel()
            self._change(cancelling=True)

    def undo(self) -> None:
        self._means.history.undo(failed=lambda error: self._change(problem=str(error)))

    def _on_merged(self, made: Report) -> None:
        self._change(phase="done", report=made)
        self._means.history.refresh()
        self._means.changed()
        self._means.ended("merge", f"{made.source}: {added_words(made)}")

    def _on_not_merged(self, error: StoreError) -> None:
        if error.code == "cancelled":
            self._change(phase="looked", said=str(error))
        else:
            self._change(phase="looked", problem=str(error))
            self._means.ended("merge", str(error))

    def _on_undone(self, done: Done) -> None:
        if self.state.report is not None and done.kind == "merge" and self.state.phase == "done":
            self._change(undone=done.undone)
