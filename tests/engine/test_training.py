"""Training keeps its promises: the curve, the checks, the events and the folder."""

import contextlib
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch

from dpo_engine import optimizer_step, run_folder, training
from dpo_engine.config import TrainConfig
from dpo_engine.errors import BadInput, Cancelled, OutOfMemory, TrainingDiverged
from dpo_engine.events import (
    CheckpointSaved,
    Evaluated,
    Event,
    ModelLoaded,
    Note,
    Progress,
    StepDone,
    TrainingFinished,
    TrainingStarted,
)
from dpo_engine.log_probs import LogProbs
from dpo_engine.models import LoadedModel, load_for_training
from dpo_engine.preferences import Message, Pair
from dpo_engine.reference import Reference
from dpo_engine.requests import Train
from dpo_engine.training import train
from tests.helpers.tiny_model import save_tiny_model
from tests.helpers.training_runs import curve, new_run, of_kind, run_it, some_pairs, without_clock

METHODS = pytest.mark.parametrize("method", ["lora", "full"])
DTYPES = pytest.mark.parametrize("dtype", ["float32", "bfloat16"])


@METHODS
@DTYPES
def test_the_policy_learns_and_starts_at_its_reference(
    tmp_path: Path, tiny_model_folder: Path, method: str, dtype: str
) -> None:
    run = new_run(tmp_path, tiny_model_folder, method=method, dtype=dtype, num_train_epochs=4.0)
    steps = of_kind(run_it(run), StepDone)
    assert steps[0].metrics["loss"] == pytest.approx(math.log(2), abs=1e-6)
    assert steps[0].metrics["rewards/margins"] == 0.0
    assert steps[-1].metrics["loss"] < 0.55
    assert steps[-1].metrics["rewards/accuracies"] == 1.0


def test_events_come_in_order_and_match_the_folder(tmp_path: Path, tiny_model_folder: Path) -> None:
    run = new_run(tmp_path, tiny_model_folder, save_steps=2, eval_steps=3)
    events = [event for event in run_it(run) if not isinstance(event, Progress)]
    names = [f"{type(event).__name__} {getattr(event, 'step', '')}".strip() for event in events]
    assert names == [
        "ModelLoaded",
        "TrainingStarted",
        "Evaluated 0",
        "StepDone 1",
        "StepDone 2",
        "CheckpointSaved 2",
        "StepDone 3",
        "Evaluated 3",
        "StepDone 4",
        "Evaluated 4",
        "CheckpointSaved 4",
        "TrainingFinished 4",
    ]
    assert {getattr(event, "request", None) for event in events} == {"t"}
    written = [(row.step, row.split, row.metrics) for row in run_folder.read_metrics(run)]
    told = [
        (event.step, "train" if isinstance(event, StepDone) else "held_out", event.metrics)
        for event in events
        if isinstance(event, (StepDone, Evaluated))
    ]
    assert written == told
    state = run_folder.read_state(run)
    assert (state.status, state.step, state.total_steps) == ("finished", 4, 4)


def test_the_start_tells_what_the_run_runs_on(tmp_path: Path, tiny_model_folder: Path) -> None:
    long = Pair(
        id="long", prompt=(Message("system", "x" * 3000), Message("user", "?")), chosen="a", rejected="b"
    )
    run = new_run(tmp_path, tiny_model_folder, pairs=[*some_pairs(6, 2), long], max_length=64)
    events = run_it(run)
    (started,) = of_kind(events, TrainingStarted)
    assert (started.first_step, started.total_steps) == (0, 4)
    assert (started.train_pairs, started.held_out_pairs) == (6, 2)
    assert started.learning_rate == 1e-3 and started.trainable_parameters > 0
    assert len(started.refused) == 1 and "Pair long cannot be used" in started.refused[0]
    (loaded,) = of_kind(events, ModelLoaded)
    spec = run_folder.read_spec(run)
    assert (spec.fingerprint, spec.device, spec.dtype) == (loaded.fingerprint, "cpu", "float32")
    assert {"torch", "transformers", "peft", "dpo-studio"} <= set(spec.versions)


@METHODS
def test_the_curve_does_not_depend_on_the_micro_batching(
    tmp_path: Path, tiny_model_folder: Path, method: str
) -> None:
    curves = []
    for size, accumulation in ((1, 8), (8, 1), (4, 2)):
        run = new_run(
            tmp_path,
            tiny_model_folder,
            method=method,
            per_device_train_batch_size=size,
            gradient_accumulation_steps=accumulation,
            learning_rate=3e-4,
        )
        curves.append(curve(run_it(run)))
    for other in curves[1:]:
        for (step, ours), (other_step, theirs) in zip(curves[0], other, strict=True):
            assert step == other_step
            assert theirs == pytest.approx(ours, rel=2e-4, abs=2e-5)


def test_metrics_are_means_over_pairs_not_over_batches(tmp_path: Path, tiny_model_folder: Path) -> None:
    """Ten pairs in batches of four: the last one holds two, and must not weigh double."""
    whole = new_run(tmp_path, tiny_model_folder, per_device_train_batch_size=10, num_train_epochs=1.0)
    uneven = new_run(
        tmp_path,
        tiny_model_folder,
        per_device_train_batch_size=4,
        gradient_accumulation_steps=3,
        num_train_epochs=1.0,
    )
    (_, ours), (_, theirs) = curve(run_it(whole))[0], curve(run_it(uneven))[0]
    assert theirs == pytest.approx(ours, rel=1e-4, abs=1e-6)


@METHODS
def test_the_same_seed_gives_the_same_bits_and_another_does_not(
    tmp_path: Path, tiny_model_folder: Path, method: str
) -> None:
    runs = [
        new_run(tmp_path, tiny_model_folder, method=method, seed=seed, lora_dropout=0.1) for seed in (7, 7, 8)
    ]
    first, second, other = (curve(run_it(run)) for run in runs)
    assert first == second
    assert first != other


@METHODS
@DTYPES
def test_a_resumed_run_goes_on_bit_for_bit(
    tmp_path: Path, tiny_model_folder: Path, method: str, dtype: str
) -> None:
    changes: dict[str, Any] = {
        "method": method,
        "dtype": dtype,
        "lora_dropout": 0.2,
        "per_device_train_batch_size": 3,
        "eval_steps": 3,
    }
    straight = new_run(tmp_path, tiny_model_folder, **changes)
    broken = new_run(tmp_path, tiny_model_folder, **changes)
    whole = run_it(straight)
    with pytest.raises(Cancelled, match="resumed"):
        run_it(broken, after={3: "leave"})
    assert run_folder.read_state(broken).status == "interrupted"
    rest = run_it(broken, resume=True)
    assert of_kind(rest, TrainingStarted)[0].first_step == 3
    assert curve(rest) == curve(whole)[3:]
    metrics = [
        [(row.step, row.split, without_clock(row.metrics)) for row in run_folder.read_metrics(run)]
        for run in (straight, broken)
    ]
    assert metrics[0] == metrics[1]
    weights = [next((run / "policy").glob("*model.safetensors")).read_bytes() for run in (straight, broken)]
    assert weights[0] == weights[1]


def test_others_may_use_the_process_between_two_steps(tmp_path: Path, tiny_model_folder: Path) -> None:
    """Sampling in between draws random numbers, and must find no mode of the training in force."""
    quiet = new_run(tmp_path, tiny_model_folder, lora_dropout=0.3)
    disturbed = new_run(tmp_path, tiny_model_folder, lora_dropout=0.3)
    torch.manual_seed(5)
    expected_draws = [torch.rand(1).item() for _ in range(30)]
    torch.manual_seed(5)
    events: list[Event] = []
    draws: list[float] = []
    for event in train(Train(id="t", run=str(disturbed)), lambda: "go"):
        events.append(event)
        draws.append(torch.rand(1).item())
        assert torch.is_grad_enabled() and not torch.is_inference_mode_enabled()
        assert not torch.is_autocast_enabled("cpu")
    assert draws == expected_draws[: len(draws)]
    assert curve(events) == curve(run_it(quiet))


def test_stop_and_keep_saves_the_policy_as_it_is(tmp_path: Path, tiny_model_folder: Path) -> None:
    run = new_run(tmp_path, tiny_model_folder)
    events = run_it(run, after={2: "keep"})
    (finished,) = of_kind(events, TrainingFinished)
    assert (finished.step, finished.stopped, Path(finished.policy)) == (2, True, run / "policy")
    assert [event.step for event in of_kind(events, CheckpointSaved)] == [2]
    assert run_folder.read_state(run).status == "stopped"
    card = (run / "policy" / "README.md").read_text()
    assert "| optimizer steps | 2 |" in card and run_folder.read_spec(run).pairs_hash in card


def test_a_closed_generator_leaves_a_run_that_can_be_resumed(tmp_path: Path, tiny_model_folder: Path) -> None:
    run = new_run(tmp_path, tiny_model_folder, save_steps=1)
    events = train(Train(id="t", run=str(run)), lambda: "go")
    for event in events:
        if isinstance(event, CheckpointSaved) and event.step == 2:
            break
    assert isinstance(events, Iterator)
    events.close()  # type: ignore[attr-defined]
    assert run_folder.read_state(run).status == "interrupted"
    assert [event.step for event in of_kind(run_it(run, resume=True), StepDone)] == [3, 4]


def test_a_run_is_not_begun_twice_by_mistake(tmp_path: Path, tiny_model_folder: Path) -> None:
    run = new_run(tmp_path, tiny_model_folder)
    with pytest.raises(Cancelled):
        run_it(run, after={1: "leave"})
    with pytest.raises(BadInput, match="begun already"):
        run_it(run)
    assert run_folder.read_state(run).status == "interrupted"
    run_it(run, resume=True)
    with pytest.raises(BadInput, match="is finished"):
        run_it(run, resume=True)


def test_resuming_a_run_without_checkpoints_starts_it(tmp_path: Path, tiny_model_folder: Path) -> None:
    run = new_run(tmp_path, tiny_model_folder)
    with pytest.raises(Cancelled):
        run_it(run, after={0: "leave"})
    assert run_folder.checkpoints(run) == []
    assert len(of_kind(run_it(run, resume=True), StepDone)) == 4


def test_a_model_that_is_not_there_changes_nothing(tmp_path: Path) -> None:
    run = new_run(tmp_path, tmp_path / "no-model")
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    with pytest.raises(Exception, match="no-model"):
        run_it(run)
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


def test_no_usable_pair_is_one_sentence(tmp_path: Path, tiny_model_folder: Path) -> None:
    run = new_run(tmp_path, tiny_model_folder, max_length=8)
    with pytest.raises(BadInput, match=r"No training pair can be used. Pair pair-0 cannot be used"):
        run_it(run)
    assert run_folder.read_state(run).status == "created"


def test_a_max_length_over_the_model_s_own_is_lowered(tmp_path: Path, tiny_model_folder: Path) -> None:
    run = new_run(tmp_path, tiny_model_folder, max_length=4096, num_train_epochs=0.1)
    assert any("at most 2048 tokens" in note.message for note in of_kind(run_it(run), Note))


class _Disturbed(LogProbs):
    """A policy whose forward pass differs from its reference's, as a leak or a wrong dtype would make it."""

    def sums(self, batch: Any) -> torch.Tensor:
        sums = super().sums(batch)
        return sums + torch.tensor([[0.02], [0.0]]) if torch.is_grad_enabled() else sums


def test_a_run_that_does_not_start_at_its_reference_is_refused(
    tmp_path: Path, tiny_model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "LogProbs", _Disturbed)
    run = new_run(tmp_path, tiny_model_folder)
    with pytest.raises(TrainingDiverged, match=r"largest reward margin 0\.0020 \(0 is right\)"):
        run_it(run)
    assert run_folder.read_state(run).status == "failed"
    assert run_folder.checkpoints(run) == []


def test_label_smoothing_starts_at_ln_2_too(tmp_path: Path, tiny_model_folder: Path) -> None:
    run = new_run(tmp_path, tiny_model_folder, label_smoothing=0.3)
    assert curve(run_it(run))[0][1]["loss"] == pytest.approx(math.log(2), abs=1e-6)


class _NotFiniteAt(LogProbs):
    """Gives NaN in the gradient passes whose numbers are in `bad` (the first is 1)."""

    bad: ClassVar[set[int]] = set()
    passes: ClassVar[int] = 0

    def sums(self, batch: Any) -> torch.Tensor:
        if torch.is_grad_enabled():
            type(self).passes += 1
            if self.passes in self.bad:
                return super().sums(batch) * float("nan")
        return super().sums(batch)


@pytest.fixture
def not_finite_at(monkeypatch: pytest.MonkeyPatch) -> type[_NotFiniteAt]:
    monkeypatch.setattr(_NotFiniteAt, "passes", 0)
    monkeypatch.setattr(training, "LogProbs", _NotFiniteAt)
    return _NotFiniteAt


def test_a_step_that_is_not_finite_is_skipped_and_counted(
    tmp_path: Path,
    tiny_model_folder: Path,
    not_finite_at: type[_NotFiniteAt],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(not_finite_at, "bad", {1, 3})
    run = new_run(tmp_path, tiny_model_folder, num_train_epochs=3.0)
    events = run_it(run)
    steps = of_kind(events, StepDone)
    assert [step.metrics.get("skipped_steps") for step in steps] == [1, 1, 2, 2, 2, 2]
    assert "loss" not in steps[0].metrics and "loss" in steps[1].metrics
    assert steps[1].metrics["rewards/margins"] == 0.0  # step 1 moved nothing
    assert all(math.isfinite(value) for step in steps for value in step.metrics.values())
    assert [note.level for note in of_kind(events, Note)] == ["warning", "warning"]


def test_three_in_a_row_stop_the_run_and_keep_its_checkpoint(
    tmp_path: Path,
    tiny_model_folder: Path,
    not_finite_at: type[_NotFiniteAt],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(not_finite_at, "bad", {3, 4, 5})
    run = new_run(tmp_path, tiny_model_folder, num_train_epochs=4.0, save_steps=2)
    with pytest.raises(TrainingDiverged, match=r"stopped at step 5. The checkpoint of step \d is kept"):
        run_it(run)
    state = run_folder.read_state(run)
    assert state.status == "failed" and "not finite" in state.message
    monkeypatch.setattr(not_finite_at, "bad", set())
    assert of_kind(run_it(run, resume=True), StepDone)[0].metrics["loss"] > 0


def test_too_little_memory_is_a_sentence_with_the_figures(
    tmp_path: Path, tiny_model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhausted(*_: Any, **__: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(optimizer_step.OptimizerStep, "__call__", exhausted)
    run = new_run(tmp_path, tiny_model_folder)
    with pytest.raises(OutOfMemory, match="batch of 5 pairs of up to 1024 tokens"):
        run_it(run)
    assert run_folder.read_state(run).status == "failed"


def test_a_bug_is_not_dressed_up_as_anything_else(
    tmp_path: Path, tiny_model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(optimizer_step.OptimizerStep, "__call__", broken)
    run = new_run(tmp_path, tiny_model_folder)
    with pytest.raises(ZeroDivisionError):
        run_it(run)
    assert run_folder.read_state(run).status == "failed"


def test_dropout_of_the_model_is_off_and_that_of_the_adapter_is_on(tmp_path: Path) -> None:
    """GPT-2's config asks for dropout, which the reference does not have: step 0 would not be at ln 2."""
    model = save_tiny_model(tmp_path / "gpt2", family="gpt2")
    run = new_run(tmp_path, model, lora_dropout=0.5)
    seen: list[set[str]] = []

    def spy(policy: str, config: TrainConfig) -> LoadedModel:
        loaded = load_for_training(policy, config)
        seen.append(set())
        for name, module in loaded.model.named_modules():
            if isinstance(module, torch.nn.Dropout):
                module.register_forward_hook(
                    lambda one, *_, name=name: seen[0].add(name.split(".")[-2] + str(one.training))
                )
        return loaded

    events = list(train(Train(id="t", run=str(run)), lambda: "go", load=spy))
    assert curve(events)[0][1]["loss"] == pytest.approx(math.log(2), abs=1e-6)
    assert "lora_dropoutTrue" in seen[0]
    assert {name for name in seen[0] if name.endswith("True")} == {"lora_dropoutTrue"}


@METHODS
def test_every_pair_s_reference_is_computed_just_once(
    tmp_path: Path, tiny_model_folder: Path, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    computed: list[int] = []
    fill = Reference._fill

    def counting(self: Reference, batch: Any, members: torch.Tensor) -> None:
        computed.extend(batch.members)
        fill(self, batch, members)

    monkeypatch.setattr(Reference, "_fill", counting)
    run_it(new_run(tmp_path, tiny_model_folder, method=method, num_train_epochs=3.0, eval_steps=1))
    assert sorted(computed) == list(range(13))


def test_only_the_adapter_moves_with_lora(tmp_path: Path, tiny_model_folder: Path) -> None:
    kept: list[LoadedModel] = []
    before: dict[str, torch.Tensor] = {}

    def spy(policy: str, config: TrainConfig) -> LoadedModel:
        kept.append(load_for_training(policy, config))
        before.update({name: value.clone() for name, value in kept[0].model.state_dict().items()})
        return kept[0]

    run = new_run(tmp_path, tiny_model_folder)
    list(train(Train(id="t", run=str(run)), lambda: "go", load=spy))
    moved = {
        name for name, value in kept[0].model.state_dict().items() if not torch.equal(value, before[name])
    }
    assert moved and all("lora_" in name for name in moved)


def test_steps_far_below_bfloat16_s_grain_are_kept_in_a_full_fine_tune(
    tmp_path: Path, tiny_model_folder: Path
) -> None:
    from safetensors.torch import load_file

    run = new_run(tmp_path, tiny_model_folder, method="full", dtype="bfloat16", learning_rate=1e-6)
    run_it(run)
    before = load_file(tiny_model_folder / "model.safetensors")
    after = load_file(run / "policy" / "model.safetensors")
    assert {value.dtype for value in after.values()} == {torch.float32}
    steps = torch.cat([(after[name] - before[name]).abs().flatten() for name in before])
    assert 0 < steps.max() < 1e-5
    assert (steps > 0).float().mean() > 0.5


def test_time_left_is_told_from_the_first_step(tmp_path: Path, tiny_model_folder: Path) -> None:
    steps = of_kind(run_it(new_run(tmp_path, tiny_model_folder)), StepDone)
    assert [step.seconds_left > 0 for step in steps] == [True, True, True, False]
    assert steps[-1].metrics["epoch"] == 2.0
    assert steps[-1].metrics["num_tokens"] == 2 * steps[1].metrics["num_tokens"]
    assert steps[0].metrics["tokens_per_second"] > 0


def test_gradients_are_clipped_and_the_norm_before_that_is_told(
    tmp_path: Path, tiny_model_folder: Path
) -> None:
    norms = [
        curve(run_it(new_run(tmp_path, tiny_model_folder, method="full", max_grad_norm=limit)))[0][1][
            "grad_norm"
        ]
        for limit in (0.0, 1e-6)
    ]
    assert norms[0] == norms[1] > 0.1


def test_a_failed_run_does_not_hide_behind_a_full_disk(
    tmp_path: Path, tiny_model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    run = new_run(tmp_path, tiny_model_folder)
    events = train(Train(id="t", run=str(run)), lambda: "go")
    next(event for event in events if isinstance(event, StepDone))
    monkeypatch.setattr(run_folder, "write_atomically", full)
    with pytest.raises(Exception, match="disk is full"), contextlib.closing(events):  # type: ignore[type-var]
        monkeypatch.setattr(training.run_folder, "append_metrics", full)
        list(events)
