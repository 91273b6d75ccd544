"""Cycles with Qt objects in them die on the GUI thread, whoever allocates."""

import gc
import threading
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from app.engine_host import garbage
from app.engine_host.garbage import GuiThreadCollector


class Knot(QObject):
    """An object that only the cycle collector can free, and which tells on which thread it was."""

    def __init__(self, died_on: list[int]) -> None:
        super().__init__()
        self.itself = self
        self.died_on = died_on

    def __del__(self) -> None:
        self.died_on.append(threading.get_ident())


@pytest.fixture
def collector(qtbot: QtBot) -> Iterator[GuiThreadCollector]:
    collector = GuiThreadCollector()
    yield collector
    collector.end()


def allocate(kept: list[list[int]]) -> None:
    """Enough for the collector to be due."""
    kept.extend([] for _ in range(gc.get_threshold()[0] * 3))


def test_a_knot_is_not_freed_by_another_thread_but_by_the_timer(
    collector: GuiThreadCollector, qtbot: QtBot
) -> None:
    collector.begin()
    died_on: list[int] = []
    kept: list[list[int]] = []
    Knot(died_on)
    other = threading.Thread(target=allocate, args=(kept,))
    other.start()
    other.join()
    assert died_on == []
    qtbot.waitUntil(lambda: bool(died_on))
    assert died_on == [threading.get_ident()]


def set_aside(collector: GuiThreadCollector, kept: list[list[int]]) -> None:
    """Go on until something was."""
    before = gc.get_freeze_count()
    while gc.get_freeze_count() <= before:
        allocate(kept)
        collector._on_timeout()


def test_what_survived_a_look_at_the_oldest_is_set_aside_until_the_end(collector: GuiThreadCollector) -> None:
    died_on: list[int] = []
    collector.begin()
    knot = Knot(died_on)
    set_aside(collector, [])
    del knot
    gc.collect()
    assert died_on == [], "it was looked at"
    collector.end()
    assert gc.get_freeze_count() == 0
    gc.collect()
    assert died_on


def test_very_much_set_aside_is_looked_at_again(
    collector: GuiThreadCollector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(garbage, "_MORE_SET_ASIDE", 2_000)
    died_on: list[int] = []
    collector.begin()
    knot = Knot(died_on)
    kept: list[list[int]] = []
    set_aside(collector, kept)
    del knot
    collector._set_aside = 0
    while not died_on and len(kept) < 1_000_000:
        allocate(kept)
        collector._on_timeout()
    assert died_on == [threading.get_ident()]


def test_what_is_too_much_for_one_piece_is_set_aside_unseen(
    collector: GuiThreadCollector, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[dict[str, int]] = []
    monkeypatch.setattr(gc, "callbacks", [])
    collector.begin()
    before = gc.get_freeze_count()
    burst = [[] for _ in range(garbage._MOST_AT_ONCE + 1)]
    gc.callbacks.append(lambda _, info: looks.append(info))
    collector._on_timeout()
    gc.callbacks.clear()
    assert looks == []
    assert gc.get_freeze_count() > before + len(burst)


def test_the_window_itself_is_set_aside_at_the_beginning(collector: GuiThreadCollector) -> None:
    alive = len(gc.get_objects())
    collector.begin()
    assert gc.get_freeze_count() >= alive


def test_the_collector_is_left_as_it_was_found(collector: GuiThreadCollector) -> None:
    assert gc.isenabled()
    collector.begin()
    collector.begin()
    assert not gc.isenabled()
    collector.end()
    assert gc.isenabled()
    gc.disable()
    try:
        collector.begin()
        collector.end()
        assert not gc.isenabled()
    finally:
        gc.enable()
