import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dpo_engine.config import SamplingConfig
from dpo_engine.errors import BadInput, EngineError
from dpo_engine.events import CandidateDone, CandidateRestarted, Event, Note, TextDelta
from dpo_engine.generation import decoding
from dpo_engine.generation.detokenization import TextStream
from dpo_engine.generation.sampling import Sampler, draw, most_likely
from dpo_engine.generation.writing import generate
from dpo_engine.models.loading import LoadedModel
from dpo_engine.pairs.tokenization import prompt_ids
from dpo_engine.preferences import Message
from dpo_engine.requests import Generate
from tests.helpers.tiny_model import byte_tokenizer

PROMPT = (Message("user", "Say something."),)
GREEDY = SamplingConfig(temperature=0.0, max_new_tokens=24)


def _request(*, prompt: Sequence[Message] = PROMPT, n: int = 2, seed: int = 0, **sampling: Any) -> Generate:
    return Generate(
        id="g",
        policy="tiny",
        prompt=tuple(prompt),
        n=n,
        seed=seed,
        sampling=SamplingConfig(**{"max_new_tokens": 24, **sampling}),
    )


def _events(request: Generate, loaded: LoadedModel) -> list[Event]:
    return [event for event in generate(request, loaded) if event is not None]


def _done(events: Sequence[Event]) -> dict[int, CandidateDone]:
    return {event.index: event for event in events if isinstance(event, CandidateDone)}


def _told(events: Sequence[Event], index: int) -> str:
    """What a listener has on its screen at the end."""
    text = ""
    for event in events:
        if isinstance(event, CandidateRestarted) and event.index == index:
            text = ""
        elif isinstance(event, TextDelta) and event.index == index:
            text += event.text
    return text


@pytest.mark.parametrize("seed", range(5))
def test_what_was_told_is_the_text(tiny: LoadedModel, seed: int) -> None:
    events = _events(_request(n=3, seed=seed * 10), tiny)
    done = _done(events)
    assert sorted(done) == [0, 1, 2]
    for index, candidate in done.items():
        assert _told(events, index) == candidate.text
        assert candidate.seed == seed * 10 + index
        assert candidate.fingerprint == tiny.fingerprint


def test_the_same_seed_gives_the_same_candidates_and_another_gives_others(tiny: LoadedModel) -> None:
    first, again, other = (_done(_events(_request(seed=seed), tiny)) for seed in (7, 7, 70))
    assert [first[i].text for i in (0, 1)] == [again[i].text for i in (0, 1)]
    assert first[0].text not in (other[0].text, first[1].text)


def test_a_candidate_drawn_alone_by_its_seed_is_the_same(tiny: LoadedModel) -> None:
    together = _done(_events(_request(n=4, seed=3), tiny))
    for candidate in together.values():
        alone = _done(_events(_request(n=1, seed=candidate.seed), tiny))[0]
        assert alone.text == candidate.text


def test_temperature_zero_takes_what_transformers_takes(tiny: LoadedModel) -> None:
    ids = torch.tensor([prompt_ids(tiny.tokenizer, PROMPT)])
    model: Any = tiny.model
    whole = model.generate(
        input_ids=ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=24
    )
    theirs = tiny.tokenizer.decode(whole[0, ids.shape[1] :], skip_special_tokens=True)
    assert _done(_events(_request(n=1, temperature=0.0), tiny))[0].text == theirs


def test_equal_candidates_at_temperature_zero_are_kept_with_a_note(tiny: LoadedModel) -> None:
    events = _events(_request(n=3, temperature=0.0), tiny)
    assert len({one.text for one in _done(events).values()}) == 1
    assert not [one for one in events if isinstance(one, CandidateRestarted)]
    notes = [one.message for one in events if isinstance(one, Note)]
    assert len(notes) == 1
    assert "always give the same response" in notes[0]


def _first_with_restart(loaded: LoadedModel, **sampling: Any) -> list[Event]:
    """One-token responses drawn cold are often equal; the first seed where they are."""
    for seed in range(0, 400, 10):
        events = _events(_request(seed=seed, max_new_tokens=1, **sampling), loaded)
        if any(isinstance(one, CandidateRestarted) for one in events):
            return events
    raise AssertionError("no two candidates were equal")


def test_equal_candidates_are_drawn_again_with_another_seed(tiny: LoadedModel) -> None:
    events = _first_with_restart(tiny, temperature=0.7)
    done = _done(events)
    assert done[0].text.split() != done[1].text.split()
    assert done[0].seed % 10 == 0
    assert done[1].seed % 10 in (3, 5, 7)
    assert _told(events, 1) == done[1].text
    assert events.index(done[0]) < next(
        place for place, one in enumerate(events) if isinstance(one, CandidateRestarted)
    )


def test_candidates_that_stay_equal_are_accepted_with_a_note(tiny: LoadedModel) -> None:
    events = _first_with_restart(tiny, temperature=0.01)
    assert sum(isinstance(one, CandidateRestarted) for one in events) == 3
    assert len(_done(events)) == 2
    assert any(isinstance(one, Note) and "4 draws gave the same" in one.message for one in events)


def test_a_response_ends_at_the_end_of_turn_or_at_its_longest(tiny: LoadedModel) -> None:
    reasons: dict[str, CandidateDone] = {}
    for seed in itertools.count():
        for one in _done(_events(_request(seed=2 * seed, temperature=3.0, top_p=1.0), tiny)).values():
            reasons.setdefault(one.finish_reason, one)
        if len(reasons) == 2:
            break
    assert reasons["length"].tokens == 24
    assert reasons["end"].tokens < 24
    assert "<|im_end|>" not in reasons["end"].text


def test_a_cancel_can_act_at_every_token(tiny: LoadedModel) -> None:
    work = generate(_request(n=1, temperature=0.0, max_new_tokens=24), tiny)
    yields = sum(1 for _ in work)
    assert yields >= 24
    stopped: Iterator[Any] = generate(_request(n=1), tiny)
    next(stopped)
    stopped.close()  # type: ignore[attr-defined]
    assert list(stopped) == []
    assert not torch.is_inference_mode_enabled()


def test_no_mode_of_the_loop_leaks_into_what_runs_between_tokens(tiny: LoadedModel) -> None:
    for _ in generate(_request(), tiny):
        assert torch.is_grad_enabled()
        assert not torch.is_inference_mode_enabled()


def test_text_comes_at_most_twenty_times_a_second(tiny: LoadedModel) -> None:
    ticks = itertools.count(step=0.001)
    events = list(
        generate(_request(n=1, temperature=0.0, max_new_tokens=100), tiny, clock=lambda: next(ticks))
    )
    deltas = [one for one in events if isinstance(one, TextDelta)]
    seconds = next(ticks)
    assert len(deltas) <= seconds * 20 + 2
    assert "".join(one.text for one in deltas) == _done([one for one in events if one])[0].text


def test_a_prompt_longer_than_the_context_is_cut_and_said(tiny: LoadedModel) -> None:
    long = (Message("user", "word " * 1000),)
    events = _events(_request(prompt=long, n=1), tiny)
    assert isinstance(events[0], Note)
    assert "beginning was cut" in events[0].message
    assert _done(events)[0].tokens > 0


def test_a_wish_for_more_tokens_than_the_context_has_is_bounded(tiny: LoadedModel) -> None:
    prompt = (Message("user", "x" * 900),)
    request = _request(prompt=prompt, n=1, temperature=0.0, max_new_tokens=100_000)
    assert _done(_events(request, tiny))[0].tokens <= 2048 - 900


def test_a_prompt_in_several_parts_gives_the_same_text(
    tiny: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompt = (Message("user", "several parts " * 8),)
    whole = _done(_events(_request(prompt=prompt, n=2), tiny))
    monkeypatch.setattr(decoding, "PREFILL_CHUNK", 17)
    parts = _done(_events(_request(prompt=prompt, n=2), tiny))
    assert [one.text for one in parts.values()] == [one.text for one in whole.values()]


@pytest.mark.parametrize("prompt", [(), (Message("user", "a"), Message("assistant", "b"))])
def test_a_prompt_without_a_last_user_turn_is_refused(tiny: LoadedModel, prompt: Any) -> None:
    with pytest.raises(BadInput, match="must end with a turn of the user"):
        list(generate(_request(prompt=prompt), tiny))


def test_a_model_that_gives_no_numbers_is_a_sentence() -> None:
    samplers = [Sampler(SamplingConfig(), seed, torch.tensor([1])) for seed in (0, 1)]
    with pytest.raises(EngineError, match="not finite"):
        draw(samplers, torch.tensor([[0.0, 1.0, 2.0], [0.0, math.nan, 1.0]]))


# Sampling


def _all_sorted(logits: torch.Tensor, top_k: int, top_p: float) -> dict[int, float]:
    """Token -> probability, the slow and obvious way."""
    probabilities = logits.softmax(0)
    order = probabilities.argsort(descending=True).tolist()
    if top_k:
        order = order[:top_k]
        probabilities = probabilities / probabilities[order].sum()
    kept, mass = [], 0.0
    for token in order:
        kept.append(token)
        mass += float(probabilities[token])
        if mass >= top_p:
            break
    return {token: float(probabilities[token]) for token in kept}


@settings(deadline=None, max_examples=40)
@given(
    st.integers(0, 2**31), st.sampled_from([0.3, 1.0, 6.0]), st.sampled_from([0, 1, 5]), st.floats(0.05, 0.99)
)
def test_top_k_and_top_p_keep_what_sorting_everything_keeps(
    seed: int, spread: float, top_k: int, top_p: float
) -> None:
    logits = torch.randn(3, 1000, generator=torch.Generator().manual_seed(seed)) * spread
    probabilities, ids, enough = most_likely(logits, top_k, top_p)
    assert ids is not None
    for row in enough.nonzero()[:, 0].tolist():
        expected = _all_sorted(logits[row], top_k, top_p)
        kept = {one: p for one, p in zip(ids[row].tolist(), probabilities[row].tolist(), strict=True) if p}
        assert abs(len(kept) - len(expected)) <= 1  # the sum may round to the other side of top_p
        for token in list(expected)[:-1]:
            assert kept[token] == pytest.approx(expected[token], rel=1e-4)


def test_tokens_are_drawn_as_often_as_they_are_likely() -> None:
    samplers = [Sampler(SamplingConfig(temperature=1.0, top_p=1.0), 0, torch.tensor([0]))]
    logits = torch.tensor([[0.5, 0.3, 0.2]]).log()
    drawn = [draw(samplers, logits)[0] for _ in range(3000)]
    for token, share in enumerate((0.5, 0.3, 0.2)):
        assert drawn.count(token) / 3000 == pytest.approx(share, abs=0.03)  # more than 3 deviations


@pytest.mark.parametrize("settings", [{"top_p": 0.9}, {"top_k": 7}, {"top_p": 1.0}, {"temperature": 0.0}])
def test_what_a_row_draws_does_not_depend_on_its_company(settings: dict[str, Any]) -> None:
    """One row's top-p mass is within the likeliest tokens, the other's is not: it takes thousands of them."""
    logits = torch.randn(2, 9000, generator=torch.Generator().manual_seed(1)) * torch.tensor([[6.0], [0.1]])
    sampling = SamplingConfig(**settings)

    def samplers() -> list[Sampler]:
        return [Sampler(sampling, seed, torch.tensor([0])) for seed in (0, 1)]

    together, alone = samplers(), samplers()
    for _ in range(20):
        both = draw(together, logits)
        assert both == [draw([one], row[None])[0] for one, row in zip(alone, logits, strict=True)]


def test_a_flat_row_draws_from_far_more_than_the_likeliest() -> None:
    logits = torch.linspace(0, 0.001, 9000)[None]
    sampler = [Sampler(SamplingConfig(temperature=1.0, top_p=0.9), 3, torch.tensor([0]))]
    drawn = [draw(sampler, logits)[0] for _ in range(300)]
    assert len({token // 1000 for token in drawn}) == 9, "all but the unlikeliest tenth"
    assert min(drawn) >= 890


def test_a_repetition_penalty_counts_the_prompt_and_what_was_said() -> None:
    sampling = SamplingConfig(temperature=0.0, repetition_penalty=2.0)
    samplers = [Sampler(sampling, 0, torch.tensor([0])), Sampler(sampling, 0, torch.tensor([1]))]
    logits = torch.tensor([[3.0, 2.0, -1.0, 1.1], [-1.5, -1.0, -9.0, -9.0]])  # in the second, -1 becomes -2
    drawn = [draw(samplers, logits) for _ in range(3)]
    assert [first for first, _ in drawn] == [1, 0, 0]  # 1.5 2 -1 1.1, then 1.5 1 -1 1.1
    assert drawn[0][1] == 0


# Text from tokens


def test_a_letter_of_two_tokens_is_told_when_it_is_complete() -> None:
    tokenizer = byte_tokenizer()
    stream = TextStream(tokenizer)
    pieces = []
    for token in tokenizer("aé€b", add_special_tokens=False)["input_ids"]:
        stream.add(token)
        pieces.append(stream.news())
    assert pieces == ["a", "", "é", "", "", "€", "b"]
    assert stream.rest() == ""


def test_an_incomplete_letter_at_the_end_is_told_as_it_is() -> None:
    tokenizer = byte_tokenizer()
    stream = TextStream(tokenizer)
    for token in tokenizer("aé", add_special_tokens=False)["input_ids"][:-1]:
        stream.add(token)
    assert stream.news() == "a"
    assert stream.rest() == "\N{REPLACEMENT CHARACTER}"
    assert stream.text == "a\N{REPLACEMENT CHARACTER}"


class _ChangesItsMind:
    """A tokenizer whose later tokens change the text of earlier ones."""

    def decode(self, ids: Sequence[int], **_options: Any) -> str:
        return "abc"[: len(ids)] if len(ids) < 3 else "xyz"


def test_text_that_a_decoder_takes_back_is_noticed() -> None:
    stream = TextStream(_ChangesItsMind())  # type: ignore[arg-type]
    told = []
    for token in range(3):
        stream.add(token)
        told.append(stream.news())
    assert told == ["a", "b", ""]
    assert stream.rest() is None


@pytest.mark.starter
def test_the_starter_answers_a_plain_question(starter_model: Any) -> None:
    from dpo_engine.models.loading import load

    loaded = load(str(starter_model), device="cpu", dtype="float32")
    prompt = (Message("user", "What is the capital of France?"),)
    request = _request(prompt=prompt, n=1, temperature=0.0, max_new_tokens=30)
    done = _done(_events(request, loaded))[0]
    assert "Paris" in done.text
    assert done.finish_reason == "end"


def test_an_adapted_policy_writes_in_bfloat16_too(tiny_adapter: Any) -> None:
    from dpo_engine.models.loading import load

    loaded = load(str(tiny_adapter), device="cpu", dtype="bfloat16")
    events = _events(_request(), loaded)
    assert all(_told(events, index) == one.text for index, one in _done(events).items())
