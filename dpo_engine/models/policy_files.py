"""Saving what training has made: adapter or full weights as safetensors, tokenizer and model card."""

import dataclasses
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch import Tensor

from dpo_engine import __version__
from dpo_engine.config import TrainConfig, options_of
from dpo_engine.files import staged_folder
from dpo_engine.loss_mix import PAPERS, needs_reference, weighted_losses
from dpo_engine.models.loading import LoadedModel
from dpo_engine.options import acts
from dpo_engine.run_folder import RunSpec, policy_folder


def save_final(
    run: Path, loaded: LoadedModel, spec: RunSpec, step: int, state: Mapping[str, Tensor] | None = None
) -> Path:
    """The run's result, whole or not there. Raises `OSError`; an earlier result then stays as it was."""
    final = policy_folder(run)
    with staged_folder(final) as folder:
        write_policy(folder, loaded, spec, step, state)
    return final


def copy_final(run: Path, policy: Path) -> Path:
    """As `save_final`, from the policy folder of a checkpoint."""
    final = policy_folder(run)
    with staged_folder(final) as folder:
        shutil.copytree(policy, folder, dirs_exist_ok=True)
    return final


def write_policy(
    folder: Path, loaded: LoadedModel, spec: RunSpec, step: int, state: Mapping[str, Tensor] | None = None
) -> None:
    """Fill `folder`; `state`: the trained weights, where the model itself has only a part of each.

    Full weights are saved in the float32 they are trained in: bfloat16 would round away
    steps as small as 1e-6. Raises `OSError` where the disk does not take it."""
    model: Any = loaded.model
    with errors_as_os_errors(), _no_progress_bars():
        if spec.config.method == "lora":
            model.save_pretrained(
                folder, safe_serialization=True, save_embedding_layers=False, state_dict=state
            )
        else:
            model.save_pretrained(folder, state_dict=state)
        loaded.tokenizer.save_pretrained(folder)
    (folder / "README.md").write_text(model_card(spec, step), encoding="utf-8")


def model_card(spec: RunSpec, step: int) -> str:
    """The card as the Hugging Face hub expects it, with what is needed to know how the policy was made."""
    config = spec.config
    library = "peft" if config.method == "lora" else "transformers"
    versions = "".join(f"- {name} {version}\n" for name, version in sorted(spec.versions.items()))
    return f"""---
base_model: {_quoted(spec.policy)}
library_name: {library}
pipeline_tag: text-generation
tags:
- dpo
- preference-learning
---

# {spec.name}

Trained with DPO Studio {__version__} by preference optimization from `{spec.policy}`,
{"which is also its reference" if needs_reference(config) else "with a loss that has no reference"}.

| | |
|---|---|
| method | {config.method} |
| loss | {_losses(config)} |
| β | {config.beta:g} |
| learning rate | {config.learning_rate:g}, {config.lr_scheduler_type}, warm-up {config.warmup_ratio:g} |
| optimizer steps | {step} |
| pairs | {spec.train_pairs} for training, {spec.held_out_pairs} held out |
| hash of the pairs | `{spec.pairs_hash}` |
| fingerprint of the base | `{spec.fingerprint}` |
| seed | {config.seed} |
| device, precision | {spec.device}, {spec.dtype} |

{versions}"""


@contextmanager
def errors_as_os_errors() -> Iterator[None]:
    """safetensors reports a full disk as an error of its own kind, with the system's number in its text."""
    from safetensors import SafetensorError

    try:
        yield
    except SafetensorError as error:
        number = re.search(r"\(os error (\d+)\)", str(error))
        if number is None:
            raise
        raise OSError(int(number.group(1)), str(error)) from error


@contextmanager
def _no_progress_bars() -> Iterator[None]:
    """The library draws on stderr unless told not to, and only knows a switch for the whole process."""
    from transformers.utils import logging

    before = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if before:
            logging.enable_progress_bar()


def _losses(config: TrainConfig) -> str:
    """Each loss with its weight and a link to its paper, then those of its settings that act."""
    losses = " + ".join(
        f"{'' if weight == 1 else f'{weight:g} · '}[{name}](https://arxiv.org/abs/{PAPERS[name]})"
        for name, weight in weighted_losses(config).items()
    )
    options, values = options_of(config), dataclasses.asdict(config)
    own = [name for name in ("label_smoothing", "discopop_tau", "simpo_gamma") if acts(options[name], values)]
    return ", ".join([losses, *(f"{options[name].label} {values[name]:g}" for name in own)])


def _quoted(text: str) -> str:
    """As a YAML string, whatever characters a folder's name has."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
