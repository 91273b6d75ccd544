"""Every test of this folder needs CUDA."""

import pytest
import torch

from tests.engine.cuda import DEVICE


@pytest.fixture(autouse=True)
def device() -> torch.device:
    if DEVICE == "cuda" and not torch.cuda.is_available():
        pytest.skip("this machine has no CUDA")
    return torch.device(DEVICE)
