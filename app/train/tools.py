"""What everything on the Train page works with, as one record. Qt-free."""

from collections.abc import Callable
from dataclasses import dataclass

from app.engine_host.protocol import Engine
from app.history import History
from app.store.access import StoreAccess, StoreReader
from app.train.background import Background
from app.train.metric_log import CallLater, Clock


def _plugged_in() -> bool:
    return False


@dataclass(frozen=True, kw_only=True)
class Tools:
    engine: Engine
    store: StoreAccess
    """Writes, and reads what is small."""
    reader: StoreReader
    """Reads what takes long; nothing that it does holds up a verdict."""
    background: Background
    """For what has nothing to do with the project file."""
    history: History
    annotator: Callable[[], str]
    """Who signs what is done."""
    clock: Clock
    call_later: CallLater
    on_battery: Callable[[], bool] = _plugged_in
    """Whether the computer runs on its battery; asked in the background."""
