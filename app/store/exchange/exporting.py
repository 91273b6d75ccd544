"""Writing a project's verdicts as a data set: a folder with a card, whole or not at all.

```
README.md                    the card; its front matter tells `datasets` which file is what
preferences/train.jsonl      TRL preferences; .parquet, or with `save_to_disk` folders of Arrow files
preferences/held_out.jsonl   the held-out prompts'
ties/  both_bad/  skips/     what is no preference, kept apart; also disputed/, unjudged/ and prompts/
```
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_args

import msgspec

from app.store.errors import BadValue, Cancelled, explained
from app.store.exchange.card import card_of
from app.store.exchange.export_files import FileFormat, SplitFiles, features_of
from app.store.exchange.export_rows import Layout, columns_of, row_of
from app.store.exchange.outgoing import Outgoing, comparisons_of, count_of, prompts_alone
from app.store.exchange.studio_format import Kind
from app.store.handle import Project
from dpo_engine.files import staged_folder
from dpo_engine.preferences import Split

JUDGED: frozenset[Kind] = frozenset(("preferences", "ties", "both_bad", "skips"))
EVERYTHING: frozenset[Kind] = frozenset(get_args(Kind))


class Exported(msgspec.Struct, frozen=True):
    """What was written where."""

    folder: Path
    counts: dict[tuple[Kind, Split], int]

    @property
    def total(self) -> int:
        return sum(self.counts.values())


def export(
    project: Project,
    folder: Path,
    *,
    layout: Layout = "conversational",
    file_format: FileFormat = "jsonl",
    kinds: frozenset[Kind] = JUDGED,
    comparison_ids: Sequence[int] | None = None,
    provenance: bool = True,
    names: bool = True,
    on_progress: Callable[[float], None] = lambda _: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Exported:
    """Write these kinds of comparisons, or of them those with `comparison_ids`, into a new folder.

    For any connection of the project, also one that only reads, on any thread but the window's. `provenance`
    adds the columns by which an import finds everything again; without `names` annotators are numbered. The
    prompts without a comparison are written only where no ids are given. Raises `StoreError`; then there is
    no folder.
    """
    folder = folder.absolute()
    with explained(f"looking at {folder.name}"):
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise BadValue(f"{folder} exists already and was not replaced. Choose another name.")
    numbered: dict[str, str] = {}

    def signed(name: str) -> str:
        return name if names else numbered.setdefault(name, f"annotator {len(numbered) + 1}")

    def features(kind: Kind) -> Any:
        return features_of(columns_of(kind, layout, provenance=provenance))

    said = _Said()
    with explained("saving the export"), staged_folder(folder) as staged, _snapshot(project):
        total = count_of(project, comparison_ids) or 1
        with SplitFiles(staged, file_format) as opened:
            for number, out in enumerate(_outgoing(project, kinds, comparison_ids), start=1):
                if number % 500 == 0:
                    on_progress(min(1.0, number / total))
                    _go_on(cancelled)
                row = row_of(out, layout, provenance=provenance, signed=signed)
                opened.write(out.kind, out.entry.split or "train", row, features)
                said.add(out)
        card = card_of(
            project.path.stem,
            said.counts,
            layout=layout,
            file_format=file_format,
            models=sorted(said.models),
            imported=said.imported,
            provenance=provenance,
        )
        (staged / "README.md").write_text(card, encoding="utf-8", newline="\n")
        _go_on(cancelled)
    on_progress(1.0)
    return Exported(folder, dict(said.counts))


class _Said:
    """What the card says about the rows."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[Kind, Split]] = Counter()
        self.models: set[str] = set()
        self.imported = 0

    def add(self, out: Outgoing) -> None:
        self.counts[out.kind, out.entry.split or "train"] += 1
        self.imported += out.imported
        self.models.update(side.model for side in (out.entry.left, out.entry.right) if side)


def _go_on(cancelled: Callable[[], bool]) -> None:
    if cancelled():
        raise Cancelled("The export was cancelled. Nothing was written.")


def _outgoing(
    project: Project, kinds: frozenset[Kind], comparison_ids: Sequence[int] | None
) -> Iterator[Outgoing]:
    if kinds - {"prompts"}:
        yield from (out for out in comparisons_of(project, comparison_ids) if out.kind in kinds)
    if "prompts" in kinds and comparison_ids is None:
        yield from prompts_alone(project)


@contextmanager
def _snapshot(project: Project) -> Iterator[None]:
    """All that is read within the block is from one moment, whatever is written meanwhile."""
    if project.db.conn.in_transaction:
        yield
        return
    project.db.execute("BEGIN")
    try:
        yield
    finally:
        project.db.rollback()
