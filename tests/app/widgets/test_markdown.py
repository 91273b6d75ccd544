"""Markdown as a document: what is rendered, what stays text, and that nothing is ever loaded."""

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QUrl
from PySide6.QtGui import QFont, QTextBlock, QTextCursor, QTextDocument, QTextTable
from PySide6.QtWidgets import QApplication

from app.shell.theme import MONO_FAMILY, Theme
from app.widgets.markdown import markdown_document, write_markdown
from app.widgets.paper import LINK, InertDocument, Look, plain_document

_LIST_NUMBERS = re.compile(r"[0-9]")
CODE = "```python\ndef f():\n    return 1\n\nprint(f())\n```"
TABLE = "| Fruit | Price |\n|:--|--:|\n| Apple | 1.20 |\n| Fig | 2.40 |"


@pytest.fixture
def look(qapp: QApplication) -> Look:
    return Look.of(Theme(qapp, "light"))


def blocks(document: QTextDocument) -> list[QTextBlock]:
    found = []
    block = document.begin()
    while block.isValid():
        found.append(block)
        block = block.next()
    return found


def font_of(document: QTextDocument, words: str) -> QFont:
    cursor = document.find(words)
    assert not cursor.isNull(), words
    return cursor.charFormat().font()


def test_common_markdown_is_rendered(look: Look) -> None:
    document = markdown_document("# Title\n\nSome **bold** and *slanted* words.\n\n1. one\n2. two", look)
    assert document.toPlainText() == "Title\nSome bold and slanted words.\none\ntwo"
    assert font_of(document, "bold").weight() == QFont.Weight.DemiBold
    assert font_of(document, "slanted").italic()
    assert font_of(document, "Title").pixelSize() == 19
    assert [block.textList() is not None for block in blocks(document)] == [False, False, True, True]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("1. one\n2. two\n10) ten", "one\ntwo\nten"),
        ("- [x] done\n- [ ] open", "done\nopen"),
        ("> 1. quoted\n> 2. list", "quoted\nlist"),
        ("[a](http://example.com/x)", "a (http://example.com/x)"),
        ("Fish &amp; chips &copy; &#169; &lt;3", "Fish & chips © © <3"),
        ("Some `code` and ~~gone~~ words", "Some code and gone words"),
        ("Line one  \nline two", "Line one\nline two"),
    ],
)
def test_markup_is_not_missed_as_words(look: Look, text: str, shown: str) -> None:
    assert markdown_document(text, look).toPlainText() == shown


def test_code_is_mono_on_a_well_line_by_line(look: Look) -> None:
    document = markdown_document(f"Before\n\n{CODE}\n\nAfter with `span`", look)
    assert "def f():\n    return 1\n\nprint(f())" in document.toPlainText()
    for words in ("def f():", "    return 1", "print(f())", "span"):
        assert font_of(document, words).family() == MONO_FAMILY, words
        assert font_of(document, words).pixelSize() == 13, words
    frames = document.rootFrame().childFrames()
    assert len(frames) == 1
    assert frames[0].frameFormat().background().color() == look.well
    assert font_of(document, "After").family() != MONO_FAMILY
    lines = [block for block in blocks(document) if block.text().strip().startswith(("def", "return"))]
    assert not any(line.blockFormat().nonBreakableLines() for line in lines), "long lines wrap"


def test_tables_are_tables_with_a_heavy_head(look: Look) -> None:
    document = markdown_document(f"> quote before\n\n{TABLE}\n\nafter", look)
    (table,) = [child for child in document.rootFrame().childFrames() if isinstance(child, QTextTable)]
    assert (table.rows(), table.columns()) == (3, 2)
    assert font_of(document, "Fruit").weight() == QFont.Weight.DemiBold
    assert font_of(document, "Price").weight() == QFont.Weight.DemiBold
    assert font_of(document, "Apple").weight() == QFont.Weight.Normal
    assert table.cellAt(0, 0).firstCursorPosition().block().text() == "Fruit"


@pytest.mark.parametrize(
    "html",
    [
        "<script>alert(1)</script>",
        "<img src='http://example.com/a.png'>",
        "<b>bold</b> &amp; <a href='http://example.com'>x</a>",
        "<style>* { color: red }</style>",
        "<!-- hidden -->",
        "<details><summary>more</summary>inside</details>",
    ],
)
def test_html_is_text(look: Look, html: str) -> None:
    for text in (html, f"Before {html} after", f"Before\n\n{html}\n\nafter"):
        shown = markdown_document(text, look).toPlainText()
        assert html.replace("&amp;", "&") in shown.replace("&amp;", "&")


def test_pictures_are_what_was_written_for_them(look: Look) -> None:
    document = markdown_document("See ![a cat](file:///etc/passwd) and ![](http://example.com/x.png)!", look)
    assert document.toPlainText() == "See ![a cat](file:///etc/passwd) and ![](http://example.com/x.png)!"
    assert "\ufffc" not in document.toRawText()
    rendered = markdown_document("**See** ![a cat](file:///etc/passwd)!", look)
    assert rendered.toPlainText() == "See ![a cat](file:///etc/passwd)!"


def test_links_are_words_that_lead_nowhere(look: Look) -> None:
    document = markdown_document(
        "A [link](http://example.com/x), a [file](file:///etc/passwd), http://example.com/bare, <a@b.c>", look
    )
    cursor = QTextCursor(document)
    for position in range(document.characterCount() - 1):
        cursor.setPosition(position)
        cursor.movePosition(QTextCursor.MoveOperation.Right, QTextCursor.MoveMode.KeepAnchor)
        assert not cursor.charFormat().isAnchor()
        assert not cursor.charFormat().anchorHref()
    assert "http://example.com/bare" in document.toPlainText()


def test_nothing_is_loaded_from_the_disk(look: Look, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    url = QUrl.fromLocalFile(str(secret))
    kinds = QTextDocument.ResourceType
    assert bytes(QTextDocument().resource(kinds.StyleSheetResource.value, url)) == b"secret", "Qt would"
    document = InertDocument()
    for kind in kinds:
        assert document.resource(kind.value, url) is None
        assert document.resource(kind.value, QUrl("data:text/plain,secret")) is None


@pytest.mark.parametrize(
    "swallowed",
    [
        "[hidden]: http://example.com 'this text would not be seen at all by the reader'\n\nvisible",
        "A long text. " * 200 + "\n\n[hidden]: http://example.com 'not seen at all'",
        "``` words that are not shown anywhere\ncode\n```",
        "- " * 5000,
        "`" * 5000,
        ">" * 5000 + "x",
        "| a |" + " b |" * 400 + "\n" + "|-" * 400 + "|",
        "*_" * 3000,
        "a\n\n" * 3000,
        "[" * 5000,
    ],
)
def test_what_rendering_would_swallow_or_take_long_over_is_plain(look: Look, swallowed: str) -> None:
    shown = markdown_document(swallowed, look).toPlainText()
    words = [word for word in swallowed.split() if word.isalnum()]
    assert sum(len(word) for word in words) <= sum(character.isalnum() for character in shown)
    if not words:
        assert shown.replace("\n", "") == swallowed


@pytest.mark.parametrize("mark", ["\x00", "\ufdd0", "\ufdd1", "\ufffc"])
def test_marks_that_documents_use_inside_are_replaced(look: Look, mark: str) -> None:
    for document in (markdown_document(f"a{mark}b", look), plain_document(f"a{mark}b", look)):
        assert document.toPlainText() == "a\ufffdb"


def test_each_paragraph_runs_in_its_own_direction(look: Look) -> None:
    document = markdown_document("English first.\n\nمرحباً جاري العزيز\n\n- أعدك بذلك", look)
    directions = [block.textDirection().name for block in blocks(document)]
    assert directions == ["LeftToRight", "RightToLeft", "RightToLeft"]
    plain = plain_document("English first.\nمرحباً جاري العزيز", look)
    assert [block.textDirection().name for block in blocks(plain)] == ["LeftToRight", "RightToLeft"]


def test_code_runs_left_to_right_whatever_is_in_it(look: Look) -> None:
    document = markdown_document('```\n"مرحباً" = x\n```', look)
    line = next(block for block in blocks(document) if "=" in block.text())
    assert line.blockFormat().layoutDirection().name == "LeftToRight"


def test_code_is_coloured_where_its_language_is_named(look: Look) -> None:
    document = markdown_document(CODE + "\n\n```\nreturn plain\n```", look)
    cursor = document.find("def")
    assert cursor.charFormat().foreground().color() == look.code["keyword"]
    plain = document.find("return plain")
    assert plain.charFormat().foreground().color() != look.code["keyword"]


def test_what_stands_after_a_fence_and_is_no_language_is_not_lost(look: Look) -> None:
    assert (
        markdown_document("```my own words\nx = 1\n```", look).toPlainText().strip() == "my own words\nx = 1"
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("So $x^2$ it is", "So x² it is"),
        (r"So \(\frac{a+b}{2}\) it is", "So (a+b)/2 it is"),
        (r"Broken $\frac{1$ stays", r"Broken $\frac{1$ stays"),
        ("It costs $5 and $6 here", "It costs $5 and $6 here"),
        ("$$\nx_1 \\le 2\n$$", "x₁ ≤ 2"),
        (r"\[ \alpha \]", "α"),
    ],
)
def test_formulas_are_text(look: Look, text: str, shown: str) -> None:
    assert markdown_document(text, look).toPlainText() == shown


def test_a_task_list_has_boxes(look: Look) -> None:
    document = markdown_document("- [x] done\n- [ ] open\n- plain", look)
    markers = [block.blockFormat().marker().name for block in blocks(document)]
    assert markers == ["Checked", "Unchecked", "NoMarker"]


def test_numbers_of_a_list_go_on_where_the_text_begins_them(look: Look) -> None:
    document = markdown_document("\n".join(f"{n}. item" for n in range(7, 107)), look)
    numbers = [block.textList().itemText(block) for block in blocks(document)]
    assert numbers == [f"{n}." for n in range(7, 107)]


def test_a_link_shows_its_address_and_keeps_it(look: Look) -> None:
    document = markdown_document("[click](http://example.com/a 'Title') and <http://example.com/b>", look)
    assert document.toPlainText() == "click (http://example.com/a “Title”) and http://example.com/b"
    assert document.find("click").charFormat().property(LINK) == "http://example.com/a"


PIECES = st.sampled_from(
    ["*", "_", "`", "```", "~~~", "|", "\n", "\n\n", "    ", "> ", "- ", "1. ", "# ", "[", "](", ")", "!",
     "$", "$$", "\\(", "\\[", "\\]", "\\frac{", "}", "<img src=x>", "---", "|-|", "a",
     "wörd", "مرحبا", "👩‍👩‍👧", "\x00", "\u2028",
     "http://x.y", "&amp;", "\r", "\t", "  \n", "python"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=60).map("".join) | st.text(max_size=200))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_rendered_without_loading_anything(look: Look, text: str) -> None:
    asked: list[object] = []

    class Watched(InertDocument):
        def loadResource(self, kind: int, name: object) -> None:
            asked.append(name)

    document = Watched()
    document.setDefaultFont(look.text)
    for _ in write_markdown(document, text, look):
        pass
    document.size()
    assert asked == []
    letters = [sign for sign in _LIST_NUMBERS.sub("", text) if sign.isalpha()]
    shown = [sign for sign in document.toPlainText() if sign.isalpha()]
    if "\\" not in text and "&" not in text and "$" not in text:
        assert len(shown) >= len(letters)
