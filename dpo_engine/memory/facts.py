"""One pair after another as training will see it, and which earlier ones it repeats or contradicts."""

import hashlib
from array import array
from collections.abc import Iterable

from transformers import PreTrainedTokenizerBase

from dpo_engine.pairs.tokenization import TokenizedPair
from dpo_engine.preflight import PairFacts

_HASH_BYTES = 16


class PairLooker:
    """Remembers the pairs it has looked at by a hash of their tokens, so that any number of them fits."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self._bos = tokenizer.bos_token_id
        self._first: dict[bytes, str] = {}

    def look(self, pair: TokenizedPair) -> PairFacts:
        same = self._first.setdefault(_hash(pair.prompt, pair.chosen, pair.rejected), pair.id)
        identical = pair.chosen == pair.rejected
        reverse = "" if identical else self._first.get(_hash(pair.prompt, pair.rejected, pair.chosen), "")
        return PairFacts(
            id=pair.id,
            split=pair.split,
            prompt_tokens=len(pair.prompt),
            chosen_tokens=len(pair.chosen),
            rejected_tokens=len(pair.rejected),
            has_bos=self._bos is not None and pair.prompt[:1] == (self._bos,),
            prompt_cut=pair.prompt_cut,
            chosen_cut=pair.chosen_cut,
            rejected_cut=pair.rejected_cut,
            identical_sides=identical,
            duplicate_of=same if same != pair.id else "",
            contradicts=reverse,
        )


def facts_of(pairs: Iterable[TokenizedPair], tokenizer: PreTrainedTokenizerBase) -> tuple[PairFacts, ...]:
    """What there is to know about each pair, in order."""
    looker = PairLooker(tokenizer)
    return tuple(map(looker.look, pairs))


def _hash(*texts: tuple[int, ...]) -> bytes:
    digest = hashlib.blake2b(digest_size=_HASH_BYTES)
    for ids in texts:
        digest.update(len(ids).to_bytes(8, "little"))
        digest.update(array("q", ids))
    return digest.digest()
