"""Filtering, searching and sorting against plain Python."""

import dataclasses
import math

import numpy as np
import pytest

from app.inspector.columns import COLUMNS, Column, column_by_key, sort_values
from app.inspector.figures import CASES
from app.inspector.pair_table import (
    Arrangement,
    PairTable,
    arrange,
    matches,
    prompt_line,
    summary_of,
)
from dpo_engine.pair_math import Case
from dpo_engine.preferences import Message, Split
from tests.app.inspector.scenes import make_pairs, make_scores, scored_pairs

PAIRS = make_pairs(60, held_out=12)
SCORED = scored_pairs(PAIRS, make_scores(PAIRS))
TABLE = PairTable.build(SCORED, 0.1)


@pytest.mark.parametrize("split", [None, "train", "held_out"])
@pytest.mark.parametrize("case", [None, *CASES])
@pytest.mark.parametrize("text", ["", "topic 3", "KIND  number 1", "no such words"])
def test_filters_agree_with_a_loop(split: Split | None, case: Case | None, text: str) -> None:
    wanted = Arrangement(split=split, case=case, text=text)
    expected = [
        place
        for place, pair in enumerate(SCORED)
        if (split is None or pair.split == split)
        and (case is None or CASES[int(TABLE.figures.case[place])] == case)
        and all(
            word in f"{pair.prompt[0].content}\n{pair.chosen}\n{pair.rejected}".lower()
            for word in text.lower().split()
        )
    ]
    assert list(arrange(TABLE, wanted).rows) == expected
    if not text:
        assert expected or (split, case) == ("held_out", "against")


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.key)
@pytest.mark.parametrize("descending", [False, True])
def test_every_column_sorts(column: Column, descending: bool) -> None:
    place = column_by_key(column.key)
    values = sort_values(TABLE, place)
    keys = np.arange(len(TABLE)) if values is None else values
    rows = list(arrange(TABLE, Arrangement(descending=descending), values).rows)
    expected = sorted(range(len(TABLE)), key=lambda row: -keys[row] if descending else keys[row])
    assert rows == expected


def test_sorting_by_prompt_follows_its_text() -> None:
    rows = arrange(TABLE, Arrangement(), sort_values(TABLE, column_by_key("prompt"))).rows
    lines = [prompt_line(SCORED[row]).casefold() for row in rows]
    assert lines == sorted(lines)


def test_search_looks_at_prompt_chosen_and_rejected() -> None:
    for word in ("question", "kind", "rude"):
        assert matches(TABLE, Arrangement(text=word)).all()
    assert list(arrange(TABLE, Arrangement(text="answer, number 42.")).rows) == [41]


def test_search_folds_case_beyond_ascii() -> None:
    pair = dataclasses.replace(SCORED[0], chosen="Straße und ΣΟΦΟΣ")
    table = PairTable.build([pair], 0.1)
    for text in ("STRASSE", "σοφος", "ΣΟΦΟΣ"):
        assert matches(table, Arrangement(text=text)).all()


def test_case_counts_follow_the_other_filters() -> None:
    counts = arrange(TABLE, Arrangement(split="held_out", case="learned")).cases
    assert sum(counts.values()) == 12
    for case, number in counts.items():
        assert number == len(arrange(TABLE, Arrangement(split="held_out", case=case)).rows)


def test_summaries_of_the_splits_add_up() -> None:
    whole, train, held_out = (summary_of(TABLE, split) for split in (None, "train", "held_out"))
    assert (whole.pairs, train.pairs, held_out.pairs) == (60, 48, 12)
    assert train.mean_margin is not None and held_out.mean_margin is not None
    assert whole.mean_margin == pytest.approx((48 * train.mean_margin + 12 * held_out.mean_margin) / 60)
    for case in CASES:
        assert whole.cases[case] == train.cases[case] + held_out.cases[case]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_log_prob_that_is_no_number_is_left_out_and_counted(bad: float) -> None:
    broken = dataclasses.replace(SCORED[1], reference_rejected_logp=bad)
    table = PairTable.build([SCORED[0], broken, SCORED[2]], 0.1)
    assert [pair.pair for pair in table.pairs] == [SCORED[0].pair, SCORED[2].pair]
    assert table.left_out == 1
    for column in COLUMNS:
        for row in range(len(table)):
            assert "nan" not in column.text(table, row).lower()
            assert "inf" not in column.text(table, row).lower()


def test_an_empty_table_arranges_to_nothing() -> None:
    empty = PairTable.build([], 0.1)
    for column in range(len(COLUMNS)):
        arranged = arrange(empty, Arrangement(text="x"), sort_values(empty, column))
        assert arranged.rows.size == 0
        assert sum(arranged.cases.values()) == 0


def test_another_beta_changes_the_figures_and_nothing_else() -> None:
    other = TABLE.at_beta(0.2)
    np.testing.assert_array_equal(other.figures.margin, PairTable.build(SCORED, 0.2).figures.margin)
    assert other.pairs is TABLE.pairs
    assert TABLE.figures.beta == 0.1


def test_the_prompt_in_a_row_is_the_last_user_turn_on_one_line() -> None:
    pair = dataclasses.replace(
        SCORED[0],
        prompt=(
            Message("system", "Be brief."),
            Message("user", "First"),
            Message("assistant", "Yes?"),
            Message("user", "Second\n\n  line " + "x" * 400),
        ),
    )
    line = prompt_line(pair, limit=40)
    assert line.startswith("Second line xxx")
    assert len(line) == 40 and line.endswith("…")
