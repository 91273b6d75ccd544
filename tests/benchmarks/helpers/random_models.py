"""Models with random weights in given shapes, saved as any loader reads them, and a tokenizer of words.

Speed and memory depend on shapes alone, so a random model measures as well as a trained one.
"""

from pathlib import Path
from typing import Any

import torch

from tests.benchmarks.helpers.shapes import SHAPES
from tests.helpers.tiny_model import CHATML_TEMPLATE

WORDS = 8_000
"""`word_tokenizer` knows w0 to w7999."""


def save_random_model(folder: Path, shape: str, tokenizer: Any, **changes: Any) -> Path:
    """Save the model of `SHAPES[shape]` with `changes` in bfloat16, and `tokenizer` with it."""
    from transformers import LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM

    sizes = SHAPES[shape] | changes
    config_class, model_class = {
        "llama": (LlamaConfig, LlamaForCausalLM),
        "qwen2": (Qwen2Config, Qwen2ForCausalLM),
    }[sizes.pop("family")]
    ids = {"bos_token_id": 0, "eos_token_id": 2, "pad_token_id": 2}
    config = config_class(**sizes, **ids, max_position_embeddings=8192, tie_word_embeddings=True)
    torch.manual_seed(0)
    with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
        model = model_class(config).to(torch.bfloat16)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def word_tokenizer() -> Any:
    """One token a word, so that a text has exactly as many tokens as words; for vocabularies from 8,192."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    special = {"unk_token": "<unk>", "eos_token": "<|im_end|>", "pad_token": "<|im_end|>"}
    words = (f"w{number}" for number in range(WORDS))
    names = ["<unk>", "<|im_start|>", "<|im_end|>", "system", "user", "assistant", *words]
    tokenizer = Tokenizer(models.WordLevel({name: number for number, name in enumerate(names)}, "<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        additional_special_tokens=["<|im_start|>"],
        chat_template=CHATML_TEMPLATE,
        **special,
    )
