"""Memory that is freed stays with the process only after it was told so, and can be given back."""

import os
import subprocess
import sys

import pytest

from dpo_engine.compute.process_memory import keep_few_kernels

PROGRAM = """
import resource, sys
from dpo_engine.compute import process_memory
if sys.argv[1] == "keep":
    process_memory.keep_freed_memory()
faults = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt
def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096
for round in range(4):
    before = faults()
    block = bytearray(64 * 2**20)
    del block
print(faults() - before, resident())
process_memory.give_back_freed_memory()
print(0, resident())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the GNU C library's settings")
def test_freed_memory_is_kept_and_given_back() -> None:
    def run(word: str) -> list[list[int]]:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, word], check=True, capture_output=True, text=True, timeout=60
        )
        return [[int(number) for number in line.split()] for line in done.stdout.splitlines()]

    (faults_anew, _), _ = run("anew")
    (faults_kept, held), (_, left) = run("keep")
    assert faults_anew > 1000  # a block of 16,384 pages, some of them huge ones
    assert faults_kept < 100
    assert held - left > 32 * 2**20


def test_few_kernels_are_kept_unless_the_environment_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LRU_CACHE_CAPACITY", "7")
    monkeypatch.setenv("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "")  # so that what is set below is undone
    monkeypatch.delenv("ONEDNN_PRIMITIVE_CACHE_CAPACITY")
    keep_few_kernels()
    assert os.environ["LRU_CACHE_CAPACITY"] == "7"
    assert 64 <= int(os.environ["ONEDNN_PRIMITIVE_CACHE_CAPACITY"]) <= 256
