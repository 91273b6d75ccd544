"""Keeps the computer from going to sleep for a while, where its system lets a program do so. Qt-free."""

import logging
import threading

import psutil  # type: ignore[import-untyped]

_log = logging.getLogger(__name__)


class KeepAwake:
    """`hold` until `release`; both return at once and may be called again. The display may still go dark.

    The system is asked on a thread of its own, as its answer takes a moment, and the same thread has to give
    back what it got.
    """

    def __init__(self) -> None:
        self._released: threading.Event | None = None

    @property
    def holding(self) -> bool:
        return self._released is not None

    def hold(self) -> None:
        if self._released is None:
            self._released = threading.Event()
            threading.Thread(
                target=_stay_awake, args=(self._released,), name="keep-awake", daemon=True
            ).start()

    def release(self) -> None:
        if self._released is not None:
            self._released.set()
            self._released = None


def on_battery() -> bool:
    """Whether the computer runs on its battery; False where it has none or does not say."""
    try:
        battery = psutil.sensors_battery()
    except (AttributeError, OSError, RuntimeError):  # a system without such a thing
        return False
    return battery is not None and battery.power_plugged is False


def _stay_awake(released: threading.Event) -> None:
    try:
        from wakepy import keep

        with keep.running(on_fail="pass") as mode:
            if not mode.active:
                _log.info("The system does not let the app keep it awake.")
            released.wait()
    except Exception as error:  # whatever its services raise: a training does not depend on it
        _log.info("The app cannot keep the system awake: %s", error)
