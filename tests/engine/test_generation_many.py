"""Several prompts in one batch: each gets what it would get alone."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from dpo_engine.config import SamplingConfig
from dpo_engine.errors import BadInput
from dpo_engine.events import CandidateDone, CandidateRestarted, Event, Note, TextDelta
from dpo_engine.generation.writing import MAX_CANDIDATES, generate, generate_many
from dpo_engine.models.loading import LoadedModel, load
from dpo_engine.preferences import Message
from dpo_engine.requests import Generate, GenerateMany, PromptToAnswer
from dpo_engine.service.shelf import ModelShelf
from tests.helpers.tiny_model import save_tiny_model

SAMPLING = SamplingConfig(max_new_tokens=20)
PROMPTS = tuple((Message("user", text),) for text in ("Say something.", "x" * 90, "Why?"))


def _many(
    prompts: Sequence[tuple[Message, ...]] = PROMPTS, sampling: SamplingConfig = SAMPLING, n: int = 2
) -> GenerateMany:
    asked = tuple(PromptToAnswer(prompt=prompt, seed=50 * place) for place, prompt in enumerate(prompts))
    return GenerateMany(id="m", policy="tiny", prompts=asked, n=n, sampling=sampling)


def _done(events: Sequence[Event]) -> dict[int, CandidateDone]:
    return {event.index: event for event in events if isinstance(event, CandidateDone)}


def _together(request: GenerateMany, loaded: LoadedModel) -> list[Event]:
    return [event for event in generate_many(request, loaded) if event is not None]


def _alone(request: GenerateMany, place: int, loaded: LoadedModel) -> dict[int, CandidateDone]:
    asked = request.prompts[place]
    one = Generate(
        id="g", policy="tiny", prompt=asked.prompt, n=request.n, sampling=request.sampling, seed=asked.seed
    )
    return _done([event for event in generate(one, loaded) if event is not None])


@pytest.mark.parametrize("family", ["llama", "qwen2", "gpt2"])
@pytest.mark.parametrize("temperature", [0.7, 0.05])
def test_each_prompt_gets_the_candidates_it_would_get_alone(
    tmp_path: Path, family: Any, temperature: float
) -> None:
    """The cold ones are equal often, and are drawn again with the seeds they would have alone."""
    loaded = load(str(save_tiny_model(tmp_path / "m", family=family)), device="cpu", dtype="float32")
    request = _many(sampling=SamplingConfig(max_new_tokens=12, temperature=temperature))
    together = _done(_together(request, loaded))
    assert sorted(together) == [0, 1, 2, 3, 4, 5]
    for place in range(3):
        for index, one in _alone(request, place, loaded).items():
            same = together[2 * place + index]
            assert (same.text, same.seed, same.finish_reason) == (one.text, one.seed, one.finish_reason)


def test_what_was_told_of_each_is_its_text(tiny: LoadedModel) -> None:
    events = _together(_many(n=3), tiny)
    told: dict[int, str] = {}
    for event in events:
        if isinstance(event, CandidateRestarted):
            told[event.index] = ""
        elif isinstance(event, TextDelta):
            told[event.index] = told.get(event.index, "") + event.text
    assert told == {index: one.text for index, one in _done(events).items() if one.text}
    assert len(_done(events)) == 9


def test_a_prompt_that_cannot_be_answered_leaves_the_others(tiny: LoadedModel) -> None:
    wrong = (Message("user", "a"), Message("assistant", "b"))
    request = _many([PROMPTS[0], wrong, PROMPTS[2]])
    events = _together(request, tiny)
    assert sorted(_done(events)) == [0, 1, 4, 5]
    (note,) = [event for event in events if isinstance(event, Note)]
    assert note.level == "warning"
    assert note.message.startswith("Prompt 2 of 3 is left out: The prompt must end with a turn of the user.")
    assert _done(events)[4].text == _alone(request, 2, tiny)[0].text
    assert _done(_together(_many([wrong]), tiny)) == {}


@pytest.mark.parametrize("prompts", [0, MAX_CANDIDATES])
def test_a_batch_of_no_or_too_many_candidates_is_refused(tiny: LoadedModel, prompts: int) -> None:
    with pytest.raises(BadInput, match="from 1 to 64"):
        list(generate_many(_many([PROMPTS[0]] * prompts), tiny))


def test_a_cancel_can_act_at_every_token_of_the_batch(tiny: LoadedModel) -> None:
    work = generate_many(_many(sampling=SamplingConfig(max_new_tokens=20, temperature=0.0)), tiny)
    before_text = 0
    for event in work:
        if event is not None:
            break
        before_text += 1
    assert before_text == len(PROMPTS), "after each prompt that was read"
    work.close()  # type: ignore[attr-defined]
    assert list(work) == []


def test_the_shelf_keeps_what_writes_with_its_models(tiny_model_folder: Path, tiny: LoadedModel) -> None:
    shelf = ModelShelf(capacity=1)
    loaded = shelf.take(str(tiny_model_folder), "cpu", "float32")
    decoder = shelf.decoder(loaded)
    assert shelf.decoder(loaded) is decoder
    assert shelf.decoder(tiny) is not decoder
    shelf.clear()
    assert shelf.decoder(loaded) is not decoder
