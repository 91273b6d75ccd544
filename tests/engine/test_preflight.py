from pathlib import Path

import pytest
import torch

from dpo_engine.config import TrainConfig
from dpo_engine.forward.log_probs import LogProbs
from dpo_engine.memory.facts import facts_of
from dpo_engine.memory.preflight import cut_to_device, measure
from dpo_engine.models.loading import LoadedModel, load_for_training
from dpo_engine.pairs.tokenization import TokenizedPair, tokenize_pairs
from dpo_engine.preferences import Message, Pair
from dpo_engine.preflight import Measured
from tests.helpers.tiny_model import CHATML_TEMPLATE, byte_tokenizer


def _pair(name: str, prompt: str, chosen: str, rejected: str) -> Pair:
    return Pair(id=name, prompt=(Message("user", prompt),), chosen=chosen, rejected=rejected)


def test_what_a_person_may_want_to_look_at_again() -> None:
    tokenizer = byte_tokenizer()
    written = [
        _pair("a", "Say it", "yes", "no"),
        _pair("b", "Say it", "yes", "yes"),
        _pair("c", "Say it", "no", "yes"),
        _pair("d", "Say it", "yes", "no"),
        _pair("e", "Say it", "no", "yes"),
        _pair("f", "Say something else " * 20, "yes", "no" * 30),
    ]
    tokenized, refused = tokenize_pairs(tokenizer, written, 120)
    assert not refused
    facts = {one.id: one for one in facts_of(tokenized, tokenizer)}
    assert [one.id for one in facts.values() if one.identical_sides] == ["b"]
    assert {name: one.duplicate_of for name, one in facts.items() if one.duplicate_of} == {"d": "a", "e": "c"}
    assert {name: one.contradicts for name, one in facts.items() if one.contradicts} == {
        "c": "a",
        "e": "a",
    } | {"d": "c"}
    assert (facts["a"].chosen_tokens, facts["a"].rejected_tokens) == (4, 3)  # with the end of the turn
    assert [name for name, one in facts.items() if one.cut] == ["f"]
    assert facts["f"].prompt_cut and not facts["f"].chosen_cut
    assert not any(one.has_bos for one in facts.values())


def test_a_beginning_of_text_is_seen() -> None:
    tokenizer = byte_tokenizer("{{ bos_token }}" + CHATML_TEMPLATE)
    tokenized, _ = tokenize_pairs(tokenizer, [_pair("a", "Say it", "yes", "no")], 100)
    assert facts_of(tokenized, tokenizer)[0].has_bos


PAIRS = [
    TokenizedPair(id=str(size), split="train", prompt=(9,) * size, chosen=(5, 2), rejected=(6, 7, 2))
    for size in (5, 40, 8)
]


def _measured(loaded: LoadedModel, token_budget: int) -> Measured:
    turns = measure(loaded, PAIRS, PAIRS, token_budget)
    while True:
        try:
            next(turns)
        except StopIteration as ended:
            assert isinstance(ended.value, Measured)
            return ended.value


@pytest.mark.parametrize("method", ["full", "lora"])
def test_it_is_computed_for_real_and_changes_nothing(method: str, tiny_model_folder: Path) -> None:
    config = TrainConfig(method=method, device="cpu", dtype="float32")  # type: ignore[arg-type]
    loaded = load_for_training(str(tiny_model_folder), config)
    before = {name: one.clone() for name, one in loaded.model.state_dict().items()}
    measured = _measured(loaded, 20)
    assert measured.fits and measured.longest_pair == "40"
    assert measured.peak > 50_000_000  # a process with its libraries is larger than that
    assert 0 < measured.seconds_a_pair < 60
    assert measured.seconds_a_token == pytest.approx(measured.seconds_a_pair / 13)
    assert all(torch.equal(one, before[name]) for name, one in loaded.model.state_dict().items())
    assert all(one.grad is None for one in loaded.model.parameters())


def test_what_does_not_fit_is_said_and_not_raised(
    tiny_model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    loaded = load_for_training(str(tiny_model_folder), TrainConfig(device="cpu", dtype="float32"))
    monkeypatch.setattr(LogProbs, "sums", no_room)
    measured = _measured(loaded, 20)
    assert not measured.fits
    assert measured.longest_pair == "40"


def test_it_is_cut_to_the_device_as_a_run_is(
    tiny_model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = TrainConfig(device="cpu", dtype="float32", gradient_checkpointing="on")
    loaded = load_for_training(str(tiny_model_folder), config)
    cut = cut_to_device(loaded, config, PAIRS)
    assert cut.checkpoint_activations
    assert _measured(loaded, cut.token_budget).fits
