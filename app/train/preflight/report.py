"""What a check found, as lines to be read: a value, what it means, and which pairs it is about. Qt-free."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from app.train.preflight.facts import FactTable, Places
from app.train.preflight.wording import duration, pairs, percent, signed, size
from dpo_engine.config import TrainConfig
from dpo_engine.preflight import LengthBias, Mark, Measured, Needs, PairsSummary
from dpo_engine.run_time import seconds_of, work_of

Level = Literal["plain", "note", "misleads", "fails"]
"""`note`: worth knowing. `misleads`: the run would learn or show something else than was meant."""

FEW = 20
"""Below so many pairs a share says nothing about the person's taste."""
_MANY_AGAINST, _MANY_SAME, _MANY_REFUSED = 0.02, 0.02, 0.1
_MANY_ENDS_CUT, _MANY_PROMPTS_CUT = 0.05, 0.25
_WEAK, _STRONG = 0.2, 0.5
"""Of the correlation with length: about Cohen's small and large effects."""
_OFTEN, _NEARLY_ALWAYS = 0.65, 0.8
"""Shares of pairs in which the same side is the longer one, whatever by how much."""
_MARGIN = 1.1
"""An estimate may be off by so much and the run still fit."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Report:
    """A check's result over these settings."""

    config: TrainConfig
    table: FactTable
    summary: PairsSummary
    needs: Needs
    measured: Measured | None = None
    notes: tuple[str, ...] = ()
    """What the engine had to say besides."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Line:
    """`opens` gives the pairs concerned, in the order in which to read them."""

    key: str
    title: str
    value: str
    words: str = ""
    level: Level = "plain"
    opens: Callable[[], Places] | None = None


@dataclass(frozen=True, kw_only=True)
class Block:
    title: str
    lines: tuple[Line, ...] = field(default=())


@dataclass(frozen=True, kw_only=True)
class Headline:
    level: Level
    title: str
    sentence: str


def blocks(report: Report) -> tuple[Block, ...]:
    return (
        Block(title="Pairs", lines=tuple(_pair_lines(report))),
        Block(title="Tokens", lines=tuple(_token_lines(report))),
        Block(title="Length", lines=(_bias_line(report.summary.bias, report.table),)),
        Block(title="Run", lines=tuple(_run_lines(report))),
    )


def line_of(report: Report, key: str) -> Line | None:
    return next((line for block in blocks(report) for line in block.lines if line.key == key), None)


def headline(report: Report) -> Headline:
    """The worst of all lines, in one sentence."""
    lines = [line for block in blocks(report) for line in block.lines]
    for level, title in (("fails", "This run would fail"), ("misleads", "It would run, but mislead")):
        worst = [line for line in lines if line.level == level]
        if worst:
            more = len(worst) - 1
            also = f" And {more} more, marked below." if more else ""
            return Headline(level=worst[0].level, title=title, sentence=f"{_said(worst[0])}{also}")
    noted = [line for line in lines if line.level == "note"]
    plan = (
        f"{report.needs.steps:,} steps over {pairs(report.summary.train)}, "
        f"{_roughly(_seconds(report))}, {size(_peak(report))} of memory."
    )
    if noted:
        said = "One thing" if len(noted) == 1 else f"{len(noted)} things"
        return Headline(level="note", title="Ready", sentence=f"{plan} {said} worth a look below.")
    return Headline(level="plain", title="Ready", sentence=plan)


def _said(line: Line) -> str:
    words = line.words or line.value
    return words if words.endswith(".") else f"{words}."


# --- pairs ----------------------------------------------------------------------------------------------


def _pair_lines(report: Report) -> Iterable[Line]:
    found, table = report.summary, report.table
    yield _train_line(found)
    yield _held_out_line(found, table)
    if leaks := len(table.leaks()):
        yield Line(
            key="leaks",
            title="Also trained on",
            value=f"{leaks:,}",
            words=f"{pairs(leaks)} held out for measuring {_are(leaks)} trained on too, so the held-out "
            "figures look better than they are",
            level="misleads",
            opens=table.leaks,
        )
    if found.refused:
        yield Line(
            key="refused",
            title="Left out",
            value=f"{found.refused:,}",
            words="cannot be trained on; the reasons are listed",
            level=_by_share(found.refused, found.pairs + found.refused, _MANY_REFUSED),
            opens=lambda: np.arange(len(table.refused)),
        )
    yield _contradictions(found, table)
    yield _identical(found, table)
    yield _duplicates(found, table)


def _train_line(found: PairsSummary) -> Line:
    if not found.train:
        words = (
            "Every usable pair is held out, so there is nothing to train on. Give a verdict on another prompt"
        )
        return Line(key="train", title="To train on", value="0", words=words, level="fails")
    few = found.train < FEW
    return Line(
        key="train",
        title="To train on",
        value=f"{found.train:,}",
        words=f"few; from about {FEW} on a policy learns what holds for other prompts too" if few else "",
        level="note" if few else "plain",
    )


def _held_out_line(found: PairsSummary, table: FactTable) -> Line:
    none = not found.held_out
    return Line(
        key="held_out",
        title="Held out",
        value=f"{found.held_out:,}",
        words="nothing will show how well it carries over to other prompts" if none else "only measured",
        level="note" if none else "plain",
        opens=None if none else lambda: table.marked(Mark.HELD_OUT),
    )


def _contradictions(found: PairsSummary, table: FactTable) -> Line:
    number = found.contradictions
    return _pairs_line(
        "contradictions",
        "Contradictions",
        number,
        f"{pairs(number)} {_are(number)} there the other way round too; such verdicts cancel out",
        _by_share(number, found.pairs, _MANY_AGAINST),
        lambda: table.marked(Mark.CONTRADICTS),
    )


def _identical(found: PairsSummary, table: FactTable) -> Line:
    number = found.identical
    return _pairs_line(
        "identical",
        "Identical sides",
        number,
        f"{pairs(number)} with the same tokens on both sides; nothing can be learned there",
        _by_share(number, found.pairs, _MANY_SAME),
        lambda: table.marked(Mark.IDENTICAL),
    )


def _duplicates(found: PairsSummary, table: FactTable) -> Line:
    number = found.duplicates
    return _pairs_line(
        "duplicates",
        "Duplicates",
        number,
        "say the same as an earlier pair, which then counts twice",
        "note" if number else "plain",
        lambda: table.marked(Mark.DUPLICATE),
    )


def _pairs_line(
    key: str, title: str, number: int, words: str, level: Level, opens: Callable[[], Places]
) -> Line:
    if not number:
        return Line(key=key, title=title, value="none")
    return Line(key=key, title=title, value=f"{number:,}", words=words, level=level, opens=opens)


def _by_share(number: int, of: int, many: float) -> Level:
    if not number:
        return "plain"
    return "misleads" if number >= many * of else "note"


def _are(number: int) -> str:
    return "is" if number == 1 else "are"


# --- tokens and length ----------------------------------------------------------------------------------


def _token_lines(report: Report) -> Iterable[Line]:
    found, table = report.summary, report.table
    yield Line(
        key="tokens",
        title="An epoch",
        value=f"{found.train_tokens:,}",
        words="tokens: each prompt once, then both responses",
    )
    yield Line(
        key="length",
        title="Longest",
        value=f"{found.longest_length:,}",
        words=f"of at most {found.most_tokens:,}; half of the pairs have up to {found.median_length:,}",
        opens=table.longest_first,
    )
    yield _cut_line(found, table)
    yield Line(
        key="bos",
        title="Begin-of-text",
        value=_bos(found),
        words="the first token of the prompt, once"
        if found.with_bos
        else "this model's template writes none",
    )


def _bos(found: PairsSummary) -> str:
    if found.with_bos in (0, found.pairs):
        return "yes" if found.with_bos else "no"
    return f"{found.with_bos:,} of {found.pairs:,}"


def _cut_line(found: PairsSummary, table: FactTable) -> Line:
    if not found.cut:
        return Line(key="cut", title="Cut", value="none", words="all fit")
    ends, prompts = found.responses_cut, found.prompts_cut
    parts = []
    if ends:
        parts.append(f"{pairs(ends)} lost the end of a response, so it is not learned how to stop")
    if prompts:
        parts.append(f"{prompts:,} prompts lost their start" if prompts > 1 else "one prompt lost its start")
    heavy = ends >= _MANY_ENDS_CUT * found.pairs or prompts >= _MANY_PROMPTS_CUT * found.pairs
    return Line(
        key="cut",
        title="Cut",
        value=f"{found.cut:,}",
        words=f"{'; '.join(parts)}. A larger max length keeps them whole",
        level="misleads" if heavy else "note",
        opens=table.most_cut_first,
    )


def _bias_line(bias: LengthBias, table: FactTable) -> Line:
    """How the verdicts go with length, and what a policy makes of that."""
    title = "Chosen is longer"
    value = f"in {percent(bias.chosen_longer, bias.pairs)}"
    if bias.pairs < FEW:
        return Line(
            key="bias", title=title, value=value, words=f"of {pairs(bias.pairs)}: too few to say more"
        )
    one_way = max(bias.chosen_longer, bias.chosen_shorter) / bias.pairs
    strength = abs(bias.correlation)
    by_share = one_way >= _OFTEN and strength < _STRONG
    longer = bias.chosen_longer > bias.chosen_shorter if by_share else bias.correlation > 0
    figures = f"{signed(bias.mean_difference, 1)} tokens on average, r = {signed(bias.correlation)}"
    if strength < _WEAK and one_way < _OFTEN:
        meaning, level = "length hardly matters in these verdicts", "plain"
    else:
        way = "longer" if longer else "shorter"
        level = "misleads" if strength >= _STRONG or one_way >= _NEARLY_ALWAYS else "note"
        meaning = (
            f"“{way} is better” explains much of these verdicts, and the policy will learn that first"
            if level == "misleads"
            else f"the policy will also learn to answer {way}"
        )
    return Line(
        key="bias",
        title=title,
        value=value,
        words=f"{figures}: {meaning}",
        level=level,  # type: ignore[arg-type]  # one of three of its words
        opens=lambda: table.by_difference(longer=longer),
    )


# --- the run --------------------------------------------------------------------------------------------


def _run_lines(report: Report) -> Iterable[Line]:
    needs = report.needs
    epochs = report.config.num_train_epochs
    yield Line(
        key="steps",
        title="Steps",
        value=f"{needs.steps:,}",
        words=f"{epochs:g} {'epoch' if epochs == 1 else 'epochs'}, {needs.dtype} on {needs.device.upper()}",
    )
    yield _memory_line(report)
    yield Line(
        key="time",
        title="Time",
        value=duration(_seconds(report)) if _is_timed(report) else _roughly(needs.seconds),
        words=f"measured; estimated {duration(needs.seconds)}"
        if _is_timed(report)
        else "estimated, right within a factor of two",
    )


def _memory_line(report: Report) -> Line:
    needs, measured = report.needs, report.measured
    room = f"of {size(needs.room)} there"
    how = ", activations computed again" if needs.checkpoint_activations else ""
    if measured is None:
        tight = needs.total > _MARGIN * needs.room
        words = f"{room}, estimated{how}"
        if needs.is_tight:
            words = f"{size(needs.total)} estimated and {size(needs.room)} there{how}. {_SMALLER}"
        level: Level = "fails" if tight else "note" if needs.is_tight else "plain"
        return Line(key="memory", title="Memory", value=size(needs.total), words=words, level=level)
    if not measured.fits:
        return Line(
            key="memory",
            title="Memory",
            value="does not fit",
            words=f"The longest pair did not fit into memory ({size(needs.room)} there). {_SMALLER}",
            level="fails",
        )
    peak = _peak(report)
    fits = peak <= needs.room
    return Line(
        key="memory",
        title="Memory",
        value=size(peak),
        words=f"{room}, measured{how}; estimated {size(needs.total)}"
        if fits
        else f"{size(peak)} measured and {size(needs.room)} there. {_SMALLER}",
        level="plain" if fits else "fails",
    )


_SMALLER = "Try LoRA instead of full, a smaller max length, or a smaller model"


def _peak(report: Report) -> int:
    """Bytes: measured, with the optimizer's state that only a step would make, or else expected."""
    measured = report.measured
    if measured is None or not measured.fits:
        return report.needs.total
    return measured.peak + report.needs.parts.get("optimizer", 0)


def _roughly(seconds: float) -> str:
    said = duration(seconds)
    return said if said.startswith("under") else f"about {said}"


def _is_timed(report: Report) -> bool:
    return report.measured is not None and report.measured.fits


def _seconds(report: Report) -> float:
    needs, measured = report.needs, report.measured
    if measured is None or not measured.fits:
        return needs.seconds
    return seconds_of(
        work_of(report.summary, report.config, needs.steps),
        measured.seconds_a_token,
        report.config,
        checkpointed=needs.checkpoint_activations,
    )
