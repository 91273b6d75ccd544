"""What a person sees and does: colours, the token looked at, scrolling, copies, and words meanwhile."""

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from app.inspector.tokens.canvas import TokenCanvas
from app.inspector.tokens.presenter import TokensState
from app.inspector.tokens.shades import ramps
from app.inspector.tokens.values import PairTokens, SideTokens
from app.inspector.tokens.view import TokenView
from app.shell.theme import Theme
from app.widgets.plot_export import export_plot
from dpo_engine.token_scores.details import TokenDetail
from tests.app.inspector.tokens.pairs import CHOSEN, REJECTED, Word, detail, pair_tokens

LONG: tuple[Word, ...] = tuple((f" word{n}" if n % 9 else "\n", -1.0, -1.0 - n % 3) for n in range(4000))


@pytest.fixture
def view(qtbot: QtBot, theme: Theme) -> Iterator[TokenView]:
    made = TokenView(theme)
    qtbot.addWidget(made)
    made.resize(1000, 320)
    with qtbot.waitExposed(made):
        made.show()
    yield made
    theme.set_mode("light")


def show(view: TokenView, chosen: tuple[Word, ...] = CHOSEN, rejected: tuple[Word, ...] = REJECTED) -> None:
    view.show_state(TokensState(phase="ready", tokens=pair_tokens(chosen, rejected)))


def centre(canvas: TokenCanvas, token: int) -> QPoint:
    """Where the token is on the canvas's viewport."""
    flow = canvas.whole()
    assert flow is not None
    rect = flow.cells_of(token)[0].rect
    return QPoint(
        round(rect.center().x()) + 3, round(rect.center().y()) + 3 - canvas.verticalScrollBar().value()
    )


def colour_at(canvas: TokenCanvas, token: int) -> str:
    """Beside the letters: just inside the cell's left edge, in the middle of its height."""
    flow = canvas.whole()
    assert flow is not None
    rect = flow.cells_of(token)[0].rect
    image = canvas.viewport().grab().toImage()
    return image.pixelColor(round(rect.left()) + 6, round(rect.top()) + 3 + 4).name()


def test_a_raised_token_is_green_a_lowered_one_purple_on_one_scale(view: TokenView, theme: Theme) -> None:
    show(view)
    found = ramps(theme.palette)
    assert view.legend.low.text() == "−2.0" and view.legend.high.text() == "+2.0 nats"
    assert colour_at(view.chosen.canvas, 1) == found.raised[round(32 * 1.5 / 2)]
    assert colour_at(view.rejected.canvas, 1) == found.lowered[32]
    assert view.rejected.canvas.colouring is not None
    assert view.rejected.canvas.colouring.shades.bars.tolist() == [1, -1, 0]


def test_the_sums_are_said_and_follow_beta(view: TokenView) -> None:
    show(view)
    assert view.sum.text() == "Σ chosen 1.500 − Σ rejected (−1.750) = 3.250;  × β 0.1 = margin 0.3250"
    assert view.chosen.sum.text() == "3 tokens · Σ log-ratio +1.500"
    view.show_beta(0.5)
    assert view.sum.text().endswith("× β 0.5 = margin 1.6250")


def test_pointing_at_a_token_tells_all_of_it(qtbot: QtBot, view: TokenView) -> None:
    show(view)
    qtbot.mouseMove(view.chosen.canvas.viewport(), centre(view.chosen.canvas, 1))
    assert view.token.text.text() == "·cat" and view.token.value.text() == "+1.500 nats, raised"
    assert "2 of 3" in view.token.place.text() and f"id {detail(' cat').id}" in view.token.place.text()
    assert view.token.policy.log_prob.text() == "−0.500"
    assert view.token.reference.log_prob.text() == "−2.000"
    assert (view.token.policy.rank.text(), view.token.reference.rank.text()) == ("2", "31")
    assert view.token.policy.alternatives[0][0].text() == "·cat"
    assert view.token.reference.alternatives[0][0].text() == "↵"
    spoken = view.chosen.canvas.accessibleDescription()
    assert "Token 2 of 3: ·cat. +1.500 nats, raised." in spoken and "Rank 2 under the policy" in spoken


def test_arrow_keys_go_from_token_to_token_and_line_to_line(qtbot: QtBot, view: TokenView) -> None:
    show(view, chosen=(*CHOSEN, ("\n", -1.0, -1.0), *CHOSEN))
    canvas = view.chosen.canvas
    canvas.setFocus()
    for key, place in (
        (Qt.Key.Key_Right, 0),
        (Qt.Key.Key_Right, 1),
        (Qt.Key.Key_Down, 5),
        (Qt.Key.Key_Left, 4),
        (Qt.Key.Key_Up, 0),
        (Qt.Key.Key_Up, 0),
        (Qt.Key.Key_End, 6),
        (Qt.Key.Key_Right, 6),
        (Qt.Key.Key_Home, 0),
        (Qt.Key.Key_Left, 0),
    ):
        qtbot.keyClick(canvas, key)
        assert canvas.current == place, key
    assert "1 of 7" in view.token.place.text()


def test_only_one_token_is_looked_at(qtbot: QtBot, view: TokenView) -> None:
    show(view)
    qtbot.mouseMove(view.chosen.canvas.viewport(), centre(view.chosen.canvas, 0))
    qtbot.mouseMove(view.rejected.canvas.viewport(), centre(view.rejected.canvas, 1))
    assert (view.chosen.canvas.current, view.rejected.canvas.current) == (-1, 1)
    assert view.token.value.text() == "−2.000 nats, lowered"


def test_other_colours_keep_the_token_that_is_looked_at(qtbot: QtBot, view: TokenView) -> None:
    show(view)
    qtbot.mouseMove(view.chosen.canvas.viewport(), centre(view.chosen.canvas, 1))
    view.modes.choose(1)
    assert view.token.value.text() == "log-prob −0.500 under the policy"
    assert view.legend.high.text() == "0 nats"
    view.modes.choose(3)
    assert view.token.value.text() == "+1.500 nats for the chosen"
    qtbot.mouseMove(view.rejected.canvas.viewport(), centre(view.rejected.canvas, 0))
    assert view.token.value.text() == "stands in both; counted with the chosen response"


def test_long_responses_scroll_together(qtbot: QtBot, view: TokenView) -> None:
    show(view, LONG, LONG[:2000])
    chosen, rejected = view.chosen.canvas, view.rejected.canvas
    chosen.whole()
    rejected.whole()
    bar, other = chosen.verticalScrollBar(), rejected.verticalScrollBar()
    bar.setValue(bar.maximum() // 2)
    assert other.value() == pytest.approx(other.maximum() / 2, abs=1)
    other.setValue(other.maximum())
    assert bar.value() == bar.maximum()


def test_a_long_response_is_there_at_once_and_goes_on_in_turns(qtbot: QtBot, view: TokenView) -> None:
    show(view, LONG, REJECTED)
    before = view.chosen.canvas.verticalScrollBar().maximum()
    qtbot.waitUntil(lambda: view.chosen.canvas.verticalScrollBar().maximum() > 4 * max(1, before))


def test_the_keyboard_reaches_what_is_not_laid_out_yet(qtbot: QtBot, view: TokenView) -> None:
    show(view, LONG, REJECTED)
    view.chosen.canvas.setFocus()
    qtbot.keyClick(view.chosen.canvas, Qt.Key.Key_End)
    assert view.chosen.canvas.current == len(LONG) - 1
    bar = view.chosen.canvas.verticalScrollBar()
    assert bar.maximum() - 1 <= bar.value() and bar.value() > 0


def test_copy_gives_a_row_for_each_token(qtbot: QtBot, view: TokenView) -> None:
    show(view)
    view.copy()
    lines = QGuiApplication.clipboard().text().splitlines()
    assert lines[0].split("\t")[:7] == [
        "response",
        "place",
        "token",
        "id",
        "policy",
        "reference",
        "log_ratio",
    ]
    assert lines[2].split("\t")[:7] == ["chosen", "2", "·cat", str(detail(" cat").id), "-0.5", "-2.0", "1.5"]
    assert len(lines) == 7 and len({line.count("\t") for line in lines}) == 1


def test_a_picture_shows_all_of_both_responses(view: TokenView, tmp_path: Path) -> None:
    show(view, LONG[:600], REJECTED)
    picture = view._new_picture()
    export_plot(picture, tmp_path / "tokens.svg")
    root = ET.parse(tmp_path / "tokens.svg").getroot()  # noqa: S314 (written a line above)
    text = "".join("".join(root.itertext()).split())
    assert "Σchosen600.000" in text and "word599" in text and "dog" in text
    export_plot(picture, tmp_path / "tokens.csv")
    assert len((tmp_path / "tokens.csv").read_text().splitlines()) == 604
    assert picture.isHidden()


def test_words_stand_there_until_tokens_do(qtbot: QtBot, view: TokenView) -> None:
    view.show_state(TokensState(phase="asking", stage="Waiting for the engine"))
    assert view.blank.isVisible() and not view.chosen.isVisible()
    show(view)
    assert view.chosen.isVisible()
    view.show_state(TokensState(phase="reading"))
    assert view.chosen.isVisible(), "no flicker for what is there in a moment"
    qtbot.waitUntil(view.blank.isVisible)
    view.show_state(TokensState(phase="failed", message="The model is gone."))
    with qtbot.waitSignal(view.retry_requested):
        view.blank.button.click()


def test_what_there_is_to_know_of_tokens_stands_below(view: TokenView) -> None:
    view.show_state(
        TokensState(phase="ready", tokens=pair_tokens(CHOSEN, REJECTED), message="Other weights.")
    )
    assert view.note.isVisible() and view.note.text() == "Other weights."


def test_dark_and_large_text_are_drawn_with_their_own_colours(view: TokenView, theme: Theme) -> None:
    show(view)
    theme.set_mode("dark")
    assert colour_at(view.rejected.canvas, 1) == ramps(theme.palette).lowered[32]


def test_text_is_shown_as_text(view: TokenView) -> None:
    hostile: tuple[TokenDetail, ...] = (detail("<b>bold</b>"), detail("<img src=x>"), detail("\x00\u202e"))
    pair = PairTokens(SideTokens.of(hostile), SideTokens.of(hostile))
    view.show_state(TokensState(phase="ready", tokens=pair))
    view.chosen.canvas.looked_at.emit(0)
    assert view.token.text.text() == "<b>bold</b>"
    assert view.token.text.textFormat() == Qt.TextFormat.PlainText
    assert {label.textFormat() for label, _share in view.token.policy.alternatives} == {
        Qt.TextFormat.PlainText
    }
