"""LoRA adapters, DoRA and rsLoRA among them: put a saved one on a model, melt one into it, or begin one."""

import warnings
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model, set_peft_model_state_dict
from safetensors.torch import load_file

from dpo_engine.config import TrainConfig
from dpo_engine.errors import BadInput, ModelUnusable
from dpo_engine.forward.exact_lora import begin_dora, make_sums_exact
from dpo_engine.models.model_files import read_json

_MAX_RANK = 8192
_OTHER_KINDS = (
    "alora_invocation_tokens",
    "arrow_config",
    "kasa_config",
    "layer_replication",
    "megatron_config",
    "monteclora_config",
    "use_bdlora",
    "use_qalora",
    "velora_config",
)
"""Settings of peft that make something else of LoRA's layers, or of the model."""
_HARMLESS_STARTS = (True, False, "gaussian", "orthogonal")
"""Ways to begin an adapter that leave the model's own weights as they are."""


def attach(model: Any, folder: Path) -> PeftModel:
    """Put the adapter saved in `folder` on `model`, in float32 and not trainable.

    Raises `ModelUnusable` where it is no LoRA adapter, or one for another model.
    """
    config = _checked_config(folder)
    try:
        with torch.random.fork_rng():  # its first, random weights are overwritten at once
            adapted = _wrap(model, config)
        weights = load_file(folder / "adapter_model.safetensors")
        result = set_peft_model_state_dict(adapted, weights)
    except Exception as error:  # the files are foreign: whatever they bring about is their fault
        if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
            raise
        raise ModelUnusable(
            f"The adapter {folder} does not fit its model or is damaged ({_first_line(error)})."
        ) from error
    absent = [key for key in result.missing_keys if "lora_" in key or "modules_to_save" in key]
    if absent or result.unexpected_keys:
        raise ModelUnusable(
            f"The adapter {folder} does not fit its model: {len(absent)} of its weights are missing and "
            f"{len(result.unexpected_keys)} have no place there."
        )
    adapted.requires_grad_(False)
    return adapted.eval()


def melt(model: Any, folder: Path) -> Any:
    """`model` with the adapter in `folder` added to its weights, which should be in float32."""
    merged: Any = attach(model, folder).merge_and_unload()
    if hasattr(merged, "peft_config"):
        del merged.peft_config  # else the next adapter is taken for a second one on the same model
    return merged


def begin(model: Any, config: TrainConfig, base: str) -> PeftModel:
    """A fresh adapter in float32 on `model`, whose own weights are frozen; its output is zero at first.

    `base` is written into the adapter as the model that it belongs to. Raises `BadInput` where no layer of
    the model has one of the wanted names.
    """
    wanted = config.lora_target_modules.strip()
    targets: Any = wanted
    if wanted != "all-linear":
        targets = [name.strip() for name in wanted.split(",") if name.strip()]
    lora = LoraConfig(
        task_type="CAUSAL_LM",
        r=config.lora_r,
        lora_alpha=config.lora_alpha,
        lora_dropout=config.lora_dropout,
        target_modules=targets,
        use_rslora=config.use_rslora,
        use_dora=config.use_dora,
        fan_in_fan_out=_has_transposed_layers(model),
    )
    try:
        adapted = _wrap(model, lora)
    except ValueError as error:
        raise BadInput(
            f"lora_target_modules is {wanted!r}, which fits no layer of this model. "
            "Use all-linear, or names of its layers such as q_proj,v_proj."
        ) from error
    if config.use_dora:
        begin_dora(adapted)
    adapted.peft_config["default"].base_model_name_or_path = base  # not before: peft warns of two names
    return adapted


def _wrap(model: Any, config: LoraConfig) -> PeftModel:
    with warnings.catch_warnings():
        # peft asks transformers by a name that transformers is about to drop; nothing to do with us.
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
        adapted: PeftModel = get_peft_model(model, config)
    make_sums_exact(adapted)
    return adapted


def _checked_config(folder: Path) -> LoraConfig:
    raw = read_json(folder / "adapter_config.json")
    if raw.get("peft_type") != "LORA":
        raise ModelUnusable(
            f"The adapter {folder} is of the kind {raw.get('peft_type')}; only LoRA is known."
        )
    for name in _OTHER_KINDS:
        if raw.get(name):
            raise ModelUnusable(f"The adapter {folder} is of a kind that is not known here ({name}).")
    if raw.get("init_lora_weights", True) not in _HARMLESS_STARTS:
        raise ModelUnusable(
            f"The adapter {folder} was begun with {raw['init_lora_weights']!r}, which needs changed model "
            "weights. Convert it to a plain LoRA adapter first."
        )
    by_layer = raw.get("rank_pattern") or {}
    ranks = [raw.get("r"), *(by_layer.values() if isinstance(by_layer, dict) else [by_layer])]
    for rank in ranks:
        if not isinstance(rank, int) or not 0 < rank <= _MAX_RANK:
            raise ModelUnusable(f"The adapter {folder} has the rank {rank!r}, which cannot be.")
    try:
        config: LoraConfig = LoraConfig.from_pretrained(folder)
    except Exception as error:  # foreign file, as above
        raise ModelUnusable(f"The adapter {folder} is damaged ({_first_line(error)}).") from error
    config.init_lora_weights = True
    config.inference_mode = True
    config.base_model_name_or_path = None  # peft writes the base that it finds into it
    return config


def _has_transposed_layers(model: Any) -> bool:
    """GPT-2 and its kin keep their matrices the other way round."""
    from transformers.pytorch_utils import Conv1D

    return any(isinstance(module, Conv1D) for module in model.modules())


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:300]
