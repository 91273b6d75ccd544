"""What takes a while and is told of in a sentence: exports, any model on any pairs. Qt-free."""

from collections.abc import Callable, Sequence
from pathlib import Path

from app.inspector.export import export_table
from app.inspector.ledger.any_model import Prepared, Wish, note, prepare
from app.inspector.pair_table import PairTable
from app.inspector.wording import count
from app.store.access import StoreAccess, StoreReader
from app.store.errors import BadValue, StoreError, from_os_error
from app.store.handle import Project


class Errands:
    """`notice` is what there is to say of the last one; `changed` tells that it is another sentence."""

    def __init__(
        self,
        *,
        store: StoreAccess,
        reader: StoreReader,
        changed: Callable[[], None],
        scored_run_made: Callable[[int], None],
    ) -> None:
        self.notice = ""
        self.failed = False
        self._store, self._reader = store, reader
        self._changed, self._scored_run_made = changed, scored_run_made

    def score_model(self, wish: Wish) -> None:
        """Make a run of the kind that is only scored, and say its id."""
        self._say("Getting the pairs ready…")
        self._reader.submit(lambda project: prepare(project, wish), self._on_prepared, self._on_failed)

    def export(self, path: Path, table: PairTable, places: Sequence[int], run_id: int) -> None:
        """Write these pairs to a file; the ending says how."""
        self._say(f"Writing {path.name}…")

        def write(_project: Project) -> int:
            try:
                return export_table(path, table, places, run_id)
            except ValueError as error:
                raise BadValue(f"{error} Nothing was written.") from error
            except OSError as error:
                raise from_os_error(error, f"writing {path.name}") from error

        self._reader.submit(
            write, lambda number: self._say(f"{count(number)} written to {path}."), self._on_failed
        )

    def dismiss(self) -> None:
        if self.notice:
            self._say("")

    def _on_prepared(self, prepared: Prepared) -> None:
        self._store.submit(
            lambda project: note(project, prepared),
            lambda run_id: self._on_noted(run_id, prepared.refused),
            self._on_failed,
        )

    def _on_noted(self, run_id: int, refused: int) -> None:
        left_out = f"{count(refused, 'row')} of the file could not be used and was left out."
        self._say(left_out.replace("was", "were") if refused > 1 else left_out if refused else "")
        self._scored_run_made(run_id)

    def _on_failed(self, error: StoreError) -> None:
        self._say(str(error), failed=True)

    def _say(self, sentence: str, *, failed: bool = False) -> None:
        self.notice, self.failed = sentence, failed
        self._changed()
