"""The decoding step of our own says what the model's own forward pass says, or is not used."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (
    DynamicCache,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from dpo_engine.compute.device import precision
from dpo_engine.config import SamplingConfig
from dpo_engine.generation import decode_weights as weights_module
from dpo_engine.generation import decoding
from dpo_engine.generation.decode_step import DecodeStep
from dpo_engine.generation.decode_weights import decode_weights
from dpo_engine.generation.decoding import Decoder, Stem
from dpo_engine.generation.sampling import Sampler
from dpo_engine.models.loading import LoadedModel, load
from tests.helpers.tiny_model import tiny_model

GREEDY = SamplingConfig(temperature=0.0)
SIZES: dict[str, Any] = {
    "vocab_size": 100,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 2048,
}
FAMILIES: dict[str, Any] = {
    "llama": (LlamaForCausalLM, LlamaConfig, {"tie_word_embeddings": True}),
    "llama with biases": (LlamaForCausalLM, LlamaConfig, {"attention_bias": True, "mlp_bias": True}),
    "llama 3": (
        LlamaForCausalLM,
        LlamaConfig,
        {
            "rope_parameters": {
                "rope_type": "llama3",
                "rope_theta": 10000.0,
                "factor": 8.0,
                "low_freq_factor": 1.0,
                "high_freq_factor": 4.0,
                "original_max_position_embeddings": 64,
            }
        },
    ),
    "mistral": (MistralForCausalLM, MistralConfig, {"sliding_window": None}),
    "qwen2": (Qwen2ForCausalLM, Qwen2Config, {}),
    "qwen3": (Qwen3ForCausalLM, Qwen3Config, {"head_dim": 16}),
}


def _model(family: str) -> Any:
    kind, config, settings = FAMILIES[family]
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(5)
        model = kind(config(**SIZES, **settings))
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape) * (0.2 if parameter.ndim == 2 else 0.5))
    return model.eval()


def _step_after(model: Any, dtype: torch.dtype, prompts: list[torch.Tensor], rows: int) -> DecodeStep:
    weights = decode_weights(model, dtype)
    assert weights is not None
    step = DecodeStep(weights)
    for prompt in prompts:
        cache = DynamicCache(config=model.config)
        with torch.inference_mode(), precision(torch.device("cpu"), dtype):
            model(input_ids=prompt[None], past_key_values=cache, use_cache=True)
            step.cache.add_rows([(layer.keys, layer.values) for layer in cache.layers], rows)
    return step


@pytest.mark.parametrize("blocked", [True, False])
@pytest.mark.parametrize("family", FAMILIES)
def test_every_known_family_gives_the_models_own_logits(
    family: str, blocked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two prompts of different lengths, two rows each; a row leaves on the way; the cache has to grow."""
    if not blocked:
        monkeypatch.setattr(weights_module, "_blocks", lambda *_: False)
    model = _model(family)
    draw = torch.Generator().manual_seed(1)
    prompts = [torch.randint(100, (length,), generator=draw) for length in (310, 9)]
    step = _step_after(model, torch.float32, prompts, 2)
    texts = [prompts[0], prompts[0], prompts[1], prompts[1]]
    for number in range(20):
        if number == 7:
            step.cache.drop(1)
            texts[1] = texts.pop()
        tokens = torch.randint(100, (len(texts),), generator=draw)
        texts = [torch.cat([text, token[None]]) for text, token in zip(texts, tokens, strict=True)]
        ours = step(tokens)
        if number % 6 == 1:
            with torch.inference_mode():
                own = torch.stack([model(input_ids=text[None]).logits[0, -1] for text in texts])
            torch.testing.assert_close(ours, own, rtol=1e-3, atol=1e-3 * float(own.std()))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_an_adapter_is_added_as_exactly_as_the_model_adds_it(tiny_adapter: Path, dtype: Any) -> None:
    loaded = load(str(tiny_adapter), device="cpu", dtype=dtype)
    model: Any = loaded.model
    prompt = torch.arange(20, 60)
    step = _step_after(model.get_base_model(), loaded.dtype, [prompt], 1)
    with torch.inference_mode(), precision(loaded.device, loaded.dtype):
        own = model(input_ids=torch.cat([prompt, torch.tensor([7])])[None]).logits[0, -1].float()
    ours = step(torch.tensor([7]))[0].float()
    bare = _step_after(
        load(_base_of(tiny_adapter), device="cpu", dtype=dtype).model, loaded.dtype, [prompt], 1
    )
    without = bare(torch.tensor([7]))[0].float()
    nearest = 1e-4 if dtype == "float32" else 0.03
    assert float((ours - own).norm() / own.norm()) < nearest
    assert float((without - own).norm() / own.norm()) > 0.1, "the adapter matters"


def _base_of(adapter: Path) -> str:
    import json

    return str(json.loads((adapter / "adapter_config.json").read_text())["base_model_name_or_path"])


@pytest.mark.parametrize("family", ["gpt2", "gemma2"])
def test_a_model_of_another_shape_is_left_to_transformers(family: Any) -> None:
    assert decode_weights(tiny_model(family), torch.float32) is None


def test_what_is_not_known_of_a_known_family_is_left_to_transformers() -> None:
    assert decode_weights(_model("llama").train(), torch.float32) is None
    sliding = MistralForCausalLM(MistralConfig(**SIZES, sliding_window=16)).eval()
    assert decode_weights(sliding, torch.float32) is None
    quantized = _model("llama")
    quantized.model.layers[1].mlp.up_proj = _OtherLinear(32, 48, bias=False)
    assert decode_weights(quantized, torch.float32) is None


class _OtherLinear(torch.nn.Linear):
    """Stands for a layer that computes something else, such as a quantized one."""


def _loaded(model: Any, dtype: torch.dtype = torch.float32) -> LoadedModel:
    return LoadedModel(
        model=model,
        tokenizer=None,  # type: ignore[arg-type]
        reference="r",
        fingerprint="f",
        parameters=1,
        device=torch.device("cpu"),
        dtype=dtype,
    )


def _greedy(decoder: Decoder, prompt: torch.Tensor, tokens: int) -> list[int]:
    stem = Stem(prompt=prompt, samplers=[Sampler(GREEDY, 0, prompt)], limit=tokens)
    return [token for drawn in decoder.decode([stem], ends=frozenset()) for _, token in drawn]


def test_a_long_text_is_what_transformers_writes() -> None:
    model = _model("qwen3")
    prompt = torch.arange(3, 40)
    with torch.inference_mode():
        theirs = model.generate(
            prompt[None],
            attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
            do_sample=False,
            max_new_tokens=330,
            eos_token_id=None,
            pad_token_id=0,
        )
    assert _greedy(Decoder(_loaded(model)), prompt, 330) == theirs[0, len(prompt) :].tolist()


def test_a_step_that_does_not_agree_with_the_model_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its attention is made twice as sharp: wrong numbers, and no error."""
    model = _model("llama")
    prompt = torch.arange(3, 40)
    right = _greedy(Decoder(_loaded(model)), prompt, 12)
    tried = []

    def wrong(model: Any, dtype: torch.dtype) -> Any:
        weights = decode_weights(model, dtype)
        assert weights is not None
        tried.append(weights)
        return replace(weights, scaling=2 * weights.scaling)

    monkeypatch.setattr(decoding, "decode_weights", wrong)
    decoder = Decoder(_loaded(model), fixed=True)
    assert _greedy(decoder, prompt, 12) == right
    assert _greedy(decoder, prompt, 12) == right
    assert len(tried) == 1, "it is not tried twice"


def test_weights_that_are_not_fixed_are_read_anew() -> None:
    """A model in training: what it says must follow its weights, blocked copies or not."""
    model = _model("llama")
    prompt = torch.arange(3, 40)
    decoder, kept = Decoder(_loaded(model)), Decoder(_loaded(model), fixed=True)
    before = _greedy(decoder, prompt, 8)
    assert _greedy(kept, prompt, 8) == before
    with torch.no_grad():
        model.model.layers[0].mlp.down_proj.weight.mul_(-3.0)
    after = _greedy(decoder, prompt, 8)
    assert after != before
    assert _greedy(Decoder(_loaded(model)), prompt, 8) == after


def test_float32_weights_write_in_bfloat16_under_its_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a full fine-tune; our step is what writes, from weights rounded once."""
    used = []
    step = DecodeStep.__call__
    monkeypatch.setattr(DecodeStep, "__call__", lambda self, tokens: used.append(1) or step(self, tokens))
    loaded = _loaded(_model("llama"), torch.bfloat16)
    assert len(_greedy(Decoder(loaded), torch.arange(3, 40), 8)) == 8
    assert len(used) == 8, "one to compare, seven to write"
