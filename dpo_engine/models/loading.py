"""Loading a policy or a reference: from a model reference to a model on a device with its tokenizer."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from safetensors import SafetensorError, safe_open
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from dpo_engine.compute.device import machine_memory, memory_of, pick_device, pick_dtype
from dpo_engine.config import Device, DType, TrainConfig
from dpo_engine.errors import EngineError, ModelUnusable, OutOfMemory
from dpo_engine.forward.fast_norm import speed_up_norms
from dpo_engine.models import adapters, quantization
from dpo_engine.models.fingerprints import fingerprint
from dpo_engine.models.model_files import ModelFiles, resolve, stable_reference, weight_files
from dpo_engine.pairs.tokenization import ensure_chat_template
from dpo_engine.training import optimizers

_LARGEST = {"num_hidden_layers": 1024, "hidden_size": 2**17, "intermediate_size": 2**20, "vocab_size": 2**22}
_MOST_STORED_TWICE = 2.0
"""A config may describe more numbers than are stored only where weights are shared."""
_CPU = torch.device("cpu")
_UNUSED_TOKENS = 64
"""Some published tokenizers know a few tokens that their model has no place for and never sees."""


@dataclass(frozen=True, kw_only=True)
class LoadedModel:
    """A model ready for use; `dtype` is what it computes in."""

    model: PreTrainedModel | PeftModel
    tokenizer: PreTrainedTokenizerBase
    reference: str
    fingerprint: str
    parameters: int
    """Of the model itself, without a LoRA adapter's."""
    device: torch.device
    dtype: torch.dtype
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ModelOutline:
    """What there is to know of a model without its weights."""

    config: Any
    """transformers'."""
    tokenizer: PreTrainedTokenizerBase
    device: torch.device
    dtype: torch.dtype
    notes: tuple[str, ...] = ()


def outline(reference: str, config: TrainConfig) -> ModelOutline:
    """Of the model that `config` would train; errors as for `load`."""
    device = pick_device(config.device)
    files = resolve(reference)
    model_config, _ = _model_config(files.base)
    tokenizer = _tokenizer(files.tokenizer)
    note = ensure_chat_template(tokenizer)
    return ModelOutline(
        config=model_config,
        tokenizer=tokenizer,
        device=device,
        dtype=pick_dtype(config.dtype, device, "training"),
        notes=(note,) if note else (),
    )


def load(reference: str, *, device: Device = "auto", dtype: DType = "auto") -> LoadedModel:
    """For writing text and for scoring: in eval mode, the topmost adapter separate and exact.

    Raises `NotFetched`, `FetchFailed`, `ModelUnusable`, `BadInput` (no such device) or `OutOfMemory`.
    """
    target = pick_device(device)
    return load_files(resolve(reference), target, pick_dtype(dtype, target))


def load_files(files: ModelFiles, device: torch.device, dtype: torch.dtype) -> LoadedModel:
    """As `load`, for files that were found already."""
    base = _base(files, files.adapters[:-1], dtype, device)
    parameters = _count(base)
    model: Any = adapters.attach(base, files.adapters[-1]) if files.adapters else base
    return _finished(files, model.requires_grad_(False), parameters, device, dtype)


def load_for_training(reference: str, config: TrainConfig) -> LoadedModel:
    """For training; the random generator in force decides where a fresh adapter begins.

    lora: the model's weights frozen in the type of the forward pass, a fresh adapter in float32.
    qlora: likewise, with the frozen linear layers in 4 bits.
    full: every weight trainable in float32. Adapters that the model comes with are added to its weights in
    float32 first. Errors as for `load`; `BadInput` also for what only CUDA or an optional package can do.
    """
    device = pick_device(config.device)
    optimizers.check_available(config, device)
    if config.method == "qlora":
        quantization.check_available(device)
    dtype = pick_dtype(config.dtype, device, "training")
    files = resolve(reference)
    if config.method == "full":
        model: Any = _base(files, files.adapters, torch.float32, device).requires_grad_(True)
        return _finished(files, model, _count(model), device, dtype)
    whole_on = _CPU if config.method == "qlora" else device
    base = _base(files, files.adapters, dtype, whole_on).requires_grad_(False)
    parameters = _count(base)
    if config.method == "qlora":
        _quantize(files, base, parameters, device, dtype)
    model = adapters.begin(base, config, stable_reference(reference))
    return _finished(files, model, parameters, device, dtype)


def _quantize(
    files: ModelFiles, base: Any, parameters: int, device: torch.device, dtype: torch.dtype
) -> None:
    try:
        quantization.quantize(base, device, dtype)
    except torch.OutOfMemoryError as error:
        raise _too_large(files.reference, parameters) from error


def _finished(
    files: ModelFiles, model: Any, parameters: int, device: torch.device, dtype: torch.dtype
) -> LoadedModel:
    tokenizer = _tokenizer(files.tokenizer)
    _check_tokens(files, model, tokenizer)
    speed_up_norms(model)
    notes = [ensure_chat_template(tokenizer), quantization.NOTE if _in_four_bits(model) else None]
    try:
        on_device = model.to(device).eval()
    except torch.OutOfMemoryError as error:
        raise _too_large(files.reference, parameters) from error
    return LoadedModel(
        model=on_device,
        tokenizer=tokenizer,
        reference=files.reference,
        fingerprint=fingerprint(files),
        parameters=parameters,
        device=device,
        dtype=dtype,
        notes=tuple(note for note in notes if note),
    )


def _base(files: ModelFiles, merge: tuple[Path, ...], dtype: torch.dtype, device: torch.device) -> Any:
    """The whole model on the CPU with `merge` melted into its weights, which happens in float32."""
    model = _whole_model(files, torch.float32 if merge else dtype, device)
    for adapter in merge:
        model = adapters.melt(model, adapter)
    return model.to(dtype)


def _whole_model(files: ModelFiles, dtype: torch.dtype, device: torch.device) -> Any:
    folder = files.base
    config, declared = _model_config(folder)
    _check_memory(files.reference, declared, dtype, device)
    with _blaming(folder):
        model, report = AutoModelForCausalLM.from_pretrained(
            folder,
            config=config,
            dtype=dtype,
            trust_remote_code=False,
            use_safetensors=True,
            local_files_only=True,
            output_loading_info=True,
        )
    if report["missing_keys"]:
        raise ModelUnusable(
            f"The model {folder} is incomplete or no causal language model: {len(report['missing_keys'])} of "
            f"its weights are not in its files ({sorted(report['missing_keys'])[0]})."
        )
    return model


@contextmanager
def _blaming(folder: Path) -> Iterator[None]:
    """The files of a model are foreign: whatever they bring about inside the block is their fault."""
    try:
        yield
    except (EngineError, MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:
        raise ModelUnusable(
            f"{folder} cannot be loaded as a causal language model ({_first_line(error)})."
        ) from error


def _model_config(folder: Path) -> tuple[Any, int]:
    """transformers' config of a model, and how many numbers it describes.

    Raises `ModelUnusable` for sizes that cannot be, or that are far from what the model's files hold.
    """
    with _blaming(folder):
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
        text = config.get_text_config()
        for name, largest in _LARGEST.items():
            value = getattr(text, name, None)
            if value is not None and (not isinstance(value, int) or not 0 < value <= largest):
                raise ModelUnusable(f"The config of {folder} says {name} is {value!r}, which cannot be.")
        stored = sum(_numbers_in(path) for path in weight_files(folder))
        with torch.device("meta"):
            declared = _count(AutoModelForCausalLM.from_config(config, trust_remote_code=False))
    if declared > _MOST_STORED_TWICE * stored:
        raise ModelUnusable(
            f"The config of {folder} describes {declared:,} parameters, but its files hold only {stored:,}. "
            "The model is damaged or incomplete."
        )
    return config, declared


def _numbers_in(path: Path) -> int:
    """Elements of all tensors, from the header alone. Raises `ModelUnusable` for a torn file."""
    try:
        with safe_open(path, framework="pt") as file:
            shapes = [file.get_slice(name).get_shape() for name in file.keys()]  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise ModelUnusable(
            f"The weights file {path} is damaged or incomplete ({_first_line(error)}). Copy it again."
        ) from error
    return sum(torch.Size(shape).numel() for shape in shapes)


def _check_memory(reference: str, parameters: int, dtype: torch.dtype, device: torch.device) -> None:
    """Refuse before the machine begins to swap, or the system ends the process."""
    needed = parameters * dtype.itemsize
    room = min(machine_memory(), memory_of(device).total)
    if needed > room:
        raise _too_large(reference, parameters)


def _tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    try:
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
            folder, trust_remote_code=False, local_files_only=True
        )
    except Exception as error:  # foreign files, as above
        raise ModelUnusable(f"The tokenizer in {folder} cannot be loaded ({_first_line(error)}).") from error
    return tokenizer


def _check_tokens(files: ModelFiles, model: Any, tokenizer: PreTrainedTokenizerBase) -> None:
    rows = model.get_input_embeddings().weight.shape[0]
    if len(tokenizer) > rows + _UNUSED_TOKENS:
        raise ModelUnusable(
            f"The tokenizer in {files.tokenizer} knows {len(tokenizer)} tokens, but the model only {rows}. "
            "They do not belong together."
        )


def _too_large(reference: str, parameters: int) -> OutOfMemory:
    return OutOfMemory(
        f"The model {reference} has {parameters:,} parameters, more than fit into this device's memory. "
        "Use a smaller model, or bfloat16."
    )


def _in_four_bits(model: Any) -> bool:
    return bool(getattr(model, "is_loaded_in_4bit", False))


def _count(model: Any) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:300]
