"""Log-probs equal those of a plain computation over the whole vocabulary, for every family of models."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from dpo_engine.forward import head
from dpo_engine.forward.log_probs import LogProbs
from dpo_engine.pairs.batches import PairBatch, collate
from dpo_engine.pairs.tokenization import TokenizedPair
from tests.helpers.tiny_model import Family, tiny_model

CPU = torch.device("cpu")
PAIRS = [
    TokenizedPair(id="a", split="train", prompt=(1, 9, 8), chosen=(5, 6, 7, 2), rejected=(9, 2)),
    TokenizedPair(id="b", split="train", prompt=(1, 4, 4, 4, 4, 10, 11), chosen=(2,), rejected=(3, 2, 2, 2)),
    TokenizedPair(id="c", split="train", prompt=(1,), chosen=(200, 2), rejected=(100, 101, 2)),
]


def batch_of(*pairs: TokenizedPair) -> PairBatch:
    return collate(pairs, range(len(pairs)))


def plain(model: Any, prompt: tuple[int, ...], response: tuple[int, ...]) -> float:
    """Σ log softmax(logits)[token] with one whole forward pass for one sequence."""
    with torch.no_grad():
        logits = model(torch.tensor([[*prompt, *response]])).logits[0].float()
    table = torch.log_softmax(logits, dim=-1)
    return sum(float(table[len(prompt) - 1 + place, token]) for place, token in enumerate(response))


def scorer_of(model: Any, dtype: torch.dtype = torch.float32) -> LogProbs:
    return LogProbs(model, device=CPU, forward_dtype=dtype)


@pytest.mark.parametrize("family", ["llama", "qwen2", "gemma2", "gpt2"])
def test_sums_equal_the_plain_computation(family: Family) -> None:
    model = tiny_model(family)
    sums = scorer_of(model).sums(batch_of(*PAIRS))
    expected = [
        [plain(model, pair.prompt, pair.chosen) for pair in PAIRS],
        [plain(model, pair.prompt, pair.rejected) for pair in PAIRS],
    ]
    torch.testing.assert_close(sums, torch.tensor(expected), atol=1e-4, rtol=1e-5)


@pytest.mark.parametrize("family", ["llama", "qwen2", "gemma2", "gpt2"])
def test_the_common_families_go_through_the_head_in_chunks(family: Family) -> None:
    assert scorer_of(tiny_model(family))._splittable


@pytest.mark.parametrize(
    ("name", "scale"), [("granite", {"logits_scaling": 8.0}), ("cohere", {"logit_scale": 0.0625})]
)
def test_scaled_logits_are_scaled(name: str, scale: dict[str, float]) -> None:
    from transformers import AutoConfig, AutoModelForCausalLM

    sizes = {
        "vocab_size": 264,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 1,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "bos_token_id": 0,
        "eos_token_id": 2,
        "pad_token_id": 2,
    }
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(name, **sizes, **scale)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim >= 2:
                parameter.mul_(10)
    scorer = scorer_of(model)
    assert scorer._splittable
    expected = plain(model, PAIRS[0].prompt, PAIRS[0].chosen)
    assert scorer.sums(batch_of(*PAIRS))[0, 0].item() == pytest.approx(expected, abs=1e-4)


def test_a_head_with_a_twist_of_its_own_is_noticed_and_asked_itself() -> None:
    model = tiny_model()
    own_forward = model.forward

    def twisted(*args: Any, **kwargs: Any) -> Any:
        output = own_forward(*args, **kwargs)
        output.logits = output.logits * 0.5
        return output

    model.forward = twisted
    scorer = scorer_of(model)
    assert not scorer._splittable
    expected = [plain(model, pair.prompt, pair.rejected) for pair in PAIRS]
    torch.testing.assert_close(scorer.sums(batch_of(*PAIRS))[1], torch.tensor(expected), atol=1e-4, rtol=1e-5)


def test_padding_and_company_change_nothing() -> None:
    scorer = scorer_of(tiny_model())
    together = scorer.sums(batch_of(*PAIRS))
    alone = torch.cat([scorer.sums(batch_of(pair)) for pair in PAIRS], dim=1)
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-6)


def test_gradients_equal_those_of_the_plain_computation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the head runs in many chunks, each computed again in the backward pass."""
    monkeypatch.setattr(head, "CHUNK_ELEMENTS", 3 * 264)
    ours, theirs = tiny_model(), tiny_model()
    scorer_of(ours).sums(batch_of(PAIRS[0])).sum().backward()
    for response in (PAIRS[0].chosen, PAIRS[0].rejected):
        ids = torch.tensor([[*PAIRS[0].prompt, *response]])
        table = torch.log_softmax(theirs(ids).logits[0], dim=-1)
        places = torch.arange(len(response)) + len(PAIRS[0].prompt) - 1
        table[places, torch.tensor(response)].sum().backward()
    for (name, mine), yours in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, yours.grad, atol=1e-4, rtol=1e-4, msg=name)


@pytest.mark.parametrize("family", ["llama", "gemma2"])
def test_no_matrix_of_all_tokens_and_the_vocabulary_is_ever_whole(
    family: Family, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forward and backward; neither by the plain head nor by one with a soft cap."""
    monkeypatch.setattr(head, "CHUNK_ELEMENTS", 3 * 264)
    scorer = scorer_of(tiny_model(family))
    scored = sum(len(pair.chosen) + len(pair.rejected) for pair in PAIRS)
    with _Shapes() as seen:
        scorer.sums(batch_of(*PAIRS)).sum().backward()
    logits = {shape for shape in seen.shapes if shape[0] in (3, scored) and shape[1] > 32}
    assert logits
    assert max(rows * columns for rows, columns in logits) <= 3 * 264


class _Shapes(TorchDispatchMode):
    """Notes the shape of every matrix that is made."""

    def __init__(self) -> None:
        super().__init__()
        self.shapes: set[tuple[int, ...]] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        for one in out if isinstance(out, tuple | list) else (out,):
            if isinstance(one, torch.Tensor) and one.ndim == 2:
                self.shapes.add(tuple(one.shape))
        return out


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_step_is_seen_by_the_next_forward_pass(dtype: torch.dtype) -> None:
    """A cast copy of a weight that outlives an optimizer step would train on stale weights."""
    model = tiny_model()
    scorer = scorer_of(model, dtype)
    before = scorer.sums(batch_of(PAIRS[0]))
    before.sum().backward()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(1.5)
    assert not torch.allclose(before, scorer.sums(batch_of(PAIRS[0])), atol=1e-2)


def test_bfloat16_is_near_float32_and_summed_in_float32() -> None:
    model = tiny_model()
    exact, rough = (
        scorer_of(model).sums(batch_of(*PAIRS)),
        scorer_of(model, torch.bfloat16).sums(batch_of(*PAIRS)),
    )
    assert rough.dtype == torch.float32
    torch.testing.assert_close(rough, exact, atol=0.3, rtol=0.02)
    assert not torch.equal(rough, exact)


def test_making_a_scorer_leaves_training_modes_alone() -> None:
    model = tiny_model("gpt2").eval()
    model.transformer.h[0].attn.attn_dropout.train()
    scorer_of(model)
    assert [name for name, module in model.named_modules() if module.training] == [
        "transformer.h.0.attn.attn_dropout"
    ]


@pytest.mark.starter
def test_the_starter_agrees_with_a_plain_float32_computation(starter_model: Path) -> None:
    from dpo_engine.models.loading import load
    from dpo_engine.pairs.tokenization import tokenize_pairs
    from dpo_engine.preferences import Message, Pair

    loaded = load(str(starter_model), device="cpu", dtype="float32")
    question = (Message("user", "What is the capital of France?"),)
    written = [
        Pair(id="1", prompt=question, chosen="The capital of France is Paris.", rejected="I like cheese."),
        Pair(id="2", prompt=question, chosen="Paris.", rejected="It is a large country, and its capital…"),
    ]
    pairs, _ = tokenize_pairs(loaded.tokenizer, written, 1024)
    sums = LogProbs(loaded.model, device=loaded.device, forward_dtype=loaded.dtype).sums(batch_of(*pairs))
    for column, pair in enumerate(pairs):
        for row, response in enumerate((pair.chosen, pair.rejected)):
            assert sums[row, column].item() == pytest.approx(
                plain(loaded.model, pair.prompt, response), abs=1e-3
            )
