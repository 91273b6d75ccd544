"""Rows on their way into the tables, many at a time, with ids that are given out beforehand."""

from dataclasses import dataclass, field
from typing import Any

import msgspec
from sqlite_utils import Database

from app.store.exchange.bulk import count_new, insert_many
from app.store.exchange.entries import IMPORTED, Given, Response
from app.store.records import PERSON, Choice

Values = tuple[Any, ...]

_COLUMNS = {
    "prompts": "id content_hash messages source split priority comparisons answered created_at",
    "candidates": "id prompt_id text chars model fingerprint sampling seed finish_reason tokens seconds "
    "created_at",
    "edits": "id prompt_id text chars model fingerprint sampling seed finish_reason tokens seconds "
    "created_at edited_from",
    "comparisons": "id prompt_id left_id right_id left_chars right_chars swapped state priority held_out "
    "skipped verdict_id choice flagged comment created_at",
    "settling": "id prompt_id left_id right_id left_chars right_chars swapped state priority held_out "
    "skipped verdict_id choice purpose of_id created_at",
    "verdicts": "id comparison_id choice strength annotator seconds created_at undone_at edited_id imported",
    "verdict_history": "verdict_id event at",
    "standing": "comparison_id annotator verdict_id",
    "prompt_tags": "prompt_id tag",
    "comparison_tags": "comparison_id tag",
}
"""The columns of the tables, and of two kinds of rows that have others than most rows of theirs."""
_TABLES = {"edits": "candidates", "settling": "comparisons"}
_COUNTED_UP = ("prompts", "candidates", "comparisons", "verdicts")
_ONCE = ("prompt_tags", "comparison_tags")


@dataclass(frozen=True)
class Waiting:
    """Rows of each kind that are to be written, and what is added to the counts of prompts, by their ids."""

    rows: dict[str, list[Values]] = field(default_factory=lambda: {kind: [] for kind in _COLUMNS})
    counts: dict[int, list[int]] = field(default_factory=dict)


class NewRows:
    """Within one transaction. `first` has the id of each table's first new row."""

    def __init__(self, db: Database, moment: str) -> None:
        self._moment = moment
        self._waiting = Waiting()
        self.first = {table: _next_id(db, table) for table in _COUNTED_UP}
        self._next = dict(self.first)

    def added(self, table: str) -> int:
        """How many rows of a table are new so far."""
        return self._next[table] - self.first[table]

    def last(self, table: str) -> int:
        """The highest id so far."""
        return self._next[table] - 1

    def prompt(self, content_hash: str, messages: str, source: str, split: str) -> int:
        prompt_id = self._id("prompts")
        counts = self._waiting.counts[prompt_id] = [0, 0]
        # The counts are those of the whole batch when the row is written, as the list is the same one.
        self._waiting.rows["prompts"].append((prompt_id, content_hash, messages, source, split, counts))
        return prompt_id

    def candidate(self, prompt_id: int, new: Response) -> int:
        candidate_id = self._id("candidates")
        values = (
            candidate_id,
            prompt_id,
            new.text,
            len(new.text),
            new.model or IMPORTED,
            new.fingerprint,
            _json(new.sampling),
            new.seed,
            new.finish_reason,
            new.tokens,
            new.seconds,
            new.created_at or self._moment,
        )
        self._waiting.rows["candidates"].append(values)
        return candidate_id

    def edit(self, prompt_id: int, text: str, edited_from: int) -> int:
        """What a person made of a candidate."""
        candidate_id = self._id("candidates")
        self._waiting.rows["edits"].append(
            (
                *(candidate_id, prompt_id, text, len(text), PERSON, "", "{}", 0, "edited", 0, 0.0),
                *(self._moment, edited_from),
            )
        )
        return candidate_id

    def comparison(
        self,
        prompt_id: int,
        sides: tuple[int, int],
        chars: tuple[int, int],
        *,
        swapped: bool,
        held_out: bool,
        flagged: bool,
        comment: str,
        verdict: tuple[int, Choice] | None,
    ) -> int:
        """`verdict` is what counts, where that is known already."""
        comparison_id = self._id("comparisons")
        choice = verdict[1] if verdict else None
        answered = choice not in (None, "skip")
        counts = self._waiting.counts.setdefault(prompt_id, [0, 0])
        counts[0] += 1
        counts[1] += answered
        values = (
            comparison_id,
            prompt_id,
            sides[0],
            sides[1],
            chars[0],
            chars[1],
            int(swapped),
            "answered" if answered else "waiting",
            0,
            int(held_out),
            int(choice == "skip"),
            verdict and verdict[0],
            choice,
            int(flagged),
            comment,
            self._moment,
        )
        self._waiting.rows["comparisons"].append(values)
        return comparison_id

    def settling(
        self,
        of_id: int,
        prompt_id: int,
        sides: tuple[int, int],
        chars: tuple[int, int],
        verdict: tuple[int, Choice],
    ) -> int:
        """The comparison that was asked again to end a dispute, with its answer."""
        comparison_id = self._id("comparisons")
        state = "waiting" if verdict[1] == "skip" else "answered"
        self._waiting.rows["settling"].append(
            (
                *(comparison_id, prompt_id, *sides, *chars, 0, state, 0, 0, 0, *verdict, "settle", of_id),
                self._moment,
            )
        )
        return comparison_id

    def verdict_id(self) -> int:
        """The id of a verdict that is about to be added."""
        return self._id("verdicts")

    def verdict(
        self,
        verdict_id: int,
        comparison_id: int,
        given: Given,
        annotator: str,
        edited_id: int | None,
        *,
        stands: bool,
    ) -> None:
        at = given.created_at or self._moment
        undone_at = None if stands else self._moment
        values = (
            verdict_id,
            comparison_id,
            given.choice,
            given.strength,
            annotator,
            given.seconds,
            at,
            undone_at,
            edited_id,
            1,
        )
        self._waiting.rows["verdicts"].append(values)
        self._waiting.rows["verdict_history"].append((verdict_id, "given", at))
        if not stands:
            self._waiting.rows["verdict_history"].append((verdict_id, "superseded", self._moment))

    def superseded(self, verdict_id: int) -> None:
        self._waiting.rows["verdict_history"].append((verdict_id, "superseded", self._moment))

    def standing(self, comparison_id: int, annotator: str, verdict_id: int) -> None:
        self._waiting.rows["standing"].append((comparison_id, annotator, verdict_id))

    def tag(self, table: str, row_id: int, tag: str) -> None:
        self._waiting.rows[table].append((row_id, tag))

    def take(self) -> Waiting:
        """What was added since the last time, for `write`."""
        taken, self._waiting = self._waiting, Waiting()
        return taken

    def _id(self, table: str) -> int:
        given = self._next[table]
        self._next[table] = given + 1
        return given


def write(db: Database, waiting: Waiting, moment: str) -> None:
    """Insert what is waiting; new prompts carry this moment."""
    rows, counts = waiting.rows, waiting.counts
    fresh = {values[0] for values in rows["prompts"]}
    prompts = [(*values[:5], 0, *values[5], moment) for values in rows["prompts"]]
    for kind, some in (rows | {"prompts": prompts}).items():
        insert_many(db, _INSERTS[kind], some)
    db.conn.executemany(
        "UPDATE prompts SET comparisons = comparisons + ?, answered = answered + ? WHERE id = ?",
        [(*added, key) for key, added in counts.items() if key not in fresh],
    )
    new = [one[0][0] for kind in ("comparisons", "settling") if (one := rows[kind])]
    if new:
        count_new(db, min(new))


def _insert(kind: str) -> str:
    or_ignore = " OR IGNORE" if kind in _ONCE else ""
    return f"INSERT{or_ignore} INTO {_TABLES.get(kind, kind)} ({', '.join(_COLUMNS[kind].split())})"


_INSERTS = {kind: _insert(kind) for kind in _COLUMNS}


def _next_id(db: Database, table: str) -> int:
    """Above every id that was ever given out, as the tables count without using one twice."""
    found = db.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", [table]).fetchone()
    return int(found[0]) + 1 if found else 1


def _json(sampling: dict[str, int | float]) -> str:
    return msgspec.json.encode(sampling).decode() if sampling else "{}"
