"""Scores are the four log-probs of each pair, in input order, whatever the batching."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from dpo_engine import scoring
from dpo_engine.errors import BadInput
from dpo_engine.events import Note, PairsScored, Progress
from dpo_engine.models.loading import LoadedModel, load
from dpo_engine.pair_math import PairScore
from dpo_engine.pairs.tokenization import end_of_turn, prompt_ids, response_ids
from dpo_engine.preferences import Message
from dpo_engine.requests import Score
from tests.helpers.tiny_model import save_tiny_model
from tests.helpers.training_runs import new_run, of_kind, run_it, some_pairs

ROWS = [
    {
        "prompt": f"Question {number}?",
        "chosen": "yes" * number,
        "rejected": "né" * (5 - number),
        "id": f"p{number}",
    }
    for number in range(1, 5)
]


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    folder = save_tiny_model(tmp_path_factory.mktemp("policy"), seed=1)
    return load(str(folder), device="cpu", dtype="float32")


@pytest.fixture
def reference(tiny_model_folder: Path) -> LoadedModel:
    return load(str(tiny_model_folder), device="cpu", dtype="float32")


@pytest.fixture
def pairs_file(tmp_path: Path) -> Path:
    path = tmp_path / "pairs.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return path


def request(pairs: Path, **changes: Any) -> Score:
    return Score(id="s", policy="p", reference="r", pairs=str(pairs), **changes)


def scores_of(
    pairs: Path, policy: LoadedModel, reference: LoadedModel | None, size: int = 1024, **changes: Any
) -> list[PairScore]:
    events = scoring.score(request(pairs, **changes), policy, reference, tokens_at_once=size)
    return [score for event in of_kind(list(events), PairsScored) for score in event.scores]


def plain(loaded: LoadedModel, prompt: str, response: str) -> float:
    """log π(response | prompt) with one whole forward pass."""
    messages = [Message("user", prompt)]
    before = prompt_ids(loaded.tokenizer, messages)
    after = response_ids(loaded.tokenizer, messages, before, response, end_of_turn(loaded.tokenizer))
    with torch.no_grad():
        table = loaded.model(torch.tensor([before + after])).logits[0].log_softmax(-1)
    return sum(float(table[len(before) - 1 + place, token]) for place, token in enumerate(after))


def test_the_four_log_probs_equal_a_plain_computation_in_input_order(
    pairs_file: Path, policy: LoadedModel, reference: LoadedModel
) -> None:
    scores = scores_of(pairs_file, policy, reference)
    assert [score.pair for score in scores] == ["p1", "p2", "p3", "p4"]
    for score, row in zip(scores, ROWS, strict=True):
        for name, model in (("policy", policy), ("reference", reference)):
            for side in ("chosen", "rejected"):
                expected = plain(model, str(row["prompt"]), str(row[side]))
                assert getattr(score, f"{name}_{side}_logp") == pytest.approx(expected, abs=1e-3)
        assert score.chosen_tokens == len(str(row["chosen"]).encode()) + 1
        assert score.rejected_tokens == len(str(row["rejected"]).encode()) + 1
        assert not score.truncated and score.chosen_token_scores == ()


@pytest.mark.parametrize("size", [1, 3])
def test_the_batching_does_not_matter(
    pairs_file: Path, policy: LoadedModel, reference: LoadedModel, size: int
) -> None:
    together, apart = (scores_of(pairs_file, policy, reference, size=one) for one in (4, size))
    for one, other in zip(together, apart, strict=True):
        assert one.margin(1.0) == pytest.approx(other.margin(1.0), abs=1e-4)
        assert one.policy_chosen_logp == pytest.approx(other.policy_chosen_logp, abs=1e-4)


def test_tokens_add_up_to_the_sums_and_spell_the_response(
    pairs_file: Path, policy: LoadedModel, reference: LoadedModel
) -> None:
    for score in scores_of(pairs_file, policy, reference, tokens=True):
        for side in ("chosen", "rejected"):
            tokens = getattr(score, f"{side}_token_scores")
            assert len(tokens) == getattr(score, f"{side}_tokens")
            assert tokens[-1].text == "<|im_end|>"
            for model in ("policy", "reference"):
                total = sum(getattr(token, model) for token in tokens)
                assert total == pytest.approx(getattr(score, f"{model}_{side}_logp"), abs=1e-4)
    assert "".join(token.text for token in score.chosen_token_scores) == "yes" * 4 + "<|im_end|>"


def test_a_model_against_itself_has_no_margin(pairs_file: Path, policy: LoadedModel) -> None:
    assert {score.margin(1.0) for score in scores_of(pairs_file, policy, policy)} == {0.0}


def test_the_adapter_off_is_the_base_model(
    tmp_path: Path, pairs_file: Path, tiny_model_folder: Path, reference: LoadedModel
) -> None:
    run = new_run(tmp_path / "runs", tiny_model_folder)
    run_it(run)
    trained = load(str(run), device="cpu", dtype="float32")
    by_adapter, by_base = (scores_of(pairs_file, trained, one) for one in (None, reference))
    assert by_adapter == by_base
    assert any(abs(score.margin(1.0)) > 1e-3 for score in by_adapter)


def test_a_run_s_pairs_score_as_they_were_measured_while_it_trained(
    tmp_path: Path, tiny_model_folder: Path
) -> None:
    from dpo_engine.events import Evaluated

    run = new_run(tmp_path / "runs", tiny_model_folder, pairs=some_pairs(10, 3))
    last = of_kind(run_it(run), Evaluated)[-1].metrics
    trained = load(str(run), device="cpu", dtype="float32")
    scores = scores_of(run, trained, None)
    assert [score.split for score in scores] == ["train"] * 10 + ["held_out"] * 3
    margins = [score.margin(0.1) for score in scores if score.split == "held_out"]
    assert sum(margins) / 3 == pytest.approx(last["eval_rewards/margins"], abs=1e-4)
    assert sum(margins) > 0


def test_progress_counts_every_pair(pairs_file: Path, policy: LoadedModel, reference: LoadedModel) -> None:
    """One pair at a time where the budget is small, all at once where it is large."""
    for budget, expected in ((1, [(1, 4), (2, 4), (3, 4), (4, 4)]), (10**6, [(4, 4)])):
        events = list(scoring.score(request(pairs_file), policy, reference, tokens_at_once=budget))
        assert [(event.done, event.total) for event in of_kind(events, Progress)] == expected


def test_rows_and_pairs_that_cannot_be_scored_are_named(
    tmp_path: Path, policy: LoadedModel, reference: LoadedModel
) -> None:
    path = tmp_path / "pairs.jsonl"
    system = {"role": "system", "content": "x" * 200}
    long = {
        "id": "long",
        "prompt": [system, {"role": "user", "content": "?"}],
        "chosen": "a",
        "rejected": "b",
    }
    path.write_text(
        "{torn\n"
        + json.dumps(ROWS[0])
        + "\n"
        + json.dumps(
            long
            | {
                "chosen": [{"role": "assistant", "content": "a"}],
                "rejected": [{"role": "assistant", "content": "b"}],
            }
        )
        + "\n"
    )
    events = list(scoring.score(request(path, max_length=80), policy, reference))
    notes = [note.message for note in of_kind(events, Note)]
    assert len(notes) == 2 and "1 row was left out. Line 1" in notes[0] and "Pair long" in notes[1]
    assert [len(event.scores) for event in of_kind(events, PairsScored)] == [1]


def test_a_cut_pair_is_flagged(pairs_file: Path, policy: LoadedModel, reference: LoadedModel) -> None:
    assert all(score.truncated for score in scores_of(pairs_file, policy, reference, max_length=39))


def test_nothing_to_score_is_one_sentence(
    pairs_file: Path, policy: LoadedModel, reference: LoadedModel
) -> None:
    with pytest.raises(BadInput, match="None of the pairs"):
        scores_of(pairs_file, policy, reference, max_length=8)


def test_models_with_other_tokens_are_not_compared(
    pairs_file: Path, policy: LoadedModel, reference: LoadedModel
) -> None:
    reference.tokenizer.add_tokens(["extra"])
    with pytest.raises(BadInput, match="do not share their tokens"):
        scores_of(pairs_file, policy, reference)


@pytest.mark.parametrize("size", [1, 2 * 40, 1024])
def test_what_is_left_out_is_not_computed_and_changes_no_figure(
    pairs_file: Path, policy: LoadedModel, reference: LoadedModel, size: int
) -> None:
    whole = scores_of(pairs_file, policy, reference, size=size)
    rest = scores_of(pairs_file, policy, reference, size=size, leave_out=("p1", "p2", "p3"))
    assert rest == whole[-len(rest) :]
    assert "p4" in [score.pair for score in rest]
    assert len(rest) == 1 or size > 1


def test_progress_counts_what_is_left_out_as_done(
    pairs_file: Path, policy: LoadedModel, reference: LoadedModel
) -> None:
    asked = request(pairs_file, leave_out=("p1", "p3"))
    events = list(scoring.score(asked, policy, reference, tokens_at_once=1))
    assert [event.done for event in of_kind(events, Progress)] == [3, 4]
    assert [score.pair for event in of_kind(events, PairsScored) for score in event.scores] == ["p2", "p4"]


def test_with_everything_left_out_nothing_is_computed(
    pairs_file: Path, policy: LoadedModel, reference: LoadedModel
) -> None:
    assert scores_of(pairs_file, policy, reference, leave_out=("p1", "p2", "p3", "p4")) == []
