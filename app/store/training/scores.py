"""The four log-probs of a run's pairs at its checkpoints, with the texts that were scored."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import msgspec

from app.store.collecting.prompts import to_messages
from app.store.errors import BadValue, ProjectDamaged
from app.store.handle import Project
from app.store.records import ScoredPair
from app.store.rows import Row, checked, clean, now, read, read_one, to_json, to_record, writing
from app.store.training.run_pairs import keep_pairs
from app.store.training.runs import get_run
from dpo_engine import run_folder
from dpo_engine.errors import EngineError
from dpo_engine.pair_math import PairScore, TokenScore
from dpo_engine.preferences import Pair

TokenScores = tuple[tuple[TokenScore, ...], tuple[TokenScore, ...]]
"""Of the chosen and of the rejected response."""

_LOG_PROBS = (
    "policy_chosen_logp",
    "policy_rejected_logp",
    "reference_chosen_logp",
    "reference_rejected_logp",
)


def record_scores(
    project: Project,
    run_id: int,
    checkpoint: str,
    scores: Sequence[PairScore],
    *,
    pairs: Sequence[Pair] = (),
) -> None:
    """Keep scores of a run's pairs at a checkpoint (`policy`, `step-000040`); the same again replaces them.

    The texts are those of the run's snapshot: kept with the run, given as `pairs`, or read from its folder.
    Raises `BadValue` for a pair of another run or a log-prob that is no number; then none is kept.
    """
    if not checkpoint:
        raise BadValue("Scores need the name of their checkpoint. Nothing was changed.")
    for score in scores:
        if not all(math.isfinite(getattr(score, name)) for name in _LOG_PROBS):
            raise BadValue(
                f"The log-probs of pair {score.pair} are not finite numbers, so they cannot be kept. "
                "Nothing was changed. Score an earlier checkpoint."
            )
    run = get_run(project, run_id)
    keep_pairs(project, run_id, pairs)
    _find_texts(project, run_id, Path(run.folder), scores)
    with writing(project, "saving the scores") as db:
        db.conn.executemany(
            """
            INSERT INTO pair_scores (run_id, checkpoint, pair, policy_chosen_logp, policy_rejected_logp,
                reference_chosen_logp, reference_rejected_logp, chosen_tokens, rejected_tokens, truncated,
                token_scores, scored_at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (run_id, checkpoint, pair) DO UPDATE SET
                policy_chosen_logp = excluded.policy_chosen_logp,
                policy_rejected_logp = excluded.policy_rejected_logp,
                reference_chosen_logp = excluded.reference_chosen_logp,
                reference_rejected_logp = excluded.reference_rejected_logp,
                chosen_tokens = excluded.chosen_tokens, rejected_tokens = excluded.rejected_tokens,
                truncated = excluded.truncated, scored_at = excluded.scored_at,
                token_scores = coalesce(excluded.token_scores, token_scores)
            """,
            [_row(run_id, checkpoint, score) for score in scores],
        )


def scored_pairs(project: Project, run_id: int, checkpoint: str) -> list[ScoredPair]:
    """In the order of the run's snapshot; pairs not scored yet are left out."""
    rows = read(
        project,
        "reading the scores",
        """
        SELECT * FROM pair_scores JOIN run_pairs USING (run_id, pair)
        WHERE run_id = ? AND checkpoint = ? ORDER BY run_pairs.id
        """,
        [run_id, checkpoint],
    )
    return [_scored_pair(row) for row in rows]


def scored_pair(project: Project, run_id: int, checkpoint: str, pair: str) -> ScoredPair:
    """One of them, with its texts. Raises `NoSuchRow`."""
    row = read_one(
        project,
        "reading the pair",
        """
        SELECT * FROM pair_scores JOIN run_pairs USING (run_id, pair)
        WHERE run_id = ? AND checkpoint = ? AND pair = ?
        """,
        [run_id, checkpoint, pair],
        missing=f"Pair {pair} has no scores there any more.",
    )
    return _scored_pair(row)


def scores_of_pair(
    project: Project, run_id: int, pair: str, checkpoints: Sequence[str]
) -> dict[str, tuple[float, float, float, float]]:
    """The four log-probs of a pair (in the order of `PairScore`) at those checkpoints that have it."""
    rows = read(
        project,
        "reading the pair's scores",
        f"""
        SELECT checkpoint, {", ".join(_LOG_PROBS)} FROM pair_scores
        WHERE run_id = ? AND checkpoint IN (SELECT value FROM json_each(?)) AND pair = ?
        """,  # noqa: S608 (names of this file)
        [run_id, to_json(list(checkpoints)), pair],
    )
    return {
        row["checkpoint"]: checked(tuple(row[name] for name in _LOG_PROBS), tuple[float, float, float, float])
        for row in rows
    }


def scored_ids(project: Project, run_id: int, checkpoint: str) -> tuple[str, ...]:
    """The pairs that have scores at a checkpoint."""
    rows = read(
        project,
        "reading the scores",
        "SELECT pair FROM pair_scores WHERE run_id = ? AND checkpoint = ?",
        [run_id, checkpoint],
    )
    return tuple(row["pair"] for row in rows)


def forget_scores(project: Project, run_id: int, checkpoint: str) -> None:
    """Of weights that are no longer those of the checkpoint."""
    with writing(project, "removing the scores of earlier weights") as db:
        db.execute("DELETE FROM pair_scores WHERE run_id = ? AND checkpoint = ?", [run_id, checkpoint])


def scored_checkpoints(project: Project, run_id: int) -> dict[str, int]:
    """Each checkpoint that has scores, and of how many pairs."""
    rows = read(
        project,
        "reading the scores",
        "SELECT checkpoint, count(*) AS n FROM pair_scores WHERE run_id = ? GROUP BY checkpoint",
        [run_id],
    )
    return {row["checkpoint"]: row["n"] for row in rows}


def token_scores(project: Project, run_id: int, checkpoint: str, pair: str) -> TokenScores | None:
    """Each response token's log-prob under both models; None when they were not asked for."""
    rows = read(
        project,
        "reading the scores",
        "SELECT token_scores FROM pair_scores WHERE run_id = ? AND checkpoint = ? AND pair = ?",
        [run_id, checkpoint, pair],
    )
    if not rows or rows[0]["token_scores"] is None:
        return None
    try:
        return cast(TokenScores, msgspec.msgpack.decode(rows[0]["token_scores"], type=TokenScores))
    except (msgspec.DecodeError, TypeError) as error:
        raise ProjectDamaged(
            f"The token scores of pair {pair} cannot be read. Nothing was changed. Score the run again.",
            detail=str(error),
        ) from error


def _scored_pair(row: Row) -> ScoredPair:
    return to_record(
        ScoredPair, row | {"prompt": to_messages(row["prompt"]), "truncated": bool(row["truncated"])}
    )


def _find_texts(project: Project, run_id: int, folder: Path, scores: Sequence[PairScore]) -> None:
    """Make sure that every scored pair's texts are kept. Raises `BadValue` where they are nowhere."""
    missing = _without_texts(project, run_id, {score.pair for score in scores})
    if not missing:
        return
    try:
        keep_pairs(project, run_id, run_folder.read_pairs(folder))
    except (EngineError, OSError) as error:
        raise BadValue(
            f"The pairs of this run cannot be read, so its scores were not kept: {error}", detail=str(folder)
        ) from error
    if missing := _without_texts(project, run_id, missing):
        raise BadValue(f"Pair {min(missing)} is not one of this run. Nothing was changed.")


def _without_texts(project: Project, run_id: int, pairs: set[str]) -> set[str]:
    rows = read(
        project,
        "reading the run's pairs",
        """
        SELECT value AS pair FROM json_each(?)
        WHERE NOT EXISTS (SELECT 1 FROM run_pairs WHERE run_id = ? AND run_pairs.pair = value)
        """,
        [to_json(sorted(pairs)), run_id],
    )
    return {row["pair"] for row in rows}


def _row(run_id: int, checkpoint: str, score: PairScore) -> tuple[object, ...]:
    tokens: TokenScores = (score.chosen_token_scores, score.rejected_token_scores)
    return (
        run_id,
        clean(checkpoint, "The checkpoint's name"),
        score.pair,
        *(getattr(score, name) for name in _LOG_PROBS),
        score.chosen_tokens,
        score.rejected_tokens,
        int(score.truncated),
        msgspec.msgpack.encode(tokens) if any(tokens) else None,
        now(),
    )
