"""Filters that were saved under a name: kept with the project; saving and deleting can be undone. Qt-free."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from app.store import settings
from app.store.errors import BadValue
from app.store.handle import Project
from app.store.library.filters import Filter, from_plain, to_plain
from app.store.rows import clean, to_json, writing
from app.store.undo.changes import Change
from app.store.undo.journal import record

_KEY = "library.filters"
LONGEST_NAME = 60


@dataclass(frozen=True, kw_only=True)
class SavedFilter:
    name: str
    filter: Filter


def saved_filters(project: Project) -> tuple[SavedFilter, ...]:
    """In the order in which they were saved; what cannot be read is left out."""
    stored = settings.get_setting(project, _KEY, [])
    found = []
    for entry in stored if isinstance(stored, list) else []:
        name = entry.get("name") if isinstance(entry, dict) else None
        wanted = from_plain(entry.get("filter")) if isinstance(entry, dict) else None
        if isinstance(name, str) and name and wanted is not None:
            found.append(SavedFilter(name=name, filter=wanted))
    return tuple(found)


def save(project: Project, name: str, wanted: Filter, *, annotator: str) -> tuple[SavedFilter, ...]:
    """Keep a filter, in place of one of the same name. Raises `BadValue` for a name that is none."""
    kept = " ".join(clean(name, "The name").split())
    if not kept or len(kept) > LONGEST_NAME:
        raise BadValue(f"A saved filter needs a name of 1 to {LONGEST_NAME} characters. Nothing was changed.")
    before = saved_filters(project)
    after = [one for one in before if one.name != kept] + [SavedFilter(name=kept, filter=wanted)]
    return _replace(project, after, f"saving the filter “{kept}”", annotator)


def delete(project: Project, name: str, *, annotator: str) -> tuple[SavedFilter, ...]:
    """Forget a saved filter; one that is not there is none to forget."""
    before = saved_filters(project)
    after = [one for one in before if one.name != name]
    if len(after) == len(before):
        return before
    return _replace(project, after, f"deleting the filter “{name}”", annotator)


def _replace(
    project: Project, after: Sequence[SavedFilter], label: str, annotator: str
) -> tuple[SavedFilter, ...]:
    text = to_json([{"name": one.name, "filter": to_plain(one.filter)} for one in after])
    with writing(project, "saving the filters") as db:
        found = db.execute("SELECT value FROM settings WHERE key = ?", [_KEY]).fetchone()
        before = found[0] if found else json.dumps([])
        db.execute("INSERT OR REPLACE INTO settings (key, value) VALUES (?, ?)", [_KEY, text])
        record(
            db,
            annotator=annotator,
            kind="filters",
            label=label,
            changes=[Change("settings", _KEY, "value", before, text)],
        )
    return tuple(after)
