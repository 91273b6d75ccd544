"""Reading checkpoints of several processes; what they write is tested in `test_distributed`."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from dpo_engine.errors import BadInput
from dpo_engine.processes.sharded_checkpoint import read


def _shard(folder: Path, number: int, parts: dict[str, tuple[Tensor, list[int]]]) -> None:
    """As PyTorch writes it: tensors, and in the header where each belongs."""
    folder.mkdir(exist_ok=True)
    places = {name: {"saved_offsets": offsets} for name, (_, offsets) in parts.items()}
    save_file(
        {name: tensor for name, (tensor, _) in parts.items()},
        folder / f"shard-{number:05}-model-00001-of-00001.safetensors",
        metadata={"DCP_SHARDING_INFO": json.dumps(places), "DCP_VERSION": "1.0", "format": "pt"},
    )


def test_parts_become_whole(tmp_path: Path) -> None:
    whole = torch.arange(15.0).view(5, 3)
    _shard(tmp_path, 1, {"weight/a": (whole[:3], [0, 0]), "loss/count": (torch.tensor(4), [])})
    _shard(tmp_path, 2, {"weight/a": (whole[3:].clone(), [3, 0])})
    found = read(tmp_path)
    assert found.keys() == {"weight/a", "loss/count"}
    assert torch.equal(found["weight/a"], whole)
    assert found["loss/count"].item() == 4


def test_the_file_of_one_process_is_read_as_well(tmp_path: Path) -> None:
    save_file(
        {"weight/a": torch.ones(2, 2), "reference": torch.zeros(2, 1)}, tmp_path / "training.safetensors"
    )
    assert read(tmp_path)["weight/a"].sum() == 4


def test_a_missing_part_is_noticed(tmp_path: Path) -> None:
    _shard(tmp_path, 2, {"weight/a": (torch.ones(2, 3), [3, 0])})
    with pytest.raises(BadInput, match=r"damaged \(weight/a is not whole\)"):
        read(tmp_path)


def test_no_memory_is_taken_for_what_a_header_only_claims(tmp_path: Path) -> None:
    _shard(tmp_path, 1, {"weight/a": (torch.ones(1, 1), [2**60, 0])})
    with pytest.raises(BadInput, match="damaged"):
        read(tmp_path)


@pytest.mark.parametrize("junk", [b"", b"\xff" * 40, b"\x80\x04K\x01."])
def test_junk_is_refused(tmp_path: Path, junk: bytes) -> None:
    (tmp_path / "shard-00001-model-00001-of-00001.safetensors").write_bytes(junk)
    with pytest.raises(BadInput, match="damaged"):
        read(tmp_path)


@pytest.mark.parametrize("places", ["[]", "{", '{"weight/a": {"saved_offsets": "here"}}', "{}"])
def test_a_header_without_sense_is_refused(tmp_path: Path, places: str) -> None:
    save_file(
        {"weight/a": torch.ones(2)}, tmp_path / "shard.safetensors", metadata={"DCP_SHARDING_INFO": places}
    )
    with pytest.raises(BadInput, match="damaged"):
        read(tmp_path)
