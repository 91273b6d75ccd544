"""What a filter asks of a comparison, facet by facet, as SQL. Qt-free."""

# ruff: noqa: S608 (statements are put together from this file's own texts; every value is bound)

from dataclasses import dataclass, field

from app.store.library.filters import Filter, Standing

SHOWN_MARGIN = "CASE c.choice WHEN 'left' THEN c.margin WHEN 'right' THEN -c.margin ELSE abs(c.margin) END"
TAGS = "SELECT value FROM json_each(:tags)"

_TAGGED = f"""
    SELECT comparison_id AS id FROM comparison_tags WHERE tag IN ({TAGS})
    UNION ALL
    SELECT t.id FROM prompt_tags CROSS JOIN comparisons AS t ON t.prompt_id = prompt_tags.prompt_id
    WHERE prompt_tags.tag IN ({TAGS})
"""
_WRITTEN_BY = """
    SELECT t.id FROM candidates CROSS JOIN comparisons AS t ON t.left_id = candidates.id
    WHERE candidates.model IN (SELECT value FROM json_each(:models))
    UNION ALL
    SELECT t.id FROM candidates CROSS JOIN comparisons AS t ON t.right_id = candidates.id
    WHERE candidates.model IN (SELECT value FROM json_each(:models))
"""
_OF_RUNS = """
    SELECT CAST(substr(pair, 12) AS INTEGER) AS id FROM run_pairs
    WHERE run_id IN (SELECT value FROM json_each(:runs)) AND pair LIKE 'comparison-%'
"""
_OF_SOURCES = """
    SELECT t.id FROM prompts CROSS JOIN comparisons AS t ON t.prompt_id = prompts.id
    WHERE prompts.source IN (SELECT value FROM json_each(:sources))
"""
_ASKED_AGAIN = "SELECT id FROM comparisons INDEXED BY comparisons_by_purpose WHERE purpose <> 'collect'"


@dataclass
class Conditions:
    """What must hold of a comparison `c`; and what could be started from, each a query of ids."""

    where: list[str] = field(default_factory=list)
    starts: list[str] = field(default_factory=list)

    def add(self, condition: str, start: str = "") -> None:
        self.where.append(condition)
        if start:
            self.starts.append(start)


def conditions_of(wanted: Filter) -> Conditions:
    found = Conditions()
    _add_presence(found, wanted)
    _add_verdict(found, wanted)
    _add_marks(found, wanted)
    _add_origin(found, wanted)
    _add_ranges(found, wanted)
    return found


def _add_presence(found: Conditions, wanted: Filter) -> None:
    if wanted.deleted:
        found.add(
            "c.deleted_at IS NOT NULL",
            "SELECT id FROM comparisons INDEXED BY comparisons_deleted WHERE deleted_at IS NOT NULL",
        )
    else:
        found.add("c.deleted_at IS NULL")
    if wanted.purposes:
        found.add(
            "c.purpose IN (SELECT value FROM json_each(:purposes))"
            " AND (c.purpose = 'collect' OR c.state = 'answered')",
            "" if "collect" in wanted.purposes else _ASKED_AGAIN,
        )
    else:
        found.add("c.purpose = 'collect'")


def _add_verdict(found: Conditions, wanted: Filter) -> None:
    if wanted.standings:
        found.add(
            "CASE WHEN c.state = 'retired' THEN 'retired' ELSE coalesce(c.choice, 'waiting') END"
            " IN (SELECT value FROM json_each(:standings))",
            _standing_start(wanted.standings),
        )
    else:
        found.add("c.state <> 'retired'")
    if wanted.strengths:
        found.add(
            "c.choice IN ('left', 'right') AND (SELECT strength FROM verdicts WHERE id = c.verdict_id)"
            " IN (SELECT value FROM json_each(:strengths))",
            ""
            if 1 in wanted.strengths
            else "SELECT t.id FROM verdicts CROSS JOIN comparisons AS t ON t.verdict_id = verdicts.id"
            " WHERE strength > 1 AND strength IN (SELECT value FROM json_each(:strengths))",
        )
    if wanted.annotators:
        found.add(
            "EXISTS (SELECT 1 FROM standing WHERE comparison_id = c.id"
            " AND annotator IN (SELECT value FROM json_each(:annotators)))",
            "SELECT comparison_id AS id FROM standing"
            " WHERE annotator IN (SELECT value FROM json_each(:annotators))",
        )
    if wanted.edited:
        found.add(
            "(SELECT edited_id FROM verdicts WHERE id = c.verdict_id) IS NOT NULL",
            "SELECT t.id FROM verdicts CROSS JOIN comparisons AS t ON t.verdict_id = verdicts.id"
            " WHERE edited_id IS NOT NULL",
        )
    if wanted.disputed:
        found.add(
            "c.disputed = 1", "SELECT id FROM comparisons INDEXED BY comparisons_disputed WHERE disputed = 1"
        )


def _standing_start(standings: tuple[Standing, ...]) -> str:
    """Where to find these: in the queue, on the screen, or by their verdict; each has an index."""
    places = {
        "waiting": "SELECT id FROM comparisons INDEXED BY comparisons_waiting"
        " WHERE state = 'waiting' AND asked_of IS NULL AND deleted_at IS NULL"
        " UNION ALL SELECT id FROM comparisons INDEXED BY comparisons_shown"
        " WHERE state = 'shown' AND deleted_at IS NULL",
        "retired": "SELECT id FROM comparisons INDEXED BY comparisons_retired WHERE state = 'retired'",
        "uncompared": "",
    }
    judged = (
        "SELECT id FROM comparisons INDEXED BY comparisons_by_choice WHERE choice IS NOT NULL"
        " AND choice IN (SELECT value FROM json_each(:standings))"
    )
    wanted = dict.fromkeys(places.get(standing, judged) for standing in standings)
    return " UNION ALL ".join(place for place in wanted if place)


def _add_marks(found: Conditions, wanted: Filter) -> None:
    if wanted.flagged:
        found.add(
            "c.flagged = 1", "SELECT id FROM comparisons INDEXED BY comparisons_flagged WHERE flagged = 1"
        )
    if wanted.commented:
        found.add(
            "c.comment <> ''",
            "SELECT id FROM comparisons INDEXED BY comparisons_commented WHERE comment <> ''",
        )
    if wanted.tags:
        found.add(
            f"(EXISTS (SELECT 1 FROM comparison_tags WHERE comparison_id = c.id AND tag IN ({TAGS})) OR"
            f" EXISTS (SELECT 1 FROM prompt_tags WHERE prompt_id = c.prompt_id AND tag IN ({TAGS})))",
            _TAGGED,
        )


def _add_origin(found: Conditions, wanted: Filter) -> None:
    if len(wanted.splits) == 1:
        held_out = wanted.splits == ("held_out",)
        found.add(
            f"c.held_out = {int(held_out)}",
            "SELECT id FROM comparisons INDEXED BY comparisons_held_out WHERE held_out = 1"
            if held_out
            else "",
        )
    if wanted.models:
        found.add(
            "EXISTS (SELECT 1 FROM candidates WHERE id IN (c.left_id, c.right_id)"
            " AND model IN (SELECT value FROM json_each(:models)))",
            _WRITTEN_BY,
        )
    if wanted.runs:
        found.add(f"c.id IN ({_OF_RUNS})", _OF_RUNS)
    if wanted.sources:
        found.add(
            "EXISTS (SELECT 1 FROM prompts WHERE id = c.prompt_id"
            " AND source IN (SELECT value FROM json_each(:sources)))",
            _OF_SOURCES,
        )


def _add_ranges(found: Conditions, wanted: Filter) -> None:
    if wanted.shortest is not None or wanted.longest is not None:
        found.add(
            "(c.left_chars BETWEEN :shortest AND :longest OR c.right_chars BETWEEN :shortest AND :longest)",
            "SELECT id FROM comparisons INDEXED BY comparisons_by_left_chars"
            " WHERE left_chars BETWEEN :shortest AND :longest"
            " UNION ALL SELECT id FROM comparisons INDEXED BY comparisons_by_right_chars"
            " WHERE right_chars BETWEEN :shortest AND :longest",
        )
    if wanted.least_margin is not None or wanted.most_margin is not None:
        between = "BETWEEN :least_margin AND :most_margin"
        found.add(
            f"c.margin IS NOT NULL AND {SHOWN_MARGIN} {between}",
            "SELECT c.id FROM comparisons AS c INDEXED BY comparisons_by_margin"
            f" WHERE c.margin IS NOT NULL AND {SHOWN_MARGIN} {between}",
        )
