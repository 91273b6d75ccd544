"""QLoRA's frozen base: the linear layers of a model in 4 bits (Dettmers et al., arXiv 2305.14314).

A weight is one of the 16 values of NF4 times the scale of its block of 64, and the scales are themselves kept
in 8 bits with one float32 for 256 of them ("double quantization"): 4.127 bits a weight. Products are computed
in the type of the forward pass. Embeddings, norms and the output layer stay as they are.
"""

import importlib
import importlib.util
from typing import Any

import torch
from torch import nn

from dpo_engine.errors import BadInput, ModelUnusable

BYTES_A_WEIGHT = (4 + 8 / 64 + 32 / (64 * 256)) / 8
"""Of a quantized layer: 4 bits, 8 bits a block of 64, 32 bits for 256 blocks."""

NOTE = (
    "The model is kept in 4 bits while its adapter is trained (QLoRA). The saved adapter goes on the "
    "original weights, under which log-probs differ a little from the ones seen in training."
)

_NEEDS = (
    "method is qlora, which needs {missing}. Use method lora, or install it on a machine with an NVIDIA GPU: "
    'pip install "dpo-studio[qlora]".'
)


def check_available(device: torch.device) -> None:
    """Raise `BadInput` where QLoRA cannot be had on `device`; call it before a model is loaded."""
    if device.type != "cuda":
        raise BadInput(_NEEDS.format(missing="a CUDA device"))
    if importlib.util.find_spec("bitsandbytes") is None:
        raise BadInput(_NEEDS.format(missing="the package bitsandbytes"))


def quantize(model: Any, device: torch.device, dtype: torch.dtype) -> None:
    """Replace the linear layers of `model`, which is on the CPU, by 4-bit ones on `device`, in place.

    One layer after another, so that the device never holds more than the result and one layer. The output
    layer stays whole: its rounding would go straight into every log-prob. Raises `ModelUnusable` for a model
    without linear layers (GPT-2 has a kind of its own).
    """
    bitsandbytes = importlib.import_module("bitsandbytes")
    head = model.get_output_embeddings()
    found = [
        (parent, name, layer)
        for parent in model.modules()
        for name, layer in parent.named_children()
        if type(layer) is nn.Linear and layer is not head
    ]
    if not found:
        raise ModelUnusable("This model has no linear layers that could be kept in 4 bits. Use method lora.")
    for parent, name, layer in found:
        setattr(parent, name, _in_four_bits(bitsandbytes, layer, device, dtype))
    model.is_loaded_in_4bit = True  # peft looks here for which kind of adapter fits the layers


def _in_four_bits(bitsandbytes: Any, layer: nn.Linear, device: torch.device, dtype: torch.dtype) -> nn.Module:
    with torch.device("meta"):  # its own first weights are thrown away
        quantized: nn.Module = bitsandbytes.nn.Linear4bit(
            layer.in_features,
            layer.out_features,
            bias=layer.bias is not None,
            compute_dtype=dtype,
            compress_statistics=True,
            quant_type="nf4",
        )
    quantized.weight = bitsandbytes.nn.Params4bit(
        layer.weight.data,
        requires_grad=False,
        compress_statistics=True,
        quant_type="nf4",
        module=quantized,
    )
    if layer.bias is not None:
        quantized.bias = nn.Parameter(layer.bias.data, requires_grad=False)
    return quantized.to(device)  # where bitsandbytes quantizes
