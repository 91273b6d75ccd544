"""Which of several processes this one is, as `torchrun` says in the environment. Torch-free."""

from collections.abc import Mapping
from dataclasses import dataclass

from dpo_engine.errors import BadInput


@dataclass(frozen=True, kw_only=True)
class Launch:
    """Process `rank` of `size`, the `local_rank`-th on its machine; all count from 0."""

    rank: int
    size: int
    local_rank: int


def launched(environment: Mapping[str, str]) -> Launch | None:
    """None where this process trains alone, as without `torchrun`; `BadInput` where one cannot tell."""
    if environment.get("WORLD_SIZE", "1").strip() == "1":
        return None
    size, rank, local_rank = (_number(environment, name) for name in ("WORLD_SIZE", "RANK", "LOCAL_RANK"))
    if not 0 <= rank < size:
        raise BadInput(
            f"RANK is {rank} and WORLD_SIZE {size}, which cannot be. Start the training by torchrun."
        )
    return Launch(rank=rank, size=size, local_rank=local_rank)


def _number(environment: Mapping[str, str], name: str) -> int:
    value = environment.get(name, "")
    if not value.isdecimal():
        said = f"is {value!r}" if value else "is not set"
        raise BadInput(
            f"WORLD_SIZE says that several processes train together, but {name} {said}. "
            "Start them by torchrun, or unset WORLD_SIZE."
        )
    return int(value)
