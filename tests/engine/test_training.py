"""Training keeps its promises: the curve, the checks, the events and the folder."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch

from dpo_engine import run_folder
from dpo_engine.config import TrainConfig
from dpo_engine.errors import TrainingDiverged
from dpo_engine.events import (
    Evaluated,
    Event,
    ModelLoaded,
    Note,
    Progress,
    StepDone,
    TrainingStarted,
)
from dpo_engine.forward.log_probs import LogProbs
from dpo_engine.models.loading import LoadedModel, load_for_training
from dpo_engine.preferences import Message, Pair
from dpo_engine.reference.table import TableReference
from dpo_engine.requests import Train
from dpo_engine.training import learner
from dpo_engine.training.run import train
from tests.helpers.tiny_model import save_tiny_model
from tests.helpers.training_runs import curve, new_run, of_kind, run_it, some_pairs

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
        "CheckpointSaved 3",  # the best check yet
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
    dropout = {"lora_dropout": 0.1} if method == "lora" else {}
    runs = [new_run(tmp_path, tiny_model_folder, method=method, seed=seed, **dropout) for seed in (7, 7, 8)]
    first, second, other = (curve(run_it(run)) for run in runs)
    assert first == second
    assert first != other


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
    monkeypatch.setattr(learner, "LogProbs", _Disturbed)
    run = new_run(tmp_path, tiny_model_folder)
    with pytest.raises(TrainingDiverged, match=r"largest reward margin 0\.0020 \(0 is right\)"):
        run_it(run)
    assert run_folder.read_state(run).status == "failed"
    assert run_folder.checkpoints(run) == []


def test_label_smoothing_starts_at_ln_2_too(tmp_path: Path, tiny_model_folder: Path) -> None:
    run = new_run(tmp_path, tiny_model_folder, label_smoothing=0.3)
    assert curve(run_it(run))[0][1]["loss"] == pytest.approx(math.log(2), abs=1e-6)


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
    compute = TableReference._compute

    def counting(self: TableReference, batch: Any, members: torch.Tensor) -> None:
        computed.extend(batch.members)
        compute(self, batch, members)

    monkeypatch.setattr(TableReference, "_compute", counting)
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
