"""An import is all or nothing, finds duplicates by content, and can be undone as one act."""

import json
from collections.abc import Iterable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from app.store.collecting import comparisons, notes, prompts, verdicts
from app.store.errors import BadValue, Cancelled, StoreError
from app.store.exchange import intake
from app.store.exchange.entries import Refused
from app.store.exchange.importing import run
from app.store.exchange.mapped import ColumnMapping
from app.store.exchange.preview import look
from app.store.exchange.report import Report, save_refused
from app.store.library.search_index import index_some, texts_left
from app.store.project import Project
from app.store.safekeeping import backups
from app.store.undo import journal
from dpo_engine.preferences import Message
from tests.store import makers
from tests.store.exchange import samples


def write(path: Path, rows: Iterable[Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def pairs(number: int, first: int = 0) -> list[dict[str, Any]]:
    return [
        {"prompt": f"Prompt {n}?", "chosen": f"good {n}", "rejected": f"bad {n}"}
        for n in range(first, first + number)
    ]


def everything(project: Project) -> dict[str, list[Any]]:
    tables = (
        "prompts",
        "candidates",
        "comparisons",
        "verdicts",
        "standing",
        "journal",
        "tally",
        "annotators",
    )
    return {table: list(project.db.query(f"SELECT * FROM {table}")) for table in tables}  # noqa: S608


def test_pairs_come_in_with_their_verdicts(project: Project, tmp_path: Path) -> None:
    report = run(project, look(write(tmp_path / "rows.jsonl", pairs(3))), annotator=" ada ")
    assert (report.prompts, report.comparisons, report.verdicts, report.duplicates) == (3, 3, 3, 0)
    trained = {
        pair.prompt[0].content: (pair.chosen, pair.rejected) for pair in verdicts.training_pairs(project)
    }
    assert trained == {f"Prompt {n}?": (f"good {n}", f"bad {n}") for n in range(3)}
    given = verdicts.verdict_of(project, 1)
    assert given is not None
    assert (given.annotator, given.imported) == ("ada", True)
    assert comparisons.get(project, 1).left.model == "imported"
    assert verdicts.counts(project).preferences == 3


def test_sides_are_drawn_at_random(project: Project, tmp_path: Path) -> None:
    run(project, look(write(tmp_path / "rows.jsonl", pairs(200))), annotator="ada", rng=Random(1))
    left = sum(comparisons.get(project, n).left.text.startswith("good") for n in range(1, 201))
    assert 70 < left < 130
    assert {row["swapped"] for row in project.db.query("SELECT swapped FROM comparisons")} == {0, 1}
    assert all(pair.chosen.startswith("good") for pair in verdicts.training_pairs(project))


def test_the_same_file_again_adds_nothing(project: Project, tmp_path: Path) -> None:
    path = write(tmp_path / "rows.jsonl", pairs(20))
    run(project, look(path), annotator="ada")
    before = everything(project)
    report = run(project, look(path), annotator="ada")
    assert (report.prompts, report.comparisons, report.verdicts, report.duplicates) == (0, 0, 0, 20)
    assert everything(project) == before


def test_duplicates_within_a_file_are_found(project: Project, tmp_path: Path) -> None:
    turned = [{**row, "chosen": row["rejected"], "rejected": row["chosen"]} for row in pairs(5)]
    report = run(
        project, look(write(tmp_path / "rows.jsonl", [*pairs(5), *pairs(5), *turned])), annotator="ada"
    )
    assert (report.prompts, report.comparisons, report.verdicts, report.duplicates) == (5, 5, 5, 10)
    assert {pair.chosen for pair in verdicts.training_pairs(project)} == {f"good {n}" for n in range(5)}


def test_a_prompt_whose_pairs_come_in_many_batches_is_known_in_each(project: Project, tmp_path: Path) -> None:
    rows = [{"prompt": "Which?", "chosen": f"good {n}", "rejected": "always this"} for n in range(2_500)]
    report = run(project, look(write(tmp_path / "rows.jsonl", [*rows, *rows])), annotator="ada")
    assert (report.prompts, report.comparisons, report.verdicts, report.duplicates) == (
        1,
        2_500,
        2_500,
        2_500,
    )
    assert project.db.table("candidates").count == 2_501
    assert project.db.execute("SELECT comparisons, answered FROM prompts").fetchone() == (2_500, 2_500)


def test_a_comparison_that_waits_here_gets_the_verdict(project: Project, tmp_path: Path) -> None:
    waiting = makers.comparison(project, "Which?", swapped=True)
    path = write(tmp_path / "rows.jsonl", [{"prompt": "Which?", "chosen": "first", "rejected": "second"}])
    report = run(project, look(path), annotator="ada")
    assert (report.prompts, report.comparisons, report.verdicts) == (0, 0, 1)
    assert comparisons.get(project, waiting.id).state == "answered"
    (pair,) = verdicts.training_pairs(project)
    assert (pair.chosen, pair.rejected) == ("first", "second")


def test_an_import_never_overrules_what_the_same_person_said_here(project: Project, tmp_path: Path) -> None:
    makers.comparison(project, "Which?")
    verdicts.give_verdict(project, 1, "right", strength=1, annotator="ada", seconds=1.0)
    path = write(tmp_path / "rows.jsonl", [{"prompt": "Which?", "chosen": "first", "rejected": "second"}])
    assert run(project, look(path), annotator="ada").duplicates == 1
    assert [pair.chosen for pair in verdicts.training_pairs(project)] == ["second"]
    run(project, look(path), annotator="bo")
    assert verdicts.counts(project).disputed == 1


def test_whose_verdicts_they_are_may_be_somebody_else(project: Project, tmp_path: Path) -> None:
    run(project, look(write(tmp_path / "rows.jsonl", pairs(1))), annotator="ada", unsigned="bo")
    given = verdicts.verdict_of(project, 1)
    assert given is not None
    assert given.annotator == "bo"
    assert journal.peek(project, "ada").undo


def test_held_out_prompts_are_drawn_by_the_prompt_itself(project: Project, tmp_path: Path) -> None:
    path = write(tmp_path / "rows.jsonl", pairs(400))
    run(project, look(path), annotator="ada", held_out_share=0.25)
    held_out = {row["messages"] for row in project.db.query("SELECT * FROM prompts WHERE split = 'held_out'")}
    assert 60 < len(held_out) < 140
    counts = verdicts.counts(project)
    assert counts.held_out == len(held_out)


def test_what_a_file_says_of_splits_goes_before_the_share(project: Project, tmp_path: Path) -> None:
    rows = [{"prompt": "kept", "split": "train"}, {"prompt": "out", "split": "test"}]
    run(project, look(write(tmp_path / "rows.jsonl", rows)), annotator="ada", held_out_share=1.0)
    found = project.db.query("SELECT split FROM prompts ORDER BY id")
    assert [row["split"] for row in found] == ["train", "held_out"]


def test_responses_can_be_taken_to_be_judged_anew(project: Project, tmp_path: Path) -> None:
    path = write(tmp_path / "rows.jsonl", pairs(3))
    report = run(project, look(path), annotator="ada", take="comparisons")
    assert (report.comparisons, report.verdicts) == (3, 0)
    assert comparisons.waiting_count(project) == 3


def test_prompts_alone_can_be_taken(project: Project, tmp_path: Path) -> None:
    report = run(project, look(write(tmp_path / "rows.jsonl", pairs(3))), annotator="ada", take="prompts")
    assert (report.prompts, report.comparisons) == (3, 0)
    assert prompts.counts(project).never_compared == 3


def test_every_line_of_a_text_file_is_a_prompt(project: Project, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("One?\n\n  Two?  \nOne?\n")
    report = run(project, look(tmp_path / "list.txt"), annotator="ada")
    assert (report.prompts, report.duplicates) == (2, 1)
    assert prompts.get(project, 2).messages == (Message("user", "Two?"),)


def test_refused_rows_have_their_line_and_reason(project: Project, tmp_path: Path) -> None:
    path = write(tmp_path / "rows.jsonl", pairs(2))
    with path.open("a") as file:
        file.write('broken\n{"prompt":"p","chosen":"a","rejected":"a"}\n')
    report = run(project, look(path), annotator="ada")
    assert (report.rows, report.comparisons, report.refused_rows) == (4, 2, 2)
    assert [row.line for row in report.refused] == [3, 4]
    save_refused(report, tmp_path / "refused.csv")
    save_refused(report, tmp_path / "refused.jsonl")
    assert "the same" in (tmp_path / "refused.csv").read_text(encoding="utf-8-sig").splitlines()[2]
    assert json.loads((tmp_path / "refused.jsonl").read_text().splitlines()[1])["line"] == 4
    with pytest.raises(BadValue, match="must end with"):
        save_refused(report, tmp_path / "refused.doc")


def test_a_report_is_no_program(tmp_path: Path) -> None:
    report = Report(source="x")
    report.refuse(Refused(1, "=1+1"))
    save_refused(report, tmp_path / "refused.csv")
    assert "'=1+1" in (tmp_path / "refused.csv").read_text(encoding="utf-8-sig")


def test_undo_takes_all_of_it_back_and_redo_brings_it_again(project: Project, tmp_path: Path) -> None:
    makers.comparison(project, "Prompt 1?")
    verdicts.give_verdict(project, 1, "tie", strength=1, annotator="bo", seconds=1.0)
    rows = [*pairs(3), {"prompt": "Prompt 1?", "chosen": "first", "rejected": "second"}]
    run(project, look(write(tmp_path / "rows.jsonl", rows)), annotator="ada")
    assert journal.peek(project, "ada").undo == "import of “rows.jsonl”"
    assert verdicts.counts(project).preferences + verdicts.counts(project).disputed == 4
    journal.undo(project, "ada")
    counts = verdicts.counts(project)
    assert (counts.preferences, counts.ties, counts.disputed) == (0, 1, 0)
    assert prompts.counts(project).total == 1
    journal.redo(project, "ada")
    assert verdicts.counts(project).preferences + verdicts.counts(project).disputed == 4
    assert prompts.counts(project).total == 3


def test_what_was_deleted_comes_back_with_an_import(project: Project, tmp_path: Path) -> None:
    path = write(tmp_path / "rows.jsonl", pairs(3))
    run(project, look(path), annotator="ada")
    notes.set_deleted(project, [], True, annotator="ada", prompt_ids=[1, 2])
    report = run(project, look(path), annotator="ada")
    assert report.restored == 2
    assert verdicts.counts(project).preferences == 3


def test_cancelling_changes_nothing(project: Project, tmp_path: Path) -> None:
    before = everything(project)
    asked = 0

    def cancelled() -> bool:
        nonlocal asked
        asked += 1
        return asked > 2

    path = write(tmp_path / "rows.jsonl", pairs(5_000))
    heard: list[float] = []
    with pytest.raises(Cancelled):
        run(project, look(path), annotator="ada", on_progress=heard.append, cancelled=cancelled)
    assert everything(project) == before
    assert heard
    assert project.db.execute("PRAGMA foreign_keys").fetchone()[0] == 1
    assert run(project, look(path), annotator="ada").comparisons == 5_000


def test_a_fault_in_the_middle_changes_nothing(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = everything(project)
    path = tmp_path / "rows.json"
    path.write_text(json.dumps(pairs(3_000))[:-2])
    with pytest.raises(StoreError, match="after row 2999"):
        run(project, look(path), annotator="ada")
    assert everything(project) == before
    calls = 0

    def fails(*_: object) -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise RuntimeError("pulled plug")

    monkeypatch.setattr(intake, "settle_again", fails)
    with pytest.raises(RuntimeError, match="pulled plug"):
        run(project, look(write(tmp_path / "rows.jsonl", pairs(3_000))), annotator="ada")
    assert everything(project) == before
    assert "tally_new" in {row["name"] for row in project.db.query("SELECT name FROM sqlite_master")}


def test_there_is_a_backup_of_before(project: Project, tmp_path: Path) -> None:
    makers.comparison(project)
    run(project, look(write(tmp_path / "rows.jsonl", pairs(2))), annotator="ada")
    (backup,) = backups.backups_of(project.path)
    assert backup.why == "import"
    assert backups.contents_of(backup).prompts == 1


def test_what_is_imported_can_be_found_by_its_words(project: Project, tmp_path: Path) -> None:
    run(project, look(write(tmp_path / "rows.jsonl", pairs(30))), annotator="ada")
    assert texts_left(project) == 90
    left = [index_some(project, at_once=25) for _ in range(6)]
    assert left == [65, 40, 30, 5, 0, 0]
    for table, word, found in (("prompts_fts", "17", 1), ("candidates_fts", "good", 30)):
        sql = f"SELECT count(*) FROM {table} WHERE {table} MATCH ?"  # noqa: S608 (one of two names)
        assert project.db.execute(sql, [word]).fetchone()[0] == found


def test_an_unknown_format_needs_a_mapping(project: Project, tmp_path: Path) -> None:
    rows = [{"q": f"{n}?", "x": "one", "y": "two", "pick": "y"} for n in range(3)]
    path = write(tmp_path / "rows.jsonl", rows)
    preview = look(path)
    assert preview.format is None
    assert not preview.usable
    assert preview.columns == ("q", "x", "y", "pick")
    with pytest.raises(BadValue, match="not known"):
        run(project, preview, annotator="ada")
    mapped = look(path, ColumnMapping(prompt="q", left="x", right="y", choice="pick"))
    assert mapped.usable
    assert run(project, mapped, annotator="ada").verdicts == 3
    assert {pair.chosen for pair in verdicts.training_pairs(project)} == {"two"}


@pytest.mark.parametrize("key", samples.BY_FORMAT)
def test_a_file_of_every_format(project: Project, tmp_path: Path, key: str) -> None:
    rows = samples.BY_FORMAT[key]
    preview = look(write(tmp_path / "rows.jsonl", rows))
    assert preview.format == key
    assert preview.usable
    report = run(project, preview, annotator="ada")
    assert report.refused == []
    assert report.rows == len(rows)
    assert report.prompts == 1


def test_several_annotators_of_a_file_disagree(project: Project, tmp_path: Path) -> None:
    row = samples.ARGILLA["records"]
    run(project, look(write(tmp_path / "rows.jsonl", [row])), annotator="ada")
    assert verdicts.counts(project).disputed == 1
    assert {one.annotator for one in verdicts.history(project, 1)} == {"u1", "u2"}
