"""Whatever is typed becomes a query that SQLite takes, and means what a person would expect."""

import sqlite3
from collections.abc import Iterator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.store.library.search_text import MOST_TERMS, fts_query, spaced

TEXTS = ("a brave otter", "otters are brave", "C++ and don't", "naïve café")
UNSPACED = (
    "日本語のテストです",
    "ภาษาไทยง่าย",
    "well done👍🏽🎉 really",
    "👩‍👩‍👧 wait… ✓done",
    "in 90° heat → ①",
)


@pytest.fixture(scope="module")
def index() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE VIRTUAL TABLE t USING fts5(text, tokenize='unicode61 remove_diacritics 2')")
    connection.executemany("INSERT INTO t VALUES (?)", [(spaced(text),) for text in (*TEXTS, *UNSPACED)])
    yield connection
    connection.close()


def found(index: sqlite3.Connection, typed: str) -> list[str]:
    query = fts_query(typed)
    texts = (*TEXTS, *UNSPACED)
    found = index.execute("SELECT rowid FROM t WHERE t MATCH ?", [query]) if query else []
    return [texts[row - 1] for (row,) in found]


@settings(max_examples=400, deadline=None)
@given(st.text())
@example('"')
@example("text:brave")
@example("NEAR(a b)")
@example("a AND OR NOT b")
@example("(((")
@example("^brave -otter")
@example('"""*"*"')
@example("brave\x00otter")
@example("\ud800")
@example("a* *")
@example("“brave")
def test_no_text_is_an_error(index: sqlite3.Connection, typed: str) -> None:
    found(index, typed)


def test_words_phrases_and_beginnings(index: sqlite3.Connection) -> None:
    assert found(index, "otter brave ") == ["a brave otter"]
    assert found(index, "otter") == ["a brave otter", "otters are brave"]
    assert found(index, '"brave otter"') == ["a brave otter"]
    assert found(index, "“brave otter”") == ["a brave otter"]
    assert found(index, "ot* ") == ["a brave otter", "otters are brave"]
    assert found(index, "ot") == [], "two letters begin too many words"
    assert found(index, "naive cafe ") == ["naïve café"]
    assert found(index, "don't ") == ["C++ and don't"]
    assert found(index, "AND ") == ["C++ and don't"], "words of the query language are words"


@pytest.mark.parametrize("typed", ["", "   ", "?!", '""', "*", "…", "🏽"])
def test_what_holds_no_word_is_no_query(typed: str) -> None:
    assert fts_query(typed) == ""


@pytest.mark.parametrize(
    ("typed", "place"),
    [
        *(("日本", 0), ("本語", 0), ("テスト", 0), ("です", 0), ("す", 0), ("ไทย", 1), ("ง่าย", 1)),
        *(("👍", 2), ("👍🏿", 2), ("🎉", 2), ("👍🎉 ", 2), ("done👍", 2), ("well ", 2), ("reall", 2)),
        *(("👧", 3), ("👩‍👩", 3), ("✓", 3), ("✓done", 3), ("✓don", 3), ("wait ", 3)),
        *(("90 ", 4), ("→", 4), ("① ", 4)),
    ],
)
def test_signs_without_spaces_are_found_wherever_they_stand(
    index: sqlite3.Connection, typed: str, place: int
) -> None:
    assert found(index, typed) == [UNSPACED[place]]


@pytest.mark.parametrize("typed", ["本日", "語本", "👎", "🎉👍", "日語"])
def test_their_order_counts(index: sqlite3.Connection, typed: str) -> None:
    assert found(index, typed) == []


def test_a_text_of_latin_letters_is_indexed_as_it_is() -> None:
    for text in (*TEXTS, "Привет, мир! ½ × 3 — “ok”", "한국어 시험", "اكتب جملة"):
        assert spaced(text) == text


def test_a_query_is_bounded() -> None:
    assert fts_query("word " * 5_000).count('"') == 2 * MOST_TERMS
