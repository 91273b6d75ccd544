"""A project file of every earlier version opens, and all that was in it is found."""

import json
import lzma
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from app.store.collecting import comparisons, prompts, verdicts
from app.store.collecting.annotators import list_annotators
from app.store.collecting.standing import settle_again
from app.store.library.search_index import index_some
from app.store.project import Project, open_project
from app.store.rows import writing
from app.store.schema.migrations import STEPS
from app.store.settings import get_setting
from app.store.training import run_pairs, runs, studies
from app.store.undo import journal
from dpo_engine.preferences import Message
from tests.store.old_projects import DATA

VERSIONS = sorted(int(file.name.split("_")[1].split(".")[0]) for file in DATA.glob("version_*.dpo.xz"))

BEFORE_COLLECTING = [version for version in VERSIONS if version < 5]
"""Those whose tables the step `collecting` changed."""


def unpacked(folder: Path, version: int) -> Path:
    path = folder / "old.dpo"
    path.write_bytes(lzma.decompress((DATA / f"version_{version}.dpo.xz").read_bytes()))
    return path


def rows(path: Path, sql: str) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(path)) as db:
        db.row_factory = sqlite3.Row
        return [dict(row) for row in db.execute(sql)]


def test_every_earlier_version_is_kept_and_small() -> None:
    assert set(VERSIONS) >= {1, 2, 3, 4, 6, 8}
    assert all(file.stat().st_size < 60_000 for file in DATA.iterdir())


@pytest.mark.parametrize("version", BEFORE_COLLECTING)
def test_prompts_and_responses(tmp_path: Path, version: int) -> None:
    path = unpacked(tmp_path, version)
    asked = rows(path, "SELECT * FROM prompts")
    written = rows(path, "SELECT * FROM candidates")
    assert rows(path, "PRAGMA user_version") == [{"user_version": version}]
    assert (len(asked), len(written) >= 6) == (6, True)
    with closing(open_project(path)) as project:
        assert project.db.execute("PRAGMA user_version").fetchone() == (len(STEPS),)
        assert prompts.counts(project).total == len(asked)
        for row in asked:
            found = prompts.get(project, row["id"])
            assert [{"role": m.role, "content": m.content} for m in found.messages] == json.loads(
                row["messages"]
            )
            assert (found.source, found.split, found.created_at) == (
                row["source"],
                row["split"],
                row["created_at"],
            )
            assert sorted(found.tags) == sorted(json.loads(row["tags"]))
        for row in written:
            response = comparisons.candidate(project, row["id"])
            assert (response.text, response.chars, response.model) == (
                row["text"],
                len(row["text"]),
                row["model"],
            )
        assert _found(project, "prompts_fts", '"never sleeps"') == [2]
        assert len(_found(project, "candidates_fts", "response")) == len(written)
        same = prompts.add_prompt(project, [Message("user", "Name three rivers.")], source="typed")
        assert same.id == 1


@pytest.mark.parametrize("version", [version for version in BEFORE_COLLECTING if version >= 2])
def test_comparisons_and_verdicts(tmp_path: Path, version: int) -> None:
    path = unpacked(tmp_path, version)
    before = rows(path, "SELECT * FROM comparisons")
    said = rows(path, "SELECT * FROM verdicts")
    assert len(said) == (1_000 if version == 4 else 40)
    with closing(open_project(path)) as project:
        after = project.db.query("SELECT * FROM comparisons")
        assert [{name: row[name] for name in before[0]} for row in after] == before
        history = [v for row in before for v in verdicts.history(project, row["id"])]
        assert sorted(
            (v.id, v.comparison_id, v.choice, v.strength, v.annotator, v.seconds) for v in history
        ) == [
            (v["id"], v["comparison_id"], v["choice"], v["strength"], v["annotator"], v["seconds"])
            for v in said
        ]
        assert {v.id: v.undone_at for v in history} == {v["id"]: v["undone_at"] for v in said}
        assert not any(v.imported or v.edited_id for v in history)
        shown = comparisons.get(project, before[-1]["id"])
        assert (shown.state, shown.purpose, shown.flagged, shown.tags) == ("shown", "collect", False, ())
        chosen = [row for row in before if row["choice"] in ("left", "right")]
        counts = verdicts.counts(project)
        assert (counts.preferences, counts.skips) == (
            len(chosen),
            sum(row["choice"] == "skip" for row in before),
        )
        assert [pair.id for pair in verdicts.training_pairs(project)] == [
            f"comparison-{row['id']}" for row in chosen
        ]
        assert list_annotators(project) == ["Ann", "Zoë"]
        for row in project.db.query("SELECT * FROM prompts"):
            answered = [r for r in before if r["prompt_id"] == row["id"] and r["state"] == "answered"]
            assert row["answered"] == len(answered)
        lengths = project.db.execute(
            """
            SELECT count(*) FROM comparisons JOIN candidates AS l ON l.id = left_id
            JOIN candidates AS r ON r.id = right_id WHERE left_chars = l.chars AND right_chars = r.chars
            """
        ).fetchone()
        assert lengths == (len(before),)


@pytest.mark.parametrize("version", [version for version in BEFORE_COLLECTING if version >= 2])
def test_what_was_said_before_is_undone_and_redone_as_ever(tmp_path: Path, version: int) -> None:
    path = unpacked(tmp_path, version)
    with closing(open_project(path)) as project:
        total = 1_000 if version == 4 else 40
        outlook = journal.peek(project, "Ann")
        assert outlook.undo.startswith("verdict on “")
        assert outlook.redo.startswith("verdict on “")
        again = journal.redo(project, "Ann")
        assert again is not None
        one = max(verdicts.history(project, again.comparison_id or 0), key=lambda v: v.id)
        assert (one.id, one.undone_at) == (total - 1, None)
        steps = 0
        while journal.undo(project, "Ann") is not None:
            steps += 1
        mine = project.db.execute(
            "SELECT count(*) FROM verdicts WHERE annotator = 'Ann' AND undone_at IS NULL"
        )
        assert mine.fetchone() == (0,)
        assert steps > 0.7 * total
        while journal.redo(project, "Ann") is not None:
            steps -= 1
        assert steps == -1  # two could be redone, and one was before


@pytest.mark.parametrize("version", [version for version in BEFORE_COLLECTING if version >= 2])
def test_one_persons_comparisons_count_as_before_when_worked_out_anew(tmp_path: Path, version: int) -> None:
    with closing(open_project(unpacked(tmp_path, version))) as project:
        alone = """
            SELECT id, verdict_id, choice, disputed, state FROM comparisons WHERE id NOT IN (
                SELECT comparison_id FROM standing GROUP BY comparison_id HAVING count(*) > 1
            )
        """
        before = list(project.db.query(alone))
        with writing(project, "checking") as db:
            settle_again(db)
        assert list(project.db.query(alone)) == before
        assert len(before) > 10


@pytest.mark.parametrize("version", [version for version in VERSIONS if version >= 3])
def test_runs_and_settings(tmp_path: Path, version: int) -> None:
    with closing(open_project(unpacked(tmp_path, version))) as project:
        (run,) = runs.runs(project)
        assert (run.name, run.status, run.beta) == ("brave-otter", "finished", 0.1)
        (pair,) = run_pairs.pairs_of(project, run.id)
        assert (pair.id, pair.chosen, pair.rejected) == ("comparison-1", "Rhine, Nile, Oder", "")
        assert project.db.table("pair_scores").count == 1
        assert project.db.table("metrics").count == 1
        if version >= 4:
            assert get_setting(project, "policy") == "starter"


@pytest.mark.parametrize("version", [version for version in VERSIONS if version >= 5])
def test_no_row_of_what_was_collected_is_changed(tmp_path: Path, version: int) -> None:
    path = unpacked(tmp_path, version)
    tables = [
        row["name"]
        for row in rows(path, "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        if not row["name"].startswith(("sqlite_", "_sqlite_", "search_pending")) and "_fts" not in row["name"]
    ]
    assert {"annotators", "comparison_tags", "prompt_tags", "journal", "standing", "tally"} <= set(tables)
    before = {table: rows(path, f'SELECT * FROM "{table}"') for table in tables}  # noqa: S608
    assert {table for table, kept in before.items() if not kept} <= {"studies", "study_pairs"}
    before = {table: kept for table, kept in before.items() if kept}
    with closing(open_project(path)) as project:
        assert project.db.execute("PRAGMA user_version").fetchone() == (len(STEPS),)
        for table, kept in before.items():
            columns = ", ".join(f'"{name}"' for name in kept[0])
            assert list(project.db.query(f'SELECT {columns} FROM "{table}"')) == kept  # noqa: S608


@pytest.mark.parametrize("version", [version for version in VERSIONS if version >= 5])
def test_what_was_collected_works_as_before(tmp_path: Path, version: int) -> None:
    with closing(open_project(unpacked(tmp_path, version))) as project:
        assert list_annotators(project) == ["Ann", "Zoë"]
        third = comparisons.get(project, 3)
        assert (set(third.tags), third.flagged) == ({"hard", "чай"}, True)
        assert comparisons.get(project, 5).comment == "Both are odd,\nbut one is shorter"
        assert comparisons.get(project, 31).margin == 0.5
        assert _found(project, "prompts_fts", '"never sleeps"') == [2]
        assert len(_found(project, "candidates_fts", "own words")) >= 2
        edited = [v for v in verdicts.history(project, 1) if v.edited_id is not None]
        pairs = {pair.id: pair for pair in verdicts.training_pairs(project)}
        counts = verdicts.counts(project)
        assert (len(pairs), counts.asked_again) == (counts.preferences, 1)
        for one in edited:
            assert pairs["comparison-1"].chosen == comparisons.candidate(project, one.edited_id or 0).text
        (run,) = runs.runs(project)
        assert (run.kind, run.notes, run.pinned, run.deleted_at, run.queue_place) == (
            "trained",
            "",
            False,
            None,
            None,
        )
        assert studies.studies(project) == []


@pytest.mark.parametrize("version", [version for version in VERSIONS if version >= 5])
def test_everything_that_was_collected_is_undone_and_redone(tmp_path: Path, version: int) -> None:
    with closing(open_project(unpacked(tmp_path, version))) as project:
        counted = verdicts.counts(project)
        for who in ("Ann", "Zoë"):
            steps = 0
            while journal.undo(project, who) is not None:
                steps += 1
            assert steps > 5
            while steps:
                assert journal.redo(project, who) is not None
                steps -= 1
        assert verdicts.counts(project) == counted
        assert journal.redo(project, "Zoë") is not None  # what had been undone before
        while journal.undo(project, "Zoë") is not None:
            pass
        assert prompts.get(project, 1).split == "train"
        assert not comparisons.get(project, 3).flagged
        settled = project.db.execute("SELECT count(*) FROM standing WHERE annotator = 'Zoë'")
        assert settled.fetchone() == (0,)


def _found(project: Project, table: str, words: str) -> list[int]:
    """Once all is made findable, which the app does in the background after opening."""
    while index_some(project):
        pass
    sql = f"SELECT rowid FROM {table} WHERE {table} MATCH ?"  # noqa: S608 (one of two names of this file)
    return [row[0] for row in project.db.execute(sql, [words])]
