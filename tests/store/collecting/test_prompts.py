"""Prompts: kept once, refused when they are none, and asked in a sensible order."""

from typing import cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.store.collecting import comparisons, prompts, verdicts
from app.store.errors import BadValue, NoSuchRow
from app.store.project import Project
from dpo_engine.preferences import Message, Role
from tests.store.makers import candidate, comparison, prompt


def test_a_conversation_comes_back_as_it_was(project: Project) -> None:
    messages = (
        Message("system", "Be brief."),
        Message("user", "Привет 👋\n\tline two"),
        Message("assistant", ""),
        Message("user", "And now?"),
    )
    added = prompts.add_prompt(project, messages, source="typed", split="held_out", tags=("a", "b"))
    assert added == prompts.get(project, added.id)
    assert (added.messages, added.source, added.split, added.tags) == (
        messages,
        "typed",
        "held_out",
        ("a", "b"),
    )


def test_the_same_content_is_kept_once_and_as_it_was(project: Project) -> None:
    first = prompts.add_prompt(project, [Message("user", "Hi")], source="a", split="held_out", tags=["x"])
    again = prompts.add_prompt(project, [Message("user", "Hi")], source="b", split="train")
    other = prompts.add_prompt(project, [Message("user", "Hi!")], source="b")
    assert again == first
    assert other.id != first.id
    assert prompts.counts(project) == prompts.PromptCounts(total=2, held_out=1, never_compared=2)


@pytest.mark.parametrize(
    "turns",
    [
        [],
        [("system", "Only this.")],
        [("user", "Hi"), ("assistant", "Hello")],
        [("user", "Hi"), ("system", "late"), ("user", "Hi")],
        [("emperor", "Kneel"), ("user", "No")],
        [("user", " \n\t")],
        [("user", "x" * 4_000_001)],
    ],
)
def test_what_is_no_prompt_is_refused(project: Project, turns: list[tuple[str, str]]) -> None:
    messages = [Message(cast(Role, role), content) for role, content in turns]
    with pytest.raises(BadValue, match="Nothing was changed"):
        prompts.add_prompt(project, messages, source="typed")
    with pytest.raises(BadValue, match="train or held_out"):
        prompts.add_prompt(project, [Message("user", "Hi")], source="typed", split="test")  # type: ignore[arg-type]
    assert prompts.counts(project).total == 0


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(exclude_categories=()), min_size=1))
def test_any_text_can_be_stored(project: Project, text: str) -> None:
    added = prompts.add_prompt(project, [Message("user", "p" + text)], source=text, tags=(text,))
    stored = added.messages[0].content
    stored.encode("utf-8")
    if not any("\ud800" <= character <= "\udfff" for character in text):
        assert (stored, added.source, added.tags) == ("p" + text, text, (text,))


def test_half_characters(project: Project) -> None:
    added = prompts.add_prompt(project, [Message("user", "a\ud83d b\ud83d\ude00")], source="s")
    assert added.messages[0].content == "a\ufffd b😀"


def test_an_unknown_one(project: Project) -> None:
    with pytest.raises(NoSuchRow, match="no prompt 7"):
        prompts.get(project, 7)


def test_the_order_in_which_prompts_need_comparisons(project: Project) -> None:
    old = [prompt(project, f"imported {i}", split="held_out" if i == 1 else "train") for i in range(3)]
    typed = [prompt(project, f"typed {i}", source="typed") for i in range(2)]

    def needing(limit: int = 10) -> list[int]:
        return [p.id for p in prompts.prompts_needing_comparisons(project, limit)]

    assert needing() == [typed[1], typed[0], *old]
    assert needing(1) == [typed[1]]
    assert needing(3) == [typed[1], typed[0], old[0]]
    assert needing(0) == []
    for prompt_id in (typed[1], typed[1], old[0]):
        pair = (candidate("a"), candidate("b"))
        comparisons.add_comparison(project, prompt_id, pair, swapped=False)
    assert needing() == [typed[0], old[1], old[2], old[0], typed[1]]


def test_retired_comparisons_are_needed_again(project: Project) -> None:
    one = comparison(project, "x", model="old")
    other = comparison(project, "y", model="new")
    comparisons.retire_waiting(project, "new")
    assert [p.id for p in prompts.prompts_needing_comparisons(project, 9)] == [one.prompt.id, other.prompt.id]
    assert prompts.counts(project).never_compared == 1


def test_moving_between_the_splits_moves_the_counts(project: Project) -> None:
    one = comparison(project)
    verdicts.give_verdict(project, one.id, "left", strength=1, annotator="me", seconds=1.0)
    assert verdicts.counts(project).held_out == 0
    assert prompts.set_split(project, [one.prompt.id], "held_out", annotator="me") == 1
    assert prompts.get(project, one.prompt.id).split == "held_out"
    assert verdicts.counts(project).held_out == 1
    assert [pair.split for pair in verdicts.training_pairs(project)] == ["held_out"]
    prompts.set_split(project, [one.prompt.id], "train", annotator="me")
    assert verdicts.counts(project).held_out == 0
