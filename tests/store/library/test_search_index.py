"""Texts made findable piece by piece, with an index that is merged on the way."""

import json
from contextlib import closing
from pathlib import Path

from app.store.exchange.importing import run
from app.store.exchange.preview import look
from app.store.library.search_index import index_some, texts_left
from app.store.project import Project, create_project, open_project

TEXTS = 1_200
WORDS = ["lorem", "ipsum", "dolor", "sit", "amet", "elit", "sed", "do", "magna", "aliqua", "enim", "minim"]


def pending(folder: Path) -> Project:
    """A project with that many candidates to be made findable."""
    file = folder / "pairs.jsonl"
    rows = [
        {
            "prompt": f"Question {n}?",
            "chosen": f"{WORDS[n % 12]} good{n}",
            "rejected": f"{WORDS[n % 7]} bad{n}",
        }
        for n in range(TEXTS // 2)
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    project = create_project(folder / "p.dpo", with_starter_prompts=False)
    run(project, look(file), annotator="ada")
    return project


def automerge(project: Project, table: str) -> int:
    """As it is set; 4 where nothing is."""
    found = project.db.execute(f"SELECT v FROM {table}_fts_config WHERE k = 'automerge'").fetchone()  # noqa: S608
    return int(found[0]) if found else 4


def segments(project: Project) -> int:
    return int(project.db.execute("SELECT count(DISTINCT segid) FROM candidates_fts_idx").fetchone()[0])


def found(project: Project, word: str) -> int:
    sql = "SELECT count(*) FROM candidates_fts WHERE candidates_fts MATCH ?"
    return int(project.db.execute(sql, [word]).fetchone()[0])


def test_the_index_is_merged_between_the_pieces_and_by_itself_afterwards(tmp_path: Path) -> None:
    with closing(pending(tmp_path)) as project:
        assert automerge(project, "candidates") == automerge(project, "prompts") == 0
        pieces = 0
        while index_some(project, at_once=10):
            pieces += 1
        assert pieces > TEXTS / 10
        assert segments(project) < 16, "each piece began a segment of its own"
        assert automerge(project, "candidates") == automerge(project, "prompts") == 4
        assert (found(project, "good7"), found(project, "lorem")) == (1, 50 + 86)
        for table in ("prompts_fts", "candidates_fts"):
            project.db.execute(f"INSERT INTO {table} ({table}, rank) VALUES ('integrity-check', 1)")  # noqa: S608


def test_what_was_begun_goes_on_in_another_session(tmp_path: Path) -> None:
    with closing(pending(tmp_path)) as project:
        left = [index_some(project, at_once=100) for _ in range(9)][-1]
        path = project.path
    with closing(open_project(path)) as project:
        assert texts_left(project) == left > 0
        while index_some(project):
            pass
        assert found(project, "bad599") == 1
        assert automerge(project, "candidates") == 4
