"""Tokens of a pair: they add up to its score, spell its responses, and stand where a whole softmax says."""

import json
import math
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from dpo_engine.errors import BadInput
from dpo_engine.events import ModelLoaded, PairsScored, TokensScored
from dpo_engine.forward import head
from dpo_engine.forward.log_probs import LogProbs
from dpo_engine.models.loading import LoadedModel, load
from dpo_engine.pairs.tokenization import end_of_turn, prompt_ids, response_ids
from dpo_engine.preferences import Message, Pair
from dpo_engine.requests import Score, ScoreTokens, Train
from dpo_engine.scoring import score
from dpo_engine.service.job import Job, rank
from dpo_engine.service.jobs import work_for
from dpo_engine.service.shelf import ModelShelf
from dpo_engine.token_scores.details import TokenDetail, written
from dpo_engine.token_scores.scoring import score_tokens
from dpo_engine.token_scores.standing import standing
from dpo_engine.token_scores.texts import Piece, TokenTexts
from tests.helpers.tiny_model import byte_tokenizer, save_tiny_model
from tests.helpers.training_runs import new_run, of_kind, run_it

PAIR = Pair(
    id="p1",
    prompt=(Message("user", "Write a poem."),),
    chosen="Zwölf 🧑\u200d🚀 in 汉字\n\n\tx = 1",
    rejected="no",
)
EXACT = 1e-4


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    folder = save_tiny_model(tmp_path_factory.mktemp("policy"), seed=1)
    return load(str(folder), device="cpu", dtype="float32")


@pytest.fixture
def reference(tiny_model_folder: Path) -> LoadedModel:
    return load(str(tiny_model_folder), device="cpu", dtype="float32")


def request(pair: Pair = PAIR, **changes: Any) -> ScoreTokens:
    return ScoreTokens(id="t", policy="p", reference="r", pair=pair, **changes)


def tokens_of(
    policy: LoadedModel, reference: LoadedModel | None, pair: Pair = PAIR, **changes: Any
) -> TokensScored:
    events = [event for event in score_tokens(request(pair, **changes), policy, reference) if event]
    parts = of_kind(events, TokensScored)
    assert [part.last for part in parts] == [False] * (len(parts) - 1) + [True]
    return replace(
        parts[0],
        chosen=tuple(token for part in parts for token in part.chosen),
        rejected=tuple(token for part in parts for token in part.rejected),
        last=True,
    )


def whole_table(loaded: LoadedModel, pair: Pair, response: str) -> tuple[list[int], Any]:
    """The response's ids and [tokens, vocabulary] log-probs, with one plain forward pass."""
    before = prompt_ids(loaded.tokenizer, pair.prompt)
    after = response_ids(loaded.tokenizer, pair.prompt, before, response, end_of_turn(loaded.tokenizer))
    with torch.no_grad():
        logits = loaded.model(torch.tensor([before + after])).logits[0]
    return after, logits[len(before) - 1 : -1].log_softmax(-1)


def assert_equals_score(folder: Path, policy: LoadedModel, reference: LoadedModel, pair: Pair) -> None:
    path = folder / "pairs.jsonl"
    path.write_text(
        json.dumps(
            {
                "prompt": pair.prompt[0].content,
                "chosen": pair.chosen,
                "rejected": pair.rejected,
                "id": pair.id,
            }
        )
    )
    events = score(Score(id="s", policy="p", reference="r", pairs=str(path)), policy, reference)
    (whole,) = of_kind(list(events), PairsScored)[0].scores
    tokens = tokens_of(policy, reference, pair)
    for side in ("chosen", "rejected"):
        for model in ("policy", "reference"):
            total = math.fsum(getattr(token, model) for token in getattr(tokens, side))
            assert total == pytest.approx(getattr(whole, f"{model}_{side}_logp"), abs=EXACT)
        assert len(getattr(tokens, side)) == getattr(whole, f"{side}_tokens")


def test_tokens_add_up_to_the_score_of_the_pair(
    tmp_path: Path, policy: LoadedModel, reference: LoadedModel
) -> None:
    assert_equals_score(tmp_path, policy, reference, PAIR)


@pytest.mark.starter
def test_tokens_of_the_starter_add_up_to_the_score_of_the_pair(tmp_path: Path, starter_model: Path) -> None:
    starter = load(str(starter_model), device="cpu", dtype="float32")
    pair = Pair(id="s", prompt=PAIR.prompt, chosen=PAIR.chosen + " word" * 300, rejected=PAIR.rejected)
    assert_equals_score(tmp_path, starter, starter, pair)
    tokens = tokens_of(starter, starter, pair)
    assert written(tokens.chosen) == f"{pair.chosen}<|im_end|>"
    assert any(token.pieces > 1 for token in tokens.chosen)


@pytest.mark.parametrize("family", ["llama", "gemma2"])
@pytest.mark.parametrize("elements", [1, 3000])
def test_ranks_and_alternatives_are_those_of_the_whole_softmax(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, family: Any, elements: int
) -> None:
    """Whatever the size of the chunks, and for a head with a soft cap too."""
    monkeypatch.setattr(head, "CHUNK_ELEMENTS", elements)
    loaded = load(str(save_tiny_model(tmp_path, family=family, seed=2)), device="cpu", dtype="float32")
    scored = tokens_of(loaded, loaded)
    for side in ("chosen", "rejected"):
        ids, table = whole_table(loaded, PAIR, getattr(PAIR, side))
        tokens: tuple[TokenDetail, ...] = getattr(scored, side)
        assert [token.id for token in tokens] == ids
        for token, row in zip(tokens, table, strict=True):
            order = row.argsort(descending=True).tolist()
            assert token.policy == pytest.approx(float(row[token.id]), abs=1e-4)
            assert token.policy_rank == order.index(token.id) + 1
            assert [one.id for one in token.policy_top] == order[:5]
            for one in token.policy_top:
                assert one.log_prob == pytest.approx(float(row[one.id]), abs=1e-3)
            likeliest = [one.log_prob for one in token.policy_top]
            assert all(first >= second for first, second in pairwise(likeliest))
            assert (token.reference, token.reference_top) == (token.policy, token.policy_top)


def test_equally_likely_tokens_share_the_best_rank() -> None:
    found = standing(torch.tensor([[0.5, 2.0, 2.0, 1.0]] * 4), torch.tensor([1, 2, 3, 0]))
    assert found.rank.tolist() == [1, 1, 3, 4]


def test_a_model_that_can_only_give_whole_logits_is_read_alike(
    policy: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    split = tokens_of(policy, policy)
    monkeypatch.setattr(LogProbs, "_head_is_the_whole_story", lambda _self: False)
    whole = tokens_of(policy, policy)
    for one, other in zip(split.chosen, whole.chosen, strict=True):
        assert one.policy == pytest.approx(other.policy, abs=1e-4)
        assert (one.policy_rank, one.text) == (other.policy_rank, other.text)


def test_the_reference_is_the_policy_with_its_adapter_off(
    tmp_path: Path, tiny_model_folder: Path, reference: LoadedModel
) -> None:
    run = new_run(tmp_path / "runs", tiny_model_folder)
    run_it(run)
    trained = load(str(run), device="cpu", dtype="float32")
    by_adapter, by_base = (tokens_of(trained, one) for one in (None, reference))
    assert by_adapter == by_base
    assert any(abs(token.log_ratio) > 1e-4 for token in by_adapter.chosen)
    again = tokens_of(trained, None)
    assert again == by_adapter, "the adapter was left off"


def test_a_long_response_is_cut_as_it_is_for_the_score(policy: LoadedModel) -> None:
    tokens = tokens_of(policy, policy, max_length=30)
    whole = tokens_of(policy, policy)
    assert len(tokens.chosen) < len(whole.chosen)
    assert [token.id for token in tokens.chosen] == [token.id for token in whole.chosen[: len(tokens.chosen)]]


def test_a_pair_that_cannot_be_scored_is_refused_by_name(policy: LoadedModel, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="Pair p1"):
        tokens_of(policy, policy, max_length=8)


def test_a_long_pair_comes_in_parts(policy: LoadedModel) -> None:
    pair = replace(PAIR, chosen="word " * 120, rejected="no" * 10)
    events = [event for event in score_tokens(request(pair, max_length=4096), policy, policy) if event]
    parts = of_kind(events, TokensScored)
    assert [(len(part.chosen), len(part.rejected)) for part in parts] == [(256, 21), (256, 0), (89, 0)]
    assert written(tokens_of(policy, policy, pair, max_length=4096).chosen) == f"{pair.chosen}<|im_end|>"


def test_there_is_a_safe_point_between_chunks(policy: LoadedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(head, "CHUNK_ELEMENTS", 264 * 10)
    events = list(score_tokens(request(), policy, policy))
    assert events.count(None) == -(-(len(tokens_of(policy, policy).chosen) + 3) // 10) + 2


def test_the_request_loads_both_models_once_and_is_quick_work(
    tmp_path: Path, tiny_model_folder: Path
) -> None:
    other = save_tiny_model(tmp_path / "other", seed=3)
    asked = ScoreTokens(id="t", policy=str(other), reference=str(tiny_model_folder), pair=PAIR, device="cpu")
    events = [event for event in work_for(asked, ModelShelf(), lambda: "go") if event is not None]
    assert [event.model for event in of_kind(events, ModelLoaded)] == [str(other), str(tiny_model_folder)]
    assert len(of_kind(events, TokensScored)) == 1
    assert rank(asked) < rank(Score(id="s", policy="p", reference="r", pairs="f"))
    assert rank(asked) < rank(Train(id="r", run="f")) and Job(asked).doing
    with pytest.raises(BadInput, match="max_length"):
        list(work_for(request(max_length=2), ModelShelf(), lambda: "go"))


def test_a_model_is_tried_out_once(tiny_model_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[LogProbs] = []

    def make(*args: Any, **named: Any) -> LogProbs:
        tried.append(LogProbs(*args, **named))
        return tried[-1]

    monkeypatch.setattr("dpo_engine.service.shelf.LogProbs", make)
    shelf = ModelShelf()
    asked = ScoreTokens(id="t", policy=str(tiny_model_folder), reference=str(tiny_model_folder), pair=PAIR)
    first, second = ([one for one in work_for(asked, shelf, lambda: "go") if one] for _ in range(2))
    assert len(tried) == 1
    assert of_kind(first, TokensScored) == of_kind(second, TokensScored) != []


# --- texts -----------------------------------------------------------------------------------------------


def test_bytes_of_one_character_share_its_text(policy: LoadedModel) -> None:
    tokens = tokens_of(policy, policy).chosen
    assert written(tokens) == f"{PAIR.chosen}<|im_end|>"
    assert "\ufffd" not in written(tokens)
    letter = [token for token in tokens if token.text == "ö"]
    assert [(token.piece, token.pieces) for token in letter] == [(0, 2), (1, 2)]
    assert tokens[-1].special and not any(token.special for token in tokens[:-1])


def test_bytes_that_never_become_a_character_are_named() -> None:
    tokenizer = byte_tokenizer()
    texts = TokenTexts(tokenizer)
    smile = tokenizer("🧑", add_special_tokens=False)["input_ids"]
    assert texts.of_response([], smile[:2]) == [Piece("\\xf0"), Piece("\\x9f")]
    assert texts.of_response([], [*smile[:1], *smile]) == [
        Piece("\\xf0"),
        *(Piece("🧑", number, 4) for number in range(4)),
    ]
    real = tokenizer("\ufffd!", add_special_tokens=False)["input_ids"]
    assert "".join(piece.text for piece in texts.of_response([], real)) == "\\xef\\xbf\\xbd!"


def test_a_space_that_a_decoder_drops_at_the_start_is_kept() -> None:
    """As in vocabularies that mark the start of a word."""
    vocabulary = {"<unk>": 0, "▁a": 1, "▁b": 2, "a": 3, "<0xF0>": 4}
    made = Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token="<unk>"))  # noqa: S106
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    made.decoder = decoders.Metaspace()
    texts = TokenTexts(PreTrainedTokenizerFast(tokenizer_object=made, unk_token="<unk>"))  # noqa: S106
    assert texts.alone(2) == " b"
    assert texts.of_response([1], [2, 3, 1]) == [Piece(" b"), Piece("a"), Piece(" a")]
