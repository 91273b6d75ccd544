"""What is there to be exported or merged, counted beforehand without reading texts. For a reader's thread."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import msgspec

from app.store.errors import OlderVersion
from app.store.exchange.studio_format import Kind, kind_of
from app.store.handle import Project
from app.store.project import open_reader
from app.store.rows import read, read_one, to_json
from dpo_engine.preferences import Split

_HELD_OUT: dict[int, Split] = {0: "train", 1: "held_out"}
_KNOWN_AT_ONCE = 5_000


class Holdings(msgspec.Struct, frozen=True, kw_only=True):
    """What another project holds, in numbers, and how much of it is here already."""

    path: Path
    prompts: int
    known_prompts: int
    """Of these, so many are in this project too."""
    comparisons: int
    verdicts: tuple[tuple[str, int], ...]
    """Standing verdicts by annotator, most first."""


def export_counts(
    project: Project, comparison_ids: Sequence[int] | None = None
) -> dict[tuple[Kind, Split], int]:
    """How many rows an export would have of each kind and split; as `exporting.export` counts them."""
    some = comparison_ids is not None
    counts: Counter[tuple[Kind, Split]] = Counter()
    for row in read(
        project,
        "counting the comparisons",
        f"""
        SELECT choice, disputed, split = 'held_out' AS held_out, count(*) AS n
        FROM comparisons JOIN prompts ON prompts.id = comparisons.prompt_id
        WHERE purpose = 'collect' AND state <> 'retired' AND comparisons.deleted_at IS NULL
            {"AND comparisons.id IN (SELECT value FROM json_each(?))" if some else ""}
        GROUP BY 1, 2, 3
        """,  # noqa: S608 (texts of this function)
        [to_json(list(comparison_ids))] if comparison_ids is not None else [],
    ):
        counts[kind_of(row["choice"], disputed=bool(row["disputed"])), _HELD_OUT[row["held_out"]]] += row["n"]
    if not some:
        for row in read(project, "counting the prompts", _ALONE):
            counts["prompts", _HELD_OUT[row["held_out"]]] += row["n"]
    return dict(counts)


_ALONE = """
SELECT split = 'held_out' AS held_out, count(*) AS n FROM prompts
WHERE deleted_at IS NULL AND NOT EXISTS (
    SELECT 1 FROM comparisons
    WHERE prompt_id = prompts.id AND purpose = 'collect' AND state <> 'retired' AND deleted_at IS NULL
) GROUP BY 1
"""


def writers(project: Project) -> tuple[str, ...]:
    """The models whose responses are in the project, by name."""
    rows = read(project, "reading the models", "SELECT DISTINCT model FROM candidates ORDER BY model")
    return tuple(row["model"] for row in rows)


def look_at_project(project: Project, other: Path) -> Holdings | None:
    """What the project file `other` holds; None for one of an older version, which only a merge brings up.

    Raises `StoreError` for what is no project, damaged or newer.
    """
    try:
        theirs = open_reader(other)
    except OlderVersion:
        return None
    try:
        doing = f"reading {other.name}"
        hashes = [
            row["content_hash"]
            for row in read(theirs, doing, "SELECT content_hash FROM prompts WHERE deleted_at IS NULL")
        ]
        comparisons = read_one(
            theirs,
            doing,
            "SELECT count(*) AS n FROM comparisons WHERE purpose = 'collect' AND state <> 'retired' "
            "AND deleted_at IS NULL",
        )["n"]
        verdicts = read(
            theirs,
            doing,
            """
            SELECT standing.annotator AS who, count(*) AS n
            FROM standing JOIN comparisons ON comparisons.id = standing.comparison_id
            WHERE purpose = 'collect' AND deleted_at IS NULL GROUP BY 1 ORDER BY 2 DESC, 1
            """,
        )
    finally:
        theirs.close()
    return Holdings(
        path=other,
        prompts=len(hashes),
        known_prompts=_known(project, hashes),
        comparisons=comparisons,
        verdicts=tuple((row["who"], row["n"]) for row in verdicts),
    )


def _known(project: Project, hashes: Sequence[str]) -> int:
    found = 0
    for start in range(0, len(hashes), _KNOWN_AT_ONCE):
        found += read_one(
            project,
            "comparing the prompts",
            "SELECT count(*) AS n FROM prompts WHERE deleted_at IS NULL "
            "AND content_hash IN (SELECT value FROM json_each(?))",
            [to_json(list(hashes[start : start + _KNOWN_AT_ONCE]))],
        )["n"]
    return found
