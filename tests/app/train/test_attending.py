"""Awake while a run trains, a word on the desktop when it has ended; both only as the person wants."""

from dataclasses import replace

import pytest

from app.train.attending import Attending, Wishes
from dpo_engine.events import TrainingPaused, TrainingResumed
from dpo_engine.requests import Train
from tests.app.train.conftest import Room
from tests.app.train.playing import begin, step


class Around:
    """The computer and the desktop: writes down what is asked of them."""

    def __init__(self, room: Room) -> None:
        self.awake = False
        self.said: list[tuple[str, str]] = []
        self.wishes = Wishes()
        self.attending = Attending(
            room.presenter, wakefulness=self, notifications=self, wishes=lambda: self.wishes
        )

    def hold(self) -> None:
        self.awake = True

    def release(self) -> None:
        self.awake = False

    def notify(self, title: str, text: str) -> None:
        self.said.append((title, text))


@pytest.fixture
def around(ready: Room) -> Around:
    return Around(ready)


def name(room: Room) -> str:
    return room.runs()[0].name.split("-", 3)[3]


def test_awake_from_start_to_end_but_not_while_paused(ready: Room, around: Around) -> None:
    assert not around.awake
    ready.presenter.start()
    request = begin(ready)
    assert around.awake
    ready.engine.emit(TrainingPaused(request=request, step=1))
    assert not around.awake
    ready.engine.emit(TrainingResumed(request=request, step=1))
    assert around.awake
    ready.engine.fail(request, code="out_of_memory", message="Too little memory.")
    assert not around.awake
    assert around.said == [(f"{name(ready)} failed", "Too little memory.")]


def test_awake_through_the_whole_queue(ready: Room, around: Around) -> None:
    ready.presenter.start()
    begin(ready)
    ready.presenter.start()
    ready.engine.fail(ready.engine.last(Train).id, code="out_of_memory", message="Too little memory.")
    assert around.awake
    assert around.said[0][1] == "Too little memory. 1 more run waits."


def test_the_end_is_told_with_its_margin(ready: Room, around: Around) -> None:
    ready.engine.auto_train(steps=4)
    ready.presenter.start()
    ready.engine.deliver()
    assert around.said == [(f"{name(ready)} finished", "4 steps with a reward margin of 0.750.")]


def test_what_the_person_did_is_not_told(ready: Room, around: Around) -> None:
    ready.engine.auto_train(steps=8)
    ready.presenter.start()
    ready.engine.deliver(5)
    ready.presenter.stop_and_keep()
    ready.engine.deliver()
    ready.presenter.start()
    ready.engine.deliver(5)
    ready.presenter.cancel()
    ready.engine.deliver()
    assert [run.status for run in ready.runs()] == ["interrupted", "stopped"]
    assert around.said == []


def test_closing_the_app_is_not_told(ready: Room, around: Around) -> None:
    ready.presenter.start()
    request = begin(ready)
    step(ready, request, 1)
    ready.engine.fail(request, code="cancelled", message="The engine was shut down.")
    assert around.said == []


def test_as_the_person_wants(ready: Room, around: Around) -> None:
    around.wishes = Wishes(keep_awake=False, notify=False)
    ready.presenter.start()
    request = begin(ready)
    assert not around.awake
    around.wishes = replace(around.wishes, keep_awake=True)
    ready.presenter.refresh()
    assert around.awake
    around.attending.close()
    assert not around.awake
    ready.engine.fail(request, code="out_of_memory", message="Too little memory.")
    assert around.said == []
