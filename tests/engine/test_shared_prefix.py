"""Packed rows with shared prompts give the numbers and the gradients of separate rows."""

from functools import partial
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dpo_engine.forward import flex_attention, shared_prefix, span_attention
from dpo_engine.forward.log_probs import LogProbs
from dpo_engine.forward.span_attention import Layout, Span
from dpo_engine.pairs.batches import PairBatch, collate, packed_length
from dpo_engine.pairs.tokenization import TokenizedPair
from tests.helpers.tiny_model import Family, tiny_model

CPU = torch.device("cpu")
FAMILIES: tuple[Family, ...] = ("llama", "qwen2", "qwen3", "gemma", "gpt2")

tokens = st.integers(3, 260)


def some(most: int) -> Any:
    return st.lists(tokens, min_size=1, max_size=most).map(tuple)


@st.composite
def batches(draw: Any) -> PairBatch:
    """One to four pairs of any shapes."""
    pairs = [
        TokenizedPair(
            id=str(number),
            split="train",
            prompt=draw(some(12)),
            chosen=draw(some(9)),
            rejected=draw(some(9)),
        )
        for number in range(draw(st.integers(1, 4)))
    ]
    return collate(pairs, range(len(pairs)))


def in_float64(family: Family) -> Any:
    """The tiny model, whose norms would otherwise compute in float32 whatever their input is."""
    model = tiny_model(family).double()
    for module in model.modules():
        if type(module).__name__.endswith("RMSNorm"):
            module.forward = partial(_norm, module)
    return model


def _norm(module: Any, hidden: torch.Tensor) -> torch.Tensor:
    gemma = type(module).__name__ == "GemmaRMSNorm"
    epsilon = module.eps if gemma else module.variance_epsilon
    weight = module.weight + 1 if gemma else module.weight
    return weight * hidden * torch.rsqrt(hidden.pow(2).mean(-1, keepdim=True) + epsilon)


def plain_sums(model: Any, batch: PairBatch) -> torch.Tensor:
    """[2, pairs] by one whole forward pass for every sequence, with the library's own attention."""
    sums = []
    for side in ("chosen", "rejected"):
        for pair in batch.tokenized:
            response = getattr(pair, side)
            table = model(torch.tensor([[*pair.prompt, *response]])).logits[0].log_softmax(-1)
            places = torch.arange(len(response)) + len(pair.prompt) - 1
            sums.append(table[places, torch.tensor(response)].sum())
    return torch.stack(sums).view(2, -1)


def gradients(model: Any, sums: torch.Tensor) -> list[torch.Tensor]:
    """Of a loss in which every response counts differently."""
    weights = torch.linspace(-1.0, 2.0, sums.numel(), dtype=sums.dtype).view_as(sums)
    model.zero_grad()
    torch.nn.functional.logsigmoid(0.1 * (sums * weights).sum()).backward()
    return [parameter.grad.clone() for parameter in model.parameters()]


@pytest.mark.parametrize("short", [0, 448], ids=["flash", "products"])
@pytest.mark.parametrize("family", FAMILIES)
def test_values_and_gradients_are_those_of_the_plain_forward(
    family: Family, short: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In float64, to 1e-9 of the largest entry, whatever the shapes."""
    monkeypatch.setattr(span_attention, "SHORT", short)
    ours, theirs = in_float64(family), in_float64(family)
    scorer = LogProbs(ours, device=CPU, forward_dtype=torch.float32)
    assert scorer.sharing.longest is None

    @settings(max_examples=12, deadline=None, database=None)
    @given(batch=batches())
    def holds(batch: PairBatch) -> None:
        mine, wanted = scorer.sums(batch), plain_sums(theirs, batch)
        torch.testing.assert_close(mine, wanted, rtol=1e-9, atol=1e-9)
        found, expected = gradients(ours, mine), gradients(theirs, wanted)
        largest = max(float(one.abs().max()) for one in expected)
        for ours_one, theirs_one in zip(found, expected, strict=True):
            assert float((ours_one - theirs_one).abs().max()) <= 1e-9 * largest

    holds()


@pytest.mark.parametrize("family", FAMILIES)
def test_rows_are_packed_without_padding_and_prompts_stand_once(family: Family) -> None:
    model = tiny_model(family)
    scorer = LogProbs(model, device=CPU, forward_dtype=torch.float32)
    seen: list[tuple[int, ...]] = []
    model.base_model.register_forward_pre_hook(
        lambda module, args, kwargs: seen.append(tuple(kwargs["input_ids"].shape)), with_kwargs=True
    )
    pair = TokenizedPair(id="a", split="train", prompt=(5,) * 9, chosen=(6, 7), rejected=(8, 9, 10))
    scorer.sums(collate([pair, pair], (0, 1)))
    assert seen == [(1, 2 * packed_length(pair))] == [(1, 28)]


@given(batch=batches())
@settings(max_examples=25, deadline=None, database=None)
def test_a_token_sees_its_prompt_and_its_own_response_only(batch: PairBatch) -> None:
    layout = batch.packed.layout
    assert layout is not None
    seen = layout.may_see
    positions = batch.packed.position_ids[0]
    # A token sees exactly as many tokens as stand before it in its own text, and itself.
    assert seen.sum(1).tolist() == (positions + 1).tolist()
    for span in layout.spans:
        assert not seen[span.turn : span.end, span.start + span.prompt : span.turn].any()
        assert not seen[span.start : span.end, : span.start].any()


@given(batch=batches())
@settings(max_examples=25, deadline=None, database=None)
def test_the_block_mask_for_gpus_says_the_same(batch: PairBatch) -> None:
    layout = batch.packed.layout
    assert layout is not None
    pair, part = flex_attention.places(layout)
    order = torch.arange(len(pair))
    same_text = (part[None] == 0) | (part[None] == part[:, None])
    sees = (pair[:, None] == pair[None]) & (order[:, None] >= order[None]) & same_text
    assert torch.equal(sees, layout.may_see)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(*[st.integers(1, 500)] * 3), min_size=1, max_size=6))
def test_blocks_hold_all_that_is_seen_and_whole_ones_nothing_else(
    lengths: list[tuple[int, int, int]],
) -> None:
    starts = [sum(map(sum, lengths[:number])) for number in range(len(lengths))]
    layout = Layout(tuple(Span(start, *each) for start, each in zip(starts, lengths, strict=True)))
    some, whole = flex_attention.blocks_that_see(*flex_attention.places(layout))
    assert not (some & whole).any()
    size = flex_attention.BLOCK
    padding = -layout.spans[-1].end % size
    seen = torch.nn.functional.pad(layout.may_see, (0, padding, 0, padding))
    blocks = seen.view(len(some), size, len(some), size)
    assert not (blocks.any(3).any(1) & ~(some | whole)).any()
    rows_there = torch.ones(layout.spans[-1].end, dtype=torch.bool)
    there = torch.nn.functional.pad(rows_there, (0, padding)).view(len(some), size, 1, 1)
    assert (blocks | ~there).all(3).all(1)[whole].all()


@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
@pytest.mark.parametrize(
    "spans",
    [
        (Span(0, 5, 4, 3), Span(12, 1, 1, 6)),
        (Span(0, 300, 140, 260), Span(700, 20, 300, 5), Span(1025, 1, 2, 3)),
    ],
)
def test_every_way_to_compute_attention_gives_the_same(spans: tuple[Span, ...]) -> None:
    """FlexAttention without its compiler, the library's kernel pair by pair, and the two ways of the CPU."""
    generator = torch.Generator().manual_seed(0)
    layout = Layout(spans)
    query, key, value = (torch.randn(1, heads, spans[-1].end, 8, generator=generator) for heads in (4, 2, 2))
    wanted = span_attention.masked_attention(query, key, value, layout.may_see, 0.3, 1e9).transpose(1, 2)
    mask = flex_attention.block_mask(layout, CPU)
    by_library = [span_attention._by_library(query, key, value, span, 0.3) for span in layout.spans]
    for found in (
        flex_attention.block_attention(query, key, value, mask, 0.3),
        torch.cat(by_library, dim=2).transpose(1, 2),
        span_attention.span_attention(query, key, value, layout, 0.3),
    ):
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)


def test_what_a_layout_needs_on_a_device_is_made_once() -> None:
    made: list[torch.device] = []

    def make(layout: Layout, device: torch.device) -> str:
        made.append(device)
        return "mask"

    layout = Layout((Span(0, 1, 1, 1),))
    assert [layout.on_device(CPU, make) for _ in range(3)] == ["mask"] * 3
    assert made == [CPU]


def test_a_soft_cap_on_attention_acts_in_packed_rows_too() -> None:
    """Gemma 2 bends attention scores, which the library's fast kernels leave out."""
    from transformers import Gemma2Config, Gemma2ForCausalLM

    config = Gemma2Config(
        vocab_size=264, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, head_dim=8, attn_logit_softcapping=1.5, query_pre_attn_scalar=8,
        layer_types=["full_attention"] * 2, bos_token_id=0, eos_token_id=2, pad_token_id=2,
    )  # fmt: skip
    torch.manual_seed(0)
    model = Gemma2ForCausalLM._from_config(config, attn_implementation="eager").eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(8 if parameter.ndim >= 2 else 1)
    pair = TokenizedPair(id="a", split="train", prompt=(5, 60, 7), chosen=(61, 7, 9, 11), rejected=(8, 90))
    batch = collate([pair], (0,))
    wanted = plain_sums(model, batch)
    model.config.attn_logit_softcapping = None
    for layer in model.model.layers:
        layer.self_attn.attn_logit_softcapping = None
    assert not torch.allclose(plain_sums(model, batch), wanted, atol=1e-2)
    model.config.attn_logit_softcapping = 1.5
    for layer in model.model.layers:
        layer.self_attn.attn_logit_softcapping = 1.5
    scorer = LogProbs(model, device=CPU, forward_dtype=torch.float32)
    assert scorer.sharing.longest is None
    torch.testing.assert_close(scorer.sums(batch), wanted, atol=1e-4, rtol=1e-5)
    torch.testing.assert_close(plain_sums(model, batch), wanted, atol=1e-4, rtol=1e-5)


def test_a_sliding_window_is_packed_only_while_all_is_in_it() -> None:
    model = tiny_model("gemma2")
    window = model.config.sliding_window
    model.config.sliding_window = 6
    assert shared_prefix.declared(model).longest == 6
    model.config.sliding_window = window
    scorer = LogProbs(model, device=CPU, forward_dtype=torch.float32)
    assert scorer.sharing.fits(window)
    assert not scorer.sharing.fits(window + 1)


def test_beyond_its_window_a_model_reads_separate_rows_and_stays_right() -> None:
    from transformers import MistralConfig, MistralForCausalLM

    config = MistralConfig(
        vocab_size=264, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, sliding_window=5, bos_token_id=0, eos_token_id=2, pad_token_id=2,
    )  # fmt: skip
    torch.manual_seed(0)
    model = MistralForCausalLM(config).double().eval()
    scorer = LogProbs(model, device=CPU, forward_dtype=torch.float32)
    long = TokenizedPair(id="a", split="train", prompt=(5, 60, 7), chosen=(61, 7, 9, 11), rejected=(8, 90))
    short = TokenizedPair(id="b", split="train", prompt=(5, 60), chosen=(61, 7, 9), rejected=(8,))
    for batch in (collate([long, short], (0, 1)), collate([short], (0,))):
        torch.testing.assert_close(scorer.sums(batch), plain_sums(model, batch), rtol=1e-9, atol=1e-9)


def test_a_recurrent_model_reads_separate_rows_and_says_why() -> None:
    from transformers import MambaConfig, MambaForCausalLM

    torch.manual_seed(0)
    model = MambaForCausalLM(
        MambaConfig(vocab_size=264, hidden_size=16, state_size=4, num_hidden_layers=1, expand=2)
    ).eval()
    scorer = LogProbs(model, device=CPU, forward_dtype=torch.float32)
    assert scorer.sharing.longest == 0
    assert "Mamba" in scorer.sharing.note


def test_a_model_that_declares_too_much_is_caught_by_the_trial() -> None:
    """Here positions come from a counter of the model's own, so packed rows would be silently wrong."""
    model = tiny_model("llama")
    own = model.model.rotary_emb.forward

    def counted(x: Any, position_ids: torch.Tensor) -> Any:
        return own(x, torch.arange(position_ids.shape[1])[None])

    model.model.rotary_emb.forward = counted
    scorer = LogProbs(model, device=CPU, forward_dtype=torch.float32)
    assert scorer.sharing.longest == 0
    assert "otherwise than separate ones" in scorer.sharing.note
    assert not shared_prefix.is_taught(model)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_taught_model_still_writes_text_as_before(family: Family) -> None:
    plain, taught = tiny_model(family), tiny_model(family)
    LogProbs(taught, device=CPU, forward_dtype=torch.float32)
    assert shared_prefix.is_taught(taught)
    ids = torch.randint(3, 250, (2, 7), generator=torch.Generator().manual_seed(1))
    mask = torch.ones_like(ids)
    mask[0, :3] = 0
    for inputs in ({"input_ids": ids}, {"input_ids": ids, "attention_mask": mask}):
        options = {"max_new_tokens": 6, "do_sample": False, "pad_token_id": 2, "eos_token_id": None}
        assert torch.equal(plain.generate(**inputs, **options), taught.generate(**inputs, **options))
