"""Models of the hub: fetched in a process that a cancel ends, and never taken for whole when they are not."""

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dpo_engine.errors import FetchFailed, ModelUnusable
from dpo_engine.events import Event, ModelFetched, Progress, RequestFailed
from dpo_engine.fetching import hub
from dpo_engine.fetching.child import Child
from dpo_engine.models.model_files import missing_from_hub, resolve
from dpo_engine.preferences import Message
from dpo_engine.requests import Cancel, FetchModel, Generate, Request, Shutdown
from dpo_engine.session import Session
from tests.helpers.stand_in_hub import StandInHub

NAME = "somebody/tiny"
WEIGHTS = "model.safetensors"


@pytest.fixture
def server(tiny_model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandInHub]:
    files = {path.name: path.read_bytes() for path in tiny_model_folder.iterdir() if path.is_file()}
    with StandInHub(
        {NAME: files | {"evil.py": b"raise SystemExit", "old/model.safetensors": b"?"}}
    ) as running:
        running.settle(monkeypatch, str(tmp_path / "hf"))
        yield running


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_model_is_fetched_with_progress_and_then_needs_no_hub(server: StandInHub) -> None:
    assert missing_from_hub(NAME) == NAME
    events = [event for event in hub.fetch(NAME, "f") if event is not None]
    last = events[-1]
    assert isinstance(last, ModelFetched) and last.model == NAME
    assert all(isinstance(event, Progress) for event in events[:-1])
    folder = Path(last.path)
    assert (
        (folder / WEIGHTS).is_file() and not (folder / "evil.py").exists() and not (folder / "old").exists()
    )
    asked = len(server.paths)
    assert resolve(NAME).base == folder and missing_from_hub(NAME) is None
    assert len(server.paths) == asked, "the hub was asked again"


def test_a_cancel_ends_a_download_that_hangs_and_nothing_half_is_a_model(
    server: StandInHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.hangs_after[WEIGHTS] = 5_000
    started: list[Child] = []

    def start(hub_id: str) -> Child:
        started.append(Child("dpo_engine.fetching.hub_child", {"hub_id": hub_id}))
        return started[0]

    events = hub.fetch(NAME, "f", start=start)
    for _event in events:
        if server.hanging.is_set():
            break
    began = time.monotonic()
    events.close()  # type: ignore[attr-defined]  # a generator: what the engine does for a cancel
    assert time.monotonic() - began < 3
    assert not is_alive(started[0].pid)
    assert hub.cached(NAME) is None and missing_from_hub(NAME) == NAME
    server.hangs_after.clear()
    *_, last = hub.fetch(NAME, "f")
    assert isinstance(last, ModelFetched) and resolve(NAME).base == Path(last.path)


def test_what_is_not_there_is_said(server: StandInHub) -> None:
    with pytest.raises(ModelUnusable, match="no model on the Hugging Face hub"):
        hub.snapshot("nobody/nothing")


def test_a_download_that_ends_by_itself_is_no_model(server: StandInHub) -> None:
    def start(_hub_id: str) -> Child:
        child = Child("dpo_engine.fetching.hub_child", {"hub_id": NAME})
        os.kill(child.pid, 9)
        return child

    with pytest.raises(FetchFailed, match="ended early"):
        list(hub.fetch(NAME, "f", start=start))


def test_the_child_does_not_outlive_who_started_it(server: StandInHub) -> None:
    server.hangs_after[WEIGHTS] = 5_000
    child = Child("dpo_engine.fetching.hub_child", {"hub_id": NAME})
    server.hanging.wait()
    stdin = child._process.stdin
    assert stdin is not None
    stdin.close()
    assert child._process.wait(10) == 1
    child.end()


def _ended(request: Request, server: StandInHub) -> list[Event]:
    """What a session says of a request that is cancelled while the download hangs."""
    heard: list[Event] = []

    def hear(event: Event) -> None:
        heard.append(event)
        if isinstance(event, RequestFailed):
            session.put(Shutdown())

    session = Session(hear)
    session.put(request)

    def cancel() -> None:
        server.hanging.wait()
        session.put(Cancel(target=request.id))

    threading.Thread(target=cancel, daemon=True).start()
    session.run()
    return heard


@pytest.mark.parametrize(
    "request_",
    [
        FetchModel(id="r", model=NAME),
        Generate(id="r", policy=NAME, prompt=(Message("user", "hello"),)),
    ],
)
def test_a_request_that_fetches_can_be_cancelled(server: StandInHub, request_: Request) -> None:
    server.hangs_after[WEIGHTS] = 5_000
    heard = _ended(request_, server)
    failed = heard[-1]
    assert isinstance(failed, RequestFailed) and failed.code == "cancelled"
    assert any(isinstance(event, Progress) and NAME in event.stage for event in heard)
    assert hub.cached(NAME) is None
