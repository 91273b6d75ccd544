"""The widget for reading: live, finished, raw."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QTextDocument
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.shell.palette import READING_WIDTH
from app.shell.theme import MONO_FAMILY, Theme
from app.widgets.paper import portions
from app.widgets.reading_text import ReadingText


@pytest.fixture
def theme(qapp: QApplication) -> Theme:
    return Theme(qapp, "light")


@pytest.fixture
def reading(qtbot: QtBot, theme: Theme) -> ReadingText:
    widget = ReadingText(theme)
    widget.resize(400, 300)
    qtbot.addWidget(widget)
    widget.show()
    return widget


def test_live_text_is_appended_to_the_same_document(reading: ReadingText) -> None:
    reading.show_live("Some **bo")
    document = reading.document()
    changes: list[tuple[int, int, int]] = []
    document.contentsChange.connect(lambda *change: changes.append(change))
    reading.show_live("Some **bold** text")
    reading.show_live("Some **bold** text\nand more")
    assert reading.document() is document
    assert [(position, removed) for position, removed, _ in changes] == [(9, 0), (18, 0)], "only the new part"
    assert reading.toPlainText() == "Some **bold** text\nand more"


def test_a_live_text_that_starts_over_is_shown_anew(reading: ReadingText) -> None:
    reading.show_live("The first try")
    reading.show_live("")
    reading.show_live("Another")
    assert reading.toPlainText() == reading.text == "Another"


def test_a_finished_text_is_rendered_and_stays_where_it_was_read(reading: ReadingText) -> None:
    text = "\n\n".join(f"Paragraph **{number}** of many." for number in range(60))
    reading.show_live(text[:-1])
    bar = reading.verticalScrollBar()
    assert bar.value() == 0, "it is read from the start while it comes in"
    bar.setValue(100)
    reading.show_live(text)
    assert bar.value() == 100
    reading.show_text(text)
    assert bar.value() == 100
    assert not reading.is_live
    assert reading.toPlainText().startswith("Paragraph 0 of many.")


def test_another_finished_text_begins_at_its_start(reading: ReadingText) -> None:
    reading.show_text("One.\n\n" * 100)
    reading.verticalScrollBar().setValue(200)
    reading.show_text("Two.\n\n" * 100)
    assert reading.verticalScrollBar().value() == 0


def test_at_the_end_of_a_live_text_it_follows(reading: ReadingText) -> None:
    reading.show_live("line\n" * 100)
    bar = reading.verticalScrollBar()
    bar.setValue(bar.maximum())
    reading.show_live("line\n" * 200)
    assert bar.value() == bar.maximum() > 0


def test_the_same_text_is_not_rendered_again(reading: ReadingText) -> None:
    reading.show_text("Some **bold** text")
    document = reading.document()
    reading.show_text("Some **bold** text")
    assert reading.document() is document


def test_raw_is_the_text_to_the_letter_in_mono(reading: ReadingText) -> None:
    reading.show_text("Some **bold** text")
    reading.set_raw(True)
    assert reading.toPlainText() == "Some **bold** text"
    assert reading.document().defaultFont().family() == MONO_FAMILY
    reading.show_text("Another **one**")
    assert reading.toPlainText() == "Another **one**"
    reading.set_raw(False)
    assert reading.toPlainText() == "Another one"


def test_raw_does_not_touch_what_is_being_written(reading: ReadingText) -> None:
    reading.show_live("Some")
    document = reading.document()
    reading.set_raw(True)
    assert reading.document() is document


def test_a_caret_stands_at_the_end_of_a_live_text(reading: ReadingText, theme: Theme) -> None:
    def accent_pixels() -> int:
        image = reading.grab().toImage()
        accent = theme.colour("accent").rgb()
        return sum(
            image.pixel(x, y) == accent for x in range(0, image.width()) for y in range(0, image.height(), 3)
        )

    reading.show_live("Some words")
    assert accent_pixels() > 0
    reading.show_text("Some words")
    assert accent_pixels() == 0


def test_text_is_never_set_wider_than_it_reads_well(reading: ReadingText) -> None:
    reading.resize(1600, 300)
    reading.show_text("word " * 2000)
    assert reading.viewport().width() <= READING_WIDTH
    reading.resize(400, 300)
    assert reading.viewport().width() > 350


def test_a_very_long_text_is_shown_as_it_is(reading: ReadingText) -> None:
    text = "**x** " * 10_000
    reading.show_text(text)
    reading.finish()
    assert reading.toPlainText().replace("\n", "") == text


@pytest.mark.parametrize(
    "text", ["👩‍👩‍👧‍👦" * 1800, "漢字かな交じり文" * 2500, "word and *more* " * 1300, "x" * 20_000]
)
def test_a_long_text_is_written_in_turns_that_keep_no_key_waiting(
    qtbot: QtBot, reading: ReadingText, text: str
) -> None:
    turns = []
    reading.written.connect(lambda: turns.append("end"))
    reading.show_text(text)
    while not reading.is_written:
        QApplication.processEvents()
        turns.append("turn")
    assert turns.count("end") == 1
    shown = reading.toPlainText().replace("\n", "").rstrip()
    assert shown == text or shown == text.replace("*", "").rstrip()


def test_joined_emoji_are_never_broken_apart() -> None:
    family = "👩‍👩‍👧‍👦"
    pieces = list(portions(family * 500))
    assert len(pieces) > 1
    assert all(set(piece.removesuffix("\n").split(family)) == {""} for piece in pieces)


def test_another_text_takes_the_place_of_one_that_is_still_being_written(reading: ReadingText) -> None:
    reading.show_text("👩‍👩‍👧‍👦" * 1800)
    reading.show_text("Short")
    reading.finish()
    assert reading.toPlainText() == "Short"


def test_it_cannot_be_edited_and_tab_leaves_it(reading: ReadingText) -> None:
    reading.show_text("Some text")
    reading.setFocus()
    QTest.keyClicks(reading, "abc")
    QTest.keyClick(reading, Qt.Key.Key_Delete)
    assert reading.toPlainText() == "Some text"
    assert reading.tabChangesFocus()
    assert not reading.textInteractionFlags() & Qt.TextInteractionFlag.LinksAccessibleByMouse


def test_the_documents_of_earlier_texts_are_given_back(qtbot: QtBot, reading: ReadingText) -> None:
    for number in range(20):
        reading.show_text(f"Text {number}")
    qtbot.waitUntil(lambda: len(reading.findChildren(QTextDocument)) == 1)


@pytest.mark.parametrize(
    ("text", "from_right"), [("שלום עולם", True), ("1. مرحبا", True), ("Hello שלום", False)]
)
def test_a_text_stands_at_the_side_where_it_begins(
    reading: ReadingText, text: str, *, from_right: bool
) -> None:
    reading.resize(2 * READING_WIDTH, 300)
    for show in (reading.show_live, reading.show_text):
        show(text)
        margins = reading.viewportMargins()
        assert (margins.left() > margins.right()) is from_right
        assert reading.viewport().width() == pytest.approx(READING_WIDTH, abs=8)


def test_a_long_text_is_at_its_start_when_it_is_first_shown(qtbot: QtBot, theme: Theme) -> None:
    widget = ReadingText(theme)
    qtbot.addWidget(widget)
    widget.resize(300, 100)
    widget.show_text("Some words. " * 100)
    widget.show()
    assert widget.verticalScrollBar().maximum() > 0
    assert widget.verticalScrollBar().value() == 0


def test_a_long_list_is_not_even_read_in_the_turn_that_shows_it(reading: ReadingText, qtbot: QtBot) -> None:
    reading.show_text("\n".join("- a" for _ in range(900)))
    assert reading.document().isEmpty()
    qtbot.waitUntil(lambda: reading.is_written)
    assert reading.toPlainText().count("a") == 900


def test_what_keeps_code_in_order_between_right_to_left_words_is_not_copied(reading: ReadingText) -> None:
    reading.show_text("כתוב `print()` כאן")
    assert reading.toPlainText() == "כתוב \u2066print()\u2069 כאן"
    reading.selectAll()
    copied = reading.createMimeDataFromSelection()
    assert copied.text() == "כתוב print() כאן"
    assert "\u2066" not in copied.html()
    reading.show_text("Write `print()` here")
    assert reading.toPlainText() == "Write print() here"
