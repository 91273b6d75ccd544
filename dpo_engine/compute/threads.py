"""How many threads PyTorch computes with on this processor: what a short measurement found fastest.

More is not always faster: two threads on one core share its multipliers, and slow cores hold up fast ones at
every barrier. The answer is kept on disk, because another number of threads may add numbers up in another
order, and a run must give the same bits tomorrow.
"""

import os
import time
from pathlib import Path

import msgspec
import psutil  # type: ignore[import-untyped]
import torch

from dpo_engine.files import write_atomically

_SHAPE = (512, 768, 2048)
"""Tokens, inputs and outputs of the product that is timed: like one layer of a small model."""
_SECONDS = 0.05
"""Spent on each number of threads, in turns, so that a moment's other work slows none of them alone."""
_TURNS = 4
_WORTH_IT = 1.03
"""More threads must be so much faster than fewer."""
_BUSY = 0.05
"""Share of the processor that others may take while it is measured; above it, it gets a thread a core.

The system counts in hundredths of a second: more than one or two of them is other work.
"""


def settle_threads(remembered: Path, dtype: torch.dtype) -> int:
    """Set and return the number of threads, for products in `dtype`. `OMP_NUM_THREADS` has the last word.

    `remembered` is the file that the answer is kept in; losing it costs a fraction of a second.
    """
    if os.environ.get("OMP_NUM_THREADS"):
        return torch.get_num_threads()
    key = f"{_processors()} {torch.__version__} {torch.backends.cpu.get_cpu_capability()} {dtype}"
    known = _read(remembered)
    if key not in known:
        began, others = time.perf_counter(), _seconds_of_others()
        known[key] = fastest(candidates(), dtype)
        busy = (_seconds_of_others() - others) / ((time.perf_counter() - began) * _processors())
        if busy > _BUSY:
            # Beside other work one thread looks as fast as two: no answer to keep.
            known[key] = min(psutil.cpu_count(logical=False) or _processors(), _processors())
        else:
            _write(remembered, known)
    torch.set_num_threads(known[key])
    return known[key]


def candidates() -> list[int]:
    """Numbers worth a try, rising: half the cores, the cores, and every hardware thread."""
    usable = _processors()
    cores = min(psutil.cpu_count(logical=False) or usable, usable)
    return sorted({max(1, cores // 2), cores, usable})


def fastest(numbers: list[int], dtype: torch.dtype) -> int:
    """Which of the rising `numbers` of threads to take."""
    rates = dict.fromkeys(numbers, 0.0)
    for _ in range(_TURNS):
        for number in numbers:
            rates[number] = max(rates[number], products_per_second(number, dtype, _SECONDS / _TURNS))
    best = numbers[0]
    for number in numbers[1:]:
        if rates[number] > rates[best] * _WORTH_IT:
            best = number
    return best


def products_per_second(threads: int, dtype: torch.dtype, seconds: float = _SECONDS) -> float:
    """Of the best of the products that fit into `seconds`, after one that is not timed."""
    tokens, inputs, outputs = _SHAPE
    states, weight = torch.ones(tokens, inputs, dtype=dtype), torch.ones(outputs, inputs, dtype=dtype)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        torch.nn.functional.linear(states, weight)
        best, end = float("inf"), time.perf_counter() + seconds
        while time.perf_counter() < end:
            began = time.perf_counter()
            torch.nn.functional.linear(states, weight)
            best = min(best, time.perf_counter() - began)
    finally:
        torch.set_num_threads(before)
    return 1 / best


def _seconds_of_others() -> float:
    """Processor time that all but this process have used since the machine began, in seconds."""
    everything, own = psutil.cpu_times(), psutil.Process().cpu_times()
    # Some systems do not tell of low priority, or of what the host of a virtual machine took.
    more = sum(getattr(everything, name, 0.0) for name in ("nice", "steal"))
    return float(everything.user + everything.system + more - own.user - own.system)


def _processors() -> int:
    """Hardware threads that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _read(path: Path) -> dict[str, int]:
    try:
        known = msgspec.json.decode(path.read_bytes(), type=dict[str, int])
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return {key: number for key, number in known.items() if 1 <= number <= _processors()}


def _write(path: Path, known: dict[str, int]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, msgspec.json.encode(known))
    except OSError:
        return  # it is measured again the next time
