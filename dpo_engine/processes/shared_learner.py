"""A policy that several processes teach: each holds a part of it and computes a part of each step."""

from collections.abc import Iterator
from typing import Any

from torch import Tensor

from dpo_engine.compute.randomness import RandomStream
from dpo_engine.forward.log_probs import LogProbs
from dpo_engine.loss_mix import needs_reference
from dpo_engine.memory.micro_batches import Members
from dpo_engine.processes import sharded_checkpoint
from dpo_engine.processes.distributed import Ranks
from dpo_engine.processes.sharded_policy import ShardedLogProbs
from dpo_engine.processes.shared_reference import SharedTable
from dpo_engine.processes.shared_step import SharedStep
from dpo_engine.processes.sharing_out import share_out
from dpo_engine.reference.kinds import NoReference, Reference, policy_itself, policy_without_adapter
from dpo_engine.training import state as training_state
from dpo_engine.training.checkpoint import Checkpoint
from dpo_engine.training.learner import Learner
from dpo_engine.training.optimizer_step import OptimizerStep
from dpo_engine.training.setup import Setup


class SharedLearner(Learner):
    """Every process calls the same methods in the same order; `step` and the rest give all the same."""

    def __init__(self, setup: Setup, ranks: Ranks) -> None:
        self._ranks = ranks
        super().__init__(setup, reference_cache=False)
        self._token_budget = ranks.lowest(self._token_budget)
        self._begin_own_random_numbers(0)

    def restore(self, found: Checkpoint) -> None:
        super().restore(found)
        self._begin_own_random_numbers(found.info.step)

    def tensors(self) -> dict[str, Tensor]:
        """The same names everywhere; of weights and the optimizer's tensors the parts that lie here."""
        return training_state.named(self._setup.loaded.model, self._optimizer, self._other_tensors())

    def prepare_reference(self) -> Iterator[int]:
        for pairs in super().prepare_reference():
            yield self._ranks.total(pairs)

    def _saved_tensors(self, found: Checkpoint) -> dict[str, Tensor]:
        trained = dict(training_state.trained_parameters(self._setup.loaded.model))
        return sharded_checkpoint.read(found.tensor_folder, like=trained)

    def _begin_own_random_numbers(self, step: int) -> None:
        """Dropout that is the same on every process would be less of it. The leader's numbers are those of a
        process that trains alone, and are what a checkpoint keeps."""
        if not self._ranks.leads:
            seed = (self._setup.config.seed * 1_000_003 + step * 65_537 + self._ranks.rank) % 2**63
            self._random.load_state(RandomStream(seed, self._setup.loaded.device).state())

    def _make_scorer(self) -> LogProbs:
        return ShardedLogProbs(self._setup.loaded, self._ranks)

    def _make_reference(self, scorer: LogProbs, *, use_cache: bool) -> Reference:
        del use_cache
        if not needs_reference(self._setup.config):
            return NoReference()
        source = policy_itself if self._setup.config.method == "full" else policy_without_adapter
        return SharedTable(source(scorer), len(self._setup.pairs), self._ranks)

    def _make_step(self, **parts: Any) -> OptimizerStep:
        shortest = min(range(len(self._lengths)), key=self._lengths.__getitem__)
        return SharedStep(ranks=self._ranks, idle=shortest, **parts)

    def _in_micro_batches(self, members: Members) -> list[Members]:
        shares = share_out(members, self._lengths, self._token_budget, self._ranks.size)
        return shares[self._ranks.rank]
