"""Whatever is typed becomes a query that SQLite takes, and means what a person would expect."""

import sqlite3
from collections.abc import Iterator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.store.library.search_text import MOST_TERMS, fts_query

TEXTS = ("a brave otter", "otters are brave", "C++ and don't", "naïve café")


@pytest.fixture(scope="module")
def index() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE VIRTUAL TABLE t USING fts5(text, tokenize='unicode61 remove_diacritics 2')")
    connection.executemany("INSERT INTO t VALUES (?)", [(text,) for text in TEXTS])
    yield connection
    connection.close()


def found(index: sqlite3.Connection, typed: str) -> list[str]:
    query = fts_query(typed)
    return [text for (text,) in index.execute("SELECT text FROM t WHERE t MATCH ?", [query])] if query else []


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


@pytest.mark.parametrize("typed", ["", "   ", "?!", '""', "*", "…", "😀"])
def test_what_holds_no_word_is_no_query(typed: str) -> None:
    assert fts_query(typed) == ""


def test_a_query_is_bounded() -> None:
    assert fts_query("word " * 5_000).count('"') == 2 * MOST_TERMS
