"""Whether other pairs would be trained on than before."""

from app.store.collecting import prompts, verdicts
from app.store.project import Project
from app.store.undo import journal
from tests.store import makers


def _judge(project: Project, comparison: int, choice: verdicts.Choice = "left", strength: int = 1) -> None:
    verdicts.give_verdict(project, comparison, choice, strength=strength, annotator="me", seconds=1.0)


def test_it_changes_with_the_pairs_and_only_with_them(project: Project) -> None:
    first, second = makers.comparison(project, "a"), makers.comparison(project, "b")
    seen = [verdicts.pairs_version(project)]

    def changed() -> bool:
        seen.append(verdicts.pairs_version(project))
        return seen[-1] != seen[-2]

    _judge(project, first.id)
    assert changed(), "a first pair"
    _judge(project, second.id, "tie")
    assert not changed(), "a tie is no pair"
    _judge(project, second.id, "right")
    assert changed(), "a second pair"
    _judge(project, first.id, "right")
    assert changed(), "turned round"
    assert journal.undo(project, "me") is not None
    assert changed() and seen[-1] == seen[-3], "as before the last verdict"
    prompts.set_split(project, [first.prompt.id], "held_out", annotator="me")
    assert changed(), "held out"
    one = seen[-1]
    prompts.set_split(project, [first.prompt.id], "train", annotator="me")
    prompts.set_split(project, [second.prompt.id], "held_out", annotator="me")
    assert changed() and seen[-1] != one, "the other one held out"


def test_of_a_selection_only_its_own_pairs_count(project: Project) -> None:
    first, second = makers.comparison(project, "a"), makers.comparison(project, "b")
    before = verdicts.pairs_version(project, "much_better")
    _judge(project, first.id)
    assert verdicts.pairs_version(project, "much_better") == before
    _judge(project, second.id, strength=2)
    assert verdicts.pairs_version(project, "much_better") != before
