"""The words of a search are marked where the search finds them."""

import sqlite3

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.library.found_marks import FoundMarks
from app.library.found_words import finder, folded
from app.shell.theme import Theme
from app.store.library.search_text import fts_query, spaced
from app.widgets.reading_text import ReadingText


def found(typed: str, text: str) -> list[str]:
    pattern = finder(typed)
    return [] if pattern is None else [text[slice(*m.span())] for m in pattern.finditer(folded(text))]


@pytest.mark.parametrize(
    ("typed", "text", "marked"),
    [
        ("sky ", "Sky, sky-high; skyline_sky", ["Sky", "sky", "sky"]),
        ("sky", "The skyline", ["sky"]),
        ("sk", "The skyline and sk", ["sk"]),
        ('"the sky" ', "the blue sky, the  sky", ["the  sky"]),
        ("blue sky ", "The sky is blue", ["sky", "blue"]),
        ("don't ", "I don’t, but don t", ["don’t", "don t"]),
        ("cafe ", "Café, cafe\u0301, cafes", ["Café", "cafe\u0301"]),
        ("天气", "今天天气好。天，气", ["天气", "天，气"]),
        ("ラーメン", "新宿のラーメン屋", ["ラーメン"]),
        ("อากาศ", "วันนี้อากาศดีมาก", ["อากาศ"]),
        ("🎉", "Sure! 🎉🎊🎉", ["🎉", "🎉"]),
        ("👍", "👍🏽 yes", ["👍"]),
        ("abc ", "今天abc和 abcd", ["abc"]),
        ("한국 ", "한국 항구", ["한국"]),
        ("", "anything", []),
        ("( ", "a (", []),
    ],
)
def test_marks_agree_with_the_search(typed: str, text: str, marked: list[str]) -> None:
    assert found(typed, text) == marked
    base = sqlite3.connect(":memory:")
    base.execute("CREATE VIRTUAL TABLE t USING fts5(text, tokenize='unicode61 remove_diacritics 2')")
    base.execute("INSERT INTO t VALUES (?)", (spaced(text),))
    query = fts_query(typed)
    hits = base.execute("SELECT count(*) FROM t WHERE t MATCH ?", (query,)).fetchone()[0] if query else 0
    base.close()
    assert bool(hits) == bool(marked)


def test_marks_follow_the_text_and_the_search(qapp: QApplication, qtbot: QtBot) -> None:
    view = ReadingText(theme := Theme(qapp, "light"))
    qtbot.addWidget(view)
    marks = FoundMarks([view], theme)

    def marked() -> list[str]:
        block, words = view.document().firstBlock(), []
        while block.isValid():
            units = block.text().encode("utf-16-le")
            for place in block.layout().formats():
                begin, end = 2 * place.start, 2 * (place.start + place.length)
                words.append(units[begin:end].decode("utf-16-le"))
            block = block.next()
        return words

    view.show_text("🎉 A **blue** sky\n\n- blue")
    assert marked() == []
    marks.look_for("blue ")
    assert marked() == ["blue", "blue"]
    view.show_text("So blue")
    assert marked() == ["blue"]
    view.render_again()
    assert marked() == ["blue"], "as after a change of the theme"
    marks.look_for("")
    assert marked() == []
