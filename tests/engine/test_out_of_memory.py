"""A device whose memory is too small: batches are halved, and neither gradient nor figures change by it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from dpo_engine.compute.randomness import RandomStream
from dpo_engine.config import TrainConfig
from dpo_engine.errors import OutOfMemory
from dpo_engine.events import Note, StepDone
from dpo_engine.forward.log_probs import LogProbs
from dpo_engine.memory.micro_batches import MicroBatches, is_out_of_memory
from dpo_engine.models.loading import load_for_training
from dpo_engine.pairs.batches import PairBatch, collate, packed_length
from dpo_engine.pairs.tokenization import TokenizedPair
from dpo_engine.reference.kinds import policy_without_adapter
from dpo_engine.reference.table import TableReference
from dpo_engine.training.metrics import PairMeans
from dpo_engine.training.optimizer_step import OptimizerStep
from tests.helpers.training_runs import curve, new_run, of_kind, run_it

CPU = torch.device("cpu")
LENGTHS = (3, 9, 5, 12, 4, 7, 6)
PAIRS = [
    TokenizedPair(
        id=f"pair-{number}",
        split="train",
        prompt=tuple(range(20, 25)),
        chosen=(*range(30, 30 + length), 2),
        rejected=(*range(90, 90 + length // 2), 2),
    )
    for number, length in enumerate(LENGTHS)
]
ALL = tuple(range(len(PAIRS)))


class _FailingBackward(torch.autograd.Function):
    """Its output is its input; its backward pass runs out of memory."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        return values.clone()

    @staticmethod
    def backward(ctx: Any, *_: Tensor) -> Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")


class SmallDevice(LogProbs):
    """A scorer that has room for so many tokens at once; `tried` are the sizes of all passes with gradient.

    Where `in_backward`, it fails when the gradient has come down to the lowest layer: all layers above have
    added theirs by then.
    """

    room: float = float("inf")
    in_backward = False

    def __init__(self, model: Any) -> None:
        super().__init__(model, device=CPU, forward_dtype=torch.float32)
        self.tried: list[int] = []

    def __call__(self, batch: PairBatch) -> Tensor:
        too_large = batch.tokens > self.room
        if not torch.is_grad_enabled():
            return super().__call__(batch)
        self.tried.append(batch.tokens)
        if not too_large:
            return super().__call__(batch)
        if not self.in_backward:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")
        layer = self._causal.base_model.layers[0]
        hook = layer.register_forward_hook(
            lambda module, args, output: _FailingBackward.apply(output)  # type: ignore[no-untyped-call]
        )
        try:
            return super().__call__(batch)
        finally:
            hook.remove()


Made = tuple[OptimizerStep, SmallDevice]
Make = Callable[..., Made]


@pytest.fixture
def make(tiny_adapter: Path) -> Make:
    """A step that trains an adapter or the whole tiny model and takes the gradient itself from it."""

    def made(**changes: Any) -> Made:
        values: dict[str, Any] = {"device": "cpu", "dtype": "float32", "max_grad_norm": 0.0, "seed": 7}
        config = TrainConfig(**(values | changes))
        with torch.random.fork_rng():
            torch.manual_seed(0)
            model = load_for_training(str(tiny_adapter), config).model
            with torch.no_grad():
                for name, one in model.named_parameters():
                    if "lora_B" in name:
                        one.copy_(torch.randn_like(one) * 0.1)
        scorer = SmallDevice(model)
        compute = policy_without_adapter(scorer) if config.method == "lora" else _nothing
        step = OptimizerStep(
            scorer=scorer,
            reference=TableReference(compute, len(PAIRS), lasting=lambda at_any_price: compute),
            optimizer=torch.optim.SGD(one for one in model.parameters() if one.requires_grad),
            config=config,
            random=RandomStream(config.seed, CPU),
            collate=lambda members: collate([PAIRS[member] for member in members], members),
            name_of=lambda member: PAIRS[member].id,
        )
        return step, scorer

    return made


def _nothing(batch: PairBatch) -> Tensor:
    return torch.full((2, batch.pairs), -5.0)


def _moved_by(made: Made) -> dict[str, Tensor]:
    return {name: one.detach().clone() for name, one in made[1].model.named_parameters() if one.requires_grad}


@pytest.mark.parametrize("in_backward", [False, True])
@pytest.mark.parametrize("method", ["lora", "full"])
@pytest.mark.parametrize("batches", [[ALL], [(1, 3, 5), (0, 2, 4, 6)], [(4, 0), (1, 2, 3, 5, 6)]])
def test_what_does_not_fit_is_halved_and_changes_neither_weights_nor_figures(
    make: Make, method: str, batches: list[tuple[int, ...]], in_backward: bool
) -> None:
    roomy = make(method=method)
    plain = roomy[0](batches, 1.0)
    tight = make(method=method)
    tight[1].room, tight[1].in_backward = 70, in_backward
    result = tight[0](batches, 1.0)
    assert max(tight[1].tried) > 70
    assert result.moved and result.pairs == 7 and result.skipped_pairs == 0
    assert result.tokens == plain.tokens == sum(pair.tokens for pair in PAIRS)
    assert result.metrics == pytest.approx(plain.metrics, rel=1e-5, abs=1e-6)
    for (name, ours), theirs in zip(_moved_by(tight).items(), _moved_by(roomy).values(), strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-4, msg=name)


def test_a_failing_backward_pass_really_leaves_a_part_of_its_gradient(make: Make) -> None:
    """Else the test above would prove nothing."""
    step, scorer = make(method="full")
    scorer.room, scorer.in_backward = 0, True
    batch = collate([PAIRS[0]], (0,))
    with pytest.raises(torch.OutOfMemoryError):
        scorer.sums(batch).sum().backward()
    left = {name for name, one in scorer.model.named_parameters() if one.grad is not None}
    assert any("layers.1." in name for name in left)
    assert not any("layers.0." in name for name in left)
    assert step.token_budget is None


def test_dropout_draws_the_same_numbers_when_a_step_begins_again(make: Make) -> None:
    """A pair that is left out makes the step begin again: as if it had never been there."""
    without = make(lora_dropout=0.5, on_out_of_memory="skip")
    expected = without[0]([(1,), (2,), (5,)], 1.0)
    tight = make(lora_dropout=0.5, on_out_of_memory="skip")
    tight[1].room = PAIRS[3].tokens - 1
    result = tight[0]([(1,), (2,), (5,), (3,)], 1.0)
    assert result.skipped_pairs == 1
    assert result.metrics == expected.metrics


def test_the_smaller_budget_is_kept_and_said_once(make: Make) -> None:
    step, scorer = make()
    scorer.room = 80
    first = step([ALL], 1.0)
    assert len(first.notes) == 1
    assert f"at most {step.token_budget} tokens" in first.notes[0]
    assert step.token_budget == sum(map(packed_length, PAIRS)) // 2
    scorer.tried.clear()
    again = step([ALL], 1.0)
    assert max(scorer.tried) < 80  # their prompts counted twice
    assert again.notes == ()


def test_one_pair_that_does_not_fit_stops_the_run_by_name(make: Make) -> None:
    step, scorer = make()
    scorer.room = PAIRS[3].tokens - 1
    with pytest.raises(OutOfMemory, match=r"Pair pair-3 .* even alone.*max_length.*skip"):
        step([ALL], 1.0)


@pytest.mark.parametrize("in_backward", [False, True])
def test_or_it_is_left_out_for_good_and_the_mean_is_over_the_others(make: Make, in_backward: bool) -> None:
    others = make(on_out_of_memory="skip")
    expected = others[0]([(0, 1, 2, 4, 5, 6)], 1.0)
    step, scorer = tight = make(on_out_of_memory="skip")
    scorer.room, scorer.in_backward = PAIRS[3].tokens - 1, in_backward
    result = step([ALL], 1.0)
    assert (result.pairs, result.skipped_pairs, result.tokens) == (6, 1, expected.tokens)
    assert any("Pair pair-3 " in note and "left out" in note for note in result.notes)
    assert result.metrics == pytest.approx(expected.metrics, rel=1e-5, abs=1e-6)
    for ours, theirs in zip(_moved_by(tight).values(), _moved_by(others).values(), strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-4)
    scorer.tried.clear()
    assert step([ALL], 1.0).skipped_pairs == 1
    assert PAIRS[3].tokens not in scorer.tried


def test_a_step_of_which_nothing_is_left_moves_nothing(make: Make) -> None:
    step, scorer = tight = make(on_out_of_memory="skip")
    scorer.room = 1
    before = _moved_by(tight)
    result = step([(0, 1)], 1.0)
    assert (result.pairs, result.skipped_pairs, result.moved, result.metrics) == (0, 2, False, {})
    assert all(torch.equal(one, before[name]) for name, one in _moved_by(tight).items())


def test_measuring_halves_too_and_counts_no_pair_twice(make: Make) -> None:
    step, scorer = make()
    whole, parts = PairMeans(), PairMeans()
    step.measure(ALL, whole)
    sizes: list[int] = []
    own = scorer.sums

    def sums(batch: PairBatch) -> Tensor:
        sizes.append(batch.tokens)
        if batch.tokens > 60:
            raise RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory")
        return own(batch)

    scorer.sums = sums  # type: ignore[method-assign]
    step.measure(ALL, parts)
    assert max(sizes) > 60 and parts.pairs == len(PAIRS)
    assert parts.means() == pytest.approx(whole.means(), rel=1e-5, abs=1e-6)
    assert len(step.take_notes()) == 1 and step.take_notes() == ()


def test_other_errors_are_not_taken_for_it(make: Make) -> None:
    step, scorer = make()
    scorer.sums = lambda batch: torch.zeros(2) @ torch.zeros(3)  # type: ignore[method-assign,assignment]
    with pytest.raises(RuntimeError, match="size"):
        step([ALL], 1.0)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (torch.OutOfMemoryError("anything"), True),
        (MemoryError(), True),
        (RuntimeError("MPS backend out of memory (MPS allocated: 17 GB)"), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), True),
        (RuntimeError("CUDA error: an illegal memory access was encountered"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_every_way_to_say_it_is_known(error: Exception, expected: bool) -> None:
    assert is_out_of_memory(error) is expected


def test_what_is_left_of_a_failed_pass_is_free_before_the_next(make: Make) -> None:
    import weakref

    alive: list[int] = []
    kept: list[weakref.ref[Tensor]] = []

    def work(batch: PairBatch) -> None:
        alive.append(sum(ref() is not None for ref in kept))
        held = torch.zeros(1000)
        kept.append(weakref.ref(held))
        if batch.pairs > 1:
            raise torch.OutOfMemoryError("no room")

    batches = MicroBatches(
        collate=lambda members: collate([PAIRS[one] for one in members], members),
        name_of=str,
        device=CPU,
        too_large="stop",
    )
    batches.each([(0, 1, 2)], work)
    assert len(alive) == 4  # all three, then each by itself
    assert set(alive) == {0}


def test_a_run_goes_on_with_smaller_batches_and_the_same_curve(
    tmp_path: Path, tiny_model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = run_it(new_run(tmp_path, tiny_model_folder, name="plain"))

    class Cramped(LogProbs):
        def __call__(self, batch: PairBatch) -> Tensor:
            if batch.tokens > 300:
                raise torch.OutOfMemoryError("CUDA out of memory.")
            return super().__call__(batch)

    monkeypatch.setattr("dpo_engine.training.learner.LogProbs", Cramped)
    events = run_it(new_run(tmp_path, tiny_model_folder, name="cramped"))
    assert len([note for note in of_kind(events, Note) if "did not fit" in note.message]) >= 1
    assert len(of_kind(events, StepDone)) == 4
    for (_, ours), (_, theirs) in zip(curve(events), curve(plain), strict=True):
        assert ours == pytest.approx(theirs, rel=1e-3, abs=1e-4)
