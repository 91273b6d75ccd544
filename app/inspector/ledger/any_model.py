"""Any model on any pairs: a folder of pairs is made, which the Inspector treats as a run. Qt-free."""

import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

from app.inspector.material import SCORED_MODEL, InspectableRun
from app.store.collecting.verdicts import training_pairs
from app.store.errors import BadValue, StoreError
from app.store.handle import Project
from app.store.training.run_pairs import pairs_of
from app.store.training.scored_runs import add_scored_run
from dpo_engine import run_folder
from dpo_engine.catalogue import CATALOGUE, STARTER
from dpo_engine.config import TrainConfig
from dpo_engine.errors import EngineError
from dpo_engine.preferences import Pair, read_pairs

PairsFrom = Literal["project", "much_better", "run", "file"]


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What is to be scored with what."""

    model: str
    """A model reference: a catalogue name, a folder, a run's or a checkpoint's folder, a hub id."""
    reference: str
    pairs_from: PairsFrom
    run_id: int = 0
    file: str = ""
    beta: float = 0.1
    max_length: int = 1024


@dataclass(frozen=True, kw_only=True)
class Prepared:
    wish: Wish
    name: str
    folder: Path
    pairs: tuple[Pair, ...]
    refused: int
    """Rows of the file that are no pairs."""


def models_to_choose(runs: Sequence[InspectableRun]) -> list[tuple[str, str]]:
    """(model reference, words): what the catalogue knows, and every result and checkpoint of the project."""
    known = [(model.name, model.title) for model in CATALOGUE.values()]
    trained = [
        (entry.model(name), f"{entry.run.name}, {'result' if name == 'policy' else name.replace('-', ' ')}")
        for entry in runs
        if entry.trained
        for name in entry.checkpoints
    ]
    return known + trained


def reference_for(model: str, runs: Sequence[InspectableRun]) -> str:
    """What to compare a model with, if nothing else is said: what it was trained from, else the starter."""
    for entry in runs:
        if entry.trained and model in (entry.model(name) for name in entry.checkpoints):
            return entry.run.policy
    return STARTER.name


def objection(wish: Wish) -> str:
    """Why this cannot be scored, as a sentence; empty where it can be tried."""
    if not wish.model.strip():
        return "Choose a model, or give its folder or hub id."
    if not wish.reference.strip():
        return "Choose a reference: the model that the log-probs are compared with."
    if wish.pairs_from == "file" and not Path(wish.file).is_file():
        return f"There is no file {wish.file or 'yet'}: choose a JSONL or Parquet file of pairs."
    if wish.beta <= 0 or wish.max_length < 8:
        return "β must be above 0, and the max length at least 8 tokens."
    return ""


def prepare(project: Project, wish: Wish) -> Prepared:
    """Read the pairs and write them down in a folder of their own. Work for a thread that only reads.

    Raises `StoreError` with a sentence; then there is no folder.
    """
    try:
        pairs, refused, source = _pairs(project, wish)
        if not any(pair.split == "train" for pair in pairs):
            # A folder of pairs has training pairs; nothing is trained here, so the word means nothing.
            pairs = tuple(replace(pair, split="train") for pair in pairs)
        if not pairs:
            raise BadValue(f"There is no pair to score: {source} has none. Nothing was changed.")
        config = TrainConfig(beta=wish.beta, max_length=wish.max_length)
        folder = run_folder.create(project.runs_dir, policy=wish.reference, config=config, pairs=pairs)
    except EngineError as error:
        raise BadValue(f"{error} Nothing was changed.") from error
    name = f"{_short(wish.model)} on {source}"
    return Prepared(wish=wish, name=name, folder=folder, pairs=pairs, refused=refused)


def note(project: Project, prepared: Prepared) -> int:
    """Put what was prepared into the project; the id of its run. Without it nothing is left of the folder."""
    wish = prepared.wish
    config = asdict(TrainConfig(beta=wish.beta, max_length=wish.max_length)) | {SCORED_MODEL: wish.model}
    try:
        return add_scored_run(
            project,
            prepared.folder,
            name=prepared.name,
            reference=wish.reference,
            beta=wish.beta,
            config=config,
            pairs=prepared.pairs,
        ).id
    except StoreError:
        shutil.rmtree(prepared.folder, ignore_errors=True)
        raise


def _pairs(project: Project, wish: Wish) -> tuple[tuple[Pair, ...], int, str]:
    """The pairs, how many rows were refused, and where they come from, in words."""
    match wish.pairs_from:
        case "project":
            return tuple(training_pairs(project, "all")), 0, "all preferences"
        case "much_better":
            return tuple(training_pairs(project, "much_better")), 0, "the much better ones"
        case "run":
            found = tuple(pairs_of(project, wish.run_id))
            return found, 0, f"the pairs of run {wish.run_id}"
        case "file":
            read = read_pairs(wish.file)
            return read.pairs, len(read.refused), Path(wish.file).name


def _short(model: str) -> str:
    if model in CATALOGUE:
        return CATALOGUE[model].title
    path = Path(model)
    if path.name.startswith("step-") and path.parent.name == "checkpoints":
        return f"{path.parents[1].name} {path.name}"
    return path.name if path.is_absolute() else model
