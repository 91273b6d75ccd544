"""Which runs wait to be trained, in which order. It is in the project file, so that it survives a restart."""

from sqlite_utils import Database

from app.store.handle import Project
from app.store.rows import writing
from app.store.training.runs import get_run


def put_last(project: Project, run_id: int) -> None:
    """Let the run wait behind all others; one that waits already goes there. Raises `NoSuchRow`."""
    get_run(project, run_id)
    with writing(project, "putting the run into the queue") as db:
        _number(db, [*_others(db, run_id), run_id])


def put_first(project: Project, run_id: int) -> None:
    """Let the run be the next one. Raises `NoSuchRow`."""
    get_run(project, run_id)
    with writing(project, "putting the run into the queue") as db:
        _number(db, [run_id, *_others(db, run_id)])


def move(project: Project, run_id: int, places: int) -> None:
    """So many places later (earlier where negative), as far as it goes. A run that does not wait stays."""
    with writing(project, "moving the run in the queue") as db:
        order = _order(db)
        if run_id in order:
            to = order.index(run_id) + places
            order = _others(db, run_id)
            order.insert(max(0, to), run_id)
            _number(db, order)


def take_out(project: Project, run_id: int) -> None:
    """The run waits no longer; it stays in the list."""
    with writing(project, "taking the run out of the queue") as db:
        db.execute("UPDATE runs SET queue_place = NULL WHERE id = ?", [run_id])


def _order(db: Database) -> list[int]:
    rows = db.execute("SELECT id FROM runs WHERE queue_place IS NOT NULL ORDER BY queue_place, id")
    return [run_id for (run_id,) in rows.fetchall()]


def _others(db: Database, run_id: int) -> list[int]:
    return [waiting for waiting in _order(db) if waiting != run_id]


def _number(db: Database, order: list[int]) -> None:
    db.conn.executemany(
        "UPDATE runs SET queue_place = ? WHERE id = ?", [(place, run) for place, run in enumerate(order, 1)]
    )
