"""The Qt model: what each cell says, and that it never says NaN."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.modeltest import ModelTester

from app.inspector.columns import COLUMNS, column_by_key, sort_values
from app.inspector.pair_table import Arrangement, arrange
from app.inspector.table_model import PairTableModel
from app.shell.theme import Theme
from tests.app.inspector.scenes import make_pairs, make_scores, table_of

PAIRS = make_pairs(12, held_out=4)
TABLE = table_of(PAIRS, make_scores(PAIRS))


@pytest.fixture
def model(qapp: QApplication) -> PairTableModel:
    model = PairTableModel(Theme(qapp, "light"))
    show(model, Arrangement(), "number")
    return model


def show(model: PairTableModel, wanted: Arrangement, sort_key: str) -> None:
    model.show(TABLE, arrange(TABLE, wanted, sort_values(TABLE, column_by_key(sort_key))).rows)


def cell(
    model: PairTableModel, row: int, key: str, role: Qt.ItemDataRole = Qt.ItemDataRole.DisplayRole
) -> object:
    return model.data(model.index(row, column_by_key(key)), role)


def test_it_keeps_qts_rules(model: PairTableModel, qtmodeltester: ModelTester) -> None:
    qtmodeltester.check(model)


def test_cells_show_the_figures(model: PairTableModel) -> None:
    computed = TABLE.figures
    for row in range(len(TABLE)):
        assert cell(model, row, "number") == str(row + 1)
        for key, column in (("margin", computed.margin), ("loss", computed.loss)):
            shown = str(cell(model, row, key)).replace("−", "-")
            assert abs(float(shown) - column[row]) <= 0.0005
    assert [cell(model, row, "split") for row in (0, 11)] == ["Train", "Held-out"]
    assert cell(model, 0, "prompt") == "Question 1 about topic 0?"


def test_sorted_by_margin_the_rows_follow_and_know_their_place(model: PairTableModel) -> None:
    show(model, Arrangement(descending=True), "margin")
    margins = [TABLE.figures.margin[model.place(row)] for row in range(model.rowCount())]
    assert margins == sorted(margins, reverse=True)
    assert [model.row_of(model.place(row)) for row in range(12)] == list(range(12))


def test_the_strength_of_the_verdict_is_told_in_words_and_sorted_by(qapp: QApplication) -> None:
    pairs = make_pairs(4)
    table = table_of(pairs, make_scores(pairs), strengths=(2, 1, 3, 0))
    model = PairTableModel(Theme(qapp, "light"))
    values = sort_values(table, column_by_key("strength"))
    model.show(table, arrange(table, Arrangement(descending=True), values).rows)
    assert [cell(model, row, "strength") for row in range(4)] == ["Far better", "Much better", "Better", "–"]
    assert [model.place(row) for row in range(4)] == [2, 0, 1, 3]


def test_a_filtered_pair_has_no_row(model: PairTableModel) -> None:
    show(model, Arrangement(split="held_out"), "number")
    assert model.rowCount() == 4
    assert model.row_of(0) == -1
    assert model.row_of(8) == 0


def test_no_cell_is_ever_nan(model: PairTableModel) -> None:
    for row in range(model.rowCount()):
        for column in range(model.columnCount()):
            text = str(model.data(model.index(row, column)))
            assert text and "nan" not in text.lower() and "inf" not in text.lower()


def test_the_case_has_an_icon_besides_its_word(model: PairTableModel) -> None:
    icons = {}
    for row in range(model.rowCount()):
        icon = cell(model, row, "case", Qt.ItemDataRole.DecorationRole)
        image = icon.pixmap(16, 16).toImage()  # type: ignore[attr-defined]
        alpha = image.convertToFormat(image.Format.Format_Alpha8)
        shape = bytes(alpha.constBits())
        icons.setdefault(cell(model, row, "case"), set()).add(shape)
    assert len(icons) >= 2
    shapes = [shape for found in icons.values() for shape in found]
    assert len(shapes) == len(set(shapes)) == len(icons), "each case has its own outline, whatever the colour"


def test_headings_explain_themselves(model: PairTableModel) -> None:
    for number, column in enumerate(COLUMNS):
        tip = model.headerData(number, Qt.Orientation.Horizontal, Qt.ItemDataRole.ToolTipRole)
        assert str(tip).startswith(column.name) and len(str(tip)) > len(column.name) + 5
    margin = model.headerData(
        column_by_key("chosen_reward"), Qt.Orientation.Horizontal, Qt.ItemDataRole.ToolTipRole
    )
    assert "β · (log π_θ − log π_ref)" in str(margin)


def test_numbers_stand_right_and_words_left(model: PairTableModel) -> None:
    for key, side in (("margin", Qt.AlignmentFlag.AlignRight), ("prompt", Qt.AlignmentFlag.AlignLeft)):
        alignment = cell(model, 0, key, Qt.ItemDataRole.TextAlignmentRole)
        assert alignment & side  # type: ignore[operator]


def test_a_cell_is_read_out_with_the_name_of_its_column(model: PairTableModel) -> None:
    spoken = cell(model, 0, "chosen_log_ratio", Qt.ItemDataRole.AccessibleTextRole)
    assert str(spoken).startswith("Log-ratio, chosen: ")


def test_copied_rows_can_be_read_by_a_machine(model: PairTableModel) -> None:
    lines = model.as_tsv([0, 11]).splitlines()
    names, first, last = (line.split("\t") for line in lines)
    assert names[0] == "pair" and "Margin" in names and "Reward, chosen" in names
    assert len(names) == len(first) == len(last) == len(COLUMNS) + 1
    row = dict(zip(names, last, strict=True))
    assert row["pair"] == "comparison-12"
    assert float(row["Margin"]) == pytest.approx(TABLE.figures.margin[11], abs=1e-6)
    assert float(row["Policy log-prob, chosen"]) == pytest.approx(TABLE.log_probs.policy_chosen[11], abs=1e-6)
    assert row["Tokens, chosen"] == str(TABLE.chosen_tokens[11])
