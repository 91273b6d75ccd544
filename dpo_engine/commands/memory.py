"""`estimate` and `preflight`: what a run would need, from its config, and measured on its longest pairs."""

import argparse
import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

from dpo_engine.commands.output import Narrator, json_line, one_line
from dpo_engine.commands.parser import settings
from dpo_engine.config import TrainConfig
from dpo_engine.events import Event, Note, PairsLookedAt, PreflightDone, PreflightMeasured
from dpo_engine.preflight import LengthBias, Measured, Needs, PairFacts, PairsSummary, RefusedPair, facts_in
from dpo_engine.requests import Preflight
from dpo_engine.run_time import seconds_of, work_of

_NAMED = 5
"""So many pairs of a kind are named to a person; `--json` has them all."""


def estimate(arguments: argparse.Namespace) -> int:
    """Predict peak memory without loading weights."""
    for event in _events(arguments, measure=False):
        if isinstance(event, PreflightDone):
            if arguments.json:
                print(json_line(_needs_row(event.needs)))
            else:
                _show_needs(event.needs)
    return 0


def preflight(arguments: argparse.Namespace) -> int:
    """Look at every pair, and compute the longest ones for real. Changes and writes nothing."""
    found = _Found()
    for event in _events(arguments, measure=True):
        match event:
            case PairsLookedAt():
                found.facts.extend(facts_in(event.facts))
                found.refused.extend(event.refused)
            case PreflightDone():
                found.done = event
            case PreflightMeasured():
                found.measured = event.measured
            case _:
                pass
    if found.done is None or found.measured is None:
        return 1
    summary, needs, measured = found.done.summary, found.done.needs, found.measured
    seconds = _seconds(summary, needs, measured, TrainConfig(**settings(arguments, TrainConfig)))
    if arguments.json:
        for fact in found.facts:
            print(json_line(dataclasses.asdict(fact)))
        last = _summary_row(summary) | _needs_row(needs) | _measured_row(measured, seconds)
        print(json_line(last | {"refused": [one.reason for one in found.refused]}))
        return 0
    _show_facts(found.facts, found.refused)
    _show_bias(summary.bias)
    _show_needs(needs)
    _show_measured(measured, needs, seconds)
    return 0


@dataclasses.dataclass
class _Found:
    facts: list[PairFacts] = dataclasses.field(default_factory=list)
    refused: list[RefusedPair] = dataclasses.field(default_factory=list)
    done: PreflightDone | None = None
    measured: Measured | None = None


def _events(arguments: argparse.Namespace, *, measure: bool) -> Iterator[Event]:
    """What the engine answers; its notes are told at once, on stderr."""
    request = Preflight(
        id="",
        policy=arguments.policy,
        pairs=str(arguments.pairs),
        config=TrainConfig(**settings(arguments, TrainConfig)),
        measure=measure,
    )
    from dpo_engine.memory.look import preflight as answer

    narrator = Narrator(as_json=False)
    for event in answer(request):
        if isinstance(event, Note):
            narrator.tell(dataclasses.replace(event, level="warning"))
        elif event is not None:
            yield event


def _seconds(summary: PairsSummary, needs: Needs, measured: Measured, config: TrainConfig) -> float:
    """Of the whole run, as measured."""
    work = work_of(summary, config, needs.steps)
    return seconds_of(work, measured.seconds_a_token, config, checkpointed=needs.checkpoint_activations)


def _summary_row(summary: PairsSummary) -> dict[str, Any]:
    return dataclasses.asdict(summary) | {"refused_pairs": summary.refused}


def _needs_row(needs: Needs) -> dict[str, Any]:
    return {
        "expected_bytes": needs.total,
        **{f"{name}_bytes": value for name, value in needs.parts.items()},
        "room_bytes": needs.room,
        "token_budget": needs.token_budget,
        "activation_checkpointing": needs.checkpoint_activations,
        "steps": needs.steps,
        "expected_seconds": needs.seconds,
    }


def _measured_row(measured: Measured, seconds: float) -> dict[str, Any]:
    return {
        "fits": measured.fits,
        "measured_bytes": measured.peak,
        "longest_pair": measured.longest_pair,
        "seconds_a_pair": measured.seconds_a_pair,
        "measured_seconds": seconds,
    }


def _show_needs(needs: Needs) -> None:
    print(f"expected at most {_size(needs.total)} of {_size(needs.room)}")
    for name, value in needs.parts.items():
        if value:
            print(f"  {name:12} {_size(value):>9}")
    if needs.is_tight:
        print("it may not fit: try LoRA instead of full, a smaller max_length, or a smaller model")
    print(f"tokens at once {needs.token_budget}")
    print(f"activation checkpointing {'on' if needs.checkpoint_activations else 'off'}")
    if needs.steps:
        print(f"{needs.steps} steps, roughly {_time(needs.seconds)}")


def _show_measured(measured: Measured, needs: Needs, seconds: float) -> None:
    if not measured.fits:
        print(f"The batch with pair {measured.longest_pair} did not fit into memory.")
        return
    print(
        f"measured {_size(measured.peak)} for the batch with the longest pair ({measured.longest_pair}); "
        f"the optimizer's state comes on top, {_size(needs.parts['optimizer'])}"
    )
    print(f"{measured.seconds_a_pair:.2f} s a pair, without the reference; {_time(seconds)} in all")


def _show_facts(facts: Sequence[PairFacts], refused: Sequence[RefusedPair]) -> None:
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
    for one in refused[:_NAMED]:
        print(one_line(one.reason))


def _show_bias(bias: LengthBias) -> None:
    if bias.pairs:
        print(
            f"the chosen response is longer in {bias.chosen_longer} of {bias.pairs} training pairs, by "
            f"{bias.mean_difference:+.1f} tokens on average; correlation with length {bias.correlation:+.2f}"
        )


def _time(seconds: float) -> str:
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes >= 2 else f"{seconds:.0f} s"


def _size(count: int) -> str:
    return f"{count / 1e9:.2f} GB" if count >= 1e8 else f"{count / 1e6:.1f} MB"
