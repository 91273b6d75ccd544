"""From a run folder to everything that a training needs before its first step."""

import dataclasses
import platform
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from dpo_engine import __version__, run_folder
from dpo_engine.config import TrainConfig
from dpo_engine.conversations import Message
from dpo_engine.errors import BadInput, EngineError
from dpo_engine.models.loading import LoadedModel
from dpo_engine.pairs.tokenization import TokenizedPair, tokenize_pairs
from dpo_engine.recommendations import resolved
from dpo_engine.run_folder import RunSpec
from dpo_engine.training import checkpoint
from dpo_engine.training.checkpoint import Checkpoint
from dpo_engine.training.plan import Plan, plan_of
from dpo_engine.training.samples import prompts_to_sample

Loader = Callable[[str, TrainConfig], LoadedModel]


@dataclass(frozen=True, kw_only=True)
class Setup:
    run: Path
    spec: RunSpec
    loaded: LoadedModel
    pairs: tuple[TokenizedPair, ...]
    """Training pairs first, then the held-out ones; a pair's place here is its number everywhere."""
    train_pairs: int
    refused: tuple[str, ...]
    notes: tuple[str, ...]
    plan: Plan
    max_length: int
    """Tokens of a pair's longer sequence at most: the config's, or what the model takes."""
    sample_prompts: tuple[tuple[Message, ...], ...] = ()
    """The prompts that the policy answers at every check."""

    @property
    def config(self) -> TrainConfig:
        return self.spec.config

    @property
    def learning_rate(self) -> float:
        """At its highest, after the warm-up."""
        rate = resolved(self.config, self.train_pairs).learning_rate
        if rate is None:
            raise EngineError("The learning rate was not settled.")
        return rate

    @property
    def held_out(self) -> tuple[int, ...]:
        return tuple(range(self.train_pairs, len(self.pairs)))


def starting_point(run: Path, *, resume: bool) -> tuple[Checkpoint | None, list[str]]:
    """The checkpoint to go on from and warnings. Raises `BadInput` where starting would undo something."""
    state = run_folder.read_state(run)
    if state.status == "finished":
        raise BadInput(f"The run {run.name} is finished. Start a new run to train on.")
    if resume:
        return checkpoint.latest(run)
    if run_folder.checkpoints(run):
        raise BadInput(f"The run {run.name} was begun already. Resume it, or start a new run.")
    return None, []


def set_up(run: Path, spec: RunSpec, loaded: LoadedModel) -> Setup:
    """Tokenize the pairs and add to the spec what the run really runs on. Writes nothing.

    Raises `BadInput` when no training pair can be used.
    """
    if spec.config.learning_rate is None:
        spec = dataclasses.replace(spec, config=resolved(spec.config, spec.train_pairs))
    spec = dataclasses.replace(
        spec,
        fingerprint=loaded.fingerprint,
        device=loaded.device.type,
        dtype=str(loaded.dtype).removeprefix("torch."),
        versions=versions(),
    )
    max_length, notes = _fitting_length(loaded, spec.config.max_length)
    pairs = run_folder.read_pairs(run)
    tokenized, refused = tokenize_pairs(loaded.tokenizer, pairs, max_length)
    train_pairs = sum(pair.split == "train" for pair in tokenized)
    if not train_pairs:
        raise BadInput(f"No training pair can be used. {refused[0] if refused else ''}".strip())
    if train_pairs == len(tokenized):
        _check_needs_no_held_out(spec.config)
    cut = sum(pair.truncated for pair in tokenized)
    if cut:
        notes.append(f"{cut} of {len(tokenized)} pairs are longer than {max_length} tokens and were cut.")
    return Setup(
        run=run,
        spec=spec,
        loaded=loaded,
        pairs=tuple(tokenized),
        train_pairs=train_pairs,
        refused=tuple(refused),
        notes=(*loaded.notes, *notes),
        plan=plan_of(spec.config, train_pairs, spec.processes),
        max_length=max_length,
        sample_prompts=prompts_to_sample(pairs, spec.config.eval_samples),
    )


def _check_needs_no_held_out(config: TrainConfig) -> None:
    usual = TrainConfig()
    for name in ("early_stopping_patience", "load_best_model_at_end"):
        value = getattr(config, name)
        if value != getattr(usual, name):
            raise BadInput(
                f"{name} is {value}, but no held-out pair can be measured in this run, so there is nothing "
                f"to judge by. Hold out some pairs, or leave {name} at {getattr(usual, name)}."
            )


def versions() -> dict[str, str]:
    """Of what the numbers depend on."""
    packages = ("torch", "transformers", "peft", "tokenizers", "safetensors")
    return {
        "dpo-studio": __version__,
        "python": platform.python_version(),
        **{name: metadata.version(name) for name in packages},
    }


def _fitting_length(loaded: LoadedModel, wanted: int) -> tuple[int, list[str]]:
    longest = context_length(loaded)
    if longest is None or wanted <= longest:
        return wanted, []
    return longest, [f"The model takes at most {longest} tokens, so max_length {wanted} is lowered to that."]


def context_length(loaded: LoadedModel) -> int | None:
    """The most tokens the model was built for; None where its config does not say."""
    model: Any = loaded.model
    stated = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    return stated if isinstance(stated, int) and stated > 0 else None
