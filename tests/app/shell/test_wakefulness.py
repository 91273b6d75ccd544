"""Keeping the computer awake through the library that does it, without asking a real system."""

import threading

import psutil  # type: ignore[import-untyped]
import pytest

from app.shell import wakefulness
from app.shell.wakefulness import KeepAwake


def awake_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "keep-awake"]


def test_one_thread_holds_until_it_is_released(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAKEPY_FAKE_SUCCESS", "1")
    keeper = KeepAwake()
    keeper.release()
    keeper.hold()
    keeper.hold()
    (thread,) = awake_threads()
    assert keeper.holding
    keeper.release()
    thread.join(timeout=10)
    assert not thread.is_alive()
    assert not keeper.holding


def test_a_system_that_refuses_is_no_error() -> None:
    keeper = KeepAwake()
    keeper.hold()
    (thread,) = awake_threads()
    keeper.release()
    thread.join(timeout=10)
    assert not thread.is_alive()


def test_a_library_that_fails_is_no_error(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    import wakepy

    def fail(**_wishes: object) -> None:
        raise RuntimeError("the bus is gone")

    monkeypatch.setattr(wakepy.keep, "running", fail)
    keeper = KeepAwake()
    with caplog.at_level("INFO"):
        keeper.hold()
        for thread in awake_threads():
            thread.join(timeout=10)
    assert "the bus is gone" in caplog.text
    keeper.release()


@pytest.mark.parametrize(("plugged", "expected"), [(True, False), (False, True), (None, False)])
def test_on_battery(monkeypatch: pytest.MonkeyPatch, plugged: bool | None, expected: bool) -> None:
    class Battery:
        power_plugged = plugged

    monkeypatch.setattr(psutil, "sensors_battery", Battery, raising=False)
    assert wakefulness.on_battery() is expected
    monkeypatch.setattr(psutil, "sensors_battery", lambda: None)
    assert not wakefulness.on_battery()
