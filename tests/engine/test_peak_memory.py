"""Peak memory between two looks."""

import sys

import pytest
import torch

from dpo_engine.peak_memory import PeakMemory

MEGABYTE = 1024 * 1024


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps a peak that can be reset")
def test_what_was_freed_in_between_counts_once() -> None:
    memory = PeakMemory(torch.device("cpu"))
    before = memory.since_last()
    block = torch.ones(96 * MEGABYTE, dtype=torch.uint8)
    del block
    assert memory.since_last() > before + 80 * MEGABYTE
    assert memory.since_last() < before + 40 * MEGABYTE


def test_it_is_never_less_than_what_is_in_use() -> None:
    memory = PeakMemory(torch.device("cpu"))
    block = torch.ones(32 * MEGABYTE, dtype=torch.uint8)
    assert memory.since_last() >= block.numel()
