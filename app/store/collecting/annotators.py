"""The people who judge in a project; every verdict is signed with one of their names."""

from sqlite_utils import Database

from app.store.errors import BadValue
from app.store.handle import Project
from app.store.rows import clean, now, read, writing

LONGEST_NAME = 100


def list_annotators(project: Project) -> list[str]:
    """Their names, in the order in which they came."""
    rows = read(project, "reading the annotators", "SELECT name FROM annotators ORDER BY created_at, name")
    return [row["name"] for row in rows]


def add_annotator(project: Project, name: str) -> str:
    """Keep a name and return it as it is kept (outer blanks gone). One that is known stays as it is.

    Raises `BadValue` for no name or one of more than 100 characters.
    """
    kept = checked_name(name)
    with writing(project, "adding the annotator") as db:
        ensure(db, kept)
    return kept


def checked_name(name: str) -> str:
    """The name as it is kept. Raises `BadValue`."""
    kept = " ".join(clean(name, "The annotator's name").split())
    if not kept:
        raise BadValue("An annotator needs a name. Nothing was changed.")
    if len(kept) > LONGEST_NAME:
        raise BadValue(
            f"An annotator's name may have {LONGEST_NAME} characters, not {len(kept):,}. Nothing was changed."
        )
    return kept


def ensure(db: Database, name: str) -> None:
    """Within a transaction: know the name from now on."""
    db.execute("INSERT OR IGNORE INTO annotators (name, created_at) VALUES (?, ?)", [name, now()])
