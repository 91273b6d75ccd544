"""The rule for starting a dead engine again."""

from app.engine_host.restarts import Restarts


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_at_once_then_after_a_second_then_never() -> None:
    restarts = Restarts(Clock())
    assert [restarts.after_death() for _ in range(3)] == [0.0, 1.0, None]


def test_with_successes_in_between_it_goes_on_with_growing_waits() -> None:
    restarts = Restarts(Clock())
    delays = []
    for _ in range(4):
        delays.append(restarts.after_death())
        restarts.request_finished()
    assert delays == [0.0, 1.0, 5.0, 5.0]


def test_deaths_are_forgotten_after_a_minute() -> None:
    clock = Clock()
    restarts = Restarts(clock)
    delays = []
    for _ in range(5):
        delays.append(restarts.after_death())
        clock.now += 61
    assert delays == [0.0] * 5


def test_three_deaths_count_only_when_they_fall_into_one_minute() -> None:
    clock = Clock()
    restarts = Restarts(clock)
    assert restarts.after_death() == 0.0
    clock.now += 40
    assert restarts.after_death() == 1.0
    clock.now += 40  # the first is over a minute ago
    assert restarts.after_death() == 1.0
    clock.now += 10
    assert restarts.after_death() is None


def test_a_person_who_restarts_begins_anew() -> None:
    restarts = Restarts(Clock())
    for _ in range(3):
        restarts.after_death()
    restarts.forget()
    assert restarts.after_death() == 0.0
