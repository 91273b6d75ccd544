"""In which order comparisons are asked: the four orders, the marked random share, several annotators."""

from collections import Counter
from random import Random

import pytest

from app.store.collecting import comparisons, notes, ordering, prompts, verdicts
from app.store.collecting.ordering import Order
from app.store.errors import BadValue
from app.store.project import Project
from app.store.records import Choice, Comparison, NewCandidate
from app.store.settings import set_setting
from app.store.undo import journal
from tests.store.makers import candidate, comparison, prompt


def give(project: Project, comparison_id: int, choice: Choice, annotator: str = "me") -> None:
    verdicts.give_verdict(project, comparison_id, choice, strength=1, annotator=annotator, seconds=1.0)


def queue(project: Project, order: Order, annotator: str = "me", *, overlap: bool = False) -> list[int]:
    found: list[int] = []
    while (
        following := comparisons.next_comparison(
            project, annotator=annotator, order=order, rng=Random(1), exclude=found, overlap=overlap
        )
    ) is not None:
        found.append(following.id)
    return found


def made(project: Project, number: int) -> list[int]:
    return [comparison(project, f"p{one}").id for one in range(number)]


def test_oldest_and_newest(project: Project) -> None:
    ids = made(project, 4)
    assert queue(project, "oldest") == ids
    assert queue(project, "newest") == ids[::-1]


@pytest.mark.parametrize("order", ["oldest", "newest", "random", "unseen", "margin"])
def test_in_every_order_first_shown_then_typed_and_skipped_last(project: Project, order: Order) -> None:
    ids = made(project, 5)
    mine = comparisons.add_comparison(
        project, prompt(project, "mine", source="typed"), (candidate("x"), candidate("y")), swapped=False
    )
    give(project, ids[0], "skip")
    give(project, ids[3], "skip")
    comparisons.mark_shown(project, ids[2])
    found = queue(project, order)
    assert found[:2] == [ids[2], mine.id]
    assert sorted(found[2:4]) == [ids[1], ids[4]]
    assert found[4:] == [ids[0], ids[3]]


def test_unseen_prompts_come_first(project: Project) -> None:
    seen = [comparison(project, "seen").id for _ in range(3)]
    unseen = [comparison(project, "unseen").id for _ in range(2)]
    other = comparison(project, "other").id
    give(project, seen[1], "tie")
    assert queue(project, "unseen") == [unseen[0], other, seen[0], seen[2], unseen[1]], "in hand is seen"
    journal.undo(project, "me")
    assert queue(project, "unseen")[0] == seen[1], "what was taken back is on the screen again"


def test_the_least_sure_come_first_and_then_those_without_a_margin(project: Project) -> None:
    set_setting(project, ordering.POLICY, "now")
    ids = made(project, 6)
    margins = {ids[0]: 3.0, ids[1]: -0.5, ids[2]: 0.25, ids[4]: float("nan")}
    ordering.keep_margins(project, "now", margins)
    ordering.keep_margins(project, "earlier", {ids[5]: 0.0})
    assert queue(project, "margin") == [ids[2], ids[1], ids[0], ids[3], ids[4], ids[5]]
    assert comparisons.get(project, ids[1]).margin == -0.5
    assert comparisons.get(project, ids[4]).margin is None
    assert ordering.to_score(project, "now", 10) == [ids[3], ids[5]]
    assert ordering.to_score(project, "now", 1) == [ids[3]]
    assert sorted(ordering.to_score(project, "later", 10)) == ids
    give(project, ids[3], "left")
    assert ordering.to_score(project, "now", 10) == [ids[5]]


def test_random_is_even_and_marked(project: Project) -> None:
    ids = made(project, 40)
    for one in ids:
        if one not in (ids[0], ids[7], ids[39]):
            give(project, one, "tie")  # so that the ids left lie unevenly
    rng = Random(5)
    drawn: Counter[int] = Counter()
    for _ in range(600):
        one = comparisons.next_comparison(project, order="random", rng=rng)
        assert one is not None
        assert one.picked == "random"
        drawn[one.id] += 1
    assert set(drawn) == {ids[0], ids[7], ids[39]}
    assert all(150 < number < 250 for number in drawn.values())


def test_a_share_is_random_and_marked_and_the_rest_is_not(project: Project) -> None:
    set_setting(project, ordering.POLICY, "now")
    ids = made(project, 50)
    ordering.keep_margins(project, "now", {one: float(number + 1) for number, one in enumerate(ids)})
    rng = Random(2)
    found = [
        comparisons.next_comparison(project, order="margin", random_share=0.25, rng=rng) for _ in range(400)
    ]
    picked = Counter(one.picked for one in found if one is not None)
    assert 70 < picked["random"] < 130
    assert {one.id for one in found if one is not None and one.picked == "order"} == {ids[0]}
    stored = comparisons.get(project, ids[0])
    assert found[-1] is not None
    assert comparisons.get(project, found[-1].id).picked == found[-1].picked
    assert stored.picked in ("order", "random")


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_that_is_none(project: Project, share: float) -> None:
    with pytest.raises(BadValue, match="between 0 and 1"):
        comparisons.next_comparison(project, random_share=share)


def test_what_is_shown_keeps_how_it_was_picked(project: Project) -> None:
    one = comparison(project)
    picked = comparisons.next_comparison(project, order="random", rng=Random(1))
    assert picked is not None
    comparisons.mark_shown(project, one.id)
    again = comparisons.next_comparison(project, order="oldest")
    assert again is not None
    assert again.picked == "random"


def test_without_overlap_what_one_answered_is_answered(project: Project) -> None:
    ids = made(project, 2)
    give(project, ids[0], "left", "ann")
    assert queue(project, "oldest", "bob") == [ids[1]]


def test_with_overlap_everybody_answers_and_nobody_twice(project: Project) -> None:
    ids = made(project, 4)
    give(project, ids[2], "left", "ann")
    give(project, ids[0], "left", "ann")
    give(project, ids[1], "skip", "ann")
    assert queue(project, "oldest", "bob", overlap=True) == [ids[0], ids[2], ids[1], ids[3]]
    assert queue(project, "oldest", "ann", overlap=True) == [ids[3], ids[1]]
    give(project, ids[0], "right", "bob")
    give(project, ids[2], "skip", "bob")
    assert queue(project, "oldest", "bob", overlap=True) == [ids[1], ids[3], ids[2]]
    set_setting(project, ordering.OVERLAP, True)
    following = comparisons.next_comparison(project, annotator="cy")
    assert following is not None
    assert following.id == ids[0]


def test_a_skip_is_its_annotators_own(project: Project) -> None:
    ids = made(project, 4)
    give(project, ids[0], "skip", "ann")
    give(project, ids[1], "skip", "ann")
    assert queue(project, "newest", "bob", overlap=True) == [ids[1], ids[0], ids[3], ids[2]]
    assert queue(project, "newest", "bob") == [ids[3], ids[2], ids[0], ids[1]], "nobody saw the others yet"
    give(project, ids[0], "skip", "bob")
    assert queue(project, "newest", "bob", overlap=True) == [ids[1], ids[3], ids[2], ids[0]]
    assert queue(project, "newest", "ann", overlap=True) == [ids[3], ids[2], ids[1], ids[0]]
    give(project, ids[1], "tie", "bob")
    assert queue(project, "newest", "ann", overlap=True) == [ids[3], ids[2], ids[0], ids[1]]
    assert queue(project, "newest", "ann") == [ids[3], ids[2], ids[0]], "one answer is enough"


def test_undoing_a_skip_gives_back_ones_own_alone(project: Project) -> None:
    ids = made(project, 3)
    for who in ("ann", "bob"):
        give(project, ids[0], "skip", who)
    journal.undo(project, "bob")
    assert queue(project, "oldest", "bob", overlap=True)[0] == ids[0]
    comparisons.put_back(project)
    assert queue(project, "oldest", "ann", overlap=True) == [ids[1], ids[2], ids[0]]
    assert queue(project, "oldest", "bob", overlap=True) == ids, "ann put it off, bob said nothing"
    journal.redo(project, "bob")
    assert queue(project, "oldest", "bob", overlap=True) == [ids[1], ids[2], ids[0]]
    give(project, ids[0], "left", "ann")
    journal.undo(project, "bob")
    assert queue(project, "oldest", "bob", overlap=True)[0] == ids[0], "ann's answer stands, bob is asked"
    verdict = verdicts.verdict_of(project, ids[0])
    assert verdict is not None and verdict.annotator == "ann"


def test_imported_skips_are_asked_after_what_nobody_saw(project: Project) -> None:
    ids = made(project, 2)
    give(project, ids[0], "skip", "somebody")
    project.db.execute("UPDATE verdicts SET imported = 1")
    assert queue(project, "oldest", "me", overlap=True) == [ids[1], ids[0]]


def test_what_is_put_back_waits_where_it_did(project: Project) -> None:
    ids = made(project, 3)
    comparisons.mark_shown(project, ids[2])
    assert queue(project, "oldest") == [ids[2], ids[0], ids[1]]
    comparisons.put_back(project)
    assert queue(project, "oldest") == ids


def test_overlap_is_about_what_was_judged_here(project: Project) -> None:
    ids = made(project, 2)
    give(project, ids[0], "left", "somebody")
    project.db.execute("UPDATE verdicts SET imported = 1")
    assert queue(project, "oldest", "me", overlap=True) == [ids[1]]


def test_deleted_ones_are_in_no_queue(project: Project) -> None:
    ids = made(project, 4)
    comparisons.mark_shown(project, ids[0])
    give(project, ids[1], "left", "ann")
    notes.set_deleted(
        project, ids[:2], True, annotator="me", prompt_ids=[comparisons.get(project, ids[2]).prompt.id]
    )
    for order in ("oldest", "newest", "random", "unseen", "margin"):
        assert queue(project, order, "bob", overlap=True) == [ids[3]]  # type: ignore[arg-type]
    assert comparisons.waiting_count(project) == 1
    assert verdicts.counts(project).preferences == 0
    assert verdicts.training_pairs(project) == []
    assert [p.id for p in prompts.prompts_needing_comparisons(project, 9)] == [1, 2, 4]


def test_another_policy_leaves_what_no_model_here_wrote(project: Project) -> None:
    brought = NewCandidate(
        text="x", model="imported", fingerprint="", sampling={}, seed=0, finish_reason="", tokens=0, seconds=0
    )
    kept = comparisons.add_comparison(project, prompt(project, "a"), (brought, brought), swapped=False)
    both = _of(project, "b", "one", "other")
    gone = _of(project, "c", "one", "third")
    assert comparisons.retire_waiting(project, {"one", "other"}) == 1
    assert queue(project, "oldest") == [kept.id, both.id]
    assert comparisons.get(project, gone.id).state == "retired"


def _of(project: Project, text: str, first: str, second: str) -> Comparison:
    pair = (candidate("x", first), candidate("y", second))
    return comparisons.add_comparison(project, prompt(project, text), pair, swapped=False)


@pytest.mark.parametrize("policy", ["", "some-run"])
def test_no_order_reads_a_whole_table(project: Project, policy: str) -> None:
    """Each query walks an index of what it looks for; a full scan would name no index."""
    bound = {
        "in_hand": "[]",
        "who": "me",
        "policy": policy,
        "skips": 1,
        "drawn": 1,
        "limit": 9,
        "place": 0,
    }
    queries = {
        name: value
        for name, value in vars(ordering).items()
        if name.startswith("_") and isinstance(value, str)
    }
    looked_at = {name: sql for name, sql in queries.items() if sql.lstrip().startswith("SELECT")}
    assert len(looked_at) >= 9
    for number, sql in enumerate(ordering._UNSCORED):
        looked_at[f"unscored {number}"] = sql
    for name, sql in looked_at.items():
        plan = [row[3] for row in project.db.execute(f"EXPLAIN QUERY PLAN {sql}", bound)]
        for line in plan:
            assert "TEMP B-TREE FOR ORDER" not in line, (name, plan)
            assert not line.startswith("SCAN") or "INDEX" in line or "json_each" in line, (name, plan)
