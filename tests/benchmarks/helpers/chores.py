"""What a process does to a project until it is killed: each thing that the app does to one, in random order.

Every chore tells through a pipe what it was told is saved; what was told has to be there afterwards.
"""

import json
import random
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from app.store.collecting import comparisons, verdicts
from app.store.collecting.prompts import add_prompt
from app.store.exchange import importing, merging
from app.store.exchange.preview import look
from app.store.library.search_index import index_some
from app.store.project import create_project, open_project
from app.store.records import Choice, NewCandidate
from app.store.safekeeping import caretaker
from app.store.safekeeping.backups import back_up
from app.store.safekeeping.restore import restore
from app.store.safekeeping.salvage import salvaging
from app.store.undo import journal
from dpo_engine.preferences import Message

ROWS = 40
"""Pairs in each file that is imported, and comparisons in each project that is merged."""
ANNOTATOR = "me"
CHOICES: tuple[Choice, ...] = ("left", "right", "tie", "both_bad", "skip")


def work(folder: Path, seed: int, told: Connection) -> None:
    """Do chores to `folder/project.dpo` without end."""
    worker = _Worker(folder, seed, told)
    while True:
        worker.do_one()


def make(folder: Path, waiting: int) -> Path:
    """A project to do chores to, with so many comparisons to judge."""
    path = folder / "project.dpo"
    project = create_project(path, with_starter_prompts=False)
    prompt = add_prompt(project, [Message("user", "Which is better?")], source="import")
    with project.db.atomic():
        for number in range(waiting):
            pair = (_candidate(f"a{number}"), _candidate(f"b{number}"))
            comparisons.add_comparison(project, prompt.id, pair, swapped=number % 2 == 0)
    project.close()
    return path


class _Worker:
    def __init__(self, folder: Path, seed: int, told: Connection) -> None:
        self._folder, self._seed, self._told = folder, seed, told
        self._draw = random.Random(seed)
        self._path = folder / "project.dpo"
        self._done = 0
        self._migrate()
        self._project = open_project(self._path)
        self._chores: tuple[tuple[Callable[[], None], int], ...] = (
            (self._judge, 8),
            (self._undo, 2),
            (self._import, 2),
            (self._merge, 2),
            (self._back_up, 2),
            (self._restore, 2),
            (self._salvage, 1),
            (self._make_findable, 4),
        )

    def do_one(self) -> None:
        chores, weights = zip(*self._chores, strict=True)
        (chore,) = self._draw.choices(chores, weights)
        self._done += 1
        chore()

    def _tell(self, *what: Any) -> None:
        self._told.send(what)

    def _judge(self) -> None:
        for _ in range(self._draw.randrange(1, 10)):
            following = comparisons.next_comparison(self._project, annotator=ANNOTATOR)
            if following is None:
                return
            comparisons.mark_shown(self._project, following.id)
            choice = self._draw.choice(CHOICES)
            given = verdicts.give_verdict(
                self._project, following.id, choice, strength=1, annotator=ANNOTATOR, seconds=1.0
            )
            self._tell("verdict", given.id, following.id, choice)

    def _undo(self) -> None:
        journal.undo(self._project, ANNOTATOR)
        if self._draw.random() < 0.5:
            journal.redo(self._project, ANNOTATOR)
        self._tell("did", "undo")

    def _import(self) -> None:
        mark = f"import {self._seed} {self._done}"
        file = self._folder / "pairs.jsonl"
        rows = (
            {"prompt": f"{mark} {row}?", "chosen": f"yes {row}", "rejected": f"no {row}"}
            for row in range(ROWS)
        )
        file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        importing.run(self._project, look(file), annotator=ANNOTATOR)
        self._tell("rows", mark)

    def _merge(self) -> None:
        mark = f"merge {self._seed} {self._done}"
        other_path = self._folder / f"other-{self._seed}-{self._done}.dpo"
        other = create_project(other_path, with_starter_prompts=False)
        with other.db.atomic():
            for row in range(ROWS):
                prompt = add_prompt(other, [Message("user", f"{mark} {row}?")], source="import")
                pair = (_candidate(f"a{row}"), _candidate(f"b{row}"))
                comparisons.add_comparison(other, prompt.id, pair, swapped=False)
        other.close()
        merging.merge(self._project, other_path, annotator=ANNOTATOR)
        self._tell("rows", mark)
        other_path.unlink()

    def _back_up(self) -> None:
        self._tell("backup", back_up(self._path, self._project.db).path.name)

    def _restore(self) -> None:
        """What was restored is what there was, as the backup is from this moment."""
        backup = back_up(self._path, self._project.db, why="asked")
        self._project.close()
        restore(self._path, backup)
        self._tell("did", "restore")
        self._reopen()

    def _salvage(self) -> None:
        self._project.close()
        with salvaging(self._path) as (_, keep):
            keep()
        self._tell("did", "salvage")
        caretaker.back_up_closed(self._path)
        self._reopen()

    def _make_findable(self) -> None:
        """Some of what imports and merges brought in."""
        index_some(self._project, at_once=self._draw.randrange(1, 40))
        self._tell("did", "make findable")

    def _migrate(self) -> None:
        """A file of an earlier version, which the parent put there."""
        open_project(self._folder / "old.dpo").close()
        self._tell("did", "migrate")

    def _reopen(self) -> None:
        self._project = open_project(self._path)


def _candidate(text: str) -> NewCandidate:
    return NewCandidate(
        text=text,
        model="starter",
        fingerprint="f",
        sampling={"temperature": 0.9},
        seed=1,
        finish_reason="end",
        tokens=10,
        seconds=0.5,
    )
