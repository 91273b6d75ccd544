"""Which of several processes this is."""

import pytest

from dpo_engine.errors import BadInput
from dpo_engine.processes.launch import Launch, launched


@pytest.mark.parametrize("environment", [{}, {"WORLD_SIZE": "1"}, {"WORLD_SIZE": "1", "RANK": "0"}])
def test_without_torchrun_a_process_is_alone(environment: dict[str, str]) -> None:
    assert launched(environment) is None


def test_torchrun_says_which_process_it_is() -> None:
    environment = {"WORLD_SIZE": "16", "RANK": "11", "LOCAL_RANK": "3"}
    assert launched(environment) == Launch(rank=11, size=16, local_rank=3)


@pytest.mark.parametrize(
    ("environment", "complaint"),
    [
        ({"WORLD_SIZE": "2"}, "RANK is not set"),
        ({"WORLD_SIZE": "two", "RANK": "0", "LOCAL_RANK": "0"}, "WORLD_SIZE is 'two'"),
        ({"WORLD_SIZE": "2", "RANK": "0"}, "LOCAL_RANK is not set"),
        ({"WORLD_SIZE": "2", "RANK": "2", "LOCAL_RANK": "0"}, "RANK is 2 and WORLD_SIZE 2"),
    ],
)
def test_half_of_an_environment_is_refused(environment: dict[str, str], complaint: str) -> None:
    with pytest.raises(BadInput, match=complaint):
        launched(environment)
