"""The four pictures together: brushing by mouse and keys, what is emitted, and painting."""

import csv
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.inspector.pair_table import Mask, PairTable
from app.inspector.pictures import panel as panel_module
from app.inspector.pictures.brush import Kind
from app.inspector.pictures.canvas import PictureCanvas
from app.inspector.pictures.panel import PicturesPanel
from app.inspector.pictures.sheet import cell_counts, plot_of
from app.shell.theme import Theme
from app.widgets.plot_export import export_plot
from tests.app.inspector.pictures.columns import random_table

KINDS: tuple[Kind, ...] = ("margins", "log_ratios", "length", "calibration")


@pytest.fixture
def theme(qapp: QApplication) -> Theme:
    return Theme(qapp, "light")


class Scene:
    """A panel in view, and what it emitted."""

    def __init__(self, qtbot: QtBot, theme: Theme) -> None:
        self.qtbot = qtbot
        self.panel = PicturesPanel(theme)
        self.emitted: list[Mask | None] = []
        self.wanted: list[int] = []
        self.panel.brushed.connect(self.emitted.append)
        self.panel.pair_wanted.connect(self.wanted.append)
        self.panel.resize(420, 1300)
        qtbot.addWidget(self.panel)

    def show(self, table: PairTable, before: PairTable | None = None) -> None:
        with self.qtbot.waitExposed(self.panel):
            self.panel.show()
        self.panel.show_pairs(table, np.arange(len(table)), before)

    def canvas(self, kind: Kind) -> PictureCanvas:
        return self.panel.cards[kind].canvas

    def at(self, kind: Kind, across: float, up: float) -> QPoint:
        """A place in a picture, as shares of its plot."""
        canvas = self.canvas(kind)
        plot = plot_of(QRectF(canvas.rect()), self.panel._theme)
        return QPointF(plot.left() + across * plot.width(), plot.bottom() - up * plot.height()).toPoint()

    def drag(self, kind: Kind, *places: tuple[float, float], free: bool = False) -> None:
        canvas = self.canvas(kind)
        key = Qt.KeyboardModifier.ShiftModifier if free else Qt.KeyboardModifier.NoModifier
        points = [self.at(kind, *place) for place in places]
        QTest.mousePress(canvas, Qt.MouseButton.LeftButton, key, points[0])
        for point in points[1:]:
            QTest.mouseMove(canvas, point)
        QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, key, points[-1])

    def settled(self) -> Mask | None:
        """The brush once it has filtered."""
        self.qtbot.waitUntil(lambda: not self.panel._pace.isActive())
        return self.emitted[-1]


@pytest.fixture
def scene(qtbot: QtBot, theme: Theme) -> Scene:
    return Scene(qtbot, theme)


@pytest.fixture
def table() -> PairTable:
    return random_table(60)


def test_dragging_over_bars_brushes_whole_bins(scene: Scene, table: PairTable) -> None:
    scene.show(table)
    scene.drag("margins", (0.55, 0.5), (0.8, 0.4))
    mask = scene.settled()
    assert mask is not None
    edges = scene.canvas("margins").drawing.stops().x
    held = table.figures.margin[mask]
    low = max(edge for edge in edges.tolist() if edge <= held.min())
    high = min(edge for edge in edges.tolist() if edge > held.max())
    inside = (table.figures.margin >= low) & (table.figures.margin < high)
    assert mask.tolist() == inside.tolist()
    assert 0 < mask.sum() < 60
    assert "of 60 pairs brushed" in scene.panel.words.text()
    assert scene.panel.clear_button.isVisible()


@pytest.mark.parametrize("free", [False, True])
def test_dragging_in_the_scatter_brushes_a_rectangle_or_a_free_shape(
    scene: Scene, table: PairTable, free: bool
) -> None:
    scene.show(table)
    corners = [(0.3, 0.3), (0.8, 0.3), (0.8, 0.8), (0.3, 0.8)] if free else [(0.3, 0.3), (0.8, 0.8)]
    scene.drag("log_ratios", *corners, free=free)
    mask = scene.settled()
    x, y = scene.canvas("log_ratios").drawing.axes()

    def share(values: np.ndarray, low: float, high: float) -> np.ndarray:  # type: ignore[type-arg]
        return (values - low) / (high - low)

    across = share(table.figures.rejected_log_ratio, x.scale.low, x.scale.high)
    up = share(table.figures.chosen_log_ratio, y.scale.low, y.scale.high)
    assert mask is not None
    well_inside = (across > 0.32) & (across < 0.78) & (up > 0.32) & (up < 0.78)
    well_outside = (across < 0.28) | (across > 0.82) | (up < 0.28) | (up > 0.82)
    assert well_inside.any()
    assert mask[well_inside].all()
    assert not mask[well_outside].any()


def test_arrows_move_and_shift_brushes(scene: Scene, table: PairTable) -> None:
    scene.show(table)
    canvas = scene.canvas("margins")
    canvas.setFocus()
    QTest.keyClick(canvas, Qt.Key.Key_Right)
    assert canvas.pointed.startswith("0.0 to ")
    assert not scene.emitted
    QTest.keyClick(canvas, Qt.Key.Key_End, Qt.KeyboardModifier.ShiftModifier)
    mask = scene.settled()
    assert mask is not None
    assert mask.tolist() == (table.figures.margin >= 0).tolist()
    assert canvas.accessibleDescription().startswith(canvas.pointed)


def test_arrows_reach_everywhere_in_the_scatter(scene: Scene, table: PairTable) -> None:
    scene.show(table)
    canvas = scene.canvas("log_ratios")
    canvas.setFocus()
    QTest.keyClick(canvas, Qt.Key.Key_Home)
    for _step in range(25):
        QTest.keyClick(canvas, Qt.Key.Key_Down)
    QTest.keyClick(canvas, Qt.Key.Key_End, Qt.KeyboardModifier.ShiftModifier)
    for _step in range(25):
        QTest.keyClick(canvas, Qt.Key.Key_Up, Qt.KeyboardModifier.ShiftModifier)
    mask = scene.settled()
    assert mask is not None
    assert mask.all()


@pytest.mark.parametrize("how", ["escape", "double click", "button", "clear"])
def test_the_brush_is_taken_away(scene: Scene, table: PairTable, how: str) -> None:
    scene.show(table)
    scene.drag("margins", (0.5, 0.5), (0.9, 0.5))
    assert scene.settled() is not None
    canvas = scene.canvas("margins")
    match how:
        case "escape":
            canvas.setFocus()
            QTest.keyClick(canvas, Qt.Key.Key_Escape)
        case "double click":
            QTest.mouseDClick(canvas, Qt.MouseButton.LeftButton, pos=scene.at("margins", 0.2, 0.2))
        case "button":
            scene.panel.clear_button.click()
        case _:
            scene.panel.clear()
    assert scene.emitted[-1] is None
    assert not scene.panel.clear_button.isVisible()


def test_escape_without_a_brush_is_left_to_the_page(scene: Scene, table: PairTable) -> None:
    scene.show(table)
    scene.canvas("length").setFocus()
    QTest.keyClick(scene.canvas("length"), Qt.Key.Key_Escape)
    assert scene.emitted == []


def test_the_brush_is_for_all_places_whatever_the_other_filters_let_through(
    scene: Scene, table: PairTable
) -> None:
    scene.show(table)
    scene.drag("margins", (0.5, 0.5), (0.9, 0.5))
    first = scene.settled()
    scene.panel.show_pairs(table, np.arange(10, 20))
    scene.panel.show_pairs(table, np.arange(19, 9, -1))
    assert len(scene.emitted) >= 1
    assert scene.emitted[-1] is first
    assert first is not None
    assert f"{int(first[10:20].sum())} of 10 pairs brushed" in scene.panel.words.text()


def test_another_beta_keeps_the_brush_and_tells_which_pairs_it_then_holds(
    scene: Scene, table: PairTable
) -> None:
    scene.show(table)
    scene.drag("margins", (0.5, 0.5), (0.7, 0.5))
    before, times = scene.settled(), len(scene.emitted)
    assert before is not None
    scene.panel.show_pairs(table.at_beta(0.5), np.arange(60))
    assert len(scene.emitted) == times + 1
    assert scene.emitted[-1] is not None
    assert scene.emitted[-1].tolist() != before.tolist()


def test_a_table_of_other_pairs_has_no_brush(scene: Scene, table: PairTable) -> None:
    scene.show(table)
    scene.drag("margins", (0.5, 0.5), (0.9, 0.5))
    assert scene.settled() is not None
    more = random_table(90)
    scene.panel.show_pairs(more, np.arange(90))
    assert scene.emitted[-1] is not None
    assert len(scene.emitted[-1]) == 90
    scene.panel.show_pairs(replace(more, rows=more.rows + 1_000), np.arange(90))
    assert scene.emitted[-1] is None


def test_a_click_in_the_scatter_asks_for_the_pair_under_it(scene: Scene, table: PairTable) -> None:
    scene.show(table)
    x, y = scene.canvas("log_ratios").drawing.axes()
    place = 7
    across = (table.figures.rejected_log_ratio[place] - x.scale.low) / x.scale.length
    up = (table.figures.chosen_log_ratio[place] - y.scale.low) / y.scale.length
    where = scene.at("log_ratios", float(across), float(up))
    QTest.mouseClick(scene.canvas("log_ratios"), Qt.MouseButton.LeftButton, pos=where)
    assert scene.wanted == [place]
    assert scene.emitted == []


def test_nothing_is_computed_while_hidden_but_the_brush(scene: Scene, table: PairTable) -> None:
    scene.panel.show_pairs(table, np.arange(60))
    assert scene.panel.cards["margins"].sentence.text() == ""
    with scene.qtbot.waitExposed(scene.panel):
        scene.panel.show()
    assert "median margin" in scene.panel.cards["margins"].sentence.text()


def test_pairs_picked_by_their_case_are_not_judged_for_calibration(scene: Scene, table: PairTable) -> None:
    scene.show(table)
    learned = np.flatnonzero(table.figures.case == 0)
    scene.panel.show_pairs(table, learned, picked_by_case=True)
    assert (
        scene.panel.cards["calibration"].sentence.text().startswith("These pairs were picked by their case")
    )
    scene.panel.show_pairs(table, np.arange(60))
    assert "20 held-out verdicts" in scene.panel.cards["calibration"].sentence.text()


def test_a_brush_by_margin_leaves_the_calibration_as_it_is(scene: Scene) -> None:
    scene.show(random_table(300))
    said = scene.panel.cards["calibration"].sentence.text()
    scene.drag("margins", (0.5, 0.5), (0.9, 0.5))
    scene.settled()
    assert scene.panel.cards["calibration"].sentence.text() == said


def test_hovering_says_what_is_there(scene: Scene, table: PairTable) -> None:
    scene.show(table)
    canvas = scene.canvas("margins")
    QTest.mouseMove(canvas, scene.at("margins", 0.5, 0.3))
    scene.qtbot.waitUntil(lambda: "pair" in canvas.pointed)


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("pairs", [0, 1, 3, 60, 5000])
def test_every_picture_paints_with_few_and_many_pairs(
    scene: Scene, theme: Theme, pairs: int, mode: str
) -> None:
    scene.show(random_table(pairs), random_table(pairs, seed=2) if pairs % 2 else None)
    theme.set_mode("dark" if mode == "dark" else "light")
    scene.panel.mark(0)
    for kind in KINDS:
        scene.drag(kind, (0.2, 0.2), (0.8, 0.7))
        scene.settled() if scene.emitted else None
        image = scene.canvas(kind).grab().toImage()
        colours = {
            image.pixelColor(x, y).name()
            for x in range(0, image.width(), 3)
            for y in range(0, image.height(), 3)
        }
        assert len(colours) > 2
        assert scene.canvas(kind).accessibleDescription()
        assert scene.panel.cards[kind].sentence.text()


@pytest.mark.parametrize("kind", KINDS)
def test_every_picture_can_be_saved(scene: Scene, table: PairTable, tmp_path: Path, kind: Kind) -> None:
    scene.show(table, random_table(60, seed=5))
    for suffix in ("png", "svg", "csv"):
        export_plot(scene.canvas(kind), tmp_path / f"picture.{suffix}")
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")
    assert b"<svg" in (tmp_path / "picture.svg").read_bytes()
    rows = list(csv.DictReader(io.StringIO((tmp_path / "picture.csv").read_text(encoding="utf-8"))))
    column = {"margins": "pairs", "calibration": "verdicts"}.get(kind)
    assert (sum(int(row[column]) for row in rows) if column else len(rows)) == (
        20 if kind == "calibration" else 60
    )


def test_a_picture_is_copied_by_key(scene: Scene, table: PairTable) -> None:
    scene.show(table)
    canvas = scene.canvas("length")
    canvas.setFocus()
    QTest.keyClick(canvas, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().image().width() == 2 * canvas.width()


def test_one_pair_among_many_has_a_cell_of_its_own() -> None:
    counts = cell_counts(np.array([0.0, 0.0, 1.0]), np.array([0.0, 0.0, 1.0]), 4, 3)
    assert counts.shape == (3, 4)
    assert (counts[0, 0], counts[2, 3], counts.sum()) == (2, 1, 3)


def test_of_many_pairs_each_picture_has_a_turn_of_its_own(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(panel_module, "_MANY", 50)
    scene.show(random_table(60))
    cards = list(scene.panel.cards.values())
    worked_out: list[int] = []
    for number, card in enumerate(cards):
        monkeypatch.setattr(card, "show_pairs", lambda *_shown, number=number: worked_out.append(number))
    scene.qtbot.waitUntil(lambda: not scene.panel._turns.isActive())
    worked_out.clear()
    scene.panel.show_pairs(random_table(70), np.arange(70))
    assert worked_out == []
    scene.panel._show_next()
    scene.panel.show_pairs(random_table(80), np.arange(80))
    scene.qtbot.waitUntil(lambda: not scene.panel._turns.isActive())
    assert worked_out == [0, 1, 2, 3, 0], "what waits longest comes first, and nothing is drawn twice in vain"
