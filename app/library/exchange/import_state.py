"""What the page of an import shows, as plain records. Qt-free."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from app.library.exchange.long_work import NO_PROGRESS, Progress
from app.store.exchange.importing import Take
from app.store.exchange.mapped import ColumnMapping
from app.store.exchange.preview import Preview
from app.store.exchange.report import Report

Phase = Literal["choosing", "looking", "previewing", "importing", "done"]


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """How a person wants it imported."""

    take: Take = "verdicts"
    held_out_percent: int = 10
    """Of new prompts, where the file does not say which are held out."""
    unsigned: str = ""
    """Whose verdicts those are that name nobody."""


AS_USUAL = Wishes()


@dataclass(frozen=True, kw_only=True)
class ImportState:
    phase: Phase = "choosing"
    name: str = ""
    """Of what is looked at."""
    online: bool = False
    """It is fetched from the hub."""
    received: int = 0
    """Bytes of it that are here."""
    preview: Preview | None = None
    mapping: ColumnMapping | None = None
    """The columns as a person names them; None: as the format says."""
    unknown_choices: tuple[str, ...] = ()
    """Values of the column that says which is better, whose meaning a person has to tell."""
    reading_again: bool = False
    """The rows on the screen are still those of another mapping."""
    wishes: Wishes = AS_USUAL
    progress: Progress = NO_PROGRESS
    cancelling: bool = False
    report: Report | None = None
    saved: Path | None = None
    """Where the report was saved."""
    undone: bool = False
    said: str = ""
    """What just happened, as a sentence."""
    problem: str = ""
    """Why something did not, as sentences."""
