"""The most memory in use between two looks, without waiting for the device."""

from contextlib import suppress
from pathlib import Path

import torch

from dpo_engine.compute.device import memory_of

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")
_RESET_PEAK = "5"  # man 5 proc: "writing 5 resets the peak resident set size to the current one"


class PeakMemory:
    """Bytes: on CUDA of PyTorch's own tensors, elsewhere of the process.

    Linux keeps a peak for a process that can be reset; where there is none, what is in use at the moment of
    asking stands in for it.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._reset()

    def since_last(self) -> int:
        """The peak since the last call (or since this was made)."""
        peak = self._peak()
        self._reset()
        return peak

    def _peak(self) -> int:
        if self._device.type == "cuda":
            return torch.cuda.max_memory_allocated(self._device)
        now = memory_of(self._device).used
        return max(now, _peak_of_process()) if self._device.type == "cpu" else now

    def _reset(self) -> None:
        if self._device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self._device)
        elif self._device.type == "cpu":
            with suppress(OSError):
                _CLEAR.write_text(_RESET_PEAK)


def _peak_of_process() -> int:
    with suppress(OSError):
        for line in _STATUS.read_text(encoding="ascii", errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name == "VmHWM":
                return int(value.split()[0]) * 1024
    return 0
