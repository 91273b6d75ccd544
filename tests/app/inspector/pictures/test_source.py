"""From a table to columns, with the pairs of another checkpoint beside them."""

from dataclasses import replace

import numpy as np

from app.inspector.pictures.material import aligned
from app.inspector.pictures.source import ColumnSource
from tests.app.inspector.pictures.columns import random_table


def test_columns_are_those_of_the_table() -> None:
    table = random_table(30, beta=0.2)
    columns = ColumnSource().columns(table, None)
    assert np.allclose(columns.margin, table.figures.margin)
    assert columns.length_difference.tolist() == (table.chosen_tokens - table.rejected_tokens).tolist()
    assert columns.strength is table.strength
    assert columns.before is None


def test_pairs_of_another_checkpoint_are_matched_by_their_row() -> None:
    known = aligned(np.array([1.0, 2.0]), np.array([3, 8]), np.array([1, 3, 7, 8, 9]))
    assert known[[1, 3]].tolist() == [1.0, 2.0]
    assert np.isnan(known[[0, 2, 4]]).all()
    assert np.isnan(aligned(np.empty(0), np.empty(0, np.int64), np.array([4]))).tolist() == [True]
    assert aligned(np.array([1.0]), np.array([4]), np.empty(0, np.int64)).size == 0


def test_before_follows_another_checkpoint_and_not_beta() -> None:
    source, table, before = ColumnSource(), random_table(12, seed=1), random_table(12, seed=2)
    fewer = replace(before, rows=np.append(before.rows[:-1], 77))
    gap = before.figures.chosen_log_ratio - before.figures.rejected_log_ratio
    found = source.columns(table, fewer).before
    assert found is not None
    assert np.allclose(found[:-1], gap[:-1])
    assert np.isnan(found[-1])
    again = source.columns(table.at_beta(0.4), fewer.at_beta(0.4)).before
    assert again is found
    other = source.columns(table, random_table(12, seed=3)).before
    assert other is not found


def test_a_checkpoint_that_has_not_moved_is_the_untrained_model() -> None:
    table = random_table(5)
    still = replace(
        table.log_probs,
        policy_chosen=table.log_probs.reference_chosen,
        policy_rejected=table.log_probs.reference_rejected,
    )
    before = replace(table, log_probs=still).at_beta(0.1)
    unmoved = replace(before, log_probs=replace(still))
    assert ColumnSource().columns(table, unmoved.at_beta(0.1)).before is None


def test_a_cut_keeps_each_pair_together() -> None:
    columns = ColumnSource().columns(random_table(20), random_table(20, seed=9))
    cut = columns.only(np.array([7, 3]))
    assert len(cut) == 2
    assert cut.margin.tolist() == columns.margin[[7, 3]].tolist()
    assert columns.before is not None
    assert cut.before is not None
    assert cut.before.tolist() == columns.before[[7, 3]].tolist()
