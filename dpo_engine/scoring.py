"""The four log-probs of every pair, in input order, and each token's own when asked."""

from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial

import torch
from torch import Tensor

from dpo_engine.errors import BadInput
from dpo_engine.events import Event, Note, PairsScored, Progress
from dpo_engine.forward.log_probs import LogProbs, sum_by_response
from dpo_engine.models.loading import LoadedModel
from dpo_engine.models.side_by_side import check_same_tokens, longest_sequence
from dpo_engine.pair_math import PairScore, TokenScore
from dpo_engine.pairs.batches import PairBatch, collate, packed_length
from dpo_engine.pairs.packing import in_given_order
from dpo_engine.pairs.tokenization import TokenizedPair, tokenize_pairs
from dpo_engine.preferences import read_pairs, refusal_summary
from dpo_engine.reference.kinds import adapter_off
from dpo_engine.reference.scored import scored_reference
from dpo_engine.requests import Score

TOKENS_AT_ONCE = 1024
"""In one forward pass: enough to keep a processor busy, little enough for news every second."""


def score(
    request: Score,
    policy: LoadedModel,
    reference: LoadedModel | None,
    *,
    tokens_at_once: int = TOKENS_AT_ONCE,
) -> Iterator[Event]:
    """Score the pairs of `request` under both models; `reference` None is the policy with its adapter off.

    Rows and pairs that cannot be scored are named in a `Note` and left out. Raises `BadInput` when none is
    left, or when the two models do not share their tokens (their log-probs could not be compared).
    """
    if reference is not None:
        check_same_tokens(policy, reference)
    file = read_pairs(request.pairs)
    if file.refused:
        yield Note(request=request.id, message=refusal_summary(file.refused), level="warning")
    longest = longest_sequence(request.max_length, *filter(None, (policy, reference)))
    pairs, refused = tokenize_pairs(policy.tokenizer, file.pairs, longest)
    if refused:
        named = " ".join(refused[:5])
        yield Note(
            request=request.id, message=f"{len(refused)} pairs were left out. {named}", level="warning"
        )
    if not pairs:
        raise BadInput(f"None of the pairs in {request.pairs} can be scored.")
    scorer = _PairScorer(policy, reference, with_tokens=request.tokens)
    batches = _still_to_score(pairs, frozenset(request.leave_out), tokens_at_once)
    recalled = scored_reference(request, policy, reference, batches)
    done = len(pairs) - sum(map(len, batches))
    for number, batch in enumerate(batches):
        scores = scorer(batch, _afresh if recalled is None else partial(recalled.sums, number))
        done += len(scores)
        yield PairsScored(request=request.id, scores=scores)
        yield Progress(request=request.id, stage="Scoring pairs", done=done, total=len(pairs), unit="pairs")


def _still_to_score(
    pairs: Sequence[TokenizedPair], left_out: frozenset[str], tokens_at_once: int
) -> list[list[TokenizedPair]]:
    """The batches of all pairs without those that are left out whole: a figure depends a little (in its
    last digits) on the batch it is computed in, so batches stay what they are."""
    batches = in_given_order([packed_length(pair) for pair in pairs], tokens_at_once)
    chosen = ([pairs[member] for member in batch] for batch in batches)
    return [batch for batch in chosen if any(pair.id not in left_out for pair in batch)]


Recalled = Callable[[Callable[[], Tensor]], Tensor]
"""What a reference gave for a batch, [2, pairs] float64; computed by what it is called with if not known."""


class _PairScorer:
    def __init__(self, policy: LoadedModel, reference: LoadedModel | None, *, with_tokens: bool) -> None:
        self._tokenizer = policy.tokenizer
        self._with_tokens = with_tokens
        self._policy = _scorer(policy)
        self._reference = None if reference is None or reference is policy else _scorer(reference)
        self._adapter_is_reference = reference is None

    def __call__(self, pairs: Sequence[TokenizedPair], recalled: Recalled) -> tuple[PairScore, ...]:
        batch = collate(pairs, range(len(pairs)))
        tokens: list[tuple[TokenScore, ...]] = [()] * len(batch.lengths)
        with torch.inference_mode():
            policy = self._policy(batch).cpu()
            reference = cache(lambda: self._under_reference(batch, policy).cpu())
            sums = _sums(policy, batch).tolist()
            compared = recalled(lambda: _sums(reference(), batch)).tolist()
            if self._with_tokens:
                tokens = self._tokens(batch, policy, reference())
        return tuple(
            PairScore(
                pair=pair.id,
                split=pair.split,
                policy_chosen_logp=sums[0][place],
                policy_rejected_logp=sums[1][place],
                reference_chosen_logp=compared[0][place],
                reference_rejected_logp=compared[1][place],
                chosen_tokens=len(pair.chosen),
                rejected_tokens=len(pair.rejected),
                truncated=pair.truncated,
                chosen_token_scores=tokens[place],
                rejected_token_scores=tokens[len(pairs) + place],
            )
            for place, pair in enumerate(pairs)
        )

    def _under_reference(self, batch: PairBatch, policy: Tensor) -> Tensor:
        """[scored] log-probs under the reference."""
        if self._adapter_is_reference:
            with adapter_off(self._policy):
                return self._policy(batch)
        return policy if self._reference is None else self._reference(batch)

    def _tokens(self, batch: PairBatch, policy: Tensor, reference: Tensor) -> list[tuple[TokenScore, ...]]:
        """Of every response of the batch, chosen ones first."""
        columns = [torch.split(values, list(batch.lengths)) for values in (batch.target, policy, reference)]
        return [
            tuple(
                TokenScore(
                    text=str(self._tokenizer.decode([number])), id=number, policy=ours, reference=theirs
                )
                for number, ours, theirs in zip(*(values.tolist() for values in response), strict=True)
            )
            for response in zip(*columns, strict=True)
        ]


def _scorer(loaded: LoadedModel) -> LogProbs:
    return LogProbs(loaded.model, device=loaded.device, forward_dtype=loaded.dtype)


def _afresh(compute: Callable[[], Tensor]) -> Tensor:
    return compute()


def _sums(log_probs: Tensor, batch: PairBatch) -> Tensor:
    """[2, pairs] float64 on the CPU. In double precision a sum is that of its tokens to the last digit shown,
    however long the response."""
    return sum_by_response(log_probs.cpu().double(), batch)
