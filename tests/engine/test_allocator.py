import platform
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = """
import sys, psutil, torch
from dpo_engine.allocator import settle_allocator
if sys.argv[1] == "settled":
    assert settle_allocator()
torch.zeros(8_000_000)  # a block of 32 MB that is freed makes glibc keep smaller ones from then on
blocks, kept = [], []
for _ in range(30):
    blocks.append(torch.ones(2_000_000))
    kept.append(torch.ones(20_000))
blocks.clear()
print(psutil.Process().memory_info().rss)
"""


def _bytes_left(how: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, how], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="of glibc alone")
def test_freed_blocks_go_back_to_the_system() -> None:
    assert _bytes_left("settled") < _bytes_left("as it is") - 100_000_000
