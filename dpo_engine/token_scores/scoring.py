"""Every response token of one pair under both models, by the arithmetic that scores whole pairs.

The log-probs are those of `forward.log_probs`; ranks and alternatives come from the same hidden states in a
second pass of the output layer, a few tokens at a time, so that no [tokens, vocabulary] matrix is ever whole.
"""

from collections.abc import Callable, Generator, Iterator, Set
from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple

import torch
from torch import Tensor

from dpo_engine.events import Event, TokensScored
from dpo_engine.forward.log_probs import LogProbs
from dpo_engine.models.loading import LoadedModel
from dpo_engine.models.side_by_side import check_same_tokens, longest_sequence
from dpo_engine.pairs.batches import PairBatch, collate
from dpo_engine.pairs.tokenization import TokenizedPair, end_of_turn, special_ids, tokenize_pair
from dpo_engine.reference.kinds import adapter_off
from dpo_engine.requests import ScoreTokens
from dpo_engine.token_scores.details import Alternative, TokenDetail
from dpo_engine.token_scores.standing import Standing, joined, standing
from dpo_engine.token_scores.texts import TokenTexts

Within = Callable[[], AbstractContextManager[None]]
"""Opened around each computation, never across a safe point."""


class _Reading(NamedTuple):
    """All scored tokens of a batch under one model."""

    log_probs: Tensor
    standing: Standing


def score_tokens(
    request: ScoreTokens, policy: LoadedModel, reference: LoadedModel | None
) -> Iterator[Event | None]:
    """One `TokensScored`; `reference` None is the policy with its adapter off.

    Raises `BadInput` for a pair that cannot be scored, or when the models do not share their tokens.
    """
    if reference is not None:
        check_same_tokens(policy, reference)
    longest = longest_sequence(request.max_length, policy, *([] if reference is None else [reference]))
    tokenizer = policy.tokenizer
    pair = tokenize_pair(tokenizer, request.pair, longest, end_of_turn(tokenizer))
    batch = collate([pair], [0])
    scorer = _scorer(policy)
    ours = yield from _read(scorer, batch, nullcontext)
    if reference is None:
        theirs = yield from _read(scorer, batch, lambda: adapter_off(scorer))
    elif reference is policy:
        theirs = ours
    else:
        theirs = yield from _read(_scorer(reference), batch, nullcontext)
    chosen, rejected = _sides(pair, ours, theirs, TokenTexts(tokenizer), special_ids(tokenizer))
    yield TokensScored(request=request.id, pair=pair.id, chosen=chosen, rejected=rejected)


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


def _sides(
    pair: TokenizedPair, ours: _Reading, theirs: _Reading, texts: TokenTexts, special: Set[int]
) -> tuple[tuple[TokenDetail, ...], tuple[TokenDetail, ...]]:
    columns = zip(_columns(ours, texts), _columns(theirs, texts), strict=True)
    sides = []
    for response in (pair.chosen, pair.rejected):
        pieces = texts.of_response(pair.prompt, response)
        sides.append(
            tuple(
                TokenDetail(
                    text=text,
                    id=token,
                    piece=piece,
                    pieces=pieces_of_text,
                    special=token in special,
                    policy=policy[0],
                    policy_rank=policy[1],
                    policy_top=policy[2],
                    reference=reference[0],
                    reference_rank=reference[1],
                    reference_top=reference[2],
                )
                # The columns hold both responses, so the shorter of these two ends each one.
                for token, (text, piece, pieces_of_text), (policy, reference) in zip(
                    response, pieces, columns, strict=False
                )
            )
        )
    return sides[0], sides[1]


def _columns(reading: _Reading, texts: TokenTexts) -> Iterator[tuple[float, int, tuple[Alternative, ...]]]:
    """Log-prob, rank and alternatives of each token, the chosen response's before the rejected one's."""
    values = (reading.log_probs, *reading.standing)
    for log_prob, rank, top, top_log_probs in zip(*(value.tolist() for value in values), strict=True):
        yield (
            log_prob,
            rank,
            tuple(
                Alternative(token, texts.alone(token), round(value, 4))
                for token, value in zip(top, top_log_probs, strict=True)
            ),
        )


def _scorer(loaded: LoadedModel) -> LogProbs:
    return LogProbs(loaded.model, device=loaded.device, forward_dtype=loaded.dtype)
