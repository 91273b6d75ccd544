"""A run ends where its sampled answers go beyond a bound, with the last policy that was within."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from dpo_engine import run_folder
from dpo_engine.config import TrainConfig
from dpo_engine.errors import BadInput, Cancelled
from dpo_engine.events import Event, Note, Sample, Sampled, TrainingFinished
from dpo_engine.training import loop
from dpo_engine.training.standing import Standing
from tests.helpers.training_runs import new_run, of_kind, run_it

WHOLE = "one two three four five six seven eight nine ten"
BROKEN = "one two one two one two one two one two"
PLAN: dict[str, Any] = {
    "eval_samples": 2,
    "eval_steps": 1,
    "num_train_epochs": 4.0,
    "stop_at_repetition": 0.1,
}


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the policy says at each check, from step 0 on; the list is the test's to fill."""
    texts: list[str] = []

    def answers(prompts: Sequence[Any], *_: object) -> Iterator[Sample]:
        text = texts.pop(0)
        return iter([Sample(prompt=prompt, text=text, finish_reason="end") for prompt in prompts])

    monkeypatch.setattr(loop, "answers", answers)
    return texts


def policy_bytes(folder: Path) -> bytes:
    return (folder / "policy" / "adapter_model.safetensors").read_bytes()


def notes(events: list[Event]) -> str:
    return " ".join(note.message for note in of_kind(events, Note))


def test_the_run_ends_with_the_last_policy_whose_text_was_whole(
    tmp_path: Path, tiny_model_folder: Path, said: list[str]
) -> None:
    said += [WHOLE, WHOLE, WHOLE, BROKEN]
    run = new_run(tmp_path, tiny_model_folder, **PLAN, save_steps=1, save_total_limit=1)
    events = run_it(run)
    assert said == []  # nothing was asked after the check that ended it
    (finished,) = of_kind(events, TrainingFinished)
    assert (finished.step, finished.policy_step, finished.stopped) == (3, 2, False)
    assert (
        "ended after step 3" in finished.message
        and "25% are different, at the start 100%" in finished.message
    )
    assert "step 2, the last check within its bounds" in notes(events)
    assert policy_bytes(run) == policy_bytes(run_folder.checkpoint_folder(run, 2))


def test_a_text_that_was_broken_from_the_start_is_nobodys_fault(
    tmp_path: Path, tiny_model_folder: Path, said: list[str]
) -> None:
    run = new_run(tmp_path, tiny_model_folder, **PLAN)
    total = 4 * 2
    said += [BROKEN] * (total + 1)
    (finished,) = of_kind(run_it(run), TrainingFinished)
    assert (finished.step, finished.policy_step, finished.message) == (total, None, "")


def test_without_a_bound_nothing_ends_early(tmp_path: Path, tiny_model_folder: Path, said: list[str]) -> None:
    run = new_run(tmp_path, tiny_model_folder, **{**PLAN, "stop_at_repetition": 0.0})
    said += [WHOLE] + [BROKEN] * 8
    (finished,) = of_kind(run_it(run), TrainingFinished)
    assert (finished.step, finished.policy_step) == (8, None)


def test_a_resumed_run_knows_what_its_text_was_like_at_the_start(
    tmp_path: Path, tiny_model_folder: Path, said: list[str]
) -> None:
    said += [WHOLE, WHOLE, WHOLE]  # the third is heard in part, when the run is told to leave
    run = new_run(tmp_path, tiny_model_folder, **PLAN)
    with pytest.raises(Cancelled):
        run_it(run, after={2: "leave"})
    said[:] = [WHOLE, BROKEN]
    (finished,) = of_kind(run_it(run, resume=True), TrainingFinished)
    assert (finished.step, finished.policy_step) == (3, 2)


def test_the_bound_is_a_share_of_what_it_was_at_the_start() -> None:
    config = TrainConfig(eval_samples=1, stop_at_repetition=0.1)
    start = Standing().sampled(0, distinct=0.9, kl=None, config=config)
    assert not start.sampled(4, distinct=0.82, kl=None, config=config).beyond(config)
    assert start.sampled(4, distinct=0.80, kl=None, config=config).beyond(config)
    assert not start.sampled(4, distinct=None, kl=None, config=config).beyond(config)  # no three words
    later = start.sampled(4, distinct=0.82, kl=None, config=config)
    assert later.sampled(8, distinct=0.80, kl=None, config=config).sound_step == 4


@pytest.mark.parametrize("name", ["stop_at_repetition", "stop_at_kl"])
def test_a_bound_without_samples_is_refused(name: str) -> None:
    changes: dict[str, Any] = {name: 0.1}
    with pytest.raises(BadInput, match=rf"^{name} has no effect while eval_samples is 0"):
        TrainConfig(**changes)


def test_a_run_that_went_too_far_ends_with_the_last_policy_near_enough(
    tmp_path: Path, tiny_model_folder: Path
) -> None:
    """The answers are really written and compared; the bound lies below a distance not reached before."""
    changes = {**PLAN, "stop_at_repetition": 0.0, "eval_sample_tokens": 8, "learning_rate": 0.03}
    free = run_it(new_run(tmp_path, tiny_model_folder, **changes, name="free", stop_at_kl=100.0))
    distances = [event.kl or 0.0 for event in of_kind(free, Sampled)]
    assert distances[0] == 0.0 and len(distances) == 9
    last = next(step for step in range(2, 9) if distances[step] > max(distances[:step]))
    bound = (max(distances[:last]) + distances[last]) / 2
    run = new_run(tmp_path, tiny_model_folder, **changes, name="bounded", stop_at_kl=bound)
    (finished,) = of_kind(run_it(run), TrainingFinished)
    assert (finished.step, finished.policy_step) == (last, last - 1)
    assert f"{distances[last]:.3f} nats a token away" in finished.message
