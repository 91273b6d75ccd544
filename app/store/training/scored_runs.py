"""Runs that were never trained: some model's scores of some pairs."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from app.store.handle import Project
from app.store.records import Run
from app.store.rows import writing
from app.store.training.runs import add_run, get_run
from dpo_engine.preferences import Pair


def add_scored_run(
    project: Project,
    folder: Path,
    *,
    name: str,
    reference: str,
    beta: float,
    config: Mapping[str, object],
    pairs: Sequence[Pair],
) -> Run:
    """Note pairs that are to be scored; `reference` stands where a trained run has what it started from."""
    with writing(project, "saving what is to be scored") as db:
        run = add_run(
            project,
            folder,
            policy=reference,
            method="none",
            beta=beta,
            config=config,
            pairs=pairs,
            name=name,
            status="finished",
        )
        db.execute("UPDATE runs SET kind = 'scored' WHERE id = ?", [run.id])
    return get_run(project, run.id)
