"""Fetches run apart: a session with scripted work, on two threads."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from dpo_engine.events import (
    Event,
    ModelFetched,
    Note,
    Progress,
    RequestFailed,
    RequestFinished,
    RequestStarted,
)
from dpo_engine.preferences import Message
from dpo_engine.requests import (
    Cancel,
    FetchModel,
    Generate,
    Shutdown,
)
from dpo_engine.service.job import Job
from dpo_engine.session import Session


def _answered(job: Job) -> Iterator[Event | None]:
    yield Note(request=job.id, message="done")


def test_a_fetch_runs_apart_while_others_are_answered() -> None:
    answered = threading.Event()
    heard: list[Event] = []

    def fetching(session: Session, job: Job) -> Iterator[Event | None]:
        yield Progress(request=job.id, stage="Downloading", done=0, total=0)
        session.put(Generate(id="a", policy="m", prompt=(Message("user", "hello"),)))
        assert answered.wait(30)
        yield ModelFetched(request=job.id, model="m", path="p")

    def work(job: Job) -> Iterator[Event | None]:
        return fetching(session, job) if job.id == "fetch" else _answered(job)

    def follow(event: Event) -> None:
        heard.append(event)
        if event == RequestFinished(request="a"):
            answered.set()
        elif event == RequestFinished(request="fetch"):
            session.put(Shutdown())

    session = Session(follow, do=work)
    session.put(FetchModel(id="fetch", model="m"))
    session.run()
    assert heard.index(RequestFinished(request="a")) < heard.index(RequestFinished(request="fetch"))


@pytest.mark.parametrize("control", [Cancel(target="fetch"), Shutdown()])
def test_a_fetch_can_be_cancelled(control: Any) -> None:
    heard: list[Event] = []
    closed = threading.Event()

    def fetching(session: Session, job: Job) -> Iterator[Event | None]:
        try:
            session.put(control)
            while True:
                yield None
        finally:
            closed.set()

    def follow(event: Event) -> None:
        heard.append(event)
        if isinstance(event, RequestFailed):
            session.put(Shutdown())

    session = Session(follow, do=lambda job: fetching(session, job))
    session.put(FetchModel(id="fetch", model="m"))
    session.run()
    assert closed.is_set()
    ended = [one for one in heard if isinstance(one, (RequestStarted, RequestFailed))]
    assert [type(one) for one in ended] == [RequestStarted, RequestFailed]
    assert isinstance(ended[1], RequestFailed)
    assert ended[1].code == "cancelled"
