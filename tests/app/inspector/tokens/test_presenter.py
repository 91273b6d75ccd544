"""Tokens come from the project where they are kept, else from the engine, for the pair that is looked at."""

from dataclasses import dataclass, replace
from typing import Any

import pytest

from app.inspector.tokens import presenter as tokens_presenter
from app.inspector.tokens.presenter import TokensPresenter
from app.store.errors import StoreFull
from app.store.handle import Project
from app.store.records import ScoredPair
from app.store.training.scores import record_scores, scored_pairs
from app.store.training.token_details import keep_token_details, token_details
from dpo_engine.events import ModelLoaded, Progress, RequestStarted, TokensScored
from dpo_engine.pair_math import PairScore, TokenScore
from dpo_engine.requests import Cancel, ScoreTokens
from tests.app.inspector.scenes import add_scene_run, make_pairs
from tests.app.inspector.tokens.pairs import CHOSEN, REJECTED, pair_details
from tests.helpers.fake_engine import FakeEngine
from tests.helpers.stores import DirectReader, DirectStore

DETAILS = pair_details(CHOSEN, REJECTED)


@dataclass(frozen=True)
class Models:
    policy: str = "/runs/one"
    reference: str = "starter"
    max_length: int = 512


@pytest.fixture
def presenter(engine: FakeEngine, store: DirectStore, reader: DirectReader) -> TokensPresenter:
    return TokensPresenter(engine=engine, store=store, reader=reader)


@pytest.fixture
def pairs(project: Project) -> list[ScoredPair]:
    """Two pairs whose scores are the sums of `DETAILS`."""
    made = make_pairs(2)
    run = add_scene_run(project, "one", made)
    totals: dict[str, Any] = {
        "policy_chosen_logp": -2.5,
        "policy_rejected_logp": -5.25,
        "reference_chosen_logp": -4.0,
        "reference_rejected_logp": -3.5,
    }
    scores = [
        PairScore(pair=pair.id, split=pair.split, chosen_tokens=3, rejected_tokens=3, **totals)
        for pair in made
    ]
    record_scores(project, run.id, "policy", scores)
    return scored_pairs(project, run.id, "policy")


def answer(engine: FakeEngine, **changes: Any) -> None:
    asked = engine.last(ScoreTokens)
    engine.emit(RequestStarted(request=asked.id))
    values = {"chosen": DETAILS.chosen, "rejected": DETAILS.rejected} | changes
    engine.emit(TokensScored(request=asked.id, pair=asked.pair.id, **values))
    engine.finish(asked.id)


def test_the_engine_is_asked_for_what_the_pair_was_scored_with(
    engine: FakeEngine, presenter: TokensPresenter, pairs: list[ScoredPair]
) -> None:
    presenter.show(pairs[0], Models())
    asked = engine.last(ScoreTokens)
    assert (asked.policy, asked.reference, asked.max_length) == ("/runs/one", "starter", 512)
    assert (asked.pair.id, asked.pair.chosen, asked.pair.rejected) == (
        pairs[0].pair,
        pairs[0].chosen,
        pairs[0].rejected,
    )
    assert asked.dtype == "float32", "as scores are"


def test_it_says_what_is_going_on(
    engine: FakeEngine, presenter: TokensPresenter, pairs: list[ScoredPair]
) -> None:
    heard: list[tuple[str, str]] = []
    presenter.listen(lambda: heard.append((presenter.state.phase, presenter.state.stage)))
    presenter.show(pairs[0], Models())
    request = engine.last(ScoreTokens).id
    engine.emit(RequestStarted(request=request))
    engine.emit(Progress(request=request, stage="Loading one", done=0, total=0))
    engine.emit(
        ModelLoaded(request=request, model="m", fingerprint="f", parameters=1, device="cpu", dtype="float32")
    )
    answer(engine)
    assert heard == [
        ("reading", ""),
        ("asking", "Waiting for the engine"),
        ("asking", "Reading the tokens under both models"),
        ("asking", "Loading one"),
        ("asking", "Reading the tokens under both models"),
        ("ready", ""),
    ]
    tokens = presenter.state.tokens
    assert tokens is not None and [token.text for token in tokens.chosen.tokens] == ["The", " cat", " sat"]


def test_a_long_pair_comes_in_parts(
    engine: FakeEngine, project: Project, presenter: TokensPresenter, pairs: list[ScoredPair]
) -> None:
    presenter.show(pairs[0], Models())
    request, name = engine.last(ScoreTokens).id, pairs[0].pair
    first = TokensScored(
        request=request, pair=name, chosen=DETAILS.chosen[:2], rejected=DETAILS.rejected, last=False
    )
    engine.emit(first)
    assert presenter.state.phase == "asking"
    engine.emit(TokensScored(request=request, pair=name, chosen=DETAILS.chosen[2:], rejected=()))
    assert presenter.state.tokens is not None and len(presenter.state.tokens.chosen) == 3
    assert token_details(project, pairs[0].run_id, "policy", name) == DETAILS


def test_answers_are_kept_and_the_engine_is_asked_once(
    engine: FakeEngine,
    store: DirectStore,
    reader: DirectReader,
    project: Project,
    presenter: TokensPresenter,
    pairs: list[ScoredPair],
) -> None:
    presenter.show(pairs[0], Models())
    answer(engine)
    assert token_details(project, pairs[0].run_id, "policy", pairs[0].pair) == DETAILS
    again = TokensPresenter(engine=engine, store=store, reader=reader)
    again.show(pairs[0], Models())
    assert again.state.phase == "ready" and len(engine.requests) == 1


def test_going_back_needs_no_reading(
    engine: FakeEngine, reader: DirectReader, presenter: TokensPresenter, pairs: list[ScoredPair]
) -> None:
    for pair in pairs:
        presenter.show(pair, Models())
        answer(engine)
    read = reader.submitted
    presenter.show(pairs[0], Models())
    assert presenter.state.phase == "ready" and reader.submitted == read


def test_only_so_many_tokens_are_at_hand(
    engine: FakeEngine,
    reader: DirectReader,
    presenter: TokensPresenter,
    pairs: list[ScoredPair],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tokens_presenter, "_AT_HAND", 11)
    for pair in pairs:
        presenter.show(pair, Models())
        answer(engine)
    read = reader.submitted
    presenter.show(pairs[0], Models())
    assert presenter.state.phase == "ready" and reader.submitted == read + 1


def test_moving_on_cancels_what_was_asked_and_drops_its_answer(
    engine: FakeEngine, presenter: TokensPresenter, pairs: list[ScoredPair]
) -> None:
    presenter.show(pairs[0], Models())
    first = engine.last(ScoreTokens).id
    presenter.show(pairs[1], Models())
    assert engine.controls == [Cancel(target=first)]
    engine.emit(TokensScored(request=first, pair=pairs[0].pair, chosen=DETAILS.chosen, rejected=()))
    engine.fail(first, code="cancelled", message="Cancelled.")
    assert presenter.state.phase == "asking"
    presenter.show(None, None)
    assert presenter.state.phase == "nothing" and len(engine.controls) == 2


def test_a_late_reading_of_another_pair_is_dropped(
    engine: FakeEngine, reader: DirectReader, presenter: TokensPresenter, pairs: list[ScoredPair]
) -> None:
    reader.hold()
    presenter.show(pairs[0], Models())
    presenter.show(pairs[1], Models())
    reader.release()
    assert [engine.last(ScoreTokens).pair.id] == [pairs[1].pair] and len(engine.requests) == 1


def test_kept_tokens_of_other_weights_are_asked_for_again(
    engine: FakeEngine, project: Project, presenter: TokensPresenter, pairs: list[ScoredPair]
) -> None:
    keep_token_details(project, pairs[0].run_id, "policy", pairs[0].pair, pair_details(CHOSEN, CHOSEN))
    presenter.show(pairs[0], Models())
    assert presenter.state.phase == "asking"
    answer(engine)
    assert presenter.state.phase == "ready" and presenter.state.message == ""


def test_tokens_that_do_not_add_up_to_the_scores_say_so_and_are_not_kept(
    engine: FakeEngine, project: Project, presenter: TokensPresenter, pairs: list[ScoredPair]
) -> None:
    presenter.show(pairs[0], Models())
    answer(engine, rejected=DETAILS.chosen)
    assert presenter.state.phase == "ready" and "other weights" in presenter.state.message
    assert token_details(project, pairs[0].run_id, "policy", pairs[0].pair) is None


def test_log_probs_of_before_are_shown_while_the_engine_finds_the_rest(
    engine: FakeEngine, project: Project, presenter: TokensPresenter, pairs: list[ScoredPair]
) -> None:
    old = [
        tuple(TokenScore(text=t.text, id=t.id, policy=t.policy, reference=t.reference) for t in side)
        for side in (DETAILS.chosen, DETAILS.rejected)
    ]
    pair = pairs[0]
    score = PairScore(
        pair=pair.pair,
        split=pair.split,
        policy_chosen_logp=-2.5,
        policy_rejected_logp=-5.25,
        reference_chosen_logp=-4.0,
        reference_rejected_logp=-3.5,
        chosen_tokens=3,
        rejected_tokens=3,
        chosen_token_scores=old[0],
        rejected_token_scores=old[1],
    )
    record_scores(project, pair.run_id, "policy", [score])
    presenter.show(pair, Models())
    before = presenter.state.tokens
    assert presenter.state.phase == "ready" and before is not None
    assert before.chosen.tokens[0].policy_rank == 0
    engine.emit(RequestStarted(request=engine.last(ScoreTokens).id))
    assert presenter.state.phase == "ready"
    answer(engine)
    after = presenter.state.tokens
    assert after is not None and after.chosen.tokens[0].policy_rank == 2


def test_a_failure_is_a_sentence_and_can_be_tried_again(
    engine: FakeEngine, presenter: TokensPresenter, pairs: list[ScoredPair]
) -> None:
    presenter.show(pairs[0], Models())
    engine.fail(engine.last(ScoreTokens).id, code="out_of_memory", message="Too little memory.")
    assert (presenter.state.phase, presenter.state.message) == ("failed", "Too little memory.")
    presenter.retry()
    assert presenter.state.phase == "asking" and len(engine.requests) == 2
    presenter.retry()
    assert len(engine.requests) == 2, "one at a time"
    answer(engine)
    assert presenter.state.phase == "ready"


def test_models_that_are_gone_are_said(
    engine: FakeEngine, presenter: TokensPresenter, pairs: list[ScoredPair]
) -> None:
    presenter.show(pairs[0], None)
    assert presenter.state.phase == "failed" and "not on this computer" in presenter.state.message
    assert engine.requests == []


def test_no_number_is_a_sentence(
    engine: FakeEngine, presenter: TokensPresenter, pairs: list[ScoredPair]
) -> None:
    presenter.show(pairs[0], Models())
    answer(engine, chosen=(replace(DETAILS.chosen[0], policy=float("nan")),))
    assert presenter.state.phase == "failed" and "not a number" in presenter.state.message


def test_a_project_that_takes_nothing_still_shows_the_tokens(
    engine: FakeEngine, store: DirectStore, presenter: TokensPresenter, pairs: list[ScoredPair]
) -> None:
    presenter.show(pairs[0], Models())
    store.fail_next(StoreFull("The disk is full."))
    answer(engine)
    assert presenter.state.phase == "ready" and "The disk is full." in presenter.state.message


def test_kept_tokens_that_cannot_be_read_are_asked_for_again(
    engine: FakeEngine, project: Project, presenter: TokensPresenter, pairs: list[ScoredPair]
) -> None:
    project.db.conn.execute("UPDATE pair_scores SET token_scores = x'02ff'")
    presenter.show(pairs[0], Models())
    assert presenter.state.phase == "asking"


def test_closing_ends_what_was_asked(
    engine: FakeEngine, presenter: TokensPresenter, pairs: list[ScoredPair]
) -> None:
    presenter.show(pairs[0], Models())
    presenter.close()
    assert engine.controls == [Cancel(target=engine.last(ScoreTokens).id)]
