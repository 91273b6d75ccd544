"""The session with scripted work: everything happens on one thread, in an order that the scripts decide."""

import errno
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch

from dpo_engine.errors import BadInput, Cancelled
from dpo_engine.events import (
    DeviceMemory,
    EngineReady,
    Event,
    Note,
    Progress,
    RequestFailed,
    RequestFinished,
    RequestStarted,
    StepDone,
    TrainingPaused,
    TrainingResumed,
)
from dpo_engine.preferences import Message
from dpo_engine.requests import (
    Cancel,
    Generate,
    GenerateMany,
    Pause,
    PromptToAnswer,
    Request,
    Resume,
    Score,
    Shutdown,
    StopAndKeep,
    Train,
)
from dpo_engine.service.job import Job
from dpo_engine.session import Session

Script = Callable[[Session, Job], Iterator[Event | None]]
HELLO = (Message("user", "hello"),)


def _generate(name: str) -> Generate:
    return Generate(id=name, policy="m", prompt=HELLO)


def _generate_many(name: str) -> GenerateMany:
    return GenerateMany(id=name, policy="m", prompts=(PromptToAnswer(prompt=HELLO),))


def _score(name: str) -> Score:
    return Score(id=name, policy="m", reference="m", pairs="p")


def _train(name: str = "train") -> Train:
    return Train(id=name, run="r")


def _step(job: Job, step: int, total: int) -> StepDone:
    return StepDone(request=job.id, step=step, total_steps=total, metrics={}, seconds_left=0.0)


def _short(session: Session, job: Job) -> Iterator[Event | None]:
    yield Note(request=job.id, message="done")


def _training(steps: int, at: dict[int, Callable[[Session], None]]) -> Script:
    """A training of so many steps that follows its directive; `at` is done in the middle of a step."""

    def script(session: Session, job: Job) -> Iterator[Event | None]:
        for step in range(1, steps + 1):
            match job.directive():
                case "leave":
                    raise Cancelled(f"left after step {step - 1}")
                case "keep":
                    yield Note(request=job.id, message=f"kept after step {step - 1}")
                    return
            at.get(step, lambda _session: None)(session)
            yield _step(job, step, steps)

    return script


def _run(
    requests: list[Any], scripts: dict[str, Script], *, later: str = "", shut: bool = True
) -> list[Event]:
    """Everything that a session says to `requests` and to those that scripts hand in `later`.

    A request without a script is a `_short` one. The session is ended when all are answered.
    """
    heard: list[Event] = []
    session = Session(heard.append, do=lambda job: scripts.get(job.id, _short)(session, job))
    for request in requests:
        session.put(request)
    if shut:
        _shut_when_done(
            session, heard, {one.id for one in requests if isinstance(one, Request)} | set(later.split())
        )
    session.run()
    return [event for event in heard if not isinstance(event, (EngineReady, DeviceMemory))]


def _shut_when_done(session: Session, heard: list[Event], waiting: set[str]) -> None:
    def follow(event: Event) -> None:
        heard.append(event)
        if isinstance(event, (RequestFinished, RequestFailed)):
            waiting.discard(event.request)
            if not waiting:
                session.put(Shutdown())

    session._emit_unlocked = follow


def _short_form(events: list[Event]) -> list[str]:
    """`started a`, `step 1`, `failed a cancelled`: enough to compare an order."""
    lines = []
    for event in events:
        match event:
            case RequestStarted(request=name):
                lines.append(f"started {name}")
            case RequestFinished(request=name):
                lines.append(f"finished {name}")
            case RequestFailed(request=name, code=code):
                lines.append(f"failed {name} {code}")
            case StepDone(step=step):
                lines.append(f"step {step}")
            case TrainingPaused(step=step):
                lines.append(f"paused {step}")
            case TrainingResumed(step=step):
                lines.append(f"resumed {step}")
    return lines


def test_requests_are_answered_one_after_another() -> None:
    assert _short_form(_run([_generate("a"), _generate("b"), _score("c")], {})) == [
        *("started a", "finished a", "started b", "finished b", "started c", "finished c")
    ]


def test_the_engine_says_that_it_is_ready_and_what_it_runs_on() -> None:
    heard: list[Event] = []
    session = Session(heard.append)
    session.put(Shutdown())
    session.run()
    (ready,) = heard
    assert isinstance(ready, EngineReady)
    assert ready.device in ("cpu", "cuda", "mps")
    assert ready.memory_total > 2**30


def test_a_training_makes_room_for_shorter_work_once_a_step() -> None:
    def ask(session: Session) -> None:
        for name in ("a", "b"):
            session.put(_generate(name))
        session.put(_score("c"))
        session.put(_train("next"))

    events = _run([_train()], {"train": _training(4, {1: ask})}, later="a b c next")
    assert _short_form(events) == [
        *("started train", "step 1", "started a", "finished a", "step 2", "started b", "finished b"),
        *("step 3", "started c", "finished c", "step 4", "finished train"),
        *("started next", "finished next"),
    ]


def test_who_waits_for_one_prompt_is_answered_inside_a_batch_of_others() -> None:
    def writing_ahead(session: Session, job: Job) -> Iterator[Event | None]:
        session.put(_generate_many("next"))
        session.put(_generate("one"))
        yield None
        yield Note(request=job.id, message="middle")

    events = _run([_generate_many("batch")], {"batch": writing_ahead}, later="one next")
    assert _short_form(events) == [
        *("started batch", "started one", "finished one", "finished batch"),
        *("started next", "finished next"),
    ]


def test_only_shorter_work_is_done_inside() -> None:
    def scoring(session: Session, job: Job) -> Iterator[Event | None]:
        session.put(_train("long"))
        session.put(_score("alike"))
        session.put(_generate("short"))
        yield None
        yield Note(request=job.id, message="middle")

    lines = _short_form(_run([_score("outer")], {"outer": scoring}, later="long alike short"))
    assert lines[:4] == ["started outer", "started short", "finished short", "finished outer"]
    assert lines[4:] == ["started long", "started alike", "finished alike", "finished long"]


def test_a_waiting_request_can_be_cancelled() -> None:
    events = _run([_generate("a"), _generate("b"), Cancel(target="b")], {})
    assert "failed b cancelled" in _short_form(events)
    assert _short_form(events).count("started b") == 1
    assert "finished a" in _short_form(events)


def test_a_running_request_is_cancelled_at_its_next_safe_point_and_closed() -> None:
    closed = []

    def endless(session: Session, job: Job) -> Iterator[Event | None]:
        try:
            session.put(Cancel(target="a"))
            while True:
                yield None
        finally:
            closed.append(job.id)

    assert _short_form(_run([_generate("a")], {"a": endless})) == ["started a", "failed a cancelled"]
    assert closed == ["a"]


def test_a_training_is_cancelled_by_leaving() -> None:
    script = _training(5, {2: lambda session: session.put(Cancel(target="train"))})
    events = _run([_train()], {"train": script})
    assert _short_form(events) == ["started train", "step 1", "step 2", "failed train cancelled"]
    assert isinstance(events[-1], RequestFailed)
    assert events[-1].message == "left after step 2"


def test_the_outer_of_two_requests_can_be_cancelled_from_inside_the_inner() -> None:
    def inner(session: Session, job: Job) -> Iterator[Event | None]:
        session.put(Cancel(target="train"))
        yield None
        yield None

    script = _training(5, {1: lambda session: session.put(_generate("inner"))})
    assert _short_form(_run([_train()], {"train": script, "inner": inner}, later="inner")) == [
        *("started train", "step 1", "started inner", "finished inner", "failed train cancelled")
    ]


def test_a_cancel_of_an_unknown_request_does_nothing() -> None:
    assert _short_form(_run([Cancel(target="never"), _generate("a")], {})) == ["started a", "finished a"]


def test_a_paused_training_holds_while_others_are_answered() -> None:
    def pause(session: Session) -> None:
        session.put(Pause(target="train"))
        for name in ("a", "b"):
            session.put(_generate(name))
        session.put(_score("c"))

    def resume(session: Session, job: Job) -> Iterator[Event | None]:
        yield None
        session.put(Resume(target="train"))
        yield None

    lines = _short_form(_run([_train()], {"train": _training(2, {1: pause}), "c": resume}, later="a b c"))
    assert lines == [
        *("started train", "step 1", "paused 1", "started a", "finished a", "started b", "finished b"),
        *("started c", "finished c", "resumed 1", "step 2", "finished train"),
    ]


@pytest.mark.parametrize(
    ("control", "last"),
    [(StopAndKeep(target="train"), "finished train"), (Cancel(target="train"), "failed train cancelled")],
)
def test_a_paused_training_can_be_ended(control: Any, last: str) -> None:
    def end(session: Session, job: Job) -> Iterator[Event | None]:
        session.put(control)
        yield None

    def pause(session: Session) -> None:
        session.put(Pause(target="train"))
        session.put(_generate("a"))
        session.put(_generate("b"))

    lines = _short_form(_run([_train()], {"train": _training(5, {1: pause}), "b": end}, later="a b"))
    assert lines[-1] == last
    assert "step 2" not in lines
    assert "paused 1" in lines


def test_stop_and_keep_is_followed() -> None:
    script = _training(5, {2: lambda session: session.put(StopAndKeep(target="train"))})
    events = _run([_train()], {"train": script})
    assert Note(request="train", message="kept after step 2") in events
    assert _short_form(events)[-1] == "finished train"


def test_a_waiting_training_can_be_paused_before_it_begins() -> None:
    def resume(session: Session, job: Job) -> Iterator[Event | None]:
        session.put(Resume(target="train"))
        yield None

    def first(session: Session, job: Job) -> Iterator[Event | None]:
        session.put(_train())
        session.put(Pause(target="train"))
        yield None

    def training(session: Session, job: Job) -> Iterator[Event | None]:
        session.put(_generate("b"))
        yield Progress(request=job.id, stage="Loading", done=0, total=0)
        session.put(_generate("c"))
        yield None

    lines = _short_form(
        _run([_generate("a")], {"a": first, "train": training, "b": resume}, later="train b c")
    )
    assert lines == [
        *("started a", "finished a", "started train", "paused 0", "started b", "finished b", "resumed 0"),
        *("finished train", "started c", "finished c"),
    ]


FAULTS = [
    (BadInput("This is wrong."), "bad_input", "This is wrong."),
    (MemoryError(), "out_of_memory", "too little memory for writing responses"),
    (torch.OutOfMemoryError("CUDA out of memory."), "out_of_memory", "too little memory"),
    (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), "out_of_memory", "memory"),
    (OSError(errno.ENOSPC, "No space left"), "disk_full", "disk is full"),
    (ZeroDivisionError("division by zero"), "bug", "Something unexpected went wrong while writing responses"),
]


@pytest.mark.parametrize(("fault", "code", "sentence"), FAULTS, ids=[one[1] for one in FAULTS])
def test_whatever_goes_wrong_is_told_and_the_session_lives_on(
    fault: Exception, code: str, sentence: str
) -> None:
    def failing(session: Session, job: Job) -> Iterator[Event | None]:
        yield None
        raise fault

    events = _run([_generate("a"), _generate("b")], {"a": failing})
    (failed,) = [one for one in events if isinstance(one, RequestFailed)]
    assert (failed.request, failed.code) == ("a", code)
    assert sentence in failed.message
    assert ("Traceback" in failed.detail) == (code == "bug")
    assert _short_form(events)[-1] == "finished b"


def test_work_that_cannot_even_begin_is_told() -> None:
    def broken(session: Session, job: Job) -> Iterator[Event | None]:
        raise BadInput("No such thing.")

    assert _short_form(_run([_generate("a")], {"a": broken})) == ["started a", "failed a bad_input"]


def test_shutdown_lets_a_training_leave_and_ends_everything_else() -> None:
    def shut(session: Session) -> None:
        session.put(_generate("a"))
        session.put(_train("next"))
        session.put(Shutdown())

    lines = _short_form(_run([_train()], {"train": _training(5, {2: shut})}, shut=False))
    assert lines == [
        *("started train", "step 1", "step 2", "failed train cancelled"),
        *("started a", "failed a cancelled", "started next", "failed next cancelled"),
    ]


def test_shutdown_from_inside_ends_the_inner_request_too() -> None:
    def inner(session: Session, job: Job) -> Iterator[Event | None]:
        session.put(Shutdown())
        while True:
            yield None

    script = _training(5, {1: lambda session: session.put(_generate("inner"))})
    lines = _short_form(_run([_train()], {"train": script, "inner": inner}, shut=False))
    assert lines == [
        *("started train", "step 1", "started inner", "failed inner cancelled", "failed train cancelled")
    ]


def test_memory_is_told_while_working_and_not_more_than_once_a_second() -> None:
    heard: list[Event] = []

    def busy(session: Session, job: Job) -> Iterator[Event | None]:
        yield from [None] * 50
        session.put(Shutdown())
        yield None

    session = Session(heard.append, do=lambda job: busy(session, job))
    session.put(_generate("a"))
    session.run()
    told = [one for one in heard if isinstance(one, DeviceMemory)]
    assert len(told) == 1
    assert 0 < told[0].used <= told[0].total
