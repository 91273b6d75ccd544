"""What several processes cannot do, and how their trouble is told. They themselves: `test_distributed`."""

from typing import Any

import pytest
import torch

from dpo_engine.commands.main import main
from dpo_engine.config import TrainConfig
from dpo_engine.errors import BadInput
from dpo_engine.processes.distributed import lost
from dpo_engine.processes.together import check_possible


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"method": "qlora"}, "method qlora cannot be had with several processes"),
        ({"optim": "adamw_8bit"}, "optim adamw_8bit"),
        ({"method": "full", "sync_ref_model": True}, "sync_ref_model on"),
        ({"on_out_of_memory": "skip"}, "on_out_of_memory skip"),
        ({"torch_compile": "on"}, "torch_compile on"),
    ],
)
def test_what_needs_one_process_is_refused(settings: dict[str, Any], complaint: str) -> None:
    with pytest.raises(BadInput, match=complaint):
        check_possible(TrainConfig(**settings))


def test_the_rest_is_possible() -> None:
    check_possible(TrainConfig())
    check_possible(TrainConfig(method="full", gradient_checkpointing="on"))


def test_a_lost_process_is_told_from_other_trouble() -> None:
    told = lost(
        RuntimeError("[/gloo/transport/tcp/pair.cc:553] Connection closed by peer [127.0.0.1]:1\nmore")
    )
    assert told is not None
    assert "Another process" in str(told)
    assert "Connection closed by peer" in str(told)
    assert "more" not in str(told)
    assert lost(torch.distributed.DistNetworkError("timed out")) is not None
    assert lost(RuntimeError("mat1 and mat2 shapes cannot be multiplied")) is None
    assert lost(ValueError("Connection")) is None


def test_half_an_environment_of_torchrun_is_said_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.delenv("RANK", raising=False)
    assert main(["train", "--run", "anywhere"]) == 2
    assert "Start them by torchrun" in capsys.readouterr().err
