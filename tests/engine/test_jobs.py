"""Requests answered by a session with real, tiny models."""

from pathlib import Path

import pytest

from dpo_engine.config import SamplingConfig, TrainConfig
from dpo_engine.events import (
    CandidateDone,
    Event,
    ModelLoaded,
    PairsScored,
    Progress,
    RequestFailed,
    RequestFinished,
    StepDone,
    TrainingFinished,
)
from dpo_engine.preferences import Message
from dpo_engine.requests import (
    Generate,
    Request,
    Score,
    Shutdown,
    Train,
)
from dpo_engine.session import Session

HELLO = (Message("user", "hello"),)


def _answer(requests: list[Request]) -> list[Event]:
    heard: list[Event] = []
    left = {one.id for one in requests}

    def follow(event: Event) -> None:
        heard.append(event)
        if isinstance(event, (RequestFinished, RequestFailed)):
            left.discard(event.request)
            if not left:
                session.put(Shutdown())

    session = Session(follow)
    for request in requests:
        session.put(request)
    session.run()
    return heard


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    path = tmp_path / "pairs.jsonl"
    path.write_text('{"prompt": "Say a", "chosen": "aaa", "rejected": "bbb"}\n' * 3)
    return path


def test_a_model_is_loaded_once_for_several_requests(tiny_model_folder: Path) -> None:
    sampling = SamplingConfig(max_new_tokens=3)
    requests: list[Request] = [
        Generate(
            id=name, policy=str(tiny_model_folder), prompt=HELLO, sampling=sampling, device="cpu", seed=seed
        )
        for name, seed in (("a", 0), ("b", 5))
    ]
    events = _answer(requests)
    loading = [one.request for one in events if isinstance(one, Progress) and one.stage.startswith("Loading")]
    assert loading == ["a"]
    assert [one.request for one in events if isinstance(one, ModelLoaded)] == ["a", "b"]
    assert len([one for one in events if isinstance(one, CandidateDone)]) == 4


def test_a_policy_and_the_model_under_it_are_scored_with_one_model_loaded(
    tiny_model_folder: Path, tiny_adapter: Path, pairs: Path
) -> None:
    def scoring(name: str, policy: Path, reference: Path) -> Score:
        return Score(id=name, policy=str(policy), reference=str(reference), pairs=str(pairs), device="cpu")

    events = _answer(
        [
            scoring("over", tiny_adapter, tiny_model_folder),
            scoring("same", tiny_model_folder, tiny_model_folder),
            scoring("under", tiny_model_folder, tiny_adapter),
        ]
    )
    assert not [one for one in events if isinstance(one, RequestFailed)]
    assert [one.request for one in events if isinstance(one, ModelLoaded)] == [
        "over",
        "same",
        "under",
        "under",
    ]
    first = {one.request: one.scores[0] for one in reversed(events) if isinstance(one, PairsScored)}
    assert first["same"].chosen_log_ratio == 0.0
    assert first["over"].chosen_log_ratio != 0.0
    assert first["over"].chosen_log_ratio == pytest.approx(-first["under"].chosen_log_ratio, abs=1e-4)


def test_a_run_is_trained_through_the_session(tiny_model_folder: Path, pairs: Path, tmp_path: Path) -> None:
    from dpo_engine import run_folder
    from dpo_engine.preferences import read_pairs

    run = run_folder.create(
        tmp_path,
        policy=str(tiny_model_folder),
        config=TrainConfig(num_train_epochs=1, per_device_train_batch_size=1, device="cpu", lora_r=2),
        pairs=read_pairs(pairs).pairs,
        name="run",
    )
    events = _answer([Train(id="t", run=str(run))])
    assert [one.step for one in events if isinstance(one, StepDone)] == [1, 2, 3]
    (finished,) = [one for one in events if isinstance(one, TrainingFinished)]
    again = _answer([Generate(id="g", policy=str(run), prompt=HELLO, device="cpu")])
    assert Path(finished.policy).is_dir()
    assert isinstance(again[-1], RequestFinished)
