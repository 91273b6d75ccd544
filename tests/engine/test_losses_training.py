"""Every loss in a real training of the tiny model: it falls, it is resumed, it asks for what it needs."""

import math
from pathlib import Path
from typing import Any, get_args

import pytest
import torch
from safetensors.torch import load_file

from dpo_engine import run_folder
from dpo_engine.config import LossType
from dpo_engine.errors import Cancelled
from dpo_engine.events import Evaluated, StepDone
from dpo_engine.forward.log_probs import LogProbs
from dpo_engine.pairs.batches import PairBatch
from tests.helpers.training_runs import curve, new_run, of_kind, run_it, some_pairs

THREE_STEPS: dict[str, Any] = {
    "num_train_epochs": 3.0,
    "per_device_train_batch_size": 10,
    "warmup_ratio": 0.0,
    "learning_rate": 3e-3,
}
"""All pairs in every step, so that the losses of two steps can be compared."""

OWN: dict[str, dict[str, Any]] = {
    "exo_pair": {"label_smoothing": 0.1},
    "robust": {"label_smoothing": 0.1},
    "sigmoid_norm": {"beta": 2.0},
    "simpo": {"beta": 2.0},
    # with its usual τ it first pushes margins down, so three steps show nothing
    "discopop": {"discopop_tau": 1.0},
}
AT_START = {
    "sigmoid": math.log(2),
    "ipo": 25.0,
    "hinge": 1.0,
    "robust": math.log(2),
    "exo_pair": -0.5 * math.log(4 * 0.1 * 0.9),
    "nca_pair": 2 * math.log(2),
    "bco_pair": 2 * math.log(2),
    "sppo_hard": 50.0,
    "apo_zero": 1.0,
    "apo_down": 1.0,
    "discopop": 0.5 * math.log(2) + 0.5,
    "sigmoid_norm": math.log(2),
}


@pytest.mark.parametrize("loss_type", get_args(LossType))
def test_three_steps_lower_the_loss(tmp_path: Path, tiny_model_folder: Path, loss_type: str) -> None:
    run = new_run(tmp_path, tiny_model_folder, loss_type=loss_type, **THREE_STEPS | OWN.get(loss_type, {}))
    steps = of_kind(run_it(run), StepDone)
    losses = [step.metrics["loss"] for step in steps]
    if loss_type in AT_START:
        assert losses[0] == pytest.approx(AT_START[loss_type], abs=1e-5)
        assert steps[0].metrics["rewards/margins"] == 0.0
    assert len(losses) == 3 and losses[0] > losses[1] > losses[2]
    assert steps[-1].metrics["rewards/margins"] > steps[0].metrics["rewards/margins"]


def test_a_mix_is_reported_by_its_parts(tmp_path: Path, tiny_model_folder: Path) -> None:
    run = new_run(tmp_path, tiny_model_folder, loss_mix="sft 0.2, ipo 0.01", **THREE_STEPS)
    events = run_it(run)
    for metrics in [step.metrics for step in of_kind(events, StepDone)]:
        parts = metrics["loss/sigmoid"] + 0.2 * metrics["loss/sft"] + 0.01 * metrics["loss/ipo"]
        assert metrics["loss"] == pytest.approx(parts)
    losses = [step.metrics["loss"] for step in of_kind(events, StepDone)]
    assert losses[-1] < losses[0]
    assert "eval_loss/sft" in of_kind(events, Evaluated)[-1].metrics
    card = (run / "policy" / "README.md").read_text(encoding="utf-8")
    assert "0.2 · [sft](https://arxiv.org/abs/2404.19733) + 0.01 · [ipo]" in card


@pytest.mark.parametrize(
    ("method", "losses"),
    [
        ("lora", {"loss_type": "bco_pair"}),
        ("full", {"loss_mix": "bco_pair 0.5, sft 0.1"}),
        ("full", {"loss_type": "orpo"}),
    ],
    ids=["bco_pair", "mix", "orpo"],
)
def test_a_resumed_run_goes_on_bit_for_bit(
    tmp_path: Path, tiny_model_folder: Path, method: str, losses: dict[str, Any]
) -> None:
    settings = {"method": method, "per_device_train_batch_size": 3, "save_steps": 3, **losses}
    straight = new_run(tmp_path, tiny_model_folder, **settings)
    broken = new_run(tmp_path, tiny_model_folder, **settings)
    whole = run_it(straight)
    with pytest.raises(Cancelled):
        run_it(broken, after={3: "leave"})
    assert curve(run_it(broken, resume=True)) == curve(whole)[3:]


def test_the_reward_shift_is_in_the_checkpoint(tmp_path: Path, tiny_model_folder: Path) -> None:
    """One that starts again at 0 would bend the curve."""
    run = new_run(tmp_path, tiny_model_folder, loss_type="bco_pair", **THREE_STEPS)
    run_it(run)
    (_, folder) = run_folder.checkpoints(run)[-1]
    saved = load_file(folder / "training.safetensors")
    assert saved["loss/bco_pair_pairs"].item() == 3 * 10
    assert saved["loss/bco_pair_shift"].item() != 0.0


def test_the_curve_does_not_depend_on_the_micro_batching(tmp_path: Path, tiny_model_folder: Path) -> None:
    curves = [
        curve(
            run_it(
                new_run(
                    tmp_path,
                    tiny_model_folder,
                    loss_type="bco_pair",
                    loss_mix="sft 0.3",
                    per_device_train_batch_size=size,
                    gradient_accumulation_steps=accumulation,
                    learning_rate=3e-4,
                )
            )
        )
        for size, accumulation in ((1, 10), (10, 1), (4, 3))
    ]
    for other in curves[1:]:
        for (_, ours), (_, theirs) in zip(curves[0][:2], other[:2], strict=True):
            assert theirs == pytest.approx(ours, rel=2e-4, abs=2e-5)


@pytest.mark.parametrize("method", ["lora", "full"])
@pytest.mark.parametrize(("mix", "asked"), [("sft 0.1", 0), ("ipo 0.1", 6)])
def test_no_reference_is_computed_where_no_loss_asks_for_one(
    tmp_path: Path,
    tiny_model_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    method: str,
    mix: str,
    asked: int,
) -> None:
    """With nothing held out, whatever goes through a model without gradient is for the reference."""
    for_reference: list[int] = []
    sums = LogProbs.sums

    def counting(self: LogProbs, batch: PairBatch) -> torch.Tensor:
        if not torch.is_grad_enabled():
            for_reference.append(batch.pairs)
        return sums(self, batch)

    monkeypatch.setattr(LogProbs, "sums", counting)
    run = new_run(
        tmp_path,
        tiny_model_folder,
        pairs=some_pairs(6, 0),
        method=method,
        loss_type="simpo",
        loss_mix=mix,
        **THREE_STEPS,
    )
    metrics = of_kind(run_it(run), StepDone)[0].metrics
    assert sum(for_reference) == asked
    assert ("rewards/margins_per_token" in metrics) == bool(asked)
    assert metrics["rewards/chosen"] == pytest.approx(0.1 * metrics["logps/chosen_per_token"])
