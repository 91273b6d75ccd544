"""Several processes that train one policy together: finding each other, agreeing, and ending together.

What they say to each other here is small and lives on the CPU; weights and gradients travel inside
`sharded_policy`. Every method of `Ranks` is called by all processes at the same place, and returns in none
before all have called it.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Literal

import torch
import torch.distributed as dist
from torch import Tensor

from dpo_engine.errors import BadInput, Cancelled, EngineError, TrainingDiverged
from dpo_engine.processes.launch import Launch

PATIENCE = timedelta(minutes=30)
"""How long a process waits for another. Long, because one writes checkpoints while the others wait; a process
that ends is noticed at once, by its connections and by torchrun."""

_ABOUT_CONNECTIONS = ("gloo", "NCCL", "Connection")
"""Words of errors that PyTorch raises as plain RuntimeErrors."""

Directive = Literal["go", "keep", "leave"]
_DIRECTIVES: tuple[Directive, ...] = ("go", "keep", "leave")


class Ranks:
    """The processes of a training, from one's own point of view."""

    def __init__(self, rank: int, size: int) -> None:
        self.rank = rank
        self.size = size
        self.began = False
        """All have begun to train, so that they end together too."""

    @property
    def leads(self) -> bool:
        """This is the one that speaks and writes."""
        return self.rank == 0

    def total(self, number: int) -> int:
        """The sum of what each process gave."""
        return self._reduced(number, dist.ReduceOp.SUM)

    def highest(self, number: int) -> int:
        return self._reduced(number, dist.ReduceOp.MAX)

    def lowest(self, number: int) -> int:
        return self._reduced(number, dist.ReduceOp.MIN)

    def largest(self, values: Tensor) -> Tensor:
        """Of tensors of one shape on the CPU the largest value at every place."""
        values = values.clone()
        dist.all_reduce(values, op=dist.ReduceOp.MAX)
        return values

    def beside_each_other(self, columns: Tensor) -> Tensor:
        """[rows, n] on the CPU from each process, each its own n -> [rows, sum of n], in their order."""
        own = columns.shape[1]
        width = self.highest(own)
        padded = columns.new_zeros(columns.shape[0], width + 1)
        padded[:, :own] = columns
        padded[:, -1] = own
        parts = [torch.empty_like(padded) for _ in range(self.size)]
        dist.all_gather(parts, padded)
        return torch.cat([part[:, : int(part[0, -1])] for part in parts], dim=1)

    def tell(self, message: Any) -> None:
        """The leader's message (what JSON can say) to the others, who `hear` it."""
        text = json.dumps(message).encode()
        dist.broadcast(torch.tensor([len(text)]), src=0)
        dist.broadcast(torch.tensor(list(text), dtype=torch.uint8), src=0)

    def hear(self) -> Any:
        length = torch.zeros(1, dtype=torch.int64)
        dist.broadcast(length, src=0)
        text = torch.empty(int(length), dtype=torch.uint8)
        dist.broadcast(text, src=0)
        return json.loads(bytes(text.tolist()))

    def of_leader(self, work: Callable[[], Any]) -> Any:
        """What `work` (JSON can say it) gives the leader. Where it fails the others end in silence."""
        if not self.leads:
            heard = self.hear()
            if heard is None:
                raise SystemExit(1)
            return heard[0]
        try:
            result = work()
        except BaseException:
            self.tell(None)
            raise
        self.tell([result])
        return result

    def agreed(self, own: Callable[[], Directive]) -> Callable[[], Directive]:
        """What the most urgent of all processes is asked to do: a signal to one of them reaches all."""
        return lambda: _DIRECTIVES[self.highest(_DIRECTIVES.index(own()))]

    def check_same(self, number: int, what: str) -> None:
        """Raise `BadInput` on every process where they do not see the same."""
        self.began = True
        if self.lowest(number) != self.highest(number):
            raise BadInput(
                f"The processes of this training do not see the same {what}. The run's folder, the pairs and "
                "the model must be the same files for all, on a disk that every machine reads."
            )

    def _reduced(self, number: int, operation: Any) -> int:
        value = torch.tensor([number], dtype=torch.int64)
        dist.all_reduce(value, op=operation)
        return int(value)


@contextmanager
def joined(launch: Launch) -> Iterator[Ranks]:
    """Meet the other processes, and part from them when the block ends.

    Only the leader raises what all of them end with alike. Raises `BadInput` where this machine has no GPU
    left for this process, and `EngineError` once another process is gone.
    """
    if not dist.is_available():
        raise BadInput("This PyTorch was built without torch.distributed, so one process alone can train.")
    _take_gpu(launch)
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    ranks = Ranks(launch.rank, launch.size)
    try:
        dist.init_process_group(backend, timeout=PATIENCE)
        try:
            yield ranks
        except (Cancelled, TrainingDiverged) as error:
            _part(ranks)
            if ranks.leads:
                raise
            raise SystemExit(1) from error
        _part(ranks)
    except EngineError as error:
        if ranks.leads:
            raise
        raise type(error)(f"Process {ranks.rank} of {ranks.size}: {error}") from error
    except RuntimeError as error:
        raise (lost(error) or error) from error


def lost(error: BaseException) -> EngineError | None:
    """The sentence for `error` where it says that another process cannot be reached any more."""
    said = (str(error) or type(error).__name__).splitlines()[0]
    if not isinstance(error, RuntimeError):
        return None
    if not isinstance(error, dist.DistError) and not any(word in said for word in _ABOUT_CONNECTIONS):
        return None
    return EngineError(
        "Another process of this training ended or cannot be reached, so this one ends as well. The run's "
        "checkpoints are whole. Look at what that process said; then start all of them again with --resume. "
        f"({said[:200]})"
    )


def _take_gpu(launch: Launch) -> None:
    if not torch.cuda.is_available():
        return
    if launch.local_rank >= torch.cuda.device_count():
        raise BadInput(
            f"This machine has {torch.cuda.device_count()} GPUs, too few for its process number "
            f"{launch.local_rank + 1}. Start at most one process for each GPU (--nproc-per-node)."
        )
    torch.cuda.set_device(launch.local_rank)


def _part(ranks: Ranks) -> None:
    """All have come to the end, so that none is taken for a failed one while another still writes."""
    if ranks.began:
        ranks.total(0)
    dist.destroy_process_group()
