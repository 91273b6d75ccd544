"""How the engine is doing, as one value for the status bar. Qt-free."""

from dataclasses import dataclass
from typing import Literal

Phase = Literal["starting", "ready", "restarting", "down", "closed"]


@dataclass(frozen=True, kw_only=True)
class EngineState:
    """`starting` and `restarting` lead to `ready`; `down` waits for `restart()`; `closed` is the end."""

    phase: Phase
    device: str = ""
    """`cuda`, `mps` or `cpu`; empty before the engine was ready for the first time."""
    device_name: str = ""
    message: str = ""
    """A sentence for the user: why the engine is restarting or down. Empty when there is nothing to say."""
