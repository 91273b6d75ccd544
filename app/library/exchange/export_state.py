"""What the page of an export shows, as plain records. Qt-free."""

from dataclasses import dataclass
from typing import Literal

from app.library.exchange.long_work import NO_PROGRESS, Progress
from app.store.exchange.export_files import FileFormat
from app.store.exchange.export_rows import Layout
from app.store.exchange.exporting import JUDGED, Exported
from app.store.exchange.studio_format import Kind
from app.store.library.filters import Filter
from dpo_engine.preferences import Split

Counts = dict[tuple[Kind, Split], int]


@dataclass(frozen=True, kw_only=True)
class ExportWishes:
    only_shown: bool = False
    """What the Library shows, instead of everything."""
    kinds: frozenset[Kind] = JUDGED
    layout: Layout = "conversational"
    file_format: FileFormat = "jsonl"
    provenance: bool = True
    names: bool = True
    folder: str = ""


@dataclass(frozen=True, kw_only=True)
class Sending:
    """The second step: the export on its way to the hub."""

    phase: Literal["asking", "sending", "sent"] = "asking"
    repository: str = ""
    has_token: bool | None = None
    """Whether the keyring has one; None while it is not known."""
    address: str = ""
    said: str = ""
    problem: str = ""


ALL = ExportWishes()


@dataclass(frozen=True, kw_only=True)
class ExportState:
    phase: Literal["asking", "exporting", "done"] = "asking"
    wishes: ExportWishes = ALL
    shown: Filter | None = None
    """What the Library shows; None where that is everything."""
    counts: Counts | None = None
    """Rows by kind and split; None while they are being counted."""
    card: str = ""
    """The data set's card, as it will be."""
    progress: Progress = NO_PROGRESS
    cancelling: bool = False
    exported: Exported | None = None
    sending: Sending | None = None
    said: str = ""
    problem: str = ""
