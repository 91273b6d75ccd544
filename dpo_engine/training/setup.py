"""From a run folder to everything that a training needs before its first step."""

import dataclasses
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from statistics import mean
from typing import Any

from dpo_engine import __version__, run_folder
from dpo_engine.config import TrainConfig
from dpo_engine.conversations import Message, Pair
from dpo_engine.errors import BadInput, EngineError
from dpo_engine.models.loading import LoadedModel
from dpo_engine.pairs.as_needed import PairsAsNeeded
from dpo_engine.pairs.batches import packed_length
from dpo_engine.pairs.survey import Survey, survey
from dpo_engine.pairs.tokenization import TokenizedPair
from dpo_engine.recommendations import resolved
from dpo_engine.run_folder import RunSpec
from dpo_engine.training import checkpoint
from dpo_engine.training.checkpoint import Checkpoint
from dpo_engine.training.plan import Plan, plan_of
from dpo_engine.training.samples import prompts_to_sample

LOOKED_AT = 512
"""Pairs that may be too long, of which a run counts before it begins how many are: half a second's work."""

_SPREAD = 32

Loader = Callable[[str, TrainConfig], LoadedModel]


@dataclass(frozen=True, kw_only=True)
class Setup:
    run: Path
    spec: RunSpec
    loaded: LoadedModel
    pairs: PairsAsNeeded
    """Training pairs first, then the held-out ones; a pair's place here is its number everywhere."""
    survey: Survey
    """What is known of them beforehand."""
    notes: tuple[str, ...]
    cuts_told: bool
    """The notes say how many pairs are too long; else that is known when all have been seen."""
    plan: Plan
    max_length: int
    """Tokens of a pair's longer sequence at most: the config's, or what the model takes."""
    sample_prompts: tuple[tuple[Message, ...], ...] = ()
    """The prompts that the policy answers at every check."""

    @property
    def config(self) -> TrainConfig:
        return self.spec.config

    @property
    def train_pairs(self) -> int:
        return self.survey.train_pairs

    @property
    def refused(self) -> tuple[str, ...]:
        return tuple(self.survey.refused)

    @property
    def learning_rate(self) -> float:
        """At its highest, after the warm-up."""
        rate = resolved(self.config, self.train_pairs).learning_rate
        if rate is None:
            raise EngineError("The learning rate was not settled.")
        return rate

    def probably_longest(self) -> list[TokenizedPair]:
        """Some pairs, among them in all likelihood as many of the longest as one step takes."""
        step = self.config.per_device_train_batch_size * self.config.gradient_accumulation_steps
        return [self.pairs[number] for number in self.survey.probably_longest(4 * step)]

    def tokens_a_pair(self) -> float:
        """In a packed row, on average: of a few training pairs, evenly spread."""
        some = range(0, self.train_pairs, max(1, self.train_pairs // _SPREAD))
        return mean(packed_length(self.pairs[number]) for number in some)

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
    """Look at the pairs and add to the spec what the run really runs on. Writes nothing.

    Raises `BadInput` when no training pair can be used, or the pairs are not those the run was made with.
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
    known = survey(run_folder.open_pairs(run), loaded.tokenizer, max_length)
    if known.pairs_hash != spec.pairs_hash:
        raise run_folder.other_pairs(run)
    if not known.train_pairs:
        raise BadInput(f"No training pair can be used. {' '.join(known.refused[:1])}".strip())
    if known.train_pairs == len(known):
        check_needs_no_held_out(spec.config)
    stored = run_folder.open_pairs(run)  # anew: the pages of the file that were read above are let go
    pairs = PairsAsNeeded(stored, known.places, loaded.tokenizer, max_length)
    return Setup(
        run=run,
        spec=spec,
        loaded=loaded,
        pairs=pairs,
        survey=known,
        notes=(*loaded.notes, *notes, *_about_cuts(pairs, known, max_length)),
        cuts_told=_are_countable(known, max_length),
        plan=plan_of(spec.config, known.train_pairs, spec.processes),
        max_length=max_length,
        sample_prompts=_sample_prompts(stored, spec),
    )


def _are_countable(known: Survey, max_length: int) -> bool:
    return sum(1 for _ in known.maybe_longer(max_length)) <= LOOKED_AT


def _about_cuts(pairs: PairsAsNeeded, known: Survey, max_length: int) -> list[str]:
    """How many pairs are too long, where few enough may be that all can be looked at now."""
    if not _are_countable(known, max_length):
        return []
    for number in known.maybe_longer(max_length):
        pairs[number]
    return cuts_note(pairs.cut, f"{len(pairs)} pairs", max_length)


def cuts_note(cut: int, of: str, max_length: int) -> list[str]:
    """A sentence, or none where nothing was cut."""
    are, were = ("is", "was") if cut == 1 else ("are", "were")
    return [f"{cut} of {of} {are} longer than {max_length} tokens and {were} cut."] if cut else []


def _sample_prompts(stored: Sequence[Pair], spec: RunSpec) -> tuple[tuple[Message, ...], ...]:
    """Held-out ones, which come last in a snapshot; where there are none, training pairs'."""
    wanted = spec.config.eval_samples
    first = spec.train_pairs if spec.held_out_pairs else 0
    found: dict[tuple[Message, ...], Pair] = {}
    for number in range(first, len(stored)):
        if len(found) >= wanted:
            break
        found.setdefault(stored[number].prompt, stored[number])
    return prompts_to_sample(tuple(found.values()), wanted)


def check_needs_no_held_out(config: TrainConfig) -> None:
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
