"""What is read while a person looks: a pair's texts and path, hits of a search, checkpoints. Qt-free."""

from collections.abc import Callable
from typing import TypeVar

from app.inspector.figures import Ints
from app.inspector.ledger.marks import Target
from app.inspector.material import InspectableRun, load_scored
from app.inspector.pair_table import PairTable
from app.inspector.path.courses import History
from app.inspector.path.points import PathPoint, load_history, load_path
from app.store.access import StoreReader
from app.store.errors import StoreError
from app.store.handle import Project
from app.store.records import ScoredPair
from app.store.training.pair_texts import find_pairs
from app.store.training.scores import scored_pair

T = TypeVar("T")
Failed = Callable[[StoreError], None]


class _Question:
    """Of two questions of one kind only the newer one is answered; the older one's query ends early."""

    def __init__(self, reader: StoreReader) -> None:
        self._reader = reader
        self._give_up: Callable[[], None] | None = None

    def ask(self, work: Callable[[Project], T], done: Callable[[T], None], failed: Failed) -> None:
        self.give_up()
        self._give_up = self._reader.submit(work, done, failed)

    def give_up(self) -> None:
        if self._give_up is not None:
            self._give_up()
            self._give_up = None


class PairReading:
    """Answers come on the presenters' thread."""

    def __init__(self, *, quick: StoreReader, slow: StoreReader) -> None:
        """`slow`: where a search may take half a second without anybody waiting behind it."""
        self._pair, self._path = _Question(quick), _Question(quick)
        self._search, self._history, self._table = _Question(slow), _Question(slow), _Question(slow)

    def pair(self, target: Target, pair: str, done: Callable[[ScoredPair], None], failed: Failed) -> None:
        """One pair with its texts."""
        self._pair.ask(lambda project: scored_pair(project, *target, pair), done, failed)

    def path(
        self, entry: InspectableRun, pair: str, done: Callable[[tuple[PathPoint, ...]], None], failed: Failed
    ) -> None:
        """One pair over the checkpoints of its run."""
        self._path.ask(lambda project: load_path(project, entry, pair), done, failed)

    def history(self, entry: InspectableRun, done: Callable[[History], None], failed: Failed) -> None:
        """All pairs of a run over its checkpoints."""
        self._history.ask(lambda project: load_history(project, entry), done, failed)

    def table(
        self,
        entry: InspectableRun,
        checkpoint: str,
        like: PairTable,
        done: Callable[[PairTable], None],
        failed: Failed,
    ) -> None:
        """The pairs of a run at another checkpoint than the one that is looked at, which `like` is of."""
        self._table.ask(lambda project: load_scored(project, entry, checkpoint, like).table, done, failed)

    def search(self, run_id: int, text: str, done: Callable[[Ints], None], failed: Failed) -> None:
        """The row numbers of the run's pairs that have every word of `text`, rising."""
        self._search.ask(lambda project: find_pairs(project, run_id, text), done, failed)

    def give_up_search(self) -> None:
        self._search.give_up()
