"""The prompts that a new project starts with: enough, varied, plain, and some held out."""

from collections import Counter
from itertools import pairwise

from app.store.collecting import prompts
from app.store.collecting.starter import StarterPrompt, add_starter_prompts, starter_prompts
from app.store.project import Project

KINDS = {"advise", "brainstorm", "code", "explain", "plan", "rewrite", "summarise", "tone", "write"}


def words(prompt: StarterPrompt) -> int:
    return sum(len(message.content.split()) for message in prompt.messages)


def test_enough_and_each_once() -> None:
    starters = starter_prompts()
    assert len(starters) >= 72
    assert len({starter.messages for starter in starters}) == len(starters)
    openings = Counter(starter.messages[-1].content[:40].lower() for starter in starters)
    assert max(openings.values()) <= 2


def test_one_in_six_is_held_out_of_every_kind() -> None:
    starters = starter_prompts()
    held_out = [starter for starter in starters if starter.split == "held_out"]
    assert 1 / 8 <= len(held_out) / len(starters) <= 1 / 5
    assert {starter.tags[0] for starter in held_out} == KINDS


def test_every_kind_is_there_and_they_alternate() -> None:
    starters = starter_prompts()
    kinds = Counter(starter.tags[0] for starter in starters)
    assert set(kinds) == KINDS
    assert min(kinds.values()) >= 7
    in_order = [starter.tags[0] for starter in starters]
    assert all(kind != following for kind, following in pairwise(in_order))


def test_some_have_a_system_message_and_some_earlier_turns() -> None:
    starters = starter_prompts()
    for starter in starters:
        roles = [message.role for message in starter.messages]
        assert ("system" in starter.tags) == (roles[0] == "system")
        assert ("multi-turn" in starter.tags) == (roles.count("user") > 1)
    assert sum("system" in starter.tags for starter in starters) >= 5
    assert sum("multi-turn" in starter.tags for starter in starters) >= 5


def test_lengths() -> None:
    for starter in starter_prompts():
        if starter.tags[0] == "summarise":
            _, text = starter.messages[-1].content.split("\n\n")
            assert 80 <= len(text.split()) <= 150
        else:
            assert 4 <= words(starter) <= 80, starter
        for message in starter.messages:
            assert message.content == message.content.strip()
            assert "\r" not in message.content


def test_they_are_added_once(project: Project) -> None:
    add_starter_prompts(project)
    add_starter_prompts(project)
    starters = starter_prompts()
    assert prompts.counts(project).total == len(starters)
    first = prompts.prompts_needing_comparisons(project, 1)[0]
    assert (first.messages, first.source) == (starters[0].messages, "starter")
