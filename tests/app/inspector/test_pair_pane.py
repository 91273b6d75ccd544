"""The selected pair: its texts, or its tokens, which are asked for only where the selection rests."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from app.inspector.pair_pane import PairPane
from app.inspector.tokens.presenter import TokensPresenter
from app.shell.theme import Theme
from app.store.handle import Project
from app.store.records import ScoredPair
from app.store.training.scores import record_scores, scored_pairs
from dpo_engine.events import TokensScored
from dpo_engine.requests import Cancel, ScoreTokens
from tests.app.inspector.scenes import add_scene_run, make_pairs, make_scores, table_of
from tests.app.inspector.tokens.pairs import CHOSEN, details
from tests.helpers.fake_engine import FakeEngine
from tests.helpers.stores import DirectReader, DirectStore

PAIRS = make_pairs(3)
SCORES = make_scores(PAIRS)
TABLE = table_of(PAIRS, SCORES, beta=0.2)


@dataclass(frozen=True)
class Models:
    policy: str = "/runs/one"
    reference: str = "starter"
    max_length: int = 512


@pytest.fixture
def pairs(project: Project) -> list[ScoredPair]:
    run = add_scene_run(project, "one", PAIRS)
    record_scores(project, run.id, "policy", SCORES)
    return scored_pairs(project, run.id, "policy")


@pytest.fixture
def pane(
    qtbot: QtBot, qapp: QApplication, engine: FakeEngine, store: DirectStore, reader: DirectReader
) -> Iterator[PairPane]:
    presenter = TokensPresenter(engine=engine, store=store, reader=reader)
    made = PairPane(Theme(qapp, "light"), presenter, QLabel("path"))
    qtbot.addWidget(made)
    made.show_source(Models())
    made.resize(1000, 300)
    with qtbot.waitExposed(made):
        made.show()
    yield made
    presenter.close()


def test_a_pair_is_read_as_text_first(pane: PairPane, pairs: list[ScoredPair], engine: FakeEngine) -> None:
    pane.show_pair(TABLE, 1, pairs[1])
    assert pane.name.text() == "Pair 2" and pane.sentence.text()
    assert pane.chosen.text.toPlainText() == pairs[1].chosen
    assert pane.tokens is None and engine.requests == []
    pane.show_pair(TABLE, -1)
    assert pane.name.text() == "" and pane.chosen.text.toPlainText() == ""


def test_tokens_are_asked_for_where_the_selection_rests(
    qtbot: QtBot, pane: PairPane, pairs: list[ScoredPair], engine: FakeEngine
) -> None:
    pane.show_pair(TABLE, 0, pairs[0])
    pane.views.choose(1)
    assert engine.last(ScoreTokens).pair.id == pairs[0].pair
    for place in (1, 2, 1, 2):
        pane.show_pair(TABLE, place, pairs[place])
    assert len(engine.requests) == 1
    qtbot.waitUntil(lambda: len(engine.requests) == 2)
    assert engine.last(ScoreTokens).pair.id == pairs[2].pair
    assert engine.controls == [Cancel(target=engine.requests[0].id)]


def test_the_margin_is_at_the_beta_that_is_shown(
    pane: PairPane, pairs: list[ScoredPair], engine: FakeEngine
) -> None:
    pane.show_pair(TABLE, 0, pairs[0])
    pane.views.choose(1)
    asked, tokens = engine.last(ScoreTokens), details(CHOSEN)
    engine.emit(TokensScored(request=asked.id, pair=asked.pair.id, chosen=tokens, rejected=tokens))
    assert pane.tokens is not None and "× β 0.2" in pane.tokens.sum.text()
    pane.show_pair(TABLE.at_beta(0.5), 0, pairs[0])
    assert "× β 0.5" in pane.tokens.sum.text()


def test_tokens_out_of_view_are_not_asked_for(
    qtbot: QtBot, pane: PairPane, pairs: list[ScoredPair], engine: FakeEngine
) -> None:
    pane.show_pair(TABLE, 0, pairs[0])
    pane.views.choose(1)
    pane.views.choose(0)
    assert engine.controls == [Cancel(target=engine.requests[0].id)]
    pane.show_pair(TABLE, 1, pairs[1])
    pane.views.choose(1)
    pane.hide()
    qtbot.waitUntil(lambda: len(engine.controls) == 2)


def test_one_key_goes_through_the_views(pane: PairPane, pairs: list[ScoredPair]) -> None:
    pane.show_pair(TABLE, 0, pairs[0])
    seen = []
    for _ in range(3):
        pane.show_next_view()
        seen.append(pane.views.choice())
    assert seen == [1, 2, 0] and pane.texts.isVisible()
    assert pane.path is not None and not pane.path.isVisible()


def test_views_that_are_not_there_are_not_offered(qtbot: QtBot, qapp: QApplication) -> None:
    pane = PairPane(Theme(qapp, "light"))
    qtbot.addWidget(pane)
    pane.show()
    assert not pane.views.isVisible()
    pane.show_next_view()
    assert pane.views.choice() == 0


def test_texts_are_written_when_they_are_seen(pane: PairPane, pairs: list[ScoredPair]) -> None:
    pane.show_pair(TABLE, 0, pairs[0])
    pane.views.choose(2)
    pane.show_pair(TABLE, 1, pairs[1])
    assert pane.chosen.text.toPlainText() == pairs[0].chosen
    pane.views.choose(0)
    assert pane.chosen.text.toPlainText() == pairs[1].chosen
    pane.views.choose(2)
    pane.show_pair(TABLE, -1, None)
    pane.views.choose(0)
    assert pane.chosen.text.toPlainText() == ""


def test_the_same_text_at_another_beta_keeps_what_is_selected_in_it(
    pane: PairPane, pairs: list[ScoredPair]
) -> None:
    pane.show_pair(TABLE, 1, pairs[1])
    pane.chosen.text.selectAll()
    pane.show_pair(TABLE.at_beta(0.7), 1, pairs[1])
    assert pane.chosen.text.textCursor().selectedText() == pairs[1].chosen
    pane.show_pair(TABLE, 2, pairs[2])
    assert pane.chosen.text.toPlainText() == pairs[2].chosen
