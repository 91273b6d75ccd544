"""Every response token of one pair under both models, by the arithmetic that scores whole pairs.

The log-probs are those of `forward.log_probs`; ranks and alternatives come from the same hidden states in a
second pass of the output layer, a few tokens at a time, so that no [tokens, vocabulary] matrix is ever whole.
"""

from collections.abc import Callable, Generator, Iterator, Sequence, Set
from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple

import torch
from torch import Tensor

from dpo_engine.events import Event, TokensScored
from dpo_engine.forward.log_probs import LogProbs
from dpo_engine.models.loading import LoadedModel
from dpo_engine.models.side_by_side import check_same_tokens, longest_sequence
from dpo_engine.pairs.batches import PairBatch, collate
from dpo_engine.pairs.tokenization import end_of_turn, special_ids, tokenize_pair
from dpo_engine.reference.kinds import adapter_off
from dpo_engine.requests import ScoreTokens
from dpo_engine.token_scores.details import Alternative, TokenDetail
from dpo_engine.token_scores.standing import Standing, joined, standing
from dpo_engine.token_scores.texts import TokenTexts

TOKENS_AT_ONCE = 256
"""Of either response, in one event: more would hold up the reader's other threads while it is decoded."""

Within = Callable[[], AbstractContextManager[None]]
"""Opened around each computation, never across a safe point."""


class _Reading(NamedTuple):
    """All scored tokens of a batch under one model."""

    log_probs: Tensor
    standing: Standing


class _Value(NamedTuple):
    """What one model says of one token."""

    log_prob: float
    rank: int
    top: tuple[Alternative, ...]


def new_scorer(loaded: LoadedModel) -> LogProbs:
    return LogProbs(loaded.model, device=loaded.device, forward_dtype=loaded.dtype)


def score_tokens(
    request: ScoreTokens,
    policy: LoadedModel,
    reference: LoadedModel | None,
    *,
    scorer_of: Callable[[LoadedModel], LogProbs] = new_scorer,
) -> Iterator[Event | None]:
    """`TokensScored` until its `last`; `reference` None is the policy with its adapter off.

    `scorer_of` may give scorers that were made before: making one takes longer than a short pair. Raises
    `BadInput` for a pair that cannot be scored, or when the models do not share their tokens.
    """
    if reference is not None:
        check_same_tokens(policy, reference)
    longest = longest_sequence(request.max_length, policy, *([] if reference is None else [reference]))
    tokenizer = policy.tokenizer
    pair = tokenize_pair(tokenizer, request.pair, longest, end_of_turn(tokenizer))
    batch = collate([pair], [0])
    scorer = scorer_of(policy)
    ours = yield from _read(scorer, batch, nullcontext)
    if reference is None:
        theirs = yield from _read(scorer, batch, lambda: adapter_off(scorer))
    elif reference is policy:
        theirs = ours
    else:
        theirs = yield from _read(scorer_of(reference), batch, nullcontext)
    texts, special = TokenTexts(tokenizer), special_ids(tokenizer)
    columns = zip(_columns(ours, texts), _columns(theirs, texts), strict=True)
    # Both responses are behind one another in the columns.
    chosen = list(_details(pair.prompt, pair.chosen, columns, texts, special))
    yield None
    rejected = list(_details(pair.prompt, pair.rejected, columns, texts, special))
    for start in range(0, max(len(chosen), len(rejected)), TOKENS_AT_ONCE):
        here = slice(start, start + TOKENS_AT_ONCE)
        yield TokensScored(
            request=request.id,
            pair=pair.id,
            chosen=tuple(chosen[here]),
            rejected=tuple(rejected[here]),
            last=start + TOKENS_AT_ONCE >= max(len(chosen), len(rejected)),
        )


def _read(scorer: LogProbs, batch: PairBatch, within: Within) -> Generator[None, None, _Reading]:
    with within(), torch.no_grad():
        log_probs, chunks = scorer.with_distributions(batch)
    parts: list[Standing] = []
    while True:
        yield None
        with within(), torch.no_grad():
            chunk = next(chunks, None)
            if chunk is None:
                return _Reading(log_probs.cpu(), joined(parts))
            parts.append(standing(*chunk))


def _details(
    prompt: Sequence[int],
    response: Sequence[int],
    columns: Iterator[tuple[_Value, _Value]],
    texts: TokenTexts,
    special: Set[int],
) -> Iterator[TokenDetail]:
    """The tokens of one response, whose values are the next in `columns`."""
    for token, piece, (policy, reference) in zip(
        response, texts.of_response(prompt, response), columns, strict=False
    ):
        yield TokenDetail(
            text=piece.text,
            id=token,
            piece=piece.piece,
            pieces=piece.pieces,
            special=token in special,
            policy=policy.log_prob,
            policy_rank=policy.rank,
            policy_top=policy.top,
            reference=reference.log_prob,
            reference_rank=reference.rank,
            reference_top=reference.top,
        )


def _columns(reading: _Reading, texts: TokenTexts) -> Iterator[_Value]:
    """Of each token, the chosen response's before the rejected one's."""
    values = (reading.log_probs, *reading.standing)
    for log_prob, rank, top, top_log_probs in zip(*(value.tolist() for value in values), strict=True):
        alternatives = zip(top, top_log_probs, strict=True)
        yield _Value(
            log_prob,
            rank,
            tuple(Alternative(token, texts.alone(token), round(value, 4)) for token, value in alternatives),
        )
