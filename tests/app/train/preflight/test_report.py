"""What a report says of its numbers, and how bad that is."""

from dataclasses import replace

import numpy as np
import pytest

from app.train.preflight.facts import FactsComing, FactTable
from app.train.preflight.report import Line, Report, blocks, headline, line_of
from app.train.preflight.wording import duration, percent, size
from dpo_engine.config import TrainConfig
from dpo_engine.preflight import LengthBias, Measured, PairFacts, PairsSummary, columns_of
from tests.app.train.preflight.conftest import MEASURED, NEEDS

GOOD = PairsSummary(
    train=80,
    held_out=20,
    train_tokens=8_000,
    held_out_tokens=2_000,
    median_length=90,
    longest_length=300,
    most_tokens=1024,
    bias=LengthBias(pairs=80, chosen_longer=40, chosen_shorter=40),
)


def report(**changes: object) -> Report:
    return Report(
        config=TrainConfig(),
        table=FactTable(),
        summary=replace(GOOD, **changes),
        needs=NEEDS,  # type: ignore[arg-type]
    )


def line(found: Report, key: str) -> Line:
    said = line_of(found, key)
    assert said is not None
    return said


def test_a_good_run_is_ready_and_nothing_is_red() -> None:
    found = report()
    assert headline(found).title == "Ready" and headline(found).level == "plain"
    assert "6 steps over 80 pairs, about 4 min, 3.5 GB of memory." in headline(found).sentence
    assert {one.level for block in blocks(found) for one in block.lines} == {"plain"}


@pytest.mark.parametrize(
    ("changes", "key", "level"),
    [
        ({"train": 0}, "train", "fails"),
        ({"train": 12}, "train", "note"),
        ({"held_out": 0}, "held_out", "note"),
        ({"contradictions": 1}, "contradictions", "note"),
        ({"contradictions": 2}, "contradictions", "misleads"),
        ({"identical": 1}, "identical", "note"),
        ({"identical": 5}, "identical", "misleads"),
        ({"duplicates": 50}, "duplicates", "note"),
        ({"refused": 1}, "refused", "note"),
        ({"refused": 20}, "refused", "misleads"),
        ({"cut": 4, "responses_cut": 4}, "cut", "note"),
        ({"cut": 5, "responses_cut": 5}, "cut", "misleads"),
        ({"cut": 24, "prompts_cut": 24}, "cut", "note"),
        ({"cut": 25, "prompts_cut": 25}, "cut", "misleads"),
    ],
)
def test_red_is_only_what_would_fail_or_mislead(changes: dict[str, int], key: str, level: str) -> None:
    found = report(**changes)
    assert line(found, key).level == level
    assert headline(found).level == level
    others = [one for block in blocks(found) for one in block.lines if one.key != key]
    assert not [one.key for one in others if one.level in ("misleads", "fails")]


def test_what_fails_is_named_before_what_misleads() -> None:
    said = headline(report(train=0, contradictions=9, identical=9))
    assert (said.level, said.title) == ("fails", "This run would fail")
    assert "every usable pair is held out" in said.sentence.lower()
    also = headline(report(contradictions=9, identical=9))
    assert "9 pairs are there the other way round" in also.sentence and "And 1 more" in also.sentence


@pytest.mark.parametrize(
    ("bias", "level", "words"),
    [
        (LengthBias(pairs=80, chosen_longer=44, chosen_shorter=36, correlation=0.1), "plain", "hardly"),
        (LengthBias(pairs=80, chosen_longer=44, chosen_shorter=36, correlation=0.3), "note", "longer"),
        (LengthBias(pairs=80, chosen_longer=20, chosen_shorter=60, correlation=-0.3), "note", "shorter"),
        (LengthBias(pairs=80, chosen_longer=50, chosen_shorter=30, correlation=0.6), "misleads", "“longer"),
        (LengthBias(pairs=80, chosen_longer=8, chosen_shorter=70, correlation=-0.1), "misleads", "“shorter"),
        (LengthBias(pairs=12, chosen_longer=12, correlation=1.0), "plain", "too few"),
    ],
)
def test_the_bias_is_said_with_what_it_means(bias: LengthBias, level: str, words: str) -> None:
    said = line(report(bias=bias), "bias")
    assert said.level == level and words in said.words


def test_memory_is_judged_by_what_was_measured_where_it_was() -> None:
    tight = replace(report(), needs=replace(NEEDS, room=3_000_000_000))
    assert line(tight, "memory").level == "fails"
    near = replace(report(), needs=replace(NEEDS, room=3_300_000_000))
    assert line(near, "memory").level == "note", "an estimate may be off by a tenth"
    measured = replace(tight, measured=MEASURED)
    assert line(measured, "memory").level == "plain"
    assert line(measured, "memory").value == "3.0 GB", "with the optimizer's state"
    assert (
        "measured" in line(measured, "memory").words and "estimated 3.5 GB" in line(measured, "memory").words
    )
    failed = replace(report(), measured=Measured(peak=0, fits=False, longest_pair="", seconds_a_pair=0.0))
    assert line(failed, "memory").level == "fails" and headline(failed).level == "fails"


def test_time_is_that_of_the_measured_pass() -> None:
    assert line(report(), "time").value == "about 4 min"
    timed = line(replace(report(), measured=MEASURED), "time")
    # 3 epochs of 8,000 tokens and half of 10,000 + 2 checks of 2,000, at 0.01 s.
    assert timed.value == duration(0.01 * (24_000 + 14_000 / 2)) == "5 min"
    assert "estimated 4 min" in timed.words


def fact(name: str, chosen: int = 3, rejected: int = 2, **more: object) -> PairFacts:
    said: dict[str, object] = {
        "split": "train",
        "has_bos": True,
        "prompt_cut": False,
        "chosen_cut": False,
        "rejected_cut": False,
        "identical_sides": False,
    }
    return PairFacts(
        id=name,
        prompt_tokens=10,
        chosen_tokens=chosen,
        rejected_tokens=rejected,
        **(said | more),  # type: ignore[arg-type]
    )


def table(*facts: PairFacts) -> FactTable:
    coming = FactsComing()
    for one in facts:
        coming.take(columns_of([one]), ())
    return coming.table()


def test_the_pairs_behind_a_line_come_in_the_order_to_read_them() -> None:
    found = table(
        fact("a", prompt_cut=True),
        fact("b", chosen=9, split="held_out", duplicate_of="a"),
        fact("c", chosen=1, rejected=7, chosen_cut=True),
        fact("d", chosen=8, rejected=7, split="held_out", duplicate_of="b"),
        fact("e", chosen=5, contradicts="a"),
    )
    names = np.array(found.ids)
    assert names[found.most_cut_first()].tolist() == ["c", "a"]
    assert names[found.longest_first()].tolist() == ["b", "d", "c", "e", "a"]
    assert names[found.by_difference(longer=True)].tolist() == ["e", "a", "c"]
    assert names[found.by_difference(longer=False)].tolist() == ["c", "a", "e"]
    assert names[found.leaks()].tolist() == ["b"], "what repeats a held-out pair was not trained on"


def test_held_out_pairs_that_are_trained_on_mislead() -> None:
    found = replace(report(), table=table(fact("a"), fact("b", split="held_out", duplicate_of="a")))
    assert line(found, "leaks").level == "misleads"
    assert "1 pair held out for measuring is trained on too" in line(found, "leaks").words


def test_words() -> None:
    assert [percent(part, 1000) for part in (0, 4, 500, 999, 1000)] == [
        "0 %",
        "under 1 %",
        "50 %",
        "99 %",
        "100 %",
    ]
    assert [duration(one) for one in (20, 200, 3600, 5000, 200_000)] == [
        "under a minute",
        "3 min",
        "1 h",
        "1 h 23 min",
        "2 d 7 h",
    ]
    assert (size(2_140_000_000), size(65_000_000)) == ("2.1 GB", "65 MB")
