"""Reference log-probs are computed once, by the right model, and never after it is gone."""

import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch import Tensor

from dpo_engine.batches import PairBatch, collate
from dpo_engine.errors import EngineError
from dpo_engine.log_probs import LogProbs
from dpo_engine.reference import Reference, policy_itself, policy_without_adapter
from dpo_engine.tokenization import TokenizedPair
from tests.helpers.tiny_model import tiny_model

CPU = torch.device("cpu")


def batch(*members: int) -> PairBatch:
    pairs = [
        TokenizedPair(
            id=str(one), split="train", prompt=(1, one), chosen=(one + 3, 2), rejected=(one + 4, 5, 2)
        )
        for one in members
    ]
    return collate(pairs, members, pad_id=2)


class Counting:
    """Stands for a model: says which pairs it was asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, ...]] = []

    def __call__(self, batch: PairBatch) -> Tensor:
        self.asked.append(batch.members)
        return torch.tensor([[float(one), one + 0.5] for one in batch.members]).T


def test_a_known_pair_is_not_computed_again_whatever_its_company() -> None:
    model = Counting()
    reference = Reference(model, pairs=4)
    first = reference.log_probs(batch(2, 0))
    assert first.tolist() == [[2.0, 0.0], [2.5, 0.5]]
    assert reference.log_probs(batch(0, 2)).tolist() == [[0.0, 2.0], [0.5, 2.5]]
    assert model.asked == [(2, 0)]
    reference.log_probs(batch(2, 3))
    assert model.asked == [(2, 0), (2, 3)]


def test_a_number_once_known_never_changes() -> None:
    answers = iter([torch.tensor([[-1.0], [-2.0]]), torch.tensor([[-9.0, -3.0], [-9.0, -4.0]])])
    reference = Reference(lambda batch: next(answers), pairs=2)
    reference.log_probs(batch(0))
    assert reference.log_probs(batch(0, 1)).tolist() == [[-1.0, -3.0], [-2.0, -4.0]]


def test_filling_counts_pairs_and_then_the_reference_is_gone() -> None:
    reference = Reference(Counting(), pairs=4)
    assert list(reference.fill([batch(0, 1), batch(2)])) == [2, 3]
    assert reference.log_probs(batch(1)).tolist() == [[1.0], [1.5]]
    with pytest.raises(EngineError, match="not computed before training"):
        reference.log_probs(batch(3))


def test_the_table_goes_into_a_checkpoint_and_comes_back() -> None:
    before = Reference(Counting(), pairs=3)
    before.log_probs(batch(1))
    model = Counting()
    after = Reference(model, pairs=3)
    after.load_state(before.state())
    assert torch.equal(after.log_probs(batch(1)), before.log_probs(batch(1)))
    assert model.asked == []
    after.log_probs(batch(0))
    assert model.asked == [(0,)]
    with pytest.raises(EngineError, match="another number of pairs"):
        Reference(model, pairs=2).load_state(before.state())


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")
def test_with_lora_the_reference_is_the_model_without_its_adapter() -> None:
    plain = LogProbs(tiny_model(), device=CPU, forward_dtype=torch.float32)
    adapted = get_peft_model(tiny_model(), LoraConfig(target_modules="all-linear", init_lora_weights=False))
    scorer = LogProbs(adapted.eval(), device=CPU, forward_dtype=torch.float32)
    pairs = batch(10, 20)
    without = policy_without_adapter(scorer)(pairs)
    assert torch.equal(without, policy_itself(plain)(pairs))
    assert not without.requires_grad
    assert not torch.allclose(without, policy_itself(scorer)(pairs), atol=0.1)
    assert scorer.sums(pairs).requires_grad  # the adapter is on again, and trainable
