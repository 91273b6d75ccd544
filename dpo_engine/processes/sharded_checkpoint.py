"""The tensors of a checkpoint whose parts lie on several devices: PyTorch's distributed checkpoint.

Every process writes its parts into one safetensors file (`training/shard-…`), whose header says where they
belong, through PyTorch's writer of that format. Its default format would keep a pickled index, which nothing
here ever opens. What is read is cut anew, so a run goes on with any number of processes: several read what
one wrote (`training.safetensors`), and one what several wrote.
"""

import math
import warnings
from collections.abc import Mapping
from pathlib import Path

import torch
import torch.distributed as dist
from safetensors import SafetensorError
from torch import Tensor
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.default_planner import DefaultSavePlanner
from torch.distributed.checkpoint.hf_storage import HuggingFaceStorageReader, HuggingFaceStorageWriter
from torch.distributed.checkpoint.metadata import Metadata, TensorStorageMetadata
from torch.distributed.checkpoint.state_dict_loader import load
from torch.distributed.checkpoint.state_dict_saver import save as save_distributed

from dpo_engine.errors import BadInput


def save(folder: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write `tensors` into the new folder `folder`. All processes call it with the same names.

    A tensor that is no DTensor is taken to be the same everywhere; the first process writes it.
    """
    save_distributed(
        dict(tensors),
        storage_writer=HuggingFaceStorageWriter(str(folder), save_distributed=True),
        planner=DefaultSavePlanner(dedup_save_to_lowest_rank=True),
    )


def read(folder: Path, like: Mapping[str, Tensor] | None = None) -> dict[str, Tensor]:
    """All tensors of the safetensors files in `folder`, whole and on the CPU.

    What is called `WORD/NAME` and has the shape of `like[NAME]` is cut and placed like that, and all
    processes call it then. Raises `BadInput` where the files are damaged or do not fit together.
    """
    like = like or {}
    try:
        found = HuggingFaceStorageReader(str(folder)).read_metadata()
        tensors = {name: _room(name, one, like) for name, one in _described(found).items()}
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "torch.distributed is disabled", UserWarning)
            load(
                tensors,
                storage_reader=HuggingFaceStorageReader(str(folder)),
                no_dist=not dist.is_initialized(),
            )
    except (CheckpointException, SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(f"The checkpoint {folder} is damaged ({_first_line(error)}); delete it.") from error
    return tensors


def _described(found: Metadata) -> dict[str, TensorStorageMetadata]:
    """Name -> size and type. The files say where their parts belong, so nothing is believed unless the parts
    are as many numbers as the whole: then it is no larger than the files."""
    described: dict[str, TensorStorageMetadata] = {}
    for name, one in found.state_dict_metadata.items():
        if not isinstance(one, TensorStorageMetadata):
            raise ValueError(f"{name} is no tensor")
        if sum(math.prod(part.sizes) for part in one.chunks) != math.prod(one.size):
            raise ValueError(f"{name} is not whole")
        described[name] = one
    return described


def _room(name: str, found: TensorStorageMetadata, like: Mapping[str, Tensor]) -> Tensor:
    fitting = like.get(name.partition("/")[2])
    if fitting is not None and fitting.shape == found.size:
        return torch.empty_like(fitting, dtype=found.properties.dtype, requires_grad=False)
    return torch.empty(found.size, dtype=found.properties.dtype)


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:300]
