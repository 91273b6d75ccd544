"""A plot as a file: PNG, SVG or CSV by the name's ending, or as a picture on the clipboard.

Any widget that draws a figure can be exported as it stands, in the colours and fonts of the moment. One that
also tells its numbers (`HasRows`) can be saved as CSV.
"""

import csv
import io
import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Protocol, TypeAlias, runtime_checkable

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QMimeData, QPoint, QRect, QSize, Qt
from PySide6.QtGui import QColor, QGuiApplication, QImage, QImageWriter, QPainter, QPalette
from PySide6.QtSvg import QSvgGenerator
from PySide6.QtWidgets import QFileDialog, QMenu, QWidget

from dpo_engine.files import write_atomically

Cell: TypeAlias = str | int | float | None

PIXELS_A_POINT = 2
"""A picture is drawn this many times finer than on a plain screen, so that it can be printed."""

_KINDS = {".png": "Picture (*.png)", ".svg": "Drawing (*.svg)", ".csv": "Values (*.csv)"}


@runtime_checkable
class HasRows(Protocol):
    """Knows the numbers that it draws."""

    def csv_rows(self) -> Iterable[Sequence[Cell]]:
        """First the headings, then row by row; None or NaN where there is no value."""


def export_plot(plot: QWidget, path: Path) -> None:
    """Write the figure to `path`, as what its ending says (.png, .svg, .csv).

    Raises `ValueError` for another ending, or for CSV of what does not tell its numbers, and `OSError`
    where the file cannot be written; a file that was there is then untouched.
    """
    match path.suffix.lower():
        case ".png":
            content = _png(plot)
        case ".svg":
            content = svg_of(plot)
        case ".csv" if isinstance(plot, HasRows):
            content = csv_text(plot.csv_rows()).encode()
        case _:
            raise ValueError(f"it cannot be written as “{path.name}”, but as .png, .svg or .csv")
    write_atomically(path, content)


def copy_plot(plot: QWidget) -> None:
    """Put the figure on the clipboard, as a picture."""
    QGuiApplication.clipboard().setImage(_image(plot))


def copy_svg(plot: QWidget) -> None:
    """Put the figure on the clipboard as a drawing, for drawing programs and as text."""
    drawing, content = svg_of(plot), QMimeData()
    content.setData("image/svg+xml", drawing)
    content.setText(drawing.decode())
    QGuiApplication.clipboard().setMimeData(content)


def csv_text(rows: Iterable[Sequence[Cell]]) -> str:
    """The rows as CSV, numbers with all their digits, an empty field where there is none."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([_field(cell) for cell in row] for row in rows)
    return text.getvalue()


def add_export_actions(
    menu: QMenu, plot: Callable[[], QWidget], name: Callable[[], str], failed: Callable[[str], None]
) -> None:
    """Fill a menu with all the ways out of the app for the figure that `plot` gives when one is chosen.

    `name` gives a file's name without its ending; `failed` hears a sentence when nothing was written.
    """
    for suffix, text in ((".png", "Save as PNG…"), (".svg", "Save as SVG…"), (".csv", "Save as CSV…")):
        action = menu.addAction(text)
        action.triggered.connect(
            lambda _=False, suffix=suffix: _ask_and_export(plot(), f"{name()}{suffix}", failed)
        )
    menu.addSeparator()
    menu.addAction("Copy picture").triggered.connect(lambda _=False: copy_plot(plot()))
    menu.addAction("Copy as SVG").triggered.connect(lambda _=False: copy_svg(plot()))


def _ask_and_export(plot: QWidget, proposed: str, failed: Callable[[str], None]) -> None:
    suffix = Path(proposed).suffix
    dialog = QFileDialog(plot.window(), "Save the figure", str(Path.home()), _KINDS[suffix])
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setDefaultSuffix(suffix.removeprefix("."))
    dialog.selectFile(proposed)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.fileSelected.connect(lambda chosen: _export(plot, Path(chosen), failed))
    dialog.open()


def _export(plot: QWidget, path: Path, failed: Callable[[str], None]) -> None:
    try:
        export_plot(plot, path)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        failed(f"The figure was not saved: {why}. Nothing was changed; choose another place.")


def _field(cell: Cell) -> Cell:
    return "" if cell is None or (isinstance(cell, float) and not math.isfinite(cell)) else cell


def _image(plot: QWidget) -> QImage:
    image = QImage(plot.size() * PIXELS_A_POINT, QImage.Format.Format_ARGB32_Premultiplied)
    image.setDevicePixelRatio(PIXELS_A_POINT)
    image.fill(_ground(plot))
    plot.render(image)
    return image


def _png(plot: QWidget) -> bytes:
    content = QByteArray()
    buffer = QBuffer(content)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    QImageWriter(buffer, QByteArray(b"png")).write(_image(plot))
    return bytes(content.data())


def svg_of(plot: QWidget) -> bytes:
    """The figure as a drawing that stays sharp at any size."""
    content = QByteArray()
    buffer = QBuffer(content)
    generator = QSvgGenerator()
    generator.setOutputDevice(buffer)
    generator.setResolution(plot.logicalDpiX())
    generator.setSize(QSize(plot.size()))
    generator.setViewBox(QRect(plot.rect()))
    generator.setTitle(plot.accessibleName())
    painter = QPainter(generator)
    painter.fillRect(plot.rect(), _ground(plot))
    plot.render(painter, QPoint())
    painter.end()
    return bytes(content.data())


def _ground(plot: QWidget) -> QColor:
    return plot.palette().color(QPalette.ColorRole.Base)
