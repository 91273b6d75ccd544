"""Notes on a comparison by keyboard: flag, comment, tags."""

import pytest
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.annotate.note_cards import tags_in
from app.annotate.page import AnnotatePage
from app.annotate.presenter import AnnotatePresenter
from app.store.records import Comparison
from tests.app.annotate.typist import Key, Modifier, button, press
from tests.helpers.fake_engine import FakeEngine


def on_screen(presenter: AnnotatePresenter) -> Comparison:
    comparison = presenter.state.comparison
    assert comparison is not None
    return comparison


def type_in(words: str) -> None:
    QTest.keyClicks(QApplication.focusWidget(), words)


def test_f_flags_and_takes_the_flag_back(ready_page: AnnotatePage, presenter: AnnotatePresenter) -> None:
    press(Key.Key_F)
    assert on_screen(presenter).flagged
    assert button(ready_page, "note-flag").accessibleName() == "Flagged"
    press(Key.Key_F)
    assert not on_screen(presenter).flagged
    assert button(ready_page, "note-flag").accessibleName() == "Flag"


def test_c_opens_a_card_and_enter_keeps_what_it_holds(
    ready_page: AnnotatePage, presenter: AnnotatePresenter
) -> None:
    press(Key.Key_C)
    type_in("Both miss 1 point")
    assert on_screen(presenter).comment == ""
    press(Key.Key_Return)
    assert on_screen(presenter).comment == "Both miss 1 point"
    assert ready_page.hasFocus()
    press(Key.Key_C)
    assert ready_page.cards.comment.field.toPlainText() == "Both miss 1 point"
    type_in("x")
    press(Key.Key_Escape)
    assert ready_page.cards.comment.isHidden()
    assert on_screen(presenter).comment == "Both miss 1 point"
    assert ready_page.hasFocus()


def test_t_takes_tags_and_offers_the_known_ones(
    ready_page: AnnotatePage, presenter: AnnotatePresenter, engine: FakeEngine
) -> None:
    press(Key.Key_T)
    type_in("factual, too long")
    press(Key.Key_Return)
    assert set(on_screen(presenter).tags) == {"factual", "too long"}
    press(Key.Key_1)
    engine.deliver()
    press(Key.Key_T)
    type_in("fac")
    card = ready_page.cards.tags
    assert [card.list.item(row).text() for row in range(card.list.count())] == ["factual"]
    press(Key.Key_Down)
    press(Key.Key_Return)
    assert card.field.text() == "factual, "
    press(Key.Key_Return)
    assert on_screen(presenter).tags == ("factual",)


@pytest.mark.parametrize(
    ("typed", "tags"),
    [("", ()), (" , ,", ()), ("a,b", ("a", "b")), (" too   long , A, a", ("too long", "A"))],
)
def test_tags_of_a_line(typed: str, tags: tuple[str, ...]) -> None:
    assert tags_in(typed) == tags


def test_notes_are_of_the_comparison_on_the_screen(
    ready_page: AnnotatePage, presenter: AnnotatePresenter, engine: FakeEngine
) -> None:
    press(Key.Key_F)
    press(Key.Key_C)
    type_in("half")
    # A verdict by the mouse while the card is open: the card closes, its words are of no other pair.
    button(ready_page, "verdict-left").click()
    engine.deliver()
    assert ready_page.cards.comment.isHidden()
    assert not on_screen(presenter).flagged
    assert on_screen(presenter).comment == ""
    assert button(ready_page, "note-flag").accessibleName() == "Flag"


def test_notes_are_undone_by_the_same_key_as_verdicts(
    ready_page: AnnotatePage, presenter: AnnotatePresenter
) -> None:
    press(Key.Key_F)
    press(Key.Key_Z, Modifier.ControlModifier)
    assert not on_screen(presenter).flagged


def test_keys_of_verdicts_are_letters_in_a_card(
    ready_page: AnnotatePage, presenter: AnnotatePresenter
) -> None:
    press(Key.Key_T)
    type_in("1234 fcterdq")
    press(Key.Key_Return)
    assert on_screen(presenter).tags == ("1234 fcterdq",)
    assert given_nothing(presenter)


def given_nothing(presenter: AnnotatePresenter) -> bool:
    counts = presenter.state.counts
    return counts.preferences + counts.ties + counts.both_bad + counts.skips == 0
