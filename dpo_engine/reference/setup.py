"""Which kind of reference a run has, and where its numbers come from."""

import hashlib
import json
from functools import partial

from transformers import PreTrainedTokenizerBase

from dpo_engine.config import TrainConfig
from dpo_engine.conversations import Message
from dpo_engine.forward.log_probs import LogProbs
from dpo_engine.loss_mix import needs_reference
from dpo_engine.models.frozen_model import are_computed_first, frozen, has_room
from dpo_engine.pairs.tokenization import rendered
from dpo_engine.reference.cache import FOLDER, CacheKey, ReferenceCache
from dpo_engine.reference.kinds import NoReference, Reference, Source, policy_itself, policy_without_adapter
from dpo_engine.reference.sync import FollowingReference
from dpo_engine.reference.table import TableReference
from dpo_engine.training.setup import Setup

_LIBRARIES = ("torch", "transformers")


def make_reference(setup: Setup, scorer: LogProbs, *, use_cache: bool) -> Reference:
    """The reference of a run whose model, in `scorer`, has just been loaded.

    With `use_cache` its numbers are looked up in, and added to, the cache beside the run's folder.
    """
    config = setup.config
    if not needs_reference(config):
        return NoReference()
    if config.sync_ref_model:
        return FollowingReference(
            scorer, share=config.ref_model_mixup_alpha, every=config.ref_model_sync_steps
        )
    adapted = config.method != "full"
    cache = ReferenceCache(setup.run.parent / FOLDER, cache_key(setup)) if use_cache else None
    return TableReference(
        policy_without_adapter(scorer) if adapted else policy_itself(scorer),
        len(setup.pairs),
        lasting=partial(_without_adapter if adapted else _frozen_copy, scorer, len(setup.pairs)),
        forward_dtype=scorer.forward_dtype,
        cache=cache,
        hashes=setup.survey.text_hashes() if use_cache else (),
    )


def cache_key(setup: Setup) -> CacheKey:
    """What the log-probs of the run's reference depend on besides the pairs."""
    loaded = setup.loaded
    versions = setup.spec.versions
    return CacheKey(
        model=loaded.fingerprint,
        tokenizer=tokenizer_hash(loaded.tokenizer),
        max_length=setup.max_length,
        weights=_kept_in(setup.config, setup.spec.dtype),
        forward=setup.spec.dtype,
        device=loaded.device.type,
        libraries=tuple(f"{name} {versions[name]}" for name in _LIBRARIES),
    )


def tokenizer_hash(tokenizer: PreTrainedTokenizerBase) -> str:
    """64 hex digits, over everything that turns a conversation into ids: rules, template, and what it writes
    today (some templates write the date)."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    rules = backend.to_str() if backend is not None else json.dumps(tokenizer.get_vocab(), sort_keys=True)
    written = rendered(tokenizer, [Message("user", "?")]) if tokenizer.chat_template else ""
    whole = json.dumps([rules, tokenizer.chat_template, written], sort_keys=True)
    return hashlib.sha256(whole.encode()).hexdigest()


def _kept_in(config: TrainConfig, forward_dtype: str) -> str:
    """The type of the reference's weights, which `models.load_for_training` decides by the method."""
    return {"full": "float32", "lora": forward_dtype, "qlora": "nf4"}[config.method]


def _without_adapter(scorer: LogProbs, pairs: int, at_any_price: bool) -> Source:
    del pairs, at_any_price  # it costs nothing
    return policy_without_adapter(scorer)


def _frozen_copy(scorer: LogProbs, pairs: int, at_any_price: bool) -> Source | None:
    worth_it = not are_computed_first(scorer.device, pairs) and has_room(scorer)
    return policy_itself(frozen(scorer)) if at_any_price or worth_it else None
