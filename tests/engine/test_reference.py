"""What the reference's log-probs are while the policy's own model can still give them."""

import pytest
import torch
from peft import LoraConfig, get_peft_model

from dpo_engine.forward.log_probs import LogProbs
from dpo_engine.pairs.batches import PairBatch, collate
from dpo_engine.pairs.tokenization import TokenizedPair
from dpo_engine.reference.kinds import NoReference, policy_itself, policy_without_adapter
from tests.helpers.tiny_model import tiny_model

CPU = torch.device("cpu")


def batch(*members: int) -> PairBatch:
    pairs = [
        TokenizedPair(
            id=str(one), split="train", prompt=(1, one), chosen=(one + 3, 2), rejected=(one + 4, 5, 2)
        )
        for one in members
    ]
    return collate(pairs, members)


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


def test_without_a_reference_nothing_is_kept_and_nothing_told() -> None:
    nothing = NoReference()
    assert not nothing.prepare()
    assert nothing.log_probs(batch(1, 2)).tolist() == [[0.0, 0.0], [0.0, 0.0]]
    nothing.stepped(1, moved=True)
    assert nothing.state() == {} and nothing.take_notes() == []
