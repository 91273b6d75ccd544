"""The fixed prompts are answered at every check, the same way however the run was cut up."""

from pathlib import Path
from typing import Any

import pytest

from dpo_engine import run_folder
from dpo_engine.errors import Cancelled
from dpo_engine.events import CandidateDone, Evaluated, Event, Sampled, StepDone
from dpo_engine.generation.writing import generate
from dpo_engine.models.loading import load
from dpo_engine.preferences import Message, Pair
from dpo_engine.requests import Generate, SamplingConfig, Train
from dpo_engine.training.run import Directive, train
from dpo_engine.training.samples import prompts_to_sample
from tests.helpers.training_runs import curve, new_run, of_kind, run_it, some_pairs

SAMPLING: dict[str, Any] = {"eval_samples": 2, "eval_sample_tokens": 6, "eval_steps": 2}


def question(number: int) -> tuple[Message, ...]:
    return (Message("user", f"Question {number}" + "?" * (number % 4)),)


def test_the_first_held_out_prompts_are_sampled_each_once() -> None:
    pairs = [*some_pairs(3, 3), *some_pairs(3, 3)]
    assert prompts_to_sample(pairs, 2) == (question(3), question(4))
    assert prompts_to_sample(pairs, 9) == (question(3), question(4), question(5))
    assert prompts_to_sample(some_pairs(2, 0), 9) == (question(0), question(1))
    assert prompts_to_sample(pairs, 0) == ()


def test_samples_are_told_and_written_at_the_start_and_at_every_check(
    tmp_path: Path, tiny_model_folder: Path
) -> None:
    run = new_run(tmp_path, tiny_model_folder, **SAMPLING, learning_rate=0.05)
    told = of_kind(run_it(run), Sampled)
    assert [event.step for event in told] == [0, 2, 4]
    assert {tuple(sample.prompt for sample in event.samples) for event in told} == {
        (question(10), question(11))
    }
    assert [(row.step, row.samples) for row in run_folder.read_samples(run)] == [
        (event.step, event.samples) for event in told
    ]
    assert told[0].samples != told[-1].samples  # it is the policy of that step that answers


@pytest.mark.parametrize("method", ["lora", "full"])
def test_a_sample_is_what_the_saved_policy_says(tmp_path: Path, tiny_model_folder: Path, method: str) -> None:
    run = new_run(tmp_path, tiny_model_folder, **SAMPLING, method=method, learning_rate=0.01)
    last = of_kind(run_it(run), Sampled)[-1]
    policy = load(str(run), device="cpu", dtype="float32")
    assert len(last.samples) == 2
    for seed, sample in enumerate(last.samples):
        request = Generate(
            id="g",
            policy="p",
            prompt=sample.prompt,
            n=1,
            sampling=SamplingConfig(max_new_tokens=6),
            seed=seed,
        )
        (done,) = [event for event in generate(request, policy) if isinstance(event, CandidateDone)]
        assert (done.text, done.finish_reason) == (sample.text, sample.finish_reason)


def test_sampling_does_not_bend_the_curve(tmp_path: Path, tiny_model_folder: Path) -> None:
    quiet = new_run(tmp_path, tiny_model_folder, lora_dropout=0.3, eval_steps=2)
    sampled = new_run(tmp_path, tiny_model_folder, lora_dropout=0.3, **SAMPLING)
    assert curve(run_it(quiet)) == curve(run_it(sampled))


def test_without_held_out_pairs_the_training_prompts_are_sampled(
    tmp_path: Path, tiny_model_folder: Path
) -> None:
    run = new_run(tmp_path, tiny_model_folder, pairs=some_pairs(10, 0), **SAMPLING)
    told = of_kind(run_it(run), Sampled)
    assert [event.step for event in told] == [0, 2, 4]
    assert [sample.prompt for sample in told[0].samples] == [question(0), question(1)]


def test_a_stop_in_the_middle_of_a_sample_acts_and_is_made_up_for(
    tmp_path: Path, tiny_model_folder: Path
) -> None:
    """Between two tokens of the first answer after step 2."""
    straight, broken = (new_run(tmp_path, tiny_model_folder, **SAMPLING, learning_rate=0.05) for _ in "ab")
    told: list[Event | None] = []

    def directive() -> Directive:
        steps = of_kind(told, StepDone)
        return "leave" if len(steps) == 2 and told[-1] is None and told[-2] is None else "go"

    with pytest.raises(Cancelled, match="after step 2"):
        for event in train(Train(id="t", run=str(broken)), directive):
            told.append(event)
    assert [event.step for event in of_kind(told, Sampled)] == [0]
    rest = run_it(broken, resume=True)
    assert [event.step for event in of_kind(rest, Sampled)] == [2, 4]
    run_it(straight)
    assert (broken / "samples.jsonl").read_bytes() == (straight / "samples.jsonl").read_bytes()


def test_samples_after_the_checkpoint_are_written_again_once(tmp_path: Path, tiny_model_folder: Path) -> None:
    straight, broken = (new_run(tmp_path, tiny_model_folder, **SAMPLING, save_steps=1) for _ in "ab")
    whole = run_it(straight)
    run_it(broken, after={3: "keep"})
    torn = b'{"step":4,"samples":[{"prompt":[{"role":"us'
    with (broken / "samples.jsonl").open("ab") as file:
        file.write((straight / "samples.jsonl").read_bytes().splitlines(keepends=True)[-1] + torn)
    run_it(broken, resume=True)
    assert (broken / "samples.jsonl").read_bytes() == (straight / "samples.jsonl").read_bytes()
    assert len(of_kind(whole, Sampled)) == 3


def test_a_prompt_too_long_to_answer_is_left_out(tmp_path: Path, tiny_model_folder: Path) -> None:
    """A system turn is never cut, so this prompt has no place in the model's 2,048 tokens."""
    long = Pair(
        id="long",
        prompt=(Message("system", "x" * 3000), Message("user", "?")),
        chosen="a",
        rejected="b",
        split="held_out",
    )
    pairs = [*some_pairs(5, 0), long, *some_pairs(5, 1)[-1:]]
    run = new_run(tmp_path, tiny_model_folder, pairs=pairs, **SAMPLING)
    told = of_kind(run_it(run), Sampled)
    assert [len(event.samples) for event in told] == [1] * len(told) and told


def figures(run: Path) -> dict[int, dict[str, float]]:
    """The samples' figures in the held-out rows, by step."""
    return {
        row.step: {name: value for name, value in row.metrics.items() if name.startswith("samples/")}
        for row in run_folder.read_metrics(run)
        if row.split == "held_out"
    }


def test_the_answers_figures_stand_beside_the_held_out_ones(tmp_path: Path, tiny_model_folder: Path) -> None:
    run = new_run(tmp_path, tiny_model_folder, **SAMPLING, learning_rate=0.05)
    events = run_it(run)
    told = {event.step: event for event in of_kind(events, Sampled)}
    assert figures(run).keys() == told.keys() == {0, 2, 4}
    for step, found in figures(run).items():
        assert found["samples/kl"] == told[step].kl
        lengths = [sample.tokens for sample in told[step].samples]
        assert all(0 < length <= 6 for length in lengths)
        assert found["samples/tokens"] == sum(lengths) / len(lengths)
    assert figures(run)[0]["samples/kl"] == 0.0 < figures(run)[4]["samples/kl"]
    held_out = [row for row in run_folder.read_metrics(run) if row.split == "held_out"]
    assert all("eval_loss" in row.metrics for row in held_out) and len(held_out) == 3
    assert [event.metrics for event in of_kind(events, Evaluated)] == [row.metrics for row in held_out]


def test_they_are_there_without_held_out_pairs_too(tmp_path: Path, tiny_model_folder: Path) -> None:
    run = new_run(tmp_path, tiny_model_folder, pairs=some_pairs(10, 0), **SAMPLING)
    run_it(run)
    assert {step: set(found) for step, found in figures(run).items()}.keys() == {0, 2, 4}
    assert all("samples/tokens" in found for found in figures(run).values())


def test_a_full_fine_tune_has_no_reference_to_compare_with(tmp_path: Path, tiny_model_folder: Path) -> None:
    run = new_run(tmp_path, tiny_model_folder, **SAMPLING, method="full")
    run_it(run)
    assert all("samples/kl" not in found and "samples/tokens" in found for found in figures(run).values())
