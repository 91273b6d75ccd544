"""Counts the weights that a model multiplies its tokens by, from its config alone."""

from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import AutoConfig, AutoModelForCausalLM
from transformers.pytorch_utils import Conv1D


def matrix_sizes(folder: Path, rank: int) -> dict[str, int]:
    """The fields of `flops.Weights`; `rank` is of an adapter on every linear layer but the head, or 0."""
    config: Any = AutoConfig.from_pretrained(folder, local_files_only=True)
    with torch.device("meta"):
        model: Any = AutoModelForCausalLM.from_config(config)
    head = model.get_output_embeddings()
    layers = [
        module.weight
        for module in model.modules()
        if isinstance(module, (nn.Linear, Conv1D)) and module is not head
    ]
    text = config.get_text_config()
    head_width = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    return {
        "layers": sum(weight.numel() for weight in layers),
        "head": head.weight.numel(),
        "adapter": rank * sum(sum(weight.shape) for weight in layers),
        "attention": text.num_hidden_layers * text.num_attention_heads * head_width,
    }
