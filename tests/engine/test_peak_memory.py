"""Peak memory between two looks."""

import mmap
import sys

import pytest
import torch

from dpo_engine.compute.peak_memory import PeakMemory

MEGABYTE = 1024 * 1024


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps a peak that can be reset")
def test_what_was_freed_in_between_counts_once() -> None:
    """Mapped by hand, since this process may have been told to keep what it frees."""
    memory = PeakMemory(torch.device("cpu"))
    before = memory.since_last()
    with mmap.mmap(-1, 96 * MEGABYTE) as block:
        block.write(b"x" * (96 * MEGABYTE))
    during, after = memory.since_last(), memory.since_last()
    assert during > before + 80 * MEGABYTE
    assert during - after > 80 * MEGABYTE


def test_it_is_never_less_than_what_is_in_use() -> None:
    memory = PeakMemory(torch.device("cpu"))
    block = torch.ones(32 * MEGABYTE, dtype=torch.uint8)
    assert memory.since_last() >= block.numel()
