"""Word-level differences of two texts."""

import random
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtGui import QTextCharFormat
from PySide6.QtWidgets import QApplication

from app.shell.theme import Theme
from app.widgets.difference_marks import DifferenceMarks, in_units
from app.widgets.paper import Look, plain_document
from app.widgets.text_differences import MOST_WORDS, differences

WORDS = st.lists(st.sampled_from(["a", "b", "the", "it's", ",", "\n", "é", "👩‍👧"]), max_size=30).map(
    " ".join
)


def test_words_that_only_one_text_has_are_found() -> None:
    left, right = "The cat sat on the mat.", "The dog sat on a mat!"
    found = differences(left, right)
    assert found is not None
    assert [left[start:end] for start, end in found.left] == ["cat", "the", "."]
    assert [right[start:end] for start, end in found.right] == ["dog", "a", "!"]


def test_equal_texts_have_none_and_different_ones_share_nothing() -> None:
    same = differences("One two.", "One  two.")
    assert same is not None
    assert (same.left, same.right, same.shared) == ((), (), 1.0)
    other = differences("one two", "three four")
    assert other is not None
    assert other.shared == 0.0
    assert other.left == ((0, 7),), "one stretch, not two"


def test_too_many_words_are_not_compared() -> None:
    assert differences("a " * (MOST_WORDS + 1), "b") is None


def test_twenty_thousand_characters_are_compared() -> None:
    draw = random.Random(1)
    words = [f"word{number}" for number in range(300)]
    left, right = (" ".join(draw.choice(words) for _ in range(2800)) for _ in range(2))
    found = differences(left, right)
    assert found is not None
    assert 0 < found.shared < 1


@given(WORDS, WORDS)
def test_what_is_not_marked_is_the_same_on_both_sides(left: str, right: str) -> None:
    found = differences(left, right)
    assert found is not None

    def rest(text: str, stretches: tuple[tuple[int, int], ...]) -> list[str]:
        bounds = [0, *(place for stretch in stretches for place in stretch), len(text)]
        assert all(start <= end for start, end in pairwise(bounds))
        return "".join(text[bounds[n] : bounds[n + 1]] for n in range(0, len(bounds), 2)).split()

    assert "".join(rest(left, found.left)) == "".join(rest(right, found.right))


def test_marks_say_the_side_by_their_line_too(qapp: QApplication) -> None:
    theme = Theme(qapp, "light")
    document = plain_document("😀 one two", Look.of(theme))
    text = document.toPlainText()
    tint, line = theme.colour("accent_soft"), theme.colour("accent")
    lines = []
    for side in ("left", "right"):
        marks = DifferenceMarks(document, side, in_units(text, [(2, 5)]), tint, line)
        marks.rehighlight()
        (form,) = document.firstBlock().layout().formats()
        assert (form.start, form.length) == (3, 3), "an emoji counts two in Qt"
        assert form.format.background().color() == tint
        lines.append(form.format.underlineStyle())
        marks.setDocument(None)  # type: ignore[call-overload]
    assert len(set(lines)) == 2
    assert QTextCharFormat.UnderlineStyle.NoUnderline not in lines
    assert document.toPlainText() == "😀 one two"
