"""From a GGUF file to a clean model folder that can be trained: safetensors in bfloat16, and a tokenizer."""

from pathlib import Path
from typing import Any

import torch

from dpo_engine.errors import FetchFailed

_MARKS_OF_QUANTIZATION = ("quantization_config", "gguf_file", "dtype", "torch_dtype")


def convert(gguf: Path, into: Path, name: str) -> None:
    """Fill the folder `into`. Raises `FetchFailed` where the file is no GGUF of a known family.

    A model that transformers reads from a GGUF file keeps a mark of quantization and refuses to be saved,
    so a new model is built from its config and takes over its weights.
    """
    from transformers import AutoModelForCausalLM, AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name, local_files_only=True)
        quantized: Any = AutoModelForCausalLM.from_pretrained(
            gguf.parent, gguf_file=gguf.name, dtype=torch.float32, local_files_only=True
        )
    except (OSError, MemoryError):
        raise
    except Exception as error:  # a foreign file: whatever it brings about is its fault
        raise FetchFailed(
            f"The file {gguf.name} could not be converted ({error}). Please report this."
        ) from error
    config: Any = quantized.config
    plain = {key: value for key, value in config.to_dict().items() if key not in _MARKS_OF_QUANTIZATION}
    with torch.device("meta"):  # without first filling the new model with random numbers
        model: Any = type(quantized)(type(config)(**plain))
    weights = {key: tensor.to(torch.bfloat16) for key, tensor in quantized.state_dict().items()}
    del quantized
    model.load_state_dict(weights, assign=True)
    model.tie_weights()
    model.config.dtype = torch.bfloat16
    model.config._name_or_path = name
    model.save_pretrained(into)
    tokenizer.save_pretrained(into)
