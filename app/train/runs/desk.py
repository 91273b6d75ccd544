"""What can be done with runs besides training them: note, pin, compare, look into, delete. Qt-free.

Acts go through the store's one writer and can be undone by name; what takes long is read on a reader's thread
or, where it is about folders, on a thread of its own.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import count

from app.store.errors import StoreError
from app.store.handle import Project
from app.store.records import Run
from app.store.training import keeping, lineage, trash
from app.store.training.lineage import Lineage, PairDifference
from app.train.runs.disk import FolderFacts, read_facts
from app.train.runs.groups import group_of, groups
from app.train.runs.removing import Removed, remove_folders
from app.train.tools import Tools
from app.train.wording import short_name


@dataclass(frozen=True, kw_only=True)
class Notice:
    """What was just done, for a moment. `number` tells two of the same words apart."""

    number: int
    text: str
    undo: bool = False
    problem: bool = False


@dataclass(frozen=True, kw_only=True)
class Details:
    """What was read about one run; None where it was not read yet."""

    run_id: int
    lineage: Lineage | None = None
    other: int | None = None
    """The run that it is compared with."""
    pairs: PairDifference | None = None


@dataclass(frozen=True, kw_only=True)
class DeskState:
    search: str = ""
    compared: tuple[int, ...] = ()
    """Runs whose curves are drawn beside those of the selected one."""
    facts: Mapping[str, FolderFacts] = field(default_factory=dict)
    """By folder, as far as they were read."""
    trash: tuple[Run, ...] = ()
    details: Details | None = None
    notice: Notice | None = None
    emptying: bool = False
    groups: tuple[tuple[int, ...], ...] = ()
    """Runs that differ only in their seed."""
    band: bool = False
    """Draw the selected run with the others of its group as one band."""

    def seeds_of(self, run_id: int | None) -> tuple[int, ...]:
        """The runs that are this one with other seeds, itself among them; empty where it stands alone."""
        return group_of(run_id, self.groups) if run_id is not None else ()


class RunsDesk:
    """`changed` hears that the state is another one, `reload` that the runs have to be read again."""

    def __init__(self, tools: Tools, *, changed: Callable[[], None], reload: Callable[[], None]) -> None:
        self.state = DeskState()
        self._tools = tools
        self._tell, self._reload = changed, reload
        self._runs: Mapping[int, Run] = {}
        self._numbers = count(1)
        self._give_up: Callable[[], None] = lambda: None

    def take(self, runs: tuple[Run, ...], deleted: tuple[Run, ...]) -> None:
        """The runs as the project file has them now."""
        self._runs = {run.id: run for run in runs}
        details = self.state.details
        self.state = replace(
            self.state,
            compared=tuple(run_id for run_id in self.state.compared if run_id in self._runs),
            trash=deleted,
            details=details if details is None or details.run_id in self._runs else None,
        )
        self._group()
        self._measure([run.folder for run in (*runs, *deleted) if run.folder not in self.state.facts])

    # --- looking ------------------------------------------------------------------------------------

    def search(self, text: str) -> None:
        self._change(search=text)

    def compare(self, run_id: int, wanted: bool) -> None:
        """Draw a run's curves beside those of the selected one, or no longer."""
        others = tuple(other for other in self.state.compared if other != run_id)
        self._change(compared=(*others, run_id) if wanted and run_id in self._runs else others)

    def show_band(self, wanted: bool) -> None:
        """Draw the runs that differ only in their seed as a band."""
        self._change(band=wanted)

    def look_into(self, run_id: int | None, other: int | None = None) -> None:
        """Read whose verdicts made a run and what it wrote, and its pairs beside another run's."""
        self._give_up()
        if run_id is None or run_id not in self._runs:
            self._change(details=None)
            return
        beside = other if other in self._runs and other != run_id else None

        def work(project: Project) -> Details:
            pairs = lineage.pair_difference(project, run_id, beside) if beside is not None else None
            return Details(run_id=run_id, lineage=lineage.lineage(project, run_id), other=beside, pairs=pairs)

        before = self.state.details
        known = before.lineage if before is not None and before.run_id == run_id else None
        self._change(details=Details(run_id=run_id, lineage=known, other=beside))
        self._give_up = self._tools.reader.submit(
            work, lambda found: self._change(details=found), self._on_failed
        )

    def measure_again(self, run: Run) -> None:
        """Its folder is another one than when it was looked at."""
        self._measure([run.folder])

    # --- acting -------------------------------------------------------------------------------------

    def note(self, run_id: int, text: str) -> None:
        annotator = self._tools.annotator()
        self._act(
            lambda project: keeping.note(project, run_id, text, annotator=annotator), run_id, "Note kept: {}"
        )

    def pin(self, run_id: int, pinned: bool) -> None:
        annotator = self._tools.annotator()
        self._act(
            lambda project: keeping.pin(project, run_id, pinned, annotator=annotator),
            run_id,
            "Pinned {}" if pinned else "No longer pinned: {}",
        )

    def delete(self, run_id: int) -> None:
        """Put a run into the trash. Its files stay there until `empty_trash`."""
        annotator = self._tools.annotator()
        self._act(lambda project: keeping.delete(project, run_id, annotator=annotator), run_id, "Deleted {}")

    def empty_trash(self, *, for_good: bool) -> None:
        """Forget the deleted runs; their folders go to the system's trash, or are removed `for_good`.

        Where a folder cannot go, its run stays in the trash and a sentence says why.
        """
        runs = self.state.trash
        if not runs or self.state.emptying:
            return
        self._change(emptying=True)
        self._tools.background.submit(
            lambda: remove_folders(runs, for_good=for_good), self._on_folders_removed, self._on_not_removed
        )

    def say(self, text: str, *, undo: bool = False, problem: bool = False) -> None:
        number = next(self._numbers)
        self._change(notice=Notice(number=number, text=text, undo=undo, problem=problem))

    # --- inside -------------------------------------------------------------------------------------

    def _act(self, work: Callable[[Project], bool], run_id: int, words: str) -> None:
        name = short_name(self._runs[run_id].name) if run_id in self._runs else "the run"

        def done(changed: bool) -> None:
            if changed:
                self.say(words.format(name), undo=True)
                self._tools.history.refresh()
                self._reload()

        self._tools.store.submit(work, done, self._on_failed)

    def _on_folders_removed(self, outcome: Removed) -> None:
        def done(forgotten: int) -> None:
            self._change(emptying=False)
            self._tools.history.refresh()
            if outcome.problem:
                self.say(outcome.problem, problem=True)
            elif forgotten:
                self.say(f"Emptied the trash: {forgotten:,} run{'' if forgotten == 1 else 's'}")
            self._reload()

        def failed(error: StoreError) -> None:
            self._change(emptying=False)
            self._on_failed(error)

        self._tools.store.submit(lambda project: trash.forget(project, outcome.removed), done, failed)

    def _on_not_removed(self, error: Exception) -> None:
        self._change(emptying=False)
        self.say(f"The trash could not be emptied: {error}. The runs are still in it.", problem=True)

    def _on_failed(self, error: StoreError) -> None:
        self.say(str(error), problem=True)

    def _measure(self, folders: list[str]) -> None:
        if folders:
            # Marked as known at once, so that a second reading of the list does not ask again.
            unknown = {folder: FolderFacts() for folder in folders if folder not in self.state.facts}
            self.state = replace(self.state, facts={**self.state.facts, **unknown})
            self._tools.background.submit(lambda: read_facts(folders), self._on_facts, lambda _error: None)

    def _on_facts(self, facts: Mapping[str, FolderFacts]) -> None:
        self.state = replace(self.state, facts={**self.state.facts, **facts})
        self._group()
        self._tell()

    def _group(self) -> None:
        known = {
            run.id: self.state.facts[run.folder].pairs_hash
            for run in self._runs.values()
            if run.folder in self.state.facts
        }
        self.state = replace(self.state, groups=groups(self._runs.values(), known))

    def _change(self, **changes: object) -> None:
        self.state = replace(self.state, **changes)  # type: ignore[arg-type]
        self._tell()
