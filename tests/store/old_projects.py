"""Writes a project file as an earlier version left it, to be kept in `tests/store/data`.

python -m tests.store.old_projects 6     # data/version_6.dpo.xz, once, when version 6 is published

Rows are written as that version's program did; a file that is kept is never written again.
"""

import hashlib
import json
import lzma
import random
import sys
import tempfile
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from app.store.collecting import comparisons, notes, ordering, prompts, verdicts
from app.store.connection import connect, make_durable
from app.store.figures import agreement
from app.store.handle import Project
from app.store.project import open_project
from app.store.records import NewCandidate
from app.store.schema.migrations import STEPS, migrate
from app.store.settings import set_setting
from app.store.undo import journal
from dpo_engine.preferences import Message

DATA = Path(__file__).parent / "data"
VERDICTS = {2: 40, 3: 40, 4: 1_000}
NAMES = ("Ann", "Zoë")
CHOICES = ("left", "right", "tie", "both_bad", "skip")

Row = dict[str, object]


def main(version: int) -> None:
    target = DATA / f"version_{version}.dpo.xz"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "old.dpo"
        write(path, version)
        with target.open("xb") as file:
            file.write(lzma.compress(path.read_bytes(), preset=9))


def write(path: Path, version: int) -> None:
    if version >= 5:
        collected(path, version)
        return
    path.touch()
    draw = random.Random(version)
    with closing(connect(path, "rw")) as db:
        make_durable(db)
        migrate(db, STEPS[:version])
        tables: dict[str, list[Row]] = {"prompts": _prompts(), "candidates": []}
        if version >= 2:
            tables |= _judged(draw, VERDICTS[version])
        else:
            tables["candidates"] = [_candidate(number, number, draw) for number in range(1, 7)]
        if version >= 3:
            tables |= _run()
        if version >= 4:
            tables["settings"] = [{"key": "policy", "value": '"starter"'}, {"key": "broken", "value": "{"}]
        # Comparisons and verdicts refer to each other, so the one's reference is set at the end.
        later = [(row.pop("verdict_id"), row["id"]) for row in tables.get("comparisons", [])]
        with db.atomic():
            for table, rows in tables.items():
                db.table(table).insert_all(rows)
            if later:
                db.conn.executemany("UPDATE comparisons SET verdict_id = ? WHERE id = ?", later)


def collected(path: Path, version: int) -> None:
    """From version 5 on: by the store's own functions, as two people would have worked with it."""
    path.touch()
    with closing(connect(path, "rw")) as db:
        make_durable(db)
        migrate(db, STEPS[:version])
    with closing(open_project(path, steps=STEPS[:version])) as project:
        draw = random.Random(version)
        for row in _prompts():
            kept = prompts.add_prompt(
                project,
                [Message(**message) for message in json.loads(str(row["messages"]))],
                source=str(row["source"]),
                split="held_out" if row["split"] == "held_out" else "train",
                tags=json.loads(str(row["tags"])),
            )
            for number in range(6):
                _compare(project, kept.id, 2 * number, draw)
        _judge(project, draw)
        _remark(project)
        for table, rows in _run().items():
            project.db.table(table).insert_all(rows)
        set_setting(project, "policy", "starter")


def _compare(project: Project, prompt_id: int, number: int, draw: random.Random) -> None:
    first, second = (
        NewCandidate(
            text=f"Response {one} to {prompt_id}: " + "слово " * draw.randrange(4),
            model=draw.choice(["starter", "runs/brave-otter"]),
            fingerprint="abc",
            sampling={"temperature": 0.9, "top_k": 0},
            seed=one,
            finish_reason="end",
            tokens=5,
            seconds=0.25,
        )
        for one in (number, number + 1)
    )
    comparisons.add_comparison(project, prompt_id, (first, second), swapped=bool(draw.randrange(2)))


def _judge(project: Project, draw: random.Random) -> None:
    """Ann judges most of it and Zoë some of the same; a dispute is settled, two verdicts are undone."""
    for comparison_id in range(1, 31):
        choice = draw.choice(CHOICES)
        edited = f"In Ann's own words, {comparison_id}" if choice == "left" and draw.random() < 0.4 else None
        verdicts.give_verdict(
            project,
            comparison_id,
            choice,
            strength=draw.randint(1, 3),
            annotator="Ann",
            seconds=4.5,
            edited=edited,
        )
        if comparison_id % 3 == 0:
            verdicts.give_verdict(
                project, comparison_id, draw.choice(CHOICES), strength=1, annotator="Zoë", seconds=2.0
            )
    disputed = agreement.disputes(project)
    agreement.ask_again(project, [disputed[0].comparison_id], "Zoë", rng=draw)
    (again,) = project.db.execute("SELECT max(id) FROM comparisons").fetchone()
    verdicts.give_verdict(project, again, "left", strength=2, annotator="Zoë", seconds=9.0)
    for _ in range(2):
        journal.undo(project, "Ann")


def _remark(project: Project) -> None:
    """Tags, flags, comments, margins, something deleted, something moved to the held-out ones."""
    notes.set_flag(project, [3, 4], True, annotator="Zoë")
    notes.set_comment(project, [5], "Both are odd,\nbut one is shorter", annotator="Zoë")
    notes.add_tags(project, [1, 2, 3], ["hard", "чай"], annotator="Zoë", prompt_ids=[2])
    notes.remove_tags(project, [2], ["hard"], annotator="Zoë")
    notes.set_deleted(project, [6], True, annotator="Zoë")
    notes.set_deleted(project, [], True, annotator="Zoë", prompt_ids=[6])
    prompts.set_split(project, [1], "held_out", annotator="Zoë")
    ordering.keep_margins(project, "starter", {31: 0.5, 32: -1.25})
    journal.undo(project, "Zoë")


def _prompts() -> list[Row]:
    texts = [
        "Name three rivers.",
        "Tell me a story\nabout a lighthouse whose keeper never sleeps, in five sentences.",
        "Напиши стихотворение 👋",
        "اكتب جملة",
        "held out: what is 2 + 2?",
        "typed by hand",
    ]
    rows: list[Row] = []
    for number, text in enumerate(texts, start=1):
        messages = [{"role": "user", "content": text}]
        if number == 2:
            messages = [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "Hello"},
                {"role": "assistant", "content": "Hello! What may I do?"},
                *messages,
            ]
        content = json.dumps(messages, ensure_ascii=False, separators=(",", ":"))
        rows.append(
            {
                "id": number,
                "content_hash": hashlib.sha256(content.encode()).hexdigest(),
                "messages": content,
                "source": "typed" if text.startswith("typed") else "starter",
                "split": "held_out" if text.startswith("held") else "train",
                "tags": json.dumps(["poem", "чай"] if number == 3 else []),
                "priority": int(text.startswith("typed")),
                "comparisons": 0,
                "created_at": _moment(number),
            }
        )
    return rows


def _candidate(number: int, prompt_id: int, draw: random.Random) -> Row:
    return {
        "id": number,
        "prompt_id": (prompt_id - 1) % 6 + 1,
        "text": f"Response {number}: " + "слово " * draw.randrange(4),
        "model": draw.choice(["starter", "runs/brave-otter"]),
        "fingerprint": "abc",
        "sampling": '{"temperature":0.9,"top_k":0}',
        "seed": number,
        "finish_reason": "end",
        "tokens": 5,
        "seconds": 0.25,
        "created_at": _moment(100 + number),
    }


def _judged(draw: random.Random, number: int) -> dict[str, list[Row]]:
    candidates, comparisons, verdicts, history = [], [], [], []
    for one in range(1, max(30, number // 4) + 1):
        candidates += [_candidate(2 * one - 1, one, draw), _candidate(2 * one, one, draw)]
        swapped = draw.randrange(2)
        sides = [2 * one, 2 * one - 1] if swapped else [2 * one - 1, 2 * one]
        comparisons.append(
            {
                "id": one,
                "prompt_id": (one - 1) % 6 + 1,
                "left_id": sides[0],
                "right_id": sides[1],
                "swapped": swapped,
                "state": "waiting",
                "priority": int((one - 1) % 6 == 5),
                "held_out": int((one - 1) % 6 == 4),
                "skipped": 0,
                "shown_at": None,
                "verdict_id": None,
                "choice": None,
                "created_at": _moment(1_000 + one),
            }
        )
    for given in range(1, number + 1):
        row = comparisons[draw.randrange(len(comparisons) - 5)]
        undone = given % 25 == 0 or given > number - 2
        choice = draw.choice(CHOICES)
        verdicts.append(
            {
                "id": given,
                "comparison_id": row["id"],
                "choice": choice,
                "strength": draw.randint(1, 3),
                "annotator": NAMES[given % 7 == 0],
                "seconds": float(given % 60),
                "created_at": _moment(10_000 + given),
                "undone_at": _moment(20_000 + given) if undone else None,
                "redoable": int(given > number - 2),
            }
        )
        history.append({"verdict_id": given, "event": "given", "at": _moment(10_000 + given)})
        if undone:
            history.append({"verdict_id": given, "event": "undone", "at": _moment(20_000 + given)})
        else:
            state = "waiting" if choice == "skip" else "answered"
            row |= {"verdict_id": given, "choice": choice, "state": state, "skipped": int(choice == "skip")}
            comparisons[int(str(row["id"])) - 1] = row
    comparisons[-1] |= {"state": "shown", "shown_at": _moment(30_000)}
    comparisons[-2] |= {"state": "retired"}
    return {
        "candidates": candidates,
        "comparisons": comparisons,
        "verdicts": verdicts,
        "verdict_history": history,
    }


def _run() -> dict[str, list[Row]]:
    run: Row = {
        "id": 1,
        "name": "brave-otter",
        "folder": "runs/brave-otter",
        "policy": "starter",
        "method": "lora",
        "beta": 0.1,
        "config": "{}",
        "status": "finished",
        "created_at": _moment(15_000),
    }
    metric: Row = {"run_id": 1, "step": 1, "split": "train", "metrics": '{"loss":0.6931,"grad_norm":NaN}'}
    pair: Row = {
        "run_id": 1,
        "pair": "comparison-1",
        "split": "train",
        "prompt": '[{"role":"user","content":"Name three rivers."}]',
        "chosen": "Rhine, Nile, Oder",
        "rejected": "",
    }
    score: Row = {"run_id": 1, "checkpoint": "policy", "pair": "comparison-1", "scored_at": _moment(16_000)}
    score |= {
        f"{model}_{side}_logp": -1.5 for model in ("policy", "reference") for side in ("chosen", "rejected")
    }
    score |= {"chosen_tokens": 5, "rejected_tokens": 1, "truncated": 0, "token_scores": None}
    return {"runs": [run], "metrics": [metric], "run_pairs": [pair], "pair_scores": [score]}


def _moment(seconds: int) -> str:
    return (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)).isoformat(timespec="microseconds")


if __name__ == "__main__":
    main(int(sys.argv[1]))
