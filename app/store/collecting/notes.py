"""What people note on comparisons and prompts: flags, comments, tags; and deleting them.

Each function is one act for any number of rows, in the journal under one name, which undo takes back. Each
returns how many values it changed, and notes nothing where that is none.
"""

from collections.abc import Callable, Mapping, Sequence

from app.store.collecting.prompts import to_messages
from app.store.errors import BadValue
from app.store.handle import Project
from app.store.rows import clean, ids_to_json, now, read, to_json, writing
from app.store.undo.journal import first_words, record_many

LONGEST_TAG = 100
LONGEST_COMMENT = 100_000

_COMPARISONS = """
FROM comparisons WHERE id IN (SELECT value FROM json_each(:comparisons)) AND deleted_at IS NULL
"""
_PROMPTS = "FROM prompts WHERE id IN (SELECT value FROM json_each(:prompts)) AND deleted_at IS NULL"
_TAGS = "json_each(:tags) AS tags"


def set_flag(project: Project, comparison_ids: Sequence[int], flagged: bool, *, annotator: str) -> int:
    """Flag comparisons, or take their flags away."""
    return _act(
        project,
        comparison_ids,
        annotator=annotator,
        kind="flag",
        verb="flag on" if flagged else "taking the flag off",
        changes="SELECT 'comparisons', 'flagged', id, flagged, :flagged"
        + _COMPARISONS
        + "AND flagged <> :flagged",
        bound={"flagged": int(flagged)},
    )


def set_comment(project: Project, comparison_ids: Sequence[int], comment: str, *, annotator: str) -> int:
    """Put a comment in place of the one there is; empty takes it away. Raises `BadValue` for one too long."""
    kept = clean(comment, "The comment").strip()
    if len(kept) > LONGEST_COMMENT:
        raise BadValue(
            f"A comment may have {LONGEST_COMMENT:,} characters, not {len(kept):,}. Nothing was changed."
        )
    return _act(
        project,
        comparison_ids,
        annotator=annotator,
        kind="comment",
        verb="comment on" if kept else "taking the comment off",
        changes="SELECT 'comparisons', 'comment', id, comment, :comment"
        + _COMPARISONS
        + "AND comment <> :comment",
        bound={"comment": kept},
    )


def add_tags(
    project: Project,
    comparison_ids: Sequence[int],
    tags: Sequence[str],
    *,
    annotator: str,
    prompt_ids: Sequence[int] = (),
) -> int:
    """Tag comparisons and prompts; how many tags that added. Raises `BadValue` for a tag that is none."""
    kept = checked_tags(tags)
    return _act(
        project,
        comparison_ids,
        prompt_ids,
        annotator=annotator,
        kind="tags",
        verb=f"{_quoted(kept)} on",
        changes=f"""
            SELECT 'comparison_tags', tags.value, comparisons.id, 0, 1
            FROM {_TAGS}, (SELECT id {_COMPARISONS}) AS comparisons
            WHERE NOT EXISTS (
                SELECT 1 FROM comparison_tags WHERE comparison_id = comparisons.id AND tag = tags.value
            )
            UNION ALL
            SELECT 'prompt_tags', tags.value, prompts.id, 0, 1 FROM {_TAGS}, (SELECT id {_PROMPTS}) AS prompts
            WHERE NOT EXISTS (
                SELECT 1 FROM prompt_tags WHERE prompt_id = prompts.id AND tag = tags.value
            )
        """,  # noqa: S608 (texts of this file)
        bound={"tags": to_json(kept)},
    )


def remove_tags(
    project: Project,
    comparison_ids: Sequence[int],
    tags: Sequence[str],
    *,
    annotator: str,
    prompt_ids: Sequence[int] = (),
) -> int:
    """Take tags from comparisons and prompts; how many were there to take."""
    kept = checked_tags(tags)
    return _act(
        project,
        comparison_ids,
        prompt_ids,
        annotator=annotator,
        kind="tags",
        verb=f"taking {_quoted(kept)} off",
        changes=f"""
            SELECT 'comparison_tags', tag, comparison_id, 1, 0 FROM comparison_tags
            WHERE comparison_id IN (SELECT id {_COMPARISONS}) AND tag IN (SELECT value FROM {_TAGS})
            UNION ALL
            SELECT 'prompt_tags', tag, prompt_id, 1, 0 FROM prompt_tags
            WHERE prompt_id IN (SELECT id {_PROMPTS}) AND tag IN (SELECT value FROM {_TAGS})
        """,  # noqa: S608 (texts of this file)
        bound={"tags": to_json(kept)},
    )


def set_tags(project: Project, comparison_id: int, tags: Sequence[str], *, annotator: str) -> int:
    """Give one comparison these tags and no others; how many that added and took."""
    kept = checked_tags(tags)
    return _act(
        project,
        [comparison_id],
        annotator=annotator,
        kind="tags",
        verb="tags on",
        changes=f"""
            SELECT 'comparison_tags', tags.value, comparisons.id, 0, 1
            FROM {_TAGS}, (SELECT id {_COMPARISONS}) AS comparisons
            WHERE NOT EXISTS (
                SELECT 1 FROM comparison_tags WHERE comparison_id = comparisons.id AND tag = tags.value
            )
            UNION ALL
            SELECT 'comparison_tags', tag, comparison_id, 1, 0 FROM comparison_tags
            WHERE comparison_id IN (SELECT id {_COMPARISONS}) AND tag NOT IN (SELECT value FROM {_TAGS})
        """,  # noqa: S608 (texts of this file)
        bound={"tags": to_json(kept)},
    )


def set_deleted(
    project: Project,
    comparison_ids: Sequence[int],
    deleted: bool,
    *,
    annotator: str,
    prompt_ids: Sequence[int] = (),
) -> int:
    """Delete comparisons, and prompts with all of theirs, or bring back what was deleted.

    What is deleted is kept, and vanishes from queue, counts, training and export. A comparison brought back
    brings its prompt back.
    """
    if deleted:
        verb, kind = "deleting", "delete"
        changes = f"""
            SELECT 'comparisons', 'deleted_at', id, NULL, :now {_COMPARISONS}
            UNION ALL SELECT 'prompts', 'deleted_at', id, NULL, :now {_PROMPTS}
        """
    else:
        verb, kind = "restoring", "restore"
        changes = """
            SELECT 'comparisons', 'deleted_at', id, deleted_at, NULL FROM comparisons
            WHERE id IN (SELECT value FROM json_each(:comparisons)) AND deleted_at IS NOT NULL
            UNION SELECT 'prompts', 'deleted_at', id, deleted_at, NULL FROM prompts
            WHERE deleted_at IS NOT NULL AND (
                id IN (SELECT value FROM json_each(:prompts)) OR id IN (
                    SELECT prompt_id FROM comparisons
                    WHERE id IN (SELECT value FROM json_each(:comparisons)) AND deleted_at IS NOT NULL
                )
            )
        """
    return _act(
        project,
        comparison_ids,
        prompt_ids,
        annotator=annotator,
        kind=kind,
        verb=verb,
        changes=changes,
        bound={"now": now()},
    )


def known_tags(project: Project) -> list[tuple[str, int]]:
    """Every tag with the number of prompts and comparisons that have it, most first."""
    rows = read(
        project,
        "reading the tags",
        """
        SELECT tag, count(*) AS n FROM (
            SELECT tag FROM prompt_tags JOIN prompts ON prompts.id = prompt_id WHERE deleted_at IS NULL
            UNION ALL
            SELECT tag FROM comparison_tags JOIN comparisons ON comparisons.id = comparison_id
            WHERE deleted_at IS NULL
        ) GROUP BY tag ORDER BY n DESC, tag
        """,
    )
    return [(row["tag"], row["n"]) for row in rows]


def checked_tags(tags: Sequence[str]) -> list[str]:
    """The tags as they are kept, each once, with single blanks. Raises `BadValue` for one that is none."""
    kept = [" ".join(clean(tag, "A tag").split()) for tag in tags]
    if any(not tag for tag in kept):
        raise BadValue("A tag needs some text. Nothing was changed.")
    if any(len(tag) > LONGEST_TAG for tag in kept):
        raise BadValue(f"A tag may have {LONGEST_TAG} characters. Nothing was changed.")
    return list(dict.fromkeys(kept))


def _act(
    project: Project,
    comparison_ids: Sequence[int],
    prompt_ids: Sequence[int] = (),
    *,
    annotator: str,
    kind: str,
    verb: str,
    changes: str,
    bound: Mapping[str, object],
) -> int:
    lists = {"comparisons": ids_to_json(comparison_ids), "prompts": ids_to_json(prompt_ids)}
    one = comparison_ids[0] if len(comparison_ids) == 1 and not prompt_ids else None
    with writing(project, "saving the note") as db:
        return record_many(
            db,
            annotator=annotator,
            kind=kind,
            named=_name(project, verb, one),
            changes=changes,
            bound={**lists, **bound},
            comparison_id=one,
        )


def _name(project: Project, verb: str, comparison_id: int | None) -> Callable[[int], str]:
    if comparison_id is None:
        return lambda rows: f"{verb} {'1 row' if rows == 1 else f'{rows:,} rows'}"
    found = read(
        project,
        "reading the prompt",
        "SELECT messages FROM prompts WHERE id = (SELECT prompt_id FROM comparisons WHERE id = ?)",
        [comparison_id],
    )
    words = first_words(to_messages(found[0]["messages"])[-1].content) if found else "1 row"
    return lambda _: f"{verb} {words}"


def _quoted(tags: Sequence[str]) -> str:
    return ("tag " if len(tags) == 1 else "tags ") + ", ".join(f"“{tag}”" for tag in tags)
