"""The bytes that a thin copy of a model foretells are those that the model itself keeps."""

from typing import Any

import pytest
import torch

from dpo_engine.config import TrainConfig
from dpo_engine.forward.activation_checkpointing import checkpoint_layers
from dpo_engine.forward.fast_norm import speed_up_norms
from dpo_engine.memory import kept_activations
from dpo_engine.memory.kept_activations import kept_by
from dpo_engine.models import adapters
from tests.helpers.tiny_model import tiny_model

LENGTHS = [(40, 20, 12), (9, 30, 25), (17, 3, 8)]


def _four_layers(family: Any) -> Any:
    """A config of heads 24 wide, which is neither of the two widths that are tried."""
    from transformers import AutoConfig

    sizes = {
        "vocab_size": 264,
        "hidden_size": 96,
        "intermediate_size": 240,
        "num_hidden_layers": 4,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 24,
        "bos_token_id": 0,
        "eos_token_id": 2,
        "pad_token_id": 2,
    }
    if family == "gpt2":
        return AutoConfig.for_model("gpt2", vocab_size=264, n_embd=96, n_layer=4, n_head=4, n_positions=512)
    return AutoConfig.for_model(family, **sizes)


FULL: dict[str, Any] = {"method": "full"}
DORA: dict[str, Any] = {"use_dora": True, "lora_r": 3}


@pytest.mark.parametrize(
    ("family", "dtype", "changes"),
    [
        ("llama", torch.float32, FULL),
        ("llama", torch.bfloat16, FULL),
        ("llama", torch.float32, {}),
        ("llama", torch.bfloat16, {}),
        ("llama", torch.bfloat16, DORA),
        ("qwen2", torch.bfloat16, {}),
        ("qwen3", torch.bfloat16, FULL),
        ("gemma2", torch.float32, DORA),
        ("gpt2", torch.bfloat16, FULL),
        ("gpt2", torch.float32, {}),
    ],
)
def test_a_thin_copy_foretells_what_the_model_keeps(
    family: Any, dtype: torch.dtype, changes: dict[str, Any]
) -> None:
    from transformers import AutoModelForCausalLM

    model_config, config = _four_layers(family), TrainConfig(**changes)
    model: Any = AutoModelForCausalLM.from_config(model_config).eval()
    speed_up_norms(model)
    if config.method != "full":
        model = adapters.begin(model.to(dtype).requires_grad_(False), config, "").eval()
    casts = kept_activations._bytes_of_casts(model, dtype)
    really = kept_activations._counted(model, dtype, LENGTHS) - casts
    foretold = kept_by(model_config, config, dtype, LENGTHS)
    assert foretold.layers == 4
    assert foretold.total == pytest.approx(really, rel=0.01)
    checkpoint_layers(model, dropout=False)
    less = kept_by(model_config, config, dtype, LENGTHS, checkpointed=True)
    assert less.total == pytest.approx(kept_activations._counted(model, dtype, LENGTHS), rel=0.01)
    assert less.total < 0.5 * foretold.total


def test_nothing_of_it_is_left_behind() -> None:
    before = torch.get_rng_state()
    model_config = tiny_model().config
    said = model_config.to_dict()
    first = kept_by(model_config, TrainConfig(), torch.float32, LENGTHS)
    assert torch.equal(torch.get_rng_state(), before)
    assert model_config.to_dict() == said
    assert kept_by(model_config, TrainConfig(), torch.float32, LENGTHS) == first
