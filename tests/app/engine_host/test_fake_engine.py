"""The stand-in that the pages are tested with keeps the promises of the real engine."""

from app.engine_host.protocol import Engine
from dpo_engine.events import (
    CandidateDone,
    Event,
    PairsScored,
    RequestFailed,
    RequestFinished,
    RequestStarted,
    StepDone,
    TextDelta,
    TrainingFinished,
    TrainingPaused,
)
from dpo_engine.pair_math import PairScore
from dpo_engine.requests import Cancel, FetchModel, Generate, Pause, Resume, Score, StopAndKeep, Train
from tests.app.engine_host.conftest import generate, train
from tests.helpers.fake_engine import FakeEngine


def names(events: list[Event]) -> list[str]:
    return [type(event).__name__ for event in events]


def test_it_is_an_engine_and_nothing_is_heard_inside_submit() -> None:
    fake = FakeEngine()
    engine: Engine = fake
    fake.auto_generate(["one two", "three"])
    heard: list[Event] = []
    everything: list[Event] = []
    engine.subscribe(everything.append)
    engine.submit(generate("g1", ""), heard.append)
    assert heard == []
    assert fake.deliver(2) == 2
    assert heard == [RequestStarted(request="g1"), TextDelta(request="g1", index=0, text="one")]
    fake.deliver()
    assert heard == everything
    done = [event for event in heard if isinstance(event, CandidateDone)]
    assert [(event.text, event.seed) for event in done] == [("one two", 0), ("three", 1)]
    texts = ["".join(e.text for e in heard if isinstance(e, TextDelta) and e.index == i) for i in range(2)]
    assert texts == ["one two", "three"]
    assert heard[-1] == RequestFinished(request="g1")
    assert fake.open == []
    assert fake.last(Generate).id == "g1"


def test_training_can_be_paused_resumed_and_stopped() -> None:
    fake = FakeEngine()
    fake.auto_train(steps=10, evaluate_every=5, save_every=5)
    heard: list[Event] = []
    fake.submit(train("t1", "runs/a"), heard.append)
    fake.deliver(4)
    fake.control(Pause(target="t1"))
    fake.deliver()
    assert heard[-1] == TrainingPaused(request="t1", step=2)
    fake.control(Resume(target="t1"))
    fake.deliver(2)
    assert isinstance(heard[-1], StepDone)
    fake.control(StopAndKeep(target="t1"))
    fake.deliver()
    assert names(heard)[-2:] == ["TrainingFinished", "RequestFinished"]
    finished = heard[-2]
    assert isinstance(finished, TrainingFinished)
    assert (finished.step, finished.stopped) == (3, True)
    assert fake.last(Train).run == "runs/a"


def test_a_whole_training_says_everything_in_order() -> None:
    fake = FakeEngine()
    fake.auto_train(steps=2, evaluate_every=1, save_every=2)
    heard: list[Event] = []
    fake.submit(train("t1", "runs/a"), heard.append)
    fake.deliver()
    assert names(heard) == [
        "RequestStarted",
        "TrainingStarted",
        "StepDone",
        "Evaluated",
        "StepDone",
        "Evaluated",
        "CheckpointSaved",
        "TrainingFinished",
        "RequestFinished",
    ]


def test_cancelling_and_dying_end_what_is_open() -> None:
    fake = FakeEngine()
    fake.auto_generate(["a b c"])
    failures: list[Event] = []
    for name in ("g1", "g2"):
        fake.submit(generate(name, ""), failures.append)
    fake.control(Cancel(target="g1"))
    fake.deliver(1)
    fake.die()
    assert [(e.request, e.code) for e in failures if isinstance(e, RequestFailed)] == [
        ("g1", "cancelled"),
        ("g2", "engine_died"),
    ]
    assert fake.deliver() == 0
    assert fake.controls == [Cancel(target="g1")]


def test_scores_and_fetches() -> None:
    fake = FakeEngine()
    score = PairScore(
        pair="p",
        split="train",
        policy_chosen_logp=-1.0,
        policy_rejected_logp=-2.0,
        reference_chosen_logp=-1.5,
        reference_rejected_logp=-1.5,
        chosen_tokens=3,
        rejected_tokens=3,
    )
    fake.auto_score([score] * 3)
    fake.auto_fetch(size=100)
    heard: list[Event] = []
    fake.submit(Score(id="s1", policy="m", reference="m", pairs="x"), heard.append)
    fake.submit(FetchModel(id="f1", model="starter"), heard.append)
    fake.deliver()
    assert [len(event.scores) for event in heard if isinstance(event, PairsScored)] == [2, 1]
    assert names(heard)[-2:] == ["ModelFetched", "RequestFinished"]


def test_a_request_without_a_script_waits_for_the_test() -> None:
    fake = FakeEngine()
    heard: list[Event] = []
    fake.submit(generate("g1", ""), heard.append)
    assert fake.deliver() == 0
    assert fake.open == ["g1"]
    fake.fail("g1", code="out_of_memory", message="Too little memory.")
    assert names(heard) == ["RequestFailed"]
    assert fake.open == []
