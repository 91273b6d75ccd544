"""Tokens lie where their letters are: wrapped, in both directions, and several in one character."""

from collections.abc import Sequence

import pytest
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QTextCharFormat

from app.inspector.tokens.blocks import blocks
from app.inspector.tokens.flow import Flow, Fonts
from app.shell.theme import Theme
from dpo_engine.token_scores.details import TokenDetail
from tests.app.inspector.tokens.pairs import detail


def flow_of(theme: Theme, tokens: Sequence[TokenDetail], width: float = 300) -> Flow:
    return Flow(blocks(tokens), Fonts(theme.font(15), QTextCharFormat(), QTextCharFormat()), width)


def rects(flow: Flow, token: int) -> list[QRectF]:
    return [cell.rect for cell in flow.cells_of(token)]


def test_tokens_stand_one_after_another_and_are_found_again(theme: Theme) -> None:
    flow = flow_of(theme, [detail(text) for text in ("One", " two", " three")])
    flow.lay_out()
    (one,), (two,), (three,) = (rects(flow, token) for token in range(3))
    assert one.left() == 0 and one.right() == pytest.approx(two.left()) and two.right() == three.left()
    assert one.top() == three.top() and one.height() > 15
    assert [flow.token_at(rect.center()) for rect in (one, two, three)] == [0, 1, 2]
    assert flow.token_at(three.center() + QPointF(three.width(), 0)) == -1
    assert flow.token_at(QPointF(5, 500)) == -1


def test_words_wrap_and_a_hanging_space_has_no_cell(theme: Theme) -> None:
    flow = flow_of(theme, [detail(" word")] * 30, width=200)
    flow.lay_out()
    lines = {cell.rect.top() for token in range(30) for cell in flow.cells_of(token)}
    assert len(lines) > 3 and flow.height == len(lines) * flow.line_height
    assert all(len(rects(flow, token)) == 1 for token in range(30))
    assert all(cell.rect.right() <= 201 for token in range(30) for cell in flow.cells_of(token))


def test_a_word_longer_than_a_line_has_a_cell_on_each(theme: Theme) -> None:
    flow = flow_of(theme, [detail("x" * 100)], width=120)
    flow.lay_out()
    assert len(rects(flow, 0)) == round(flow.height / flow.line_height) > 3


def test_right_to_left_text_runs_from_the_right(theme: Theme) -> None:
    flow = flow_of(theme, [detail("كلب"), detail(" نائم"), detail(" abc")])
    flow.lay_out()
    (first,), (second,), (latin,) = (rects(flow, token) for token in range(3))
    assert first.right() == pytest.approx(300, abs=1)
    assert first.left() >= second.left() >= latin.left()
    assert [flow.token_at(rect.center()) for rect in (first, second, latin)] == [0, 1, 2]


def test_tokens_of_one_character_share_its_place(theme: Theme) -> None:
    parts = [TokenDetail(text="汉", id=n, policy=-1, reference=-1, piece=n, pieces=3) for n in range(3)]
    flow = flow_of(theme, [*parts, detail("!")])
    flow.lay_out()
    widths = [rects(flow, token)[0].width() for token in range(3)]
    assert widths == pytest.approx([widths[0]] * 3) and widths[0] > 0
    assert rects(flow, 2)[0].right() == pytest.approx(rects(flow, 3)[0].left())


def test_characters_of_two_units_are_not_taken_for_two(theme: Theme) -> None:
    flow = flow_of(theme, [detail("𝔘𝔘"), detail("end")])
    flow.lay_out()
    whole, end = rects(flow, 0)[0], rects(flow, 1)[0]
    assert whole.right() == pytest.approx(end.left()) and end.width() > 10


def test_a_long_text_is_laid_out_as_far_as_it_is_seen(theme: Theme) -> None:
    tokens = [detail(" word")] * 3 + [detail("\n")]
    flow = flow_of(theme, tokens * 2000)
    flow.lay_out(0.0, at_least=300)
    assert 300 <= flow.height < 400 and not flow.finished
    assert flow.cells_of(7000) == []
    flow.lay_out()
    assert flow.finished and flow.height == 2000 * flow.line_height
    seen = flow.between(1000, 1300)
    assert len(seen) < 20 and seen[0].top <= 1000 and seen[-1].bottom >= 1300


def test_a_joined_emoji_is_shared_by_all_that_write_it(theme: Theme) -> None:
    flow = flow_of(theme, [detail("x"), detail("🧑"), detail("\u200d"), detail("🚀"), detail("y")])
    flow.lay_out()
    middle = [rects(flow, token)[0] for token in (1, 2, 3)]
    assert [rect.width() for rect in middle] == pytest.approx([middle[0].width()] * 3)
    assert middle[0].left() == pytest.approx(rects(flow, 0)[0].right())
    assert middle[2].right() == pytest.approx(rects(flow, 4)[0].left())


def test_a_word_in_the_other_direction_has_its_own_place(theme: Theme) -> None:
    flow = flow_of(theme, [detail("abc "), detail("ك"), detail("لب"), detail(" x")])
    flow.lay_out()
    (first,), (second,), (third,), (last,) = (rects(flow, token) for token in range(4))
    assert first.right() == pytest.approx(third.left(), abs=0.5)
    assert third.right() == pytest.approx(second.left(), abs=0.5)
    assert second.right() == pytest.approx(last.left(), abs=0.5) and second.width() > 3
