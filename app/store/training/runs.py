"""Training runs: what each was made of, how far it is, and its metrics."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import get_args

from app.store.errors import BadValue
from app.store.handle import Project
from app.store.records import MetricRow, Run, RunStatus
from app.store.rows import Row, clean, from_json, insert, now, read, read_one, to_json, to_record, writing
from app.store.settings import get_setting, set_setting
from app.store.training.run_pairs import keep_pairs
from dpo_engine import run_folder
from dpo_engine.errors import EngineError
from dpo_engine.preferences import Pair

__all__ = [
    "add_run",
    "catch_up",
    "deleted_runs",
    "get_run",
    "get_setting",
    "metrics",
    "record_metrics",
    "runs",
    "set_setting",
    "set_status",
]

_ENDED: tuple[RunStatus, ...] = ("stopped", "finished", "failed", "interrupted")


def add_run(
    project: Project,
    folder: Path,
    *,
    policy: str,
    method: str,
    beta: float,
    config: Mapping[str, object],
    pairs: Sequence[Pair] = (),
    name: str | None = None,
    total_steps: int = 0,
    train_pairs: int | None = None,
    held_out_pairs: int | None = None,
    status: RunStatus = "created",
    queued: bool = False,
) -> Run:
    """Note a run whose folder exists. `pairs` is its snapshot; counts not given are taken from it.
    `queued`: it waits to be trained, behind those that wait already.

    The folder is stored relative to the project where it lies beside it, so that both move together.
    """
    held_out = sum(pair.split == "held_out" for pair in pairs)
    row = {
        "name": clean(name or folder.name, "The run's name"),
        "folder": clean(project.stored(folder), "The run's folder"),
        "policy": clean(policy, "The model's name"),
        "method": clean(method, "The method"),
        "beta": float(beta),
        "config": clean(to_json(dict(config)), "The settings"),
        "status": _checked_status(status),
        "total_steps": total_steps,
        "train_pairs": len(pairs) - held_out if train_pairs is None else train_pairs,
        "held_out_pairs": held_out if held_out_pairs is None else held_out_pairs,
        "created_at": now(),
    }
    with writing(project, "saving the run") as db:
        if db.execute("SELECT 1 FROM runs WHERE folder = ?", [row["folder"]]).fetchone():
            raise BadValue(f"The run in {folder} is in this project already. Nothing was changed.")
        if queued:
            (row["queue_place"],) = db.execute(
                "SELECT coalesce(max(queue_place), 0) + 1 FROM runs"
            ).fetchone()
        run_id = insert(db, "runs", row)
        keep_pairs(project, run_id, pairs)
    return get_run(project, run_id)


def get_run(project: Project, run_id: int) -> Run:
    """Raises `NoSuchRow`."""
    row = read_one(
        project,
        "reading the run",
        "SELECT * FROM runs WHERE id = ?",
        [run_id],
        missing=f"There is no run {run_id} in this project.",
    )
    return _run(project, row)


def runs(project: Project) -> list[Run]:
    """All that are not deleted, trained ones and scored ones, newest first."""
    rows = read(project, "reading the runs", "SELECT * FROM runs WHERE deleted_at IS NULL ORDER BY id DESC")
    return [_run(project, row) for row in rows]


def deleted_runs(project: Project) -> list[Run]:
    """Those in the trash, the one deleted last first."""
    rows = read(
        project,
        "reading the deleted runs",
        "SELECT * FROM runs WHERE deleted_at IS NOT NULL ORDER BY deleted_at DESC, id DESC",
    )
    return [_run(project, row) for row in rows]


def set_status(
    project: Project,
    run_id: int,
    status: RunStatus,
    *,
    step: int | None = None,
    total_steps: int | None = None,
    train_pairs: int | None = None,
    held_out_pairs: int | None = None,
    message: str = "",
) -> Run:
    """Note how a run is doing; numbers not given stay. `message` says why it failed or was interrupted."""
    finished_at = now() if _checked_status(status) in _ENDED else None
    with writing(project, "saving the run's state") as db:
        changed = db.execute(
            """
            UPDATE runs SET status = ?, message = ?, step = coalesce(?, step),
                total_steps = coalesce(?, total_steps), train_pairs = coalesce(?, train_pairs),
                held_out_pairs = coalesce(?, held_out_pairs), finished_at = ?
            WHERE id = ?
            """,
            [
                status,
                clean(message, "The message"),
                step,
                total_steps,
                train_pairs,
                held_out_pairs,
                finished_at,
                run_id,
            ],
        ).rowcount
        if not changed:
            get_run(project, run_id)
    return get_run(project, run_id)


def record_metrics(project: Project, run_id: int, rows: Sequence[MetricRow]) -> None:
    """Keep rows of metrics; one that is there for the same step and split is replaced.

    The run's step follows the last of them. Recording the same rows again changes nothing.
    """
    if any(row.run_id != run_id for row in rows):
        raise BadValue(f"Metrics of another run than {run_id}. Nothing was changed.")
    get_run(project, run_id)
    values = [(run_id, row.step, row.split, clean(to_json(row.metrics), "The metrics")) for row in rows]
    with writing(project, "saving the metrics") as db:
        db.conn.executemany(
            "INSERT OR REPLACE INTO metrics (run_id, step, split, metrics) VALUES (?, ?, ?, ?)", values
        )
        last = max((row.step for row in rows), default=0)
        db.execute("UPDATE runs SET step = max(step, ?) WHERE id = ?", [last, run_id])


def metrics(project: Project, run_id: int) -> list[MetricRow]:
    """By step, the held-out row of a step before its train row."""
    rows = read(
        project,
        "reading the metrics",
        "SELECT run_id, step, split, metrics FROM metrics WHERE run_id = ? ORDER BY step, split",
        [run_id],
    )
    return [
        to_record(MetricRow, row | {"metrics": from_json(row["metrics"], dict[str, float])}) for row in rows
    ]


def catch_up(project: Project, run_id: int, *, alive: bool = False) -> Run:
    """Read from the run's folder what happened while the app was not listening; its files are right.

    `alive`: the engine is working on the run now. Otherwise one that its files call unfinished becomes
    `interrupted`, so that it can be resumed; so does one whose files cannot be read, with the reason as
    its message. A run that had ended and whose files are gone stays as it is.
    """
    run = get_run(project, run_id)
    folder = Path(run.folder)
    try:
        state = run_folder.read_state(folder)
        rows = run_folder.read_metrics(folder)
    except (EngineError, OSError) as error:
        if run.status in _ENDED or alive:
            return run
        return set_status(project, run_id, "interrupted", message=f"Its files cannot be read: {error}")
    with writing(project, "catching up with the run"):
        _replace_metrics(project, run_id, rows)
        status, message = state.status, state.message
        if status not in _ENDED and not alive:
            status, message = "interrupted", "The app or the engine ended before the run did."
        return set_status(
            project, run_id, status, step=state.step, total_steps=state.total_steps or None, message=message
        )


def _replace_metrics(project: Project, run_id: int, rows: Sequence[run_folder.StepMetrics]) -> None:
    if not rows:
        return
    last = max(row.step for row in rows)
    # A resumed run went back to its checkpoint: later steps are no longer part of it.
    project.db.execute("DELETE FROM metrics WHERE run_id = ? AND step > ?", [run_id, last])
    record_metrics(
        project,
        run_id,
        [MetricRow(run_id=run_id, step=row.step, split=row.split, metrics=row.metrics) for row in rows],
    )


def _run(project: Project, row: Row) -> Run:
    return to_record(
        Run,
        row
        | {
            "pinned": bool(row["pinned"]),
            "folder": str(project.path.parent / row["folder"]),
            "config": from_json(row["config"], dict[str, object]),
        },
    )


def _checked_status(status: RunStatus) -> RunStatus:
    if status not in get_args(RunStatus):
        raise BadValue(f"A run cannot be {status!r}. Nothing was changed.")
    return status
