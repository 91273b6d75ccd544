"""How far a policy went from its reference, measured where it goes itself."""

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor

from dpo_engine.compute.device import precision
from dpo_engine.events import Sample
from dpo_engine.models.loading import LoadedModel
from dpo_engine.pairs.tokenization import end_of_turn_id, prompt_ids


def is_reference_at_hand(policy: LoadedModel) -> bool:
    """Whether `mean_kl` can do without another model: the policy's adapter can be switched off."""
    return hasattr(policy.model, "disable_adapter")


@torch.no_grad()
def mean_kl(
    policy: LoadedModel, samples: Sequence[Sample], reference: LoadedModel | None = None
) -> float | None:
    """KL(π‖π_ref) in nats, summed over the vocabulary, as a mean over the positions of the policy's samples.

    The samples were drawn with some temperature and top-p; at each of their positions the divergence is that
    of the whole distributions. Without `reference` it is the policy with its adapter off. None where every
    sample is empty.
    """
    total, positions = 0.0, 0
    for sample in samples:
        response: list[int] = policy.tokenizer(sample.text, add_special_tokens=False)["input_ids"]
        if sample.finish_reason == "end":
            response = [*response, end_of_turn_id(policy.tokenizer)]
        if not response:
            continue
        ids = torch.tensor([[*prompt_ids(policy.tokenizer, sample.prompt), *response]], device=policy.device)
        ours = _log_softmax(policy, ids, len(response), adapter=True)
        theirs = _log_softmax(reference or policy, ids, len(response), adapter=False)
        total += float((ours.exp() * (ours - theirs)).sum())
        positions += len(response)
    return total / positions if positions else None


def _log_softmax(loaded: LoadedModel, ids: Tensor, scored: int, *, adapter: bool) -> Tensor:
    """[scored, vocabulary] float32: what the model says before each of the last `scored` tokens."""
    model: Any = loaded.model
    adapted = is_reference_at_hand(loaded)
    off = model.disable_adapter() if adapted and not adapter else nullcontext()
    with off, precision(loaded.device, loaded.dtype if adapted else torch.float32):
        logits: Tensor = model(input_ids=ids, use_cache=False, logits_to_keep=scored + 1).logits[0, :-1]
    return logits.float().log_softmax(-1)
