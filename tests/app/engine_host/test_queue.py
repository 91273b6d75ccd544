"""The book of requests under way."""

import pytest

from app.engine_host.queue import JobQueue
from dpo_engine.events import RequestFailed, RequestFinished, RequestStarted
from dpo_engine.requests import Cancel, Pause, Resume, Shutdown
from tests.app.engine_host.conftest import generate, train


def test_requests_are_kept_in_order_until_they_end() -> None:
    queue = JobQueue()
    for request in (first := generate("a", ""), second := train("b", ""), third := generate("c", "")):
        queue.add(request)
    assert queue.unsent() == [first, second, third]
    queue.note_event(RequestFinished(request="b"))
    queue.note_event(RequestFailed(request="a", code="bad_input", message="No."))
    assert queue.unsent() == [third]
    assert "c" in queue
    assert "a" not in queue


def test_an_id_can_be_used_again_after_its_end_and_not_before() -> None:
    queue = JobQueue()
    queue.add(generate("a", ""))
    with pytest.raises(ValueError, match="'a'"):
        queue.add(train("a", ""))
    queue.note_event(RequestFinished(request="a"))
    queue.add(train("a", ""))
    assert len(queue) == 1


def test_a_death_takes_what_had_started_or_was_cancelled_and_leaves_the_rest() -> None:
    queue = JobQueue()
    for name in ("started", "cancelled", "waiting"):
        queue.add(generate(name, ""))
    queue.note_event(RequestStarted(request="started"))
    queue.note_control(Cancel(target="cancelled"))
    lost = {job.request.id: job.cancelled for job in queue.take_lost()}
    assert lost == {"started": False, "cancelled": True}
    assert [message.id for message in queue.unsent()] == ["waiting"]  # type: ignore[union-attr]


def test_what_was_asked_of_a_waiting_request_is_sent_again_after_it() -> None:
    queue = JobQueue()
    queue.add(first := train("a", ""))
    queue.add(second := train("b", ""))
    assert queue.note_control(Pause(target="a"))
    assert queue.note_control(Resume(target="a"))
    assert queue.unsent() == [first, Pause(target="a"), Resume(target="a"), second]


def test_controls_of_unknown_requests_and_shutdown_are_not_noted() -> None:
    queue = JobQueue()
    assert not queue.note_control(Cancel(target="ended"))
    assert not queue.note_control(Shutdown())


def test_events_of_unknown_requests_change_nothing() -> None:
    queue = JobQueue()
    queue.add(generate("a", ""))
    queue.note_event(RequestStarted(request="other"))
    queue.note_event(RequestFailed(request="", code="bad_input", message="A line could not be read."))
    assert len(queue) == 1
    assert queue.take_lost() == []


def test_taking_all_leaves_nothing() -> None:
    queue = JobQueue()
    queue.add(generate("a", ""))
    assert [job.request.id for job in queue.take_all()] == ["a"]
    assert len(queue) == 0
