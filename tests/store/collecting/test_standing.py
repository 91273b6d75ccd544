"""Which verdict counts when several people judged, changed their minds, undid, or settled the matter."""

from collections import Counter
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.store.collecting import comparisons, verdicts
from app.store.collecting.standing import Outcome, Said, other_side, settle_again, weigh
from app.store.figures import agreement
from app.store.project import Project
from app.store.records import Choice
from app.store.rows import writing
from app.store.undo import journal
from tests.store.makers import comparison

PEOPLE = ("ann", "bob", "cy")
CHOICES: tuple[Choice, ...] = ("left", "right", "tie", "both_bad", "skip")


def give(project: Project, comparison_id: int, choice: Choice, annotator: str) -> int:
    return verdicts.give_verdict(
        project, comparison_id, choice, strength=1, annotator=annotator, seconds=1.0
    ).id


def state(project: Project, comparison_id: int) -> tuple[int | None, Choice | None, int, str]:
    row = project.db.execute(
        "SELECT verdict_id, choice, disputed, state FROM comparisons WHERE id = ?", [comparison_id]
    ).fetchone()
    return (row[0], row[1], row[2], row[3])


def asked_again(project: Project, comparison_id: int) -> int:
    return int(
        project.db.execute("SELECT max(id) FROM comparisons WHERE of_id = ?", [comparison_id]).fetchone()[0]
    )


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([], (None, None, False)),
        (["skip"], (1, "skip", False)),
        (["left", "skip"], (1, "left", False)),
        (["left", "right"], (2, "right", True)),
        (["left", "right", "right"], (3, "right", False)),
        (["right", "right", "left"], (2, "right", False)),
        (["left", "tie"], (2, "tie", False)),
        (["left", "right", "tie", "tie"], (4, "tie", False)),
        (["left", "right", "tie"], (3, "tie", True)),
        (["skip", "skip"], (2, "skip", False)),
    ],
)
def test_the_majority_counts(said: list[Choice], expected: tuple[int | None, Choice | None, bool]) -> None:
    standing = [Said(number, choice) for number, choice in enumerate(said, start=1)]
    assert weigh(standing) == weigh(standing[::-1]) == Outcome(*expected)


def test_what_settles_counts_above_the_majority() -> None:
    said = [Said(1, "left"), Said(2, "left"), Said(3, "right")]
    assert weigh(said, [Said(4, "right")]) == Outcome(4, "right", False)
    assert weigh(said, [Said(4, "skip")]) == weigh(said)


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("choice", ["left", "right", "tie", "both_bad"])
def test_a_settled_dispute(project: Project, swapped: bool, choice: Choice) -> None:
    one = comparison(project)
    give(project, one.id, "left", "ann")
    latest = give(project, one.id, "right", "bob")
    assert state(project, one.id) == (latest, "right", 1, "answered")
    assert verdicts.training_pairs(project) == []
    assert verdicts.counts(project).disputed == 1

    class Draw:
        def random(self) -> float:
            return 0.0 if swapped else 0.9

    assert agreement.ask_again(project, [one.id], "cy", rng=Draw()) == 1  # type: ignore[arg-type]
    again = comparisons.get(project, asked_again(project, one.id))
    assert (again.purpose, again.of_id) == ("settle", one.id)
    assert (again.left.id == one.right.id) == swapped
    final = give(project, again.id, choice, "cy")
    own_sides = other_side(choice) if swapped else choice
    assert state(project, one.id) == (final, own_sides, 0, "answered")
    counted = verdicts.counts(project)
    assert counted.disputed == 0
    pairs = verdicts.training_pairs(project)
    if choice in ("left", "right"):
        preferred = again.left if choice == "left" else again.right
        assert [(pair.id, pair.chosen) for pair in pairs] == [(f"comparison-{one.id}", preferred.text)]
        assert counted.preferences == 1
    else:
        assert (pairs, counted.preferences) == ([], 0)

    assert journal.undo(project, "cy") is not None
    assert state(project, one.id) == (latest, "right", 1, "answered")
    assert journal.redo(project, "cy") is not None
    assert state(project, one.id)[:3] == (final, own_sides, 0)


def test_deleting_the_answer_that_settled_opens_the_dispute_again(project: Project) -> None:
    one = comparison(project)
    give(project, one.id, "left", "ann")
    give(project, one.id, "right", "bob")
    agreement.ask_again(project, [one.id], "cy")
    give(project, asked_again(project, one.id), "tie", "cy")
    assert state(project, one.id)[1:3] == ("tie", 0)
    journal.undo(project, "cy")
    journal.undo(project, "cy")
    assert state(project, one.id)[1:3] == ("right", 1)
    assert comparisons.next_comparison(project, annotator="cy") is None
    journal.redo(project, "cy")
    journal.redo(project, "cy")
    assert state(project, one.id)[1:3] == ("tie", 0)


@dataclass
class Person:
    line: list[tuple[int, int, Choice]] = field(default_factory=list)
    """(when, comparison, choice) that can stand."""
    standing: int = 0


@dataclass
class Model:
    """What should be: everybody's own line of verdicts, and how many of each stand."""

    people: dict[str, Person] = field(default_factory=lambda: {name: Person() for name in PEOPLE})
    ever: int = 0

    def give(self, who: str, which: int, choice: Choice) -> None:
        person = self.people[who]
        self.ever += 1
        person.line = [*person.line[: person.standing], (self.ever, which, choice)]
        person.standing += 1

    def step(self, who: str, by: int) -> bool:
        person = self.people[who]
        possible = 0 <= person.standing + by <= len(person.line)
        person.standing += by if possible else 0
        return possible

    def said(self, which: int) -> dict[str, tuple[int, Choice]]:
        said = {}
        for name, person in self.people.items():
            for when, one, choice in person.line[: person.standing]:
                if one == which:
                    said[name] = (when, choice)
        return said

    def outcome(self, which: int) -> tuple[Choice | None, bool]:
        said = sorted(self.said(which).values())
        answers = [choice for _, choice in said if choice != "skip"]
        if not answers:
            return ("skip" if said else None), False
        votes = Counter(answers)
        leading = [choice for choice in votes if votes[choice] == max(votes.values())]
        last = [choice for choice in answers if choice in leading][-1]
        return last, "left" in leading and "right" in leading


_ACTS = st.one_of(
    st.tuples(st.sampled_from(["undo", "redo"]), st.sampled_from(PEOPLE)),
    st.tuples(st.sampled_from(PEOPLE), st.integers(0, 1), st.sampled_from(CHOICES)),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=st.lists(_ACTS, max_size=16))
def test_any_way_through_agrees_with_a_simple_model(
    project: Project, acts: list[tuple[str, str] | tuple[str, int, Choice]]
) -> None:
    round_ = project.db.table("prompts").count
    ids = [comparison(project, f"{round_}-{number}").id for number in range(2)]
    before = verdicts.counts(project)
    model = Model()
    for act in acts:
        if len(act) == 2:
            back = act[0] == "undo"
            step = journal.undo if back else journal.redo
            done = step(project, f"{act[1]} {round_}")
            assert (done is not None) == model.step(act[1], -1 if back else 1)
        else:
            give(project, ids[act[1]], act[2], f"{act[0]} {round_}")
            model.give(*act)
    expected = [model.outcome(which) for which in range(2)]
    found = [state(project, one) for one in ids]
    assert [(choice, bool(disputed)) for _, choice, disputed, _ in found] == expected
    assert [where == "answered" for *_, where in found] == [
        choice not in (None, "skip") for choice, _ in expected
    ]
    after = verdicts.counts(project)
    assert after.disputed - before.disputed == sum(disputed for _, disputed in expected)
    sided = [choice for choice, disputed in expected if choice in ("left", "right") and not disputed]
    assert after.preferences - before.preferences == len(sided)
    assert after.today - before.today == sum(
        choice != "skip" for which in range(2) for _, choice in model.said(which).values()
    )
    assert sum(len(verdicts.history(project, one)) for one in ids) == model.ever
    _check_what_follows(project)


def _check_what_follows(project: Project) -> None:
    """What is kept beside the verdicts is what follows from them."""
    kept = _rows(project)
    with writing(project, "checking") as db:
        settle_again(db)
    assert _rows(project) == kept
    counted = project.db.execute(
        """
        SELECT choice, held_out, disputed, count(*) FROM comparisons
        WHERE choice IS NOT NULL AND purpose = 'collect' AND deleted_at IS NULL GROUP BY 1, 2, 3
        """
    ).fetchall()
    tally = project.db.execute("SELECT choice, held_out, disputed, n FROM tally WHERE n <> 0").fetchall()
    assert sorted(counted) == sorted(tally)
    waiting = project.db.execute(
        """
        SELECT skipped > 0, count(*) FROM comparisons
        WHERE state = 'waiting' AND asked_of IS NULL AND deleted_at IS NULL GROUP BY 1
        """
    ).fetchall()
    assert waiting == project.db.execute("SELECT later, n FROM waiting WHERE n <> 0").fetchall()


def _rows(project: Project) -> list[list[dict[str, object]]]:
    return [
        list(project.db.table(name).rows_where(order_by="1, 2, 3"))
        for name in ("standing", "tally", "comparisons", "prompts")
    ]
