"""`estimate` and `preflight`: what a run would need, from its config, and measured on its longest pairs."""

import argparse
import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dpo_engine.commands.output import Narrator, json_line, one_line
from dpo_engine.commands.parser import settings
from dpo_engine.config import TrainConfig
from dpo_engine.errors import BadInput
from dpo_engine.events import Note
from dpo_engine.preferences import Pair, read_pairs, refusal_summary

if TYPE_CHECKING:
    from dpo_engine.memory.needs import Fit
    from dpo_engine.memory.preflight import Measured, PairFacts
    from dpo_engine.pairs.tokenization import TokenizedPair

_NAMED = 5
"""So many pairs of a kind are named to a person; `--json` has them all."""


def estimate(arguments: argparse.Namespace) -> int:
    """Predict peak memory without loading weights."""
    config = TrainConfig(**settings(arguments, TrainConfig))
    pairs = _pairs(arguments)
    from dpo_engine.memory.needs import fit
    from dpo_engine.models.loading import outline

    model = outline(arguments.policy, config)
    tokenized, _ = _tokenized(model.tokenizer, model.config, pairs, config)
    cut = fit(model.config, config, tokenized, device=model.device, dtype=model.dtype)
    if arguments.json:
        print(json_line(_expected_row(cut)))
    else:
        _show_expected(cut)
    return 0


def preflight(arguments: argparse.Namespace) -> int:
    """Look at every pair, and compute the longest ones for real. Changes and writes nothing."""
    config = TrainConfig(**settings(arguments, TrainConfig))
    pairs = _pairs(arguments)
    import torch

    from dpo_engine.compute.randomness import RandomStream
    from dpo_engine.memory.preflight import cut_to_device, facts_of, measure
    from dpo_engine.models.loading import load_for_training

    with RandomStream(config.seed, torch.device("cpu")).active():
        loaded = load_for_training(arguments.policy, config)
    model: Any = loaded.model
    tokenized, refused = _tokenized(loaded.tokenizer, model.config, pairs, config)
    facts = facts_of(tokenized, loaded.tokenizer)
    cut = cut_to_device(loaded, config, tokenized)
    measured = measure(loaded, tokenized, cut.token_budget)
    if arguments.json:
        for fact in facts:
            print(json_line(dataclasses.asdict(fact)))
        print(json_line(_expected_row(cut) | _measured_row(measured) | {"refused": list(refused)}))
        return 0
    _show_facts(facts, refused)
    _show_expected(cut)
    _show_measured(measured, cut)
    return 0


def _pairs(arguments: argparse.Namespace) -> tuple[Pair, ...]:
    file = read_pairs(arguments.pairs)
    if file.refused:
        Narrator(as_json=False).tell(Note(request="", message=refusal_summary(file.refused), level="warning"))
    return file.pairs


def _tokenized(
    tokenizer: Any, model_config: Any, pairs: Sequence[Pair], config: TrainConfig
) -> tuple[list["TokenizedPair"], list[str]]:
    from dpo_engine.pairs.tokenization import tokenize_pairs

    longest = getattr(model_config.get_text_config(), "max_position_embeddings", None)
    limit = min(config.max_length, longest) if isinstance(longest, int) and longest > 0 else config.max_length
    tokenized, refused = tokenize_pairs(tokenizer, pairs, limit)
    if not tokenized:
        raise BadInput(f"No pair can be used. {refused[0] if refused else ''}".strip())
    return tokenized, refused


def _expected_row(cut: "Fit") -> dict[str, Any]:
    return {
        "expected_bytes": cut.expected.total,
        **{f"{name}_bytes": value for name, value in dataclasses.asdict(cut.expected).items()},
        "room_bytes": cut.room,
        "token_budget": cut.token_budget,
        "activation_checkpointing": cut.checkpoint_activations,
    }


def _measured_row(measured: "Measured") -> dict[str, Any]:
    return {
        "fits": measured.fits,
        "measured_bytes": measured.peak,
        "longest_pair": measured.longest_pair,
        "seconds_a_pair": measured.seconds_a_pair,
    }


def _show_expected(cut: "Fit") -> None:
    print(f"expected at most {_size(cut.expected.total)} of {_size(cut.room)}")
    for name, value in dataclasses.asdict(cut.expected).items():
        if value:
            print(f"  {name:12} {_size(value):>9}")
    print(f"tokens at once {cut.token_budget}")
    print(f"activation checkpointing {'on' if cut.checkpoint_activations else 'off'}")
    for note in cut.notes:
        print(one_line(note))


def _show_measured(measured: "Measured", cut: "Fit") -> None:
    if not measured.fits:
        print(f"The batch with pair {measured.longest_pair} did not fit into memory.")
        return
    print(
        f"measured {_size(measured.peak)} for the batch with the longest pair ({measured.longest_pair}); "
        f"the optimizer's state comes on top, {_size(cut.expected.optimizer)}"
    )
    print(f"{measured.seconds_a_pair:.2f} s a pair, without the reference")


def _show_facts(facts: Sequence["PairFacts"], refused: Sequence[str]) -> None:
    total = [one.prompt_tokens + max(one.chosen_tokens, one.rejected_tokens) for one in facts]
    scored = [length for one in facts for length in (one.chosen_tokens, one.rejected_tokens)]
    print(
        f"{len(facts)} pairs of {min(total)} to {max(total)} tokens, responses {min(scored)} to {max(scored)}"
    )
    with_bos = sum(one.has_bos for one in facts)
    print(f"{with_bos} begin with a beginning-of-text token" if with_bos else "no beginning-of-text token")
    kinds = {
        "cut": [one.id for one in facts if one.cut],
        "with equal sides": [one.id for one in facts if one.identical_sides],
        "twice": [f"{one.id} (as {one.duplicate_of})" for one in facts if one.duplicate_of],
        "against an earlier one": [
            f"{one.id} (against {one.contradicts})" for one in facts if one.contradicts
        ],
    }
    for kind, names in kinds.items():
        if names:
            more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            print(f"{len(names)} {kind}: {', '.join(names[:_NAMED])}{more}")
    for sentence in refused[:_NAMED]:
        print(one_line(sentence))


def _size(count: int) -> str:
    return f"{count / 1e9:.2f} GB" if count >= 1e8 else f"{count / 1e6:.1f} MB"
