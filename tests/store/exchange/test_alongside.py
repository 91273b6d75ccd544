"""One piece of work at a time, and what goes wrong in it is told before anything else is begun."""

import threading

import pytest

from app.store.exchange.alongside import Alongside


def test_work_is_done_in_its_order() -> None:
    done: list[int] = []
    with Alongside() as alongside:
        for number in range(20):
            alongside.give(lambda number=number: done.append(number))  # type: ignore[misc]
        alongside.wait()
        assert done == list(range(20))


def test_the_caller_goes_on_meanwhile() -> None:
    if_may_end = threading.Event()
    with Alongside() as alongside:
        alongside.give(lambda: None if if_may_end.wait(10) else pytest.fail("nobody went on"))
        if_may_end.set()
        alongside.wait()


def test_what_goes_wrong_is_told_once_and_before_more_is_begun() -> None:
    done: list[str] = []

    def fails() -> None:
        raise OSError("the disk is full")

    with Alongside() as alongside:
        alongside.give(fails)
        with pytest.raises(OSError, match="full"):
            alongside.give(lambda: done.append("more"))
        alongside.wait()
    assert done == []
