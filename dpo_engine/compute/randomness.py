"""A random stream of one's own inside a process that others draw from too."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor


class RandomStream:
    """PyTorch's generators as one user left them, put in place only while that user works.

    Between two training steps the same process may sample text; neither must change what the other draws.
    """

    def __init__(self, seed: int, device: torch.device) -> None:
        self._cuda = device if device.type == "cuda" else None
        with self._outside_kept():
            torch.manual_seed(seed)
            self._states = self._current()

    @contextmanager
    def active(self) -> Iterator[None]:
        """Draw from this stream inside the block; the streams outside go on where they were."""
        with self._outside_kept():
            self._set(self._states)
            try:
                yield
            finally:
                self._states = self._current()

    def state(self) -> dict[str, Tensor]:
        """Name of the generator -> its state as bytes (uint8)."""
        return dict(self._states)

    def load_state(self, states: dict[str, Tensor]) -> None:
        """Take up saved states; one for a device that is not used here is left out."""
        self._states |= {name: state for name, state in states.items() if name in self._states}

    @contextmanager
    def _outside_kept(self) -> Iterator[None]:
        outside = self._current()
        try:
            yield
        finally:
            self._set(outside)

    def _current(self) -> dict[str, Tensor]:
        states = {"cpu": torch.get_rng_state()}
        if self._cuda is not None:
            states["cuda"] = torch.cuda.get_rng_state(self._cuda)
        return states

    def _set(self, states: dict[str, Tensor]) -> None:
        torch.set_rng_state(states["cpu"])
        if self._cuda is not None:
            torch.cuda.set_rng_state(states["cuda"], self._cuda)
