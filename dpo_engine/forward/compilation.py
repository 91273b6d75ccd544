"""Compiling a model's layers into kernels of their own, where that pays.

Every layer of a model is the same program, so one is compiled and all run it; row lengths stay open. What
stands outside of the layers, and attention inside them (`span_attention`), is left as it is.

On a CPU it is worth a quarter of a step, after half a minute of compiling and with a C++ compiler installed,
and which way a kernel adds up may depend on the first row that it saw: a resumed run could differ in its last
bits. So there it has to be asked for. On CUDA it is on where a run is long enough.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from dpo_engine.config import Switch
from dpo_engine.errors import BadInput

LONG_RUN = 3_000_000
"""Tokens through the model above which compiling is repaid on CUDA: about two minutes of a small model."""


class CompiledLayers:
    """The layers of a causal model, compiled for use inside `active` and as they were outside of it.

    Outside, the same model writes text, whose growing cache would have to be compiled for again and again.
    """

    def __init__(self, causal: Any) -> None:
        """Nothing is compiled before the first use. Raises `BadInput` where this machine cannot."""
        _check_compiler(next(causal.parameters()).device)
        self._layers = layers_of(causal)
        self._compiled = [torch.compile(layer._call_impl, dynamic=True) for layer in self._layers]

    @contextmanager
    def active(self) -> Iterator[None]:
        for layer, compiled in zip(self._layers, self._compiled, strict=True):
            layer._compiled_call_impl = compiled
        try:
            yield
        finally:
            for layer in self._layers:
                layer._compiled_call_impl = None


def layers_of(causal: Any) -> Sequence[Any]:
    """The decoder layers: the longest list of modules that the backbone itself holds."""
    lists = [child for child in causal.base_model.children() if isinstance(child, nn.ModuleList)]
    return list(max(lists, key=len, default=()))


def pays(wanted: Switch, device: torch.device, tokens: int, *, checkpointed: bool) -> bool:
    """Whether a run that sends so many tokens through the model is to be compiled.

    Raises `BadInput` where it is asked for beside activation checkpointing, which calls layers again inside
    the backward pass.
    """
    if wanted == "on" and checkpointed:
        raise BadInput(
            "torch_compile is on together with activation checkpointing, which does not go together. "
            "Set gradient_checkpointing to off, or torch_compile to auto."
        )
    if wanted == "auto":
        return device.type == "cuda" and tokens >= LONG_RUN and not checkpointed
    return wanted == "on"


def _check_compiler(device: torch.device) -> None:
    if device.type != "cpu":
        return
    from torch._inductor.cpp_builder import get_cpp_compiler
    from torch._inductor.exc import InvalidCxxCompiler

    try:
        get_cpp_compiler()
    except (InvalidCxxCompiler, RuntimeError) as error:
        raise BadInput(
            "torch_compile is on, but this machine has no C++ compiler that PyTorch can use. Install one "
            "(on Debian and Ubuntu: sudo apt-get install g++), or set torch_compile to off."
        ) from error
