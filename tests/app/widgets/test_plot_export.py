"""Figures as files and on the clipboard."""

import csv
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QGuiApplication, QImage, QPainter, QPaintEvent
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QFileDialog, QMenu, QWidget
from pytestqt.qtbot import QtBot

from app.widgets.plot_export import add_export_actions, copy_plot, copy_svg, export_plot


class Figure(QWidget):
    """A red square in the left half."""

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(QRect(0, 0, self.width() // 2, self.height()), Qt.GlobalColor.red)
        painter.drawText(self.rect(), "Margin")
        painter.end()


class Told(Figure):
    def csv_rows(self) -> Iterator[Sequence[str | float | None]]:
        yield ["step", "loss, train"]
        yield [1, 0.1 + 0.2]
        yield [2, math.nan]
        yield [3, None]


@pytest.fixture
def figure(qtbot: QtBot) -> Told:
    made = Told()
    qtbot.addWidget(made)
    made.resize(120, 60)
    return made


def test_png_is_twice_as_fine_and_has_a_ground(figure: Told, tmp_path: Path) -> None:
    export_plot(figure, tmp_path / "plot.png")
    image = QImage(str(tmp_path / "plot.png"))
    assert (image.width(), image.height()) == (240, 120)
    assert image.pixelColor(10, 100) == Qt.GlobalColor.red
    ground = image.pixelColor(230, 110)
    assert ground.alpha() == 255
    assert ground == figure.palette().window().color()


def test_svg_can_be_drawn_again_and_has_words_as_words(figure: Told, tmp_path: Path) -> None:
    export_plot(figure, tmp_path / "plot.SVG")
    drawing = (tmp_path / "plot.SVG").read_text(encoding="utf-8")
    assert QSvgRenderer(drawing.encode()).isValid()
    assert 'viewBox="0 0 120 60"' in drawing
    assert "Margin" in drawing
    assert "<image" not in drawing, "nothing was turned into pixels"


def test_csv_has_all_digits_and_empty_fields(figure: Told, tmp_path: Path) -> None:
    export_plot(figure, tmp_path / "plot.csv")
    with (tmp_path / "plot.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows == [["step", "loss, train"], ["1", "0.30000000000000004"], ["2", ""], ["3", ""]]


def test_what_cannot_be_written_changes_nothing(figure: Told, qtbot: QtBot, tmp_path: Path) -> None:
    silent = Figure()
    qtbot.addWidget(silent)
    for plot, name in ((figure, "plot.pdf"), (figure, "plot"), (silent, "plot.csv")):
        with pytest.raises(ValueError, match="png"):
            export_plot(plot, tmp_path / name)
    with pytest.raises(OSError):
        export_plot(figure, tmp_path / "nowhere" / "plot.png")
    assert list(tmp_path.iterdir()) == []


def test_the_clipboard_takes_picture_and_drawing(figure: Told) -> None:
    copy_plot(figure)
    assert QGuiApplication.clipboard().image().width() == 240
    copy_svg(figure)
    assert QGuiApplication.clipboard().mimeData().hasFormat("image/svg+xml")
    assert QGuiApplication.clipboard().text().startswith("<?xml")


def test_the_menu_asks_where_and_says_what_went_wrong(figure: Told, qtbot: QtBot, tmp_path: Path) -> None:
    menu, said = QMenu(figure), []
    add_export_actions(menu, lambda: figure, lambda: "loss", said.append)
    named = {action.text(): action for action in menu.actions() if action.text()}
    assert list(named) == ["Save as PNG…", "Save as SVG…", "Save as CSV…", "Copy picture", "Copy as SVG"]
    named["Save as CSV…"].trigger()
    (dialog,) = figure.findChildren(QFileDialog)
    assert dialog.selectedFiles()[0].endswith("loss.csv")
    dialog.fileSelected.emit(str(tmp_path / "loss.csv"))
    assert (tmp_path / "loss.csv").read_text(encoding="utf-8").startswith("step")
    dialog.fileSelected.emit(str(tmp_path / "nowhere" / "loss.csv"))
    assert said == [
        "The figure was not saved: No such file or directory. Nothing was changed; choose another place."
    ]
    dialog.close()
