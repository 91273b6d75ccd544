"""A real but tiny chat model, made on the fly and saved as a folder that any loader of models can read.

    folder = save_tiny_model(tmp_path / "tiny")                      # two-layer Llama, ChatML template
    folder = save_tiny_model(tmp_path / "gpt2", family="gpt2")       # or "qwen2", "gemma"…
    folder = save_tiny_model(tmp_path / "base", chat_template=None)  # a base model without a template

The tokenizer has a token for every byte (so that a letter like "é" is two tokens), and its pad token is
its end-of-turn token, as in many chat models. The weights are random but fixed by `seed`, and large enough
that different texts have clearly different log-probs.
"""

from pathlib import Path
from typing import Any, Literal

from tokenizers import Tokenizer, decoders, models, pre_tokenizers

Family = Literal["llama", "gpt2", "qwen2", "qwen3", "gemma", "gemma2"]

END_OF_TURN = "<|im_end|>"
START_OF_TURN = "<|im_start|>"
START_OF_TEXT = "<|begin|>"
VOCAB_SIZE = 264
"""256 bytes, three special tokens, and room for those that a loader adds."""

CHATML_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def byte_tokenizer(chat_template: str | None = CHATML_TEMPLATE, *, adds_bos: bool = False) -> Any:
    """A token for every byte, then the special ones; `adds_bos` puts `<|begin|>` before plain texts."""
    from tokenizers.processors import TemplateProcessing
    from transformers import PreTrainedTokenizerFast

    special = [START_OF_TEXT, START_OF_TURN, END_OF_TURN]
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: number for number, token in enumerate([*special, *alphabet])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    if adds_bos:
        tokenizer.post_processor = TemplateProcessing(
            single=f"{START_OF_TEXT} $A", special_tokens=[(START_OF_TEXT, vocabulary[START_OF_TEXT])]
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=START_OF_TEXT,
        eos_token=END_OF_TURN,
        pad_token=END_OF_TURN,
        additional_special_tokens=[START_OF_TURN],
        chat_template=chat_template,
    )


def tiny_model(family: Family = "llama", *, seed: int = 0, vocab_size: int = VOCAB_SIZE) -> Any:
    """An untrained causal language model of about 30,000 parameters, in float32 and eval mode."""
    import torch

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = _MAKERS[family](vocab_size)
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.ndim >= 2:
                    parameter.mul_(5.0)
    return model.eval()


def save_tiny_model(
    folder: Path,
    *,
    family: Family = "llama",
    seed: int = 0,
    chat_template: str | None = CHATML_TEMPLATE,
    adds_bos: bool = False,
) -> Path:
    """Save model and tokenizer as safetensors and JSON; gives `folder` back."""
    tokenizer = byte_tokenizer(chat_template, adds_bos=adds_bos)
    tiny_model(family, seed=seed).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _llama(vocab_size: int) -> Any:
    from transformers import LlamaConfig, LlamaForCausalLM

    return LlamaForCausalLM(LlamaConfig(**_sizes(vocab_size), tie_word_embeddings=True))


def _qwen2(vocab_size: int) -> Any:
    from transformers import Qwen2Config, Qwen2ForCausalLM

    return Qwen2ForCausalLM(Qwen2Config(**_sizes(vocab_size), tie_word_embeddings=False))


def _qwen3(vocab_size: int) -> Any:
    from transformers import Qwen3Config, Qwen3ForCausalLM

    return Qwen3ForCausalLM(Qwen3Config(**_sizes(vocab_size), head_dim=8))


def _gemma(vocab_size: int) -> Any:
    from transformers import GemmaConfig, GemmaForCausalLM

    return GemmaForCausalLM(GemmaConfig(**_sizes(vocab_size), head_dim=8))


def _gemma2(vocab_size: int) -> Any:
    from transformers import Gemma2Config, Gemma2ForCausalLM

    config = Gemma2Config(**_sizes(vocab_size), head_dim=8, final_logit_softcapping=2.0)
    return Gemma2ForCausalLM(config)


def _gpt2(vocab_size: int) -> Any:
    from transformers import GPT2Config, GPT2LMHeadModel

    return GPT2LMHeadModel(
        GPT2Config(
            vocab_size=vocab_size, n_positions=2048, n_embd=32, n_layer=2, n_head=4, **_special_tokens()
        )
    )


def _sizes(vocab_size: int) -> dict[str, Any]:
    return {
        "vocab_size": vocab_size,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 2048,
        **_special_tokens(),
    }


def _special_tokens() -> dict[str, int]:
    return {"bos_token_id": 0, "eos_token_id": 2, "pad_token_id": 2}


_MAKERS = {
    "llama": _llama,
    "qwen2": _qwen2,
    "qwen3": _qwen3,
    "gemma": _gemma,
    "gemma2": _gemma2,
    "gpt2": _gpt2,
}
