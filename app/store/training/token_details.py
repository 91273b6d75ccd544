"""What was found out of each token of a scored pair, kept beside its score.

It is written when somebody looks at a pair's tokens, so a project holds it for few of its pairs. Scores of
before may hold each token's log-probs alone (see `scores`); those are given back without ranks.
"""

import zlib
from dataclasses import dataclass
from typing import cast

import msgspec

from app.store.errors import ProjectDamaged
from app.store.handle import Project
from app.store.rows import read, writing
from app.store.training.scores import TokenScores
from dpo_engine.pair_math import TokenScore
from dpo_engine.token_scores.details import TokenDetail

_MARK = b"\x02"
"""Before what is compressed; what `scores` writes begins with msgpack's 0x92."""
_MOST_BYTES = 256 * 2**20
"""Of one pair, decompressed: a file that says more is damaged or means harm."""
_TOKENS_A_PART = 256
"""Decoded at once: while it is, no other thread gets on."""
_Parts = tuple[tuple[bytes, ...], tuple[bytes, ...]]
_DECODER = msgspec.msgpack.Decoder(tuple[TokenDetail, ...])


@dataclass(frozen=True, kw_only=True)
class PairDetails:
    chosen: tuple[TokenDetail, ...]
    rejected: tuple[TokenDetail, ...]

    @property
    def ranked(self) -> bool:
        """Ranks and alternatives are known too."""
        return all(token.policy_rank > 0 for token in (*self.chosen, *self.rejected))


def keep_token_details(
    project: Project, run_id: int, checkpoint: str, pair: str, details: PairDetails
) -> None:
    """Keep them with the pair's score at this checkpoint; a pair without a score keeps nothing."""
    parts = (_in_parts(details.chosen), _in_parts(details.rejected))
    packed = _MARK + zlib.compress(msgspec.msgpack.encode(parts), 1)
    with writing(project, "keeping the tokens of a pair") as db:
        db.conn.execute(
            "UPDATE pair_scores SET token_scores = ? WHERE run_id = ? AND checkpoint = ? AND pair = ?",
            [packed, run_id, checkpoint, pair],
        )


def token_details(project: Project, run_id: int, checkpoint: str, pair: str) -> PairDetails | None:
    """None where nobody looked at them yet. Raises `ProjectDamaged` for what cannot be read."""
    rows = read(
        project,
        "reading the tokens of a pair",
        "SELECT token_scores FROM pair_scores WHERE run_id = ? AND checkpoint = ? AND pair = ?",
        [run_id, checkpoint, pair],
    )
    if not rows or rows[0]["token_scores"] is None:
        return None
    try:
        return _unpacked(bytes(rows[0]["token_scores"]))
    except (msgspec.DecodeError, zlib.error, TypeError, ValueError) as error:
        raise ProjectDamaged(
            f"The tokens of pair {pair} cannot be read. Nothing was changed. Score the run again.",
            detail=str(error),
        ) from error


def _unpacked(blob: bytes) -> PairDetails:
    if not blob.startswith(_MARK):
        old = cast(TokenScores, msgspec.msgpack.decode(blob, type=TokenScores))
        first, second = (tuple(map(_without_rank, side)) for side in old)
        return PairDetails(chosen=first, rejected=second)
    unpacker = zlib.decompressobj()
    unpacked = unpacker.decompress(blob[len(_MARK) :], _MOST_BYTES)
    if not unpacker.eof:
        raise ValueError("it is cut short, or longer than any pair's tokens")
    chosen, rejected = cast(_Parts, msgspec.msgpack.decode(unpacked, type=_Parts))
    return PairDetails(chosen=_whole(chosen), rejected=_whole(rejected))


def _in_parts(tokens: tuple[TokenDetail, ...]) -> tuple[bytes, ...]:
    starts = range(0, len(tokens), _TOKENS_A_PART)
    return tuple(msgspec.msgpack.encode(tokens[start : start + _TOKENS_A_PART]) for start in starts)


def _whole(parts: tuple[bytes, ...]) -> tuple[TokenDetail, ...]:
    return tuple(token for part in parts for token in _DECODER.decode(part))


def _without_rank(token: TokenScore) -> TokenDetail:
    return TokenDetail(text=token.text, id=token.id, policy=token.policy, reference=token.reference)
