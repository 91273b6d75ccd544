"""A process that works on a project, killed at random: `python -m tests.benchmarks.kill_store [1000]`.

It judges, undoes, imports, merges, backs up, restores, salvages and migrates. After each kill the project is
opened again: what was acknowledged must be there, each import and merge whole or not at all, and every file
(the backups and the migrated one too) must pass SQLite's full check.
"""

import lzma
import multiprocessing
import os
import random
import shutil
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.store.library.search_index import index_some
from app.store.project import Project, open_project
from app.store.safekeeping.backups import backups_of
from tests.benchmarks.helpers import chores
from tests.store.old_projects import DATA, VERDICTS

MESSAGES = 24
A_PROJECT = 50
"""Kills before a fresh project is begun."""


@dataclass
class Outcome:
    """What was met; the lists have to be empty."""

    kills: int = 0
    lost: list[str] = field(default_factory=list)
    halves: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    acknowledged: Counter[str] = field(default_factory=Counter)
    before_anything: int = 0
    """Processes that were killed before they had opened the project."""

    @property
    def clean(self) -> bool:
        return not (self.lost or self.halves or self.damaged)


def main(kills: int, seed: int) -> None:
    started = time.perf_counter()
    outcome = Outcome()
    while outcome.kills < kills and outcome.clean:
        with tempfile.TemporaryDirectory(prefix="kill-store-") as folder:
            run(Path(folder), min(A_PROJECT, kills - outcome.kills), seed + outcome.kills, outcome)
        print(f"{outcome.kills} kills, {time.perf_counter() - started:.0f} s", flush=True)
    print(f"{'kills':28}{outcome.kills:8}   in {time.perf_counter() - started:.0f} s")
    for name, number in sorted(outcome.acknowledged.items()):
        print(f"{name + ', acknowledged':28}{number:8}")
    print(f"{'killed before it was open':28}{outcome.before_anything:8}")
    for name in ("lost", "halves", "damaged"):
        found = getattr(outcome, name)
        print(f"{name:28}{len(found):8}", *found[:5], sep="\n    ")
    sys.exit(0 if outcome.clean else 1)


def run(folder: Path, kills: int, seed: int, outcome: Outcome, most: int = MESSAGES) -> None:
    """Kill so many processes that work on a new project in `folder`, and look after each.

    A process is killed a moment after at most so many things that it told (`most`).
    """
    draw = random.Random(seed)
    path = chores.make(folder, waiting=60 * kills)
    old = _old_project(folder)
    context = multiprocessing.get_context("spawn" if os.name == "nt" else "forkserver")
    if os.name != "nt":
        context.set_forkserver_preload([chores.__name__])
    said: dict[int, tuple[int, str]] = {}
    marks: set[str] = set()
    for number in range(kills):
        shutil.copyfile(old, folder / "old.dpo")
        messages = draw.randrange(most)
        moment = draw.uniform(0.0, 0.05 if messages else 0.4)
        heard = _until_killed(context, folder, seed * 10_000 + number, messages, moment)
        outcome.kills += 1
        outcome.before_anything += not heard
        for what, *rest in heard:
            outcome.acknowledged[rest[0] if what == "did" else what] += 1
            if what == "verdict":
                said[rest[0]] = (rest[1], rest[2])
            elif what == "rows":
                marks.add(rest[0])
            elif what == "backup" and not (folder / "backups" / rest[0]).exists():
                # Thinning may take it; never while it is the newest.
                outcome.lost += [] if backups_of(path) else [rest[0]]
        _look(path, said, marks, outcome)
        _look_at_others(folder, outcome)
        if not outcome.clean:
            return


def _until_killed(
    context: Any, folder: Path, seed: int, messages: int, moment: float
) -> list[tuple[Any, ...]]:
    """What a process told before it was killed, `moment` (s) after it told so many things."""
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=chores.work, args=(folder, seed, theirs), daemon=True)
    process.start()
    theirs.close()
    heard = []
    with ours:
        try:
            while len(heard) < messages:
                heard.append(ours.recv())
            time.sleep(moment)
            process.kill()
            while True:  # what it had told before
                heard.append(ours.recv())
        except (EOFError, OSError):  # the last message may be torn
            pass
    process.join()
    if process.exitcode is None or process.exitcode >= 0:
        raise SystemExit(f"the process ended by itself with {process.exitcode} (seed {seed})")
    process.close()
    return heard


def _look(path: Path, said: dict[int, tuple[int, str]], marks: set[str], outcome: Outcome) -> None:
    project = open_project(path)
    try:
        rows_kept = project.db.execute("SELECT id, comparison_id, choice FROM verdicts")
        kept = {row[0]: (row[1], row[2]) for row in rows_kept}
        outcome.lost += [f"verdict {key}: {value}" for key, value in said.items() if kept.get(key) != value]
        rows: Counter[str] = Counter()
        for (messages,) in project.db.execute("SELECT messages FROM prompts WHERE id > 1"):
            start = messages.index("merge" if '"merge' in messages else "import")
            rows[" ".join(messages[start:].split(" ")[:3])] += 1
        outcome.lost += [mark for mark in marks if mark not in rows]
        outcome.halves += [f"{mark}: {number}" for mark, number in rows.items() if number != chores.ROWS]
        outcome.damaged += [f"project: {problem}" for problem in _problems(project.db.conn)]
        outcome.damaged += _problems_of_search(project)
    finally:
        project.close()


def _look_at_others(folder: Path, outcome: Outcome) -> None:
    """The backups, what was set aside (which then may go), and the file that was being migrated."""
    for aside in folder.glob("project (set aside*"):
        if aside.suffix == ".dpo":
            with closing(sqlite3.connect(aside)) as db:
                outcome.damaged += [f"{aside.name}: {problem}" for problem in _problems(db)]
    for leftover in (*folder.glob("project (set aside*"), *folder.glob("other-*"), *folder.glob(".other-*")):
        leftover.unlink(missing_ok=True)
    for backup in backups_of(folder / "project.dpo")[:2]:
        with closing(sqlite3.connect(f"{backup.path.as_uri()}?immutable=1", uri=True)) as db:
            outcome.damaged += [f"{backup.path.name}: {problem}" for problem in _problems(db)]
    project = open_project(folder / "old.dpo")
    number = project.db.table("verdicts").count
    outcome.lost += [] if number == VERDICTS[4] else [f"{number} verdicts after migrating"]
    outcome.damaged += [f"migrated: {problem}" for problem in _problems(project.db.conn)]
    project.close()
    for leftover in (
        *(folder / "backups").glob("old-*"),
        *folder.glob("old.dpo*"),
        *folder.glob(".old.dpo*"),
    ):
        leftover.unlink()


def _problems_of_search(project: Project) -> list[str]:
    """Once all is made findable, the index of the responses has to hold each of them once."""
    while index_some(project):
        pass
    try:
        project.db.execute("INSERT INTO candidates_fts (candidates_fts, rank) VALUES ('integrity-check', 1)")
    except sqlite3.DatabaseError as error:
        return [f"search: {error}"]
    finally:
        project.db.rollback()
    (found,) = project.db.execute(
        "SELECT count(*) FROM candidates_fts WHERE candidates_fts MATCH 'yes OR no'"
    ).fetchone()
    (there,) = project.db.execute(
        "SELECT count(*) FROM candidates WHERE text GLOB 'yes *' OR text GLOB 'no *'"
    ).fetchone()
    return [] if found == there else [f"search: {found} of {there} responses are found"]


def _problems(db: sqlite3.Connection) -> list[str]:
    found = [row[0] for row in db.execute("PRAGMA integrity_check") if row[0] != "ok"]
    return found + [str(row) for row in db.execute("PRAGMA foreign_key_check")]


def _old_project(folder: Path) -> Path:
    """A file of version 4 with verdicts, to be migrated each time."""
    path = folder / "template"
    path.write_bytes(lzma.decompress((DATA / "version_4.dpo.xz").read_bytes()))
    return path


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000, int(sys.argv[2]) if len(sys.argv) > 2 else 1)
