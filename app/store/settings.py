"""A project's own settings: small JSON values under a name ("policy", "sampling")."""

import json

from app.store.errors import BadValue
from app.store.handle import Project
from app.store.rows import clean, read, to_json, writing


def get_setting(project: Project, key: str, default: object = None) -> object:
    """The stored value; `default` where there is none or it cannot be read."""
    rows = read(project, "reading a setting", "SELECT value FROM settings WHERE key = ?", [key])
    try:
        return json.loads(rows[0]["value"]) if rows else default
    except (ValueError, TypeError, RecursionError):
        return default


def settings_under(project: Project, prefix: str) -> dict[str, object]:
    """Every setting whose name begins so, by the rest of its name; one that cannot be read is left out."""
    rows = read(
        project,
        "reading settings",
        "SELECT key, value FROM settings WHERE key >= ? AND key < ?",
        [prefix, prefix[:-1] + chr(ord(prefix[-1]) + 1)],
    )
    found = {}
    for row in rows:
        try:
            found[str(row["key"])[len(prefix) :]] = json.loads(row["value"])
        except (ValueError, TypeError, RecursionError):
            continue
    return found


def set_setting(project: Project, key: str, value: object) -> None:
    """Raises `BadValue` for what JSON cannot hold."""
    if not key:
        raise BadValue("A setting needs a name. Nothing was changed.")
    text = clean(to_json(value), "The setting")
    with writing(project, "saving a setting") as db:
        db.execute("INSERT OR REPLACE INTO settings (key, value) VALUES (?, ?)", [key, text])
