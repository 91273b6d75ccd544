"""The scores of a checkpoint as columns, for a table of any length; texts stay where they are.

Read with a connection that only reads, on a thread of its own: the rows come in parts, and everything
that can be left to SQLite is, so that the window's thread always gets its turn.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.store.errors import ProjectDamaged, explained
from app.store.handle import Project

LINE = 200
"""Characters of a prompt that tell it from others in a list."""

_AT_ONCE = 4096


@dataclass(frozen=True, kw_only=True, eq=False)
class ScoreColumns:
    """One entry a scored pair, in the order of the run's snapshot. Log-probs are sums in nats."""

    rows: NDArray[np.int64]
    """Numbers that rise with the pairs' order; `app.store.training.pair_texts` finds pairs by them."""
    ids: tuple[str, ...]
    prompt_lines: tuple[str, ...]
    """Each prompt's last turn on one line, cut after `LINE` characters."""
    prompt_rank: NDArray[np.int64]
    """Place of the pair when sorted by its prompt's text."""
    held_out: NDArray[np.bool_]
    policy_chosen: NDArray[np.float64]
    policy_rejected: NDArray[np.float64]
    reference_chosen: NDArray[np.float64]
    reference_rejected: NDArray[np.float64]
    chosen_tokens: NDArray[np.int64]
    rejected_tokens: NDArray[np.int64]
    truncated: NDArray[np.bool_]
    strength: NDArray[np.int64]
    """Of the verdict that made the pair, as it stood when the run was made: 1 to 3; 0 where none is known."""

    def are_finite(self) -> NDArray[np.bool_]:
        """Which pairs have four finite log-probs: all others have no figures."""
        log_probs = (self.policy_chosen, self.policy_rejected, self.reference_chosen, self.reference_rejected)
        finite: NDArray[np.bool_] = np.logical_and.reduce([np.isfinite(column) for column in log_probs])
        return finite

    def only(self, kept: NDArray[np.bool_]) -> "ScoreColumns":
        """The pairs where `kept` is true."""
        places = np.flatnonzero(kept).tolist()

        def filtered(column: Any) -> Any:
            return tuple(column[place] for place in places) if isinstance(column, tuple) else column[kept]

        columns: dict[str, Any] = {one.name: filtered(getattr(self, one.name)) for one in fields(self)}
        return ScoreColumns(**columns)


def score_columns(project: Project, run_id: int, checkpoint: str) -> ScoreColumns:
    """Of every pair that is scored at this checkpoint. Raises `StoreError`."""
    parts = list(_parts(project, _COLUMNS, [run_id, checkpoint]))
    columns = [[value for part in parts for value in part[number]] for number in range(_WIDTH)]
    try:
        numbers = [np.asarray(column, dtype=np.float64) for column in columns[3:]]
        return ScoreColumns(
            rows=np.asarray(columns[0], dtype=np.int64),
            ids=tuple(map(str, columns[1])),
            prompt_lines=tuple(map(_one_line, columns[2])),
            prompt_rank=numbers[0].astype(np.int64),
            held_out=numbers[1] > 0,
            policy_chosen=numbers[2],
            policy_rejected=numbers[3],
            reference_chosen=numbers[4],
            reference_rejected=numbers[5],
            chosen_tokens=numbers[6].astype(np.int64),
            rejected_tokens=numbers[7].astype(np.int64),
            truncated=numbers[8] > 0,
            strength=numbers[9].astype(np.int64),
        )
    except (TypeError, ValueError) as error:
        raise ProjectDamaged(
            "Some scores in the project file cannot be read. The file was not changed. Score the run again, "
            "or restore a backup (File menu, “Backups…”).",
            detail=str(error),
        ) from error


def log_ratio_differences(
    project: Project, run_id: int, checkpoint: str
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """By pair: its row number, and log-ratio of chosen minus that of rejected (the margin at β = 1)."""
    parts = list(_parts(project, _DIFFERENCES, [run_id, checkpoint]))
    rows, values = ([value for part in parts for value in part[number]] for number in range(2))
    return np.asarray(rows, dtype=np.int64), np.asarray(values, dtype=np.float64)


def _parts(project: Project, sql: str, parameters: Sequence[Any]) -> Iterator[list[tuple[Any, ...]]]:
    """The columns of so many rows at a time."""
    with explained("reading the scores"):
        cursor = project.db.conn.execute(sql, parameters)
        while rows := cursor.fetchmany(_AT_ONCE):
            yield list(zip(*rows, strict=True))


def _one_line(text: object) -> str:
    line = " ".join(str(text or "").split())
    return line if len(line) <= LINE else line[: LINE - 1] + "…"


_WIDTH = 13
_COLUMNS = """
    WITH made AS (SELECT id, created_at FROM runs WHERE id = ?1),
    scored AS (
        SELECT run_pairs.id AS place, run_pairs.pair AS pair, split = 'held_out' AS held_out,
            substr(trim(json_extract(prompt, '$[#-1].content')), 1, 400) AS line,
            policy_chosen_logp, policy_rejected_logp, reference_chosen_logp, reference_rejected_logp,
            chosen_tokens, rejected_tokens, truncated,
            CASE WHEN run_pairs.pair LIKE 'comparison-%' THEN (
                SELECT strength FROM verdicts, made
                WHERE comparison_id = CAST(substr(run_pairs.pair, 12) AS INTEGER)
                    AND verdicts.created_at <= made.created_at
                    AND (undone_at IS NULL OR undone_at > made.created_at)
                ORDER BY verdicts.id DESC LIMIT 1
            ) END AS strength
        FROM pair_scores JOIN run_pairs USING (run_id, pair)
        WHERE pair_scores.run_id = ?1 AND checkpoint = ?2
    )
    SELECT place, pair, line, dense_rank() OVER (ORDER BY lower(line)), held_out,
        policy_chosen_logp, policy_rejected_logp, reference_chosen_logp, reference_rejected_logp,
        chosen_tokens, rejected_tokens, truncated, coalesce(strength, 0)
    FROM scored ORDER BY place
"""
_DIFFERENCES = """
    SELECT run_pairs.id,
        (policy_chosen_logp - reference_chosen_logp) - (policy_rejected_logp - reference_rejected_logp)
    FROM pair_scores JOIN run_pairs USING (run_id, pair)
    WHERE pair_scores.run_id = ?1 AND checkpoint = ?2 ORDER BY run_pairs.id
"""
