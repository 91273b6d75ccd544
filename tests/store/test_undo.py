"""Undo and redo of verdicts: any number, each annotator's own, across restarts, nothing ever lost."""

from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.store import comparisons, verdicts
from app.store.project import Project, open_project
from app.store.records import Choice
from tests.store.makers import comparison


def give(project: Project, comparison_id: int, choice: Choice, annotator: str = "me") -> int:
    return verdicts.give_verdict(
        project, comparison_id, choice, strength=1, annotator=annotator, seconds=1.0
    ).id


def undo(project: Project, annotator: str = "me") -> int | None:
    undone = verdicts.undo_last(project, annotator)
    return undone.id if undone else None


def redo(project: Project, annotator: str = "me") -> int | None:
    redone = verdicts.redo_last(project, annotator)
    return redone.id if redone else None


def test_undoing_shows_the_comparison_again(project: Project) -> None:
    one, other = comparison(project, "a"), comparison(project, "b")
    given = give(project, one.id, "left")
    comparisons.mark_shown(project, other.id)
    undone = verdicts.undo_last(project, "me")
    assert undone is not None
    assert (undone.id, undone.comparison_id) == (given, one.id)
    assert undone.undone_at is not None
    assert verdicts.verdict_of(project, one.id) is None
    following = comparisons.next_comparison(project)
    assert following is not None
    assert (following.id, following.state) == (one.id, "shown")
    behind = comparisons.next_comparison(project, exclude=[one.id])
    assert behind is not None
    assert behind.id == other.id


def test_redoing_answers_it_again(project: Project) -> None:
    one = comparison(project)
    given = give(project, one.id, "left")
    undo(project)
    redone = verdicts.redo_last(project, "me")
    assert redone is not None
    assert (redone.id, redone.undone_at) == (given, None)
    assert comparisons.get(project, one.id).state == "answered"
    assert [event.event for event in verdicts.timeline(project, one.id)] == ["given", "undone", "redone"]


def test_many_steps_both_ways_across_restarts(project: Project, path: Path) -> None:
    given = [give(project, comparison(project, f"p{i}").id, "left") for i in range(3)]
    assert undo(project) == given[2]
    project.close()
    again = open_project(path)
    assert [undo(again), undo(again), undo(again)] == [given[1], given[0], None]
    again.close()
    last = open_project(path)
    assert [redo(last), redo(last), redo(last), redo(last)] == [*given, None]
    assert verdicts.counts(last).preferences == 3
    last.close()


def test_a_new_verdict_ends_what_could_be_redone(project: Project) -> None:
    one, other = comparison(project, "a"), comparison(project, "b")
    give(project, one.id, "left")
    undo(project)
    given = give(project, other.id, "tie")
    assert redo(project) is None
    assert undo(project) == given
    assert undo(project) is None
    assert len(verdicts.history(project, one.id)) == 1


def test_a_skip_is_undone_and_redone(project: Project) -> None:
    one, other = comparison(project, "a"), comparison(project, "b")
    give(project, one.id, "skip")
    undo(project)
    assert comparisons.get(project, one.id).state == "shown"
    assert verdicts.counts(project).skips == 0
    redo(project)
    assert comparisons.get(project, one.id).state == "waiting"
    following = comparisons.next_comparison(project)
    assert following is not None
    assert following.id == other.id


def test_undoing_a_change_brings_the_first_verdict_back(project: Project) -> None:
    one = comparison(project)
    first = give(project, one.id, "left")
    give(project, one.id, "right")
    undo(project)
    standing = verdicts.verdict_of(project, one.id)
    assert standing is not None
    assert (standing.id, standing.choice) == (first, "left")
    assert comparisons.get(project, one.id).state == "answered"


def test_annotators_do_not_undo_each_other(project: Project) -> None:
    one = comparison(project)
    mine = give(project, one.id, "left")
    yours = give(project, one.id, "right", annotator="you")
    assert undo(project) == mine
    standing = verdicts.verdict_of(project, one.id)
    assert standing is not None
    assert standing.id == yours
    assert undo(project, "nobody") is None
    assert undo(project, "you") == yours
    assert verdicts.verdict_of(project, one.id) is None


def test_annotators_do_not_redo_each_others_or_end_what_others_can_redo(project: Project) -> None:
    one, other = comparison(project, "a"), comparison(project, "b")
    mine = give(project, one.id, "left")
    undo(project)
    assert redo(project, "you") is None
    give(project, other.id, "left", annotator="you")
    assert redo(project) == mine


@dataclass
class Model:
    """What should be: a line of verdicts and how many of them stand."""

    line: list[tuple[int, Choice]] = field(default_factory=list)
    standing: int = 0
    ever: int = 0

    def give(self, comparison_id: int, choice: Choice) -> None:
        self.line = [*self.line[: self.standing], (comparison_id, choice)]
        self.standing += 1
        self.ever += 1

    def step(self, by: int) -> bool:
        possible = 0 <= self.standing + by <= len(self.line)
        self.standing += by if possible else 0
        return possible

    def choice_of(self, comparison_id: int) -> Choice | None:
        said = [choice for one, choice in self.line[: self.standing] if one == comparison_id]
        return said[-1] if said else None


_STEPS = st.one_of(
    st.sampled_from(["undo", "redo"]),
    st.tuples(st.integers(0, 2), st.sampled_from(["left", "right", "tie", "both_bad", "skip"])),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(_STEPS, max_size=14))
def test_any_way_through_agrees_with_a_simple_model(
    project: Project, steps: list[str | tuple[int, Choice]]
) -> None:
    round_ = project.db.table("prompts").count
    annotator = f"annotator {round_}"
    ids = [comparison(project, f"{round_}-{i}").id for i in range(3)]
    model = Model()
    for step in steps:
        if step == "undo":
            assert (undo(project, annotator) is not None) == model.step(-1)
        elif step == "redo":
            assert (redo(project, annotator) is not None) == model.step(+1)
        elif isinstance(step, tuple):
            give(project, ids[step[0]], step[1], annotator)
            model.give(ids[step[0]], step[1])
    for comparison_id in ids:
        standing = verdicts.verdict_of(project, comparison_id)
        choice = model.choice_of(comparison_id)
        assert (standing.choice if standing else None) == choice
        answered = comparisons.get(project, comparison_id).state == "answered"
        assert answered == (choice not in (None, "skip"))
    assert sum(len(verdicts.history(project, comparison_id)) for comparison_id in ids) == model.ever
