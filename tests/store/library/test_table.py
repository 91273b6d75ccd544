"""The Library's rows: filters against a plain-Python model, order, pages, what stands in a row."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.store.collecting import comparisons, prompts, verdicts
from app.store.handle import Project
from app.store.library import query as library_query
from app.store.library import table as library
from app.store.library.filters import Filter, Sort, SortKey, Standing, from_plain, to_plain
from app.store.project import create_project
from app.store.records import Purpose
from app.store.training import runs
from app.store.training.run_pairs import keep_pairs
from dpo_engine.preferences import Message, Pair
from tests.store.library_scene import MODELS, TAGS, PlainRow, fill, matches, plain_rows
from tests.store.makers import candidate, comparison, prompt


class Scene:
    """A project and its rows; with a short name for reports."""

    def __init__(self, project: Project) -> None:
        project.db.execute("PRAGMA synchronous = OFF")
        fill(project, random.Random(5))
        self.project, self.rows = project, plain_rows(project)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    project = create_project(tmp_path_factory.mktemp("library") / "scene.dpo", with_starter_prompts=False)
    yield Scene(project)
    project.close()


STANDINGS: tuple[Standing, ...] = (
    *("left", "right", "tie", "both_bad", "skip"),
    *("waiting", "uncompared", "retired"),
)


def some_of(values: tuple[object, ...]) -> st.SearchStrategy[tuple[object, ...]]:
    none = st.just(())
    return none | none | st.lists(st.sampled_from(values), max_size=3, unique=True).map(tuple)


filters = st.builds(
    Filter,
    standings=some_of(STANDINGS),
    strengths=some_of((1, 2, 3)),
    annotators=some_of(("ada", "bob", "nobody")),
    tags=some_of((*TAGS, "no such tag")),
    models=some_of((*MODELS, "none")),
    splits=some_of(("train", "held_out")),
    sources=some_of(("typed", "import")),
    purposes=some_of(get_args(Purpose)),
    flagged=st.sampled_from((False, False, True)),
    disputed=st.sampled_from((False, False, False, True)),
    edited=st.sampled_from((False, False, False, True)),
    commented=st.sampled_from((False, False, False, True)),
    deleted=st.sampled_from((False, False, True)),
    shortest=st.none() | st.integers(0, 80),
    longest=st.none() | st.integers(0, 80),
    least_margin=st.none() | st.floats(-3, 3),
    most_margin=st.none() | st.floats(-3, 3),
)
sorts = st.builds(Sort, key=st.sampled_from(get_args(SortKey)), descending=st.booleans())


def in_order(found: list[PlainRow], sort: Sort) -> list[int]:
    """The keys as the table has them: those without a value last, prompts without a comparison after all."""
    compared = [row for row in found if row.key > 0]
    lonely = sorted((row for row in found if row.key < 0), key=lambda row: row.key)
    place = {"prompt": 0, "judged": 1, "margin": 2}.get(sort.key)
    if place is None:
        some, none = sorted(compared, key=lambda row: row.key, reverse=sort.descending), []
    else:
        some = [row for row in compared if row.order[place] is not None]
        none = sorted((row for row in compared if row.order[place] is None), key=lambda row: -row.key)
        some.sort(key=lambda row: (row.order[place], row.key), reverse=sort.descending)
    return [row.key for row in (*some, *none, *lonely)]


@pytest.mark.parametrize("few", [0, 1_000], ids=["walking", "starting from a facet"])
@pytest.mark.parametrize("many", [0, 10**9], ids=["window by window", "all hits listed"])
@settings(max_examples=150, deadline=None)
@given(wanted=filters, sort=sorts)
def test_filters_compose_as_a_plain_model_says(
    scene: Scene, few: int, many: int, wanted: Filter, sort: Sort
) -> None:
    project, everything = scene.project, scene.rows
    expected = in_order([row for row in everything if matches(row, wanted)], sort)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(library_query, "FEW", few)
        patch.setattr(library_query, "_MANY_HITS", many)
        patch.setattr(library, "_WINDOW", 3)
        assert library.ids(project, wanted, sort).tolist() == expected
        assert library.count(project, wanted) == len(expected)
        assert [row.key for row in library.page(project, wanted, sort, limit=1_000)] == expected
        offset = len(expected) // 2
        assert [row.key for row in library.page(project, wanted, sort, offset=offset, limit=7)] == expected[
            offset : offset + 7
        ]


def test_the_scene_has_some_of_everything(scene: Scene) -> None:
    everything = scene.rows
    assert {row.standing for row in everything} == set(STANDINGS)
    assert {row.purpose for row in everything} == {"collect", "settle"}
    for name in ("flagged", "disputed", "edited", "commented", "deleted"):
        assert {getattr(row, name) for row in everything} == {True, False}, name
    assert any(row.margin for row in everything)


@settings(max_examples=60, deadline=None)
@given(wanted=filters)
def test_a_filter_survives_being_saved(wanted: Filter) -> None:
    assert from_plain(to_plain(wanted)) == wanted


@pytest.mark.parametrize("plain", [None, 3, [], {"standings": ["up"]}, {"shortest": "x"}, {"tags": "hard"}])
def test_what_is_no_filter_is_none(plain: object) -> None:
    assert from_plain(plain) is None


@pytest.mark.parametrize("hits", [0, 10**9], ids=["window by window", "all hits listed"])
def test_words_are_found_in_prompts_and_responses(project: Project, hits: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(library_query, "_MANY_HITS", hits)
        patch.setattr(library_query, "FEW", -1)
        tea = prompt(project, "How do I brew Earl Grey tea?")
        made = comparisons.add_comparison(
            project, tea, (candidate("Boil the kettle."), candidate("Über die Brücke")), swapped=False
        )
        lonely = prompt(project, "Nothing but a kettle here")
        comparison(project, "Something else")

        def found(text: str) -> list[int]:
            return [row.key for row in library.page(project, Filter(text=text))]

        assert found("grey tea ") == [made.id]
        assert found("kettle ") == [made.id, -lonely]
        assert found("ubер ") == [] and found("brucke ") == [made.id], "accents do not matter"
        assert found('"earl grey"') == [made.id] and found('"grey earl"') == []
        assert found("ket") == [made.id, -lonely], "the word being typed"
        assert found("ket ") == []
        assert found("ke* ") == [made.id, -lonely]
        assert found("brew boil ") == [], "all words of one text"
        assert found("?!") == []
        assert found("  ") == found("")


def test_pairs_of_a_run(project: Project, tmp_path: Path) -> None:
    first, second = comparison(project, "one"), comparison(project, "two")
    run = runs.add_run(
        project, name="otter", folder=tmp_path / "otter", policy="starter", method="dpo", beta=0.1, config={}
    )
    pair = Pair(
        id=f"comparison-{second.id}",
        prompt=(Message("user", "two"),),
        chosen="a",
        rejected="b",
        split="train",
    )
    keep_pairs(project, run.id, [pair])
    assert library.ids(project, Filter(runs=(run.id,))).tolist() == [second.id]
    assert library.ids(project, Filter(runs=(run.id + 1,))).tolist() == []
    assert first.id in library.ids(project, Filter())
    assert library.facets(project).runs == ((run.id, "otter"),)


def test_a_row_says_what_there_is(project: Project) -> None:
    made = comparisons.add_comparison(
        project,
        prompts.add_prompt(
            project,
            [Message("system", "Be brief."), Message("user", 'Say\n"hello",\nplease')],
            source="typed",
            tags=["b"],
        ).id,
        (candidate("Hello", "starter"), candidate("Hello there", "models/qwen")),
        swapped=True,
    )
    before = library.rows(project, [made.id])[made.id]
    assert before.words == 'Say "hello", please'
    assert before.standing == "waiting" and before.strength is None and not before.judged
    assert before.models == ("models/qwen", "starter"), "in no order of sides before the verdict"
    verdicts.give_verdict(project, made.id, "left", strength=2, annotator="ada", seconds=1.0)
    project.db.execute("UPDATE comparisons SET margin = -1.5 WHERE id = ?", [made.id])
    after = library.rows(project, [made.id])[made.id]
    assert (after.standing, after.strength, after.annotators) == ("left", 2, ("ada",))
    assert (after.left_chars, after.right_chars) == (11, 5)
    assert after.models == ("models/qwen", "starter") and after.margin == -1.5 and after.judged


def test_the_margin_has_no_sign_before_the_verdict(project: Project) -> None:
    made = comparison(project)
    project.db.execute("UPDATE comparisons SET margin = -2.0 WHERE id = ?", [made.id])
    assert library.rows(project, [made.id])[made.id].margin == 2.0
    verdicts.give_verdict(project, made.id, "right", strength=1, annotator="ada", seconds=1.0)
    assert library.rows(project, [made.id])[made.id].margin == 2.0
    verdicts.give_verdict(project, made.id, "left", strength=1, annotator="ada", seconds=1.0)
    assert library.rows(project, [made.id])[made.id].margin == -2.0


def test_rows_keep_the_order_asked_for_and_leave_out_what_is_gone(project: Project) -> None:
    keys = [comparison(project, f"number {number}").id for number in range(4)]
    lonely = -prompt(project, "alone")
    wanted = [keys[2], lonely, keys[0], 99_999, -99_999]
    assert list(library.rows(project, wanted)) == [keys[2], lonely, keys[0]]


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ('[{"role":"user","content":"one"},{"role":"assistant","content":"two"}]', "two"),
        ('[{"role":"user","content":"cut \\"here\\" and the', 'cut "here" and the'),
        ("[]", ""),
        ("no JSON", ""),
        ("", ""),
    ],
)
def test_the_first_words_of_any_conversation(stored: str, shown: str) -> None:
    assert library.first_line(stored) == shown


def test_long_prompts_are_cut(project: Project) -> None:
    key = -prompt(project, "word " * 100_000)
    row = library.rows(project, [key])[key]
    assert len(row.words) <= 201


def test_prompts_of_and_judged_among(project: Project) -> None:
    one, other = comparison(project, "same"), comparison(project, "same")
    third = comparison(project, "third")
    verdicts.give_verdict(project, third.id, "tie", strength=1, annotator="ada", seconds=1.0)
    assert sorted(library.prompts_of(project, [one.id, other.id, third.id])) == sorted(
        {one.prompt.id, third.prompt.id}
    )
    assert library.judged_among(project, [one.id, third.id]) == [third.id]
