"""Filtering and sorting against plain Python."""

import dataclasses
import math

import numpy as np
import pytest

from app.inspector.columns import COLUMNS, Column, column_by_key, sort_values
from app.inspector.figures import CASES
from app.inspector.pair_table import Arrangement, Mask, PairTable, arrange, stable_order, summary_of
from dpo_engine.pair_math import Case
from dpo_engine.preferences import Split
from tests.app.inspector.scenes import make_pairs, make_scores, table_of

PAIRS = make_pairs(60, held_out=12)
SCORES = make_scores(PAIRS)
TABLE = table_of(PAIRS, SCORES)
THIRDS = np.arange(60) % 3 == 0


@pytest.mark.parametrize("split", [None, "train", "held_out"])
@pytest.mark.parametrize("case", [None, *CASES])
@pytest.mark.parametrize("masks", [(), (THIRDS,), (THIRDS, np.arange(60) > 30), (~THIRDS & THIRDS,)])
def test_filters_agree_with_a_loop(split: Split | None, case: Case | None, masks: tuple[Mask, ...]) -> None:
    expected = [
        place
        for place, pair in enumerate(PAIRS)
        if (split is None or pair.split == split)
        and (case is None or CASES[int(TABLE.figures.case[place])] == case)
        and all(mask[place] for mask in masks)
    ]
    assert list(arrange(TABLE, Arrangement(split=split, case=case, masks=masks)).rows) == expected
    if not masks:
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


@pytest.mark.parametrize("different", [1, 3, 50, 10**9])
def test_equal_keys_stay_in_their_order(different: int) -> None:
    rng = np.random.default_rng(different)
    numbers = rng.integers(0, different, 20_000)
    for keys in (numbers, -numbers / 7):
        assert np.array_equal(stable_order(keys), np.argsort(keys, kind="stable"))


def test_sorting_by_prompt_follows_its_text() -> None:
    rows = arrange(TABLE, Arrangement(), sort_values(TABLE, column_by_key("prompt"))).rows
    lines = [TABLE.prompt_lines[row].lower() for row in rows]
    assert lines == sorted(lines)


def test_a_search_s_row_numbers_become_places() -> None:
    table = dataclasses.replace(TABLE, rows=np.arange(60) * 5 + 7)
    found = np.array([6, 7, 12, 13, 5 * 59 + 7, 10_000])
    assert list(np.flatnonzero(table.mask_of(found))) == [0, 1, 59]
    assert not table.mask_of(found[:0]).any()


def test_a_pair_is_found_by_its_id() -> None:
    assert [TABLE.place_of[pair.id] for pair in PAIRS] == list(range(60))


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
    broken = dataclasses.replace(SCORES[1], reference_rejected_logp=bad)
    table = table_of(PAIRS[:3], [SCORES[0], broken, SCORES[2]], strengths=[1, 2, 3])
    assert table.ids == (PAIRS[0].id, PAIRS[2].id)
    assert (list(table.rows), list(table.strength)) == ([1, 3], [1, 3])
    assert table.left_out == 1
    for column in COLUMNS:
        for row in range(len(table)):
            assert "nan" not in column.text(table, row).lower()
            assert "inf" not in column.text(table, row).lower()


def test_an_empty_table_arranges_to_nothing() -> None:
    empty = PairTable.empty()
    for column in range(len(COLUMNS)):
        arranged = arrange(
            empty, Arrangement(masks=(np.ones(0, dtype=np.bool_),)), sort_values(empty, column)
        )
        assert arranged.rows.size == 0
        assert sum(arranged.cases.values()) == 0


def test_another_beta_changes_the_figures_and_nothing_else() -> None:
    other = TABLE.at_beta(0.2)
    np.testing.assert_array_equal(other.figures.margin, table_of(PAIRS, SCORES, 0.2).figures.margin)
    assert other.ids is TABLE.ids
    assert TABLE.figures.beta == 0.1
