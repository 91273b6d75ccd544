"""A reference that follows the policy: by the right amount, at the right steps, through a checkpoint."""

from pathlib import Path
from typing import Any

import pytest
import torch

from dpo_engine import run_folder
from dpo_engine.errors import BadInput, Cancelled
from dpo_engine.forward.log_probs import LogProbs
from dpo_engine.pairs.batches import collate
from dpo_engine.pairs.tokenization import TokenizedPair
from dpo_engine.reference.cache import FOLDER
from dpo_engine.reference.sync import FollowingReference
from tests.helpers.tiny_model import tiny_model
from tests.helpers.training_runs import curve, new_run, run_it

BATCH = collate(
    [TokenizedPair(id="a", split="train", prompt=(1, 9, 30), chosen=(40, 50, 2), rejected=(60, 2))],
    (0,),
)


def scorer(seed: int = 0) -> LogProbs:
    return LogProbs(tiny_model(seed=seed), device=torch.device("cpu"), forward_dtype=torch.float32)


def test_it_moves_at_its_steps_by_its_share() -> None:
    policy = scorer()
    reference = FollowingReference(policy, share=0.25, every=2)
    before = {name.partition("/")[2]: weight.clone() for name, weight in reference.state().items()}
    start = reference.log_probs(BATCH)
    assert torch.equal(start, policy.sums(BATCH).detach())
    with torch.no_grad():
        for parameter in policy.model.parameters():
            parameter.add_(0.1)
    reference.stepped(1, moved=True)
    assert torch.equal(reference.log_probs(BATCH), start)
    reference.stepped(2, moved=False)
    for name, weight in reference.state().items():
        expected = before[name.partition("/")[2]] + 0.25 * 0.1
        assert torch.allclose(weight, expected, atol=1e-6), name
    assert not torch.equal(reference.log_probs(BATCH), start)
    reference.stepped(3, moved=True)
    moved = reference.log_probs(BATCH)
    reference.stepped(4, moved=True)
    assert not torch.equal(reference.log_probs(BATCH), moved)


def test_it_comes_back_from_a_checkpoint_to_the_last_bit() -> None:
    saved = FollowingReference(scorer(seed=3), share=0.5, every=1)
    back = FollowingReference(scorer(), share=0.5, every=1)
    back.load_state(saved.state() | {"weight/x": torch.zeros(1)})
    assert torch.equal(back.log_probs(BATCH), saved.log_probs(BATCH))
    torn = saved.state()
    torn.popitem()
    for wrong in (torn, {}):
        with pytest.raises(BadInput, match="does not fit the model"):
            back.load_state(wrong)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_run_goes_on_bit_for_bit_and_keeps_nothing_on_disk(
    tmp_path: Path, tiny_model_folder: Path, dtype: str
) -> None:
    changes: dict[str, Any] = {
        "method": "full",
        "dtype": dtype,
        "sync_ref_model": True,
        "ref_model_sync_steps": 2,
        "per_device_train_batch_size": 3,
        "num_train_epochs": 1.5,
    }
    straight, broken = (new_run(tmp_path, tiny_model_folder, **changes) for _ in range(2))
    whole = run_it(straight)
    with pytest.raises(Cancelled):
        run_it(broken, after={3: "leave"})
    assert curve(run_it(broken, resume=True)) == curve(whole)[3:]
    plain = new_run(tmp_path / "plain", tiny_model_folder, **changes | {"sync_ref_model": False} | _USUAL)
    fixed = curve(run_it(plain, reference_cache=False))
    assert curve(whole)[:2] == fixed[:2] and curve(whole)[2:] != fixed[2:]
    assert not (tmp_path / FOLDER).exists()


_USUAL = {"ref_model_sync_steps": 64}


def test_held_out_margins_are_against_the_reference_as_it_stands(
    tmp_path: Path, tiny_model_folder: Path
) -> None:
    run = new_run(
        tmp_path,
        tiny_model_folder,
        method="full",
        sync_ref_model=True,
        ref_model_mixup_alpha=1.0,
        ref_model_sync_steps=2,
        eval_steps=1,
    )
    run_it(run)
    margins = {
        row.step: row.metrics["eval_rewards/margins"]
        for row in run_folder.read_metrics(run)
        if row.split == "held_out"
    }
    assert [step for step, margin in margins.items() if margin == 0.0] == [0, 2, 4]
