"""Which preferences a run is trained on."""

import time
from pathlib import Path

from app.store.collecting import verdicts
from app.store.project import Project
from app.store.records import Choice
from app.store.training import runs
from app.store.undo import journal
from tests.store import makers


def _judge(project: Project, text: str, choice: Choice = "left", *, strength: int = 1, **made: str) -> str:
    one = makers.comparison(project, text, **made)  # type: ignore[arg-type]
    verdicts.give_verdict(project, one.id, choice, strength=strength, annotator="me", seconds=1.0)
    return f"comparison-{one.id}"


def _ids(project: Project, selection: verdicts.PairSelection) -> list[str]:
    pairs = verdicts.training_pairs(project, selection)
    counted = verdicts.preferences(project, selection)
    assert counted.total == len(pairs)
    assert counted.held_out == sum(pair.split == "held_out" for pair in pairs)
    assert sum(n for _, n in counted.models) == len(pairs)
    return [pair.id for pair in pairs]


def test_all_new_and_strong_ones(project: Project, tmp_path: Path) -> None:
    before = _judge(project, "a")
    strong = _judge(project, "b", "right", strength=2)
    _judge(project, "c", "tie")
    assert _ids(project, "new") == [before, strong], "without a run everything is new"
    runs.add_run(project, tmp_path / "run", policy="starter", method="lora", beta=0.1, config={})
    time.sleep(0.002)
    after = _judge(project, "d", split="held_out")
    assert _ids(project, "all") == [before, strong, after]
    assert _ids(project, "new") == [after]
    assert _ids(project, "much_better") == [strong]


def test_who_wrote_the_chosen_ones(project: Project) -> None:
    for number in range(3):
        _judge(project, f"mine {number}", model="my-run")
    _judge(project, "theirs")
    assert verdicts.preferences(project).models == (("my-run", 3), ("starter", 1))


def test_an_undone_verdict_belongs_to_no_selection(project: Project) -> None:
    _judge(project, "a", strength=2)
    journal.undo(project, "me")
    assert [_ids(project, one) for one in ("all", "new", "much_better")] == [[], [], []]
