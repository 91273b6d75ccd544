"""TR-DPO: a reference that follows the policy ("Learn Your Reference Model", arXiv 2404.09656).

Every n optimizer steps the reference moves towards the policy (the paper's soft update; with the share 1 it
becomes the policy, the hard update):

    π_ref <- α · π_θ + (1 − α) · π_ref

Its log-probs change with it, so they are computed anew for every batch and nothing is kept in a table or on
disk. Margins, the held-out ones too, are measured against the reference as it stands, so they fall back
towards 0 at each move: a curve of margins has teeth, and compares with no other run's.
"""

import torch
from torch import Tensor

from dpo_engine.errors import BadInput
from dpo_engine.forward.log_probs import LogProbs
from dpo_engine.models.frozen_model import frozen, move_towards, weights_of
from dpo_engine.pairs.batches import PairBatch
from dpo_engine.reference.kinds import Reference, policy_itself

_PREFIX = "reference_model/"


class FollowingReference(Reference):
    """A model beside the policy, begun as its copy; `share` is α, and it moves every `every` steps."""

    def __init__(self, scorer: LogProbs, *, share: float, every: int) -> None:
        self._policy = scorer.model
        self._share = share
        self._every = every
        self._frozen = frozen(scorer, whole=True)
        self._compute = policy_itself(self._frozen)

    def log_probs(self, batch: PairBatch) -> Tensor:
        return self._compute(batch).float().cpu()

    def stepped(self, step: int, *, moved: bool) -> None:
        """A skipped step counts too: the reference moves at the same steps whatever happened between."""
        del moved
        if step % self._every == 0:
            move_towards(self._frozen.model, self._policy, self._share)

    def state(self) -> dict[str, Tensor]:
        return {f"{_PREFIX}{name}": weight for name, weight in weights_of(self._frozen.model).items()}

    @torch.no_grad()
    def load_state(self, tensors: dict[str, Tensor]) -> None:
        for name, weight in weights_of(self._frozen.model).items():
            saved = tensors.get(f"{_PREFIX}{name}")
            if saved is None or saved.shape != weight.shape:
                raise BadInput(f"The checkpoint does not fit the model: its reference has another {name}.")
            weight.copy_(saved)
