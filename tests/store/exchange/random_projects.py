"""Projects as hypothesis draws them: described as data, then made through the store's own functions."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hypothesis import strategies as st

from app.store.collecting import comparisons, notes, prompts, verdicts
from app.store.figures import agreement
from app.store.project import Project, open_project
from app.store.records import Choice, NewCandidate
from dpo_engine.preferences import Message, Split

ODD = (
    "",
    " ",
    "Plain words.",
    "two\nlines\r\n",
    "paragraph\u2028separator\u0085",
    "مرحبا بالعالم",
    "\x00\x1f\x7f",
    "🦦👩🏽‍🚀 é é",
    "Human: no transcript",
    '"quotes", commas; and\ttabs',
    "\ufeff=1+1",
)
texts = st.one_of(st.sampled_from(ODD), st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
spoken = texts.filter(lambda text: text.strip() != "")
comments = st.sampled_from(("", "why not", "unclear\nprompt", "ü"))
tags = st.lists(st.sampled_from(("hard", "code", "two words", "ü")), max_size=2, unique=True).map(tuple)
models = st.sampled_from(("starter", "run/2", "imported"))
annotators = st.sampled_from(("ada", "bo b", "Ćira"))
choices: st.SearchStrategy[Choice] = st.sampled_from(("left", "right", "tie", "both_bad", "skip"))


@dataclass(frozen=True)
class Said:
    annotator: str
    choice: Choice
    strength: int
    edited: str | None


@dataclass(frozen=True)
class Compared:
    prompt: int
    texts: tuple[str, str]
    models: tuple[str, str]
    swapped: bool
    flagged: bool
    comment: str
    tags: tuple[str, ...]
    said: tuple[Said, ...]
    looked_again: bool
    settled: Choice | None
    deleted: bool


@dataclass(frozen=True)
class Described:
    prompts: tuple[tuple[tuple[Message, ...], Split, tuple[str, ...]], ...]
    compared: tuple[Compared, ...]


@st.composite
def conversations(draw: st.DrawFn) -> tuple[Message, ...]:
    turns = [Message("system", draw(texts))] if draw(st.booleans()) else []
    for _ in range(draw(st.integers(0, 2))):
        turns += [Message("user", draw(spoken)), Message("assistant", draw(texts))]
    return (*turns, Message("user", draw(spoken)))


said = st.builds(Said, annotators, choices, st.integers(1, 3), st.none() | spoken)


@st.composite
def projects(
    draw: st.DrawFn, *, asked: st.SearchStrategy[tuple[Message, ...]] | None = None, deleted: bool = True
) -> Described:
    splits: st.SearchStrategy[Split] = st.sampled_from(("train", "held_out"))
    kept = draw(
        st.lists(
            st.tuples(conversations() if asked is None else asked, splits, tags),
            min_size=1,
            max_size=4,
            unique_by=lambda one: one[0],
        )
    )
    answer = texts if asked is None else st.sampled_from(("one", "two", "three"))
    compared = st.builds(
        Compared,
        st.integers(0, len(kept) - 1),
        st.tuples(answer, answer),
        st.tuples(models, models),
        st.booleans(),
        st.booleans(),
        comments,
        tags,
        st.lists(said, max_size=4).map(tuple),
        st.booleans(),
        st.none() | choices,
        st.booleans() if deleted else st.just(False),
    )
    return Described(tuple(kept), tuple(draw(st.lists(compared, max_size=5))))


@contextmanager
def made(template: Path, path: Path, described: Described) -> Iterator[Project]:
    """A project at `path`, begun as a copy of the empty one at `template`."""
    shutil.copyfile(template, path)
    project = open_project(path)
    try:
        ids = [
            prompts.add_prompt(project, messages, source="typed", split=split, tags=kept).id
            for messages, split, kept in described.prompts
        ]
        for one in described.compared:
            _compare(project, ids[one.prompt], one)
        yield project
    finally:
        project.close()


def _compare(project: Project, prompt_id: int, one: Compared) -> None:
    first, second = (_candidate(text, model) for text, model in zip(one.texts, one.models, strict=True))
    made = comparisons.add_comparison(project, prompt_id, (first, second), swapped=one.swapped)
    for given in one.said:
        _give(project, made.id, given)
    if one.flagged:
        notes.set_flag(project, [made.id], True, annotator="ada")
    if one.comment:
        notes.set_comment(project, [made.id], one.comment, annotator="ada")
    if one.tags:
        notes.add_tags(project, [made.id], one.tags, annotator="ada")
    if one.looked_again:
        _ask_again(project, made.id, "second_look", Said("bo b", "right", 2, None))
    if one.settled is not None:
        _ask_again(project, made.id, "settle", Said("ada", one.settled, 3, None))
    if one.deleted:
        notes.set_deleted(project, [made.id], True, annotator="ada")


def _ask_again(
    project: Project, comparison_id: int, purpose: Literal["settle", "second_look"], answer: Said
) -> None:
    agreement.ask_again(project, [comparison_id], answer.annotator, purpose=purpose)
    (again,) = project.db.execute(
        "SELECT max(id) FROM comparisons WHERE of_id = ? AND purpose = ?", [comparison_id, purpose]
    ).fetchone()
    _give(project, again, answer)


def _give(project: Project, comparison_id: int, given: Said) -> None:
    edited = given.edited if given.choice in ("left", "right") else None
    verdicts.give_verdict(
        project,
        comparison_id,
        given.choice,
        strength=given.strength,
        annotator=given.annotator,
        seconds=1.5,
        edited=edited,
    )


def _candidate(text: str, model: str) -> NewCandidate:
    """Everything else of it follows from text and model, by which candidates are told apart."""
    return NewCandidate(
        text=text,
        model=model,
        fingerprint=f"f-{model}",
        sampling={"temperature": 0.75, "top_k": len(text)},
        seed=len(text) + 1,
        finish_reason="end",
        tokens=len(text) + 2,
        seconds=0.25,
    )
