"""A small project with some of everything, and its rows as plain Python sees them."""

import random
from dataclasses import dataclass

from app.store.collecting import comparisons, notes, prompts, verdicts
from app.store.figures import agreement
from app.store.handle import Project
from app.store.library.filters import Filter, Standing
from app.store.records import Choice, Purpose
from dpo_engine.preferences import Message, Split
from tests.store.makers import candidate

WORDS = ("river", "stone", "brave", "otter", "naïve", "don't", "c++", "日本", "quiet", "riverbank")
TAGS = ("hard", "code", "a, b", "“q”")
MODELS = ("starter", "runs/brave-otter", "models/qwen")


@dataclass(frozen=True, kw_only=True)
class PlainRow:
    """What a row of the Library is about, worked out without SQL's help."""

    key: int
    standing: Standing
    strength: int | None
    annotators: frozenset[str]
    tags: frozenset[str]
    models: frozenset[str]
    split: Split
    source: str
    purpose: Purpose
    answered: bool
    flagged: bool
    disputed: bool
    edited: bool
    commented: bool
    deleted: bool
    chars: tuple[int, ...]
    margin: float | None
    texts: tuple[str, ...]
    order: tuple[int, int | None, float | None]
    """Prompt, verdict and margin to sort by."""


def fill(project: Project, rng: random.Random, number: int = 60) -> None:
    """Prompts, comparisons and verdicts of every kind that the store can make."""

    def text(most: int) -> str:
        return " ".join(rng.choices(WORDS, k=rng.randint(1, most)))

    for place in range(number):
        prompt = prompts.add_prompt(
            project,
            [Message("user", f"{text(4)} {place}")],
            source=rng.choice(("typed", "import")),
            split="held_out" if place % 7 == 0 else "train",
            tags=rng.sample(TAGS, k=rng.choice((0, 0, 1))),
        )
        if place % 9 == 0:
            continue
        made = comparisons.add_comparison(
            project,
            prompt.id,
            (candidate(text(12), rng.choice(MODELS)), candidate(text(12), rng.choice(MODELS))),
            swapped=rng.random() < 0.5,
        )
        _judge(project, made.id, rng)
    _mark(project, rng)


def _judge(project: Project, comparison_id: int, rng: random.Random) -> None:
    choices: tuple[Choice, ...] = ("left", "right", "left", "right", "tie", "both_bad", "skip")
    for annotator in ("ada", "bob"):
        if rng.random() < 0.55:
            choice = rng.choice(choices)
            verdicts.give_verdict(
                project,
                comparison_id,
                choice,
                strength=rng.choice((1, 1, 2)),
                annotator=annotator,
                seconds=2.0,
                edited="river mended" if choice in ("left", "right") and rng.random() < 0.2 else None,
            )


def _mark(project: Project, rng: random.Random) -> None:
    ids = [row[0] for row in project.db.execute("SELECT id FROM comparisons WHERE purpose = 'collect'")]
    some = lambda share: [one for one in ids if rng.random() < share]  # noqa: E731
    notes.set_flag(project, some(0.2), True, annotator="ada")
    notes.set_comment(project, some(0.15), "Hm.", annotator="ada")
    notes.add_tags(project, some(0.3), [rng.choice(TAGS)], annotator="ada")
    judged = [
        row[0] for row in project.db.execute("SELECT id FROM comparisons WHERE state = 'answered' LIMIT 6")
    ]
    agreement.ask_again(project, judged, "ada", rng=rng)
    for (again,) in project.db.execute(
        "SELECT id FROM comparisons WHERE purpose = 'settle' LIMIT 3"
    ).fetchall():
        verdicts.give_verdict(project, again, "left", strength=2, annotator="ada", seconds=1.0)
    notes.set_deleted(project, some(0.1), True, annotator="ada")
    prompt_ids = [
        row[0] for row in project.db.execute("SELECT id FROM prompts WHERE comparisons = 0 LIMIT 2")
    ]
    notes.set_deleted(project, [], True, annotator="ada", prompt_ids=prompt_ids)
    for one in some(0.5):
        project.db.execute("UPDATE comparisons SET margin = ? WHERE id = ?", [rng.gauss(0, 2), one])
    for one in some(0.1):
        comparisons.retire(project, one, annotator="ada")


def plain_rows(project: Project) -> list[PlainRow]:
    """Every comparison, and every prompt without one, read table by table."""
    tables = {
        name: {row["id"]: row for row in project.db.query(f"SELECT * FROM {name}")}  # noqa: S608
        for name in ("prompts", "candidates", "comparisons", "verdicts")
    }
    tags: dict[tuple[str, int], set[str]] = {}
    for name in ("prompt", "comparison"):
        for row in project.db.query(f"SELECT {name}_id AS id, tag FROM {name}_tags"):  # noqa: S608
            tags.setdefault((name, row["id"]), set()).add(row["tag"])
    who: dict[int, set[str]] = {}
    for row in project.db.query("SELECT comparison_id, annotator FROM standing"):
        who.setdefault(row["comparison_id"], set()).add(row["annotator"])
    found = []
    for row in tables["comparisons"].values():
        prompt = tables["prompts"][row["prompt_id"]]
        sides = [tables["candidates"][row[side]] for side in ("left_id", "right_id")]
        verdict = tables["verdicts"].get(row["verdict_id"])
        sign = {"left": 1.0, "right": -1.0}.get(row["choice"])
        margin = row["margin"]
        shown = None if margin is None else abs(margin) if sign is None else sign * margin
        found.append(
            PlainRow(
                key=row["id"],
                standing="retired" if row["state"] == "retired" else row["choice"] or "waiting",
                strength=verdict["strength"] if verdict and sign is not None else None,
                annotators=frozenset(who.get(row["id"], ())),
                tags=frozenset(
                    tags.get(("comparison", row["id"]), set()) | tags.get(("prompt", prompt["id"]), set())
                ),
                models=frozenset(side["model"] for side in sides),
                split="held_out" if row["held_out"] else "train",
                source=prompt["source"],
                purpose=row["purpose"],
                answered=row["state"] == "answered",
                flagged=bool(row["flagged"]),
                disputed=bool(row["disputed"]),
                edited=bool(verdict and verdict["edited_id"]),
                commented=bool(row["comment"]),
                deleted=row["deleted_at"] is not None,
                chars=tuple(len(side["text"]) for side in sides),
                margin=shown,
                texts=(prompt["messages"], *(side["text"] for side in sides)),
                order=(prompt["id"], row["verdict_id"], shown),
            )
        )
    found += [_prompt_row(row, tags) for row in tables["prompts"].values() if not _compared(row, tables)]
    return found


def _compared(prompt: dict[str, object], tables: dict[str, dict[int, dict[str, object]]]) -> bool:
    mine = [row for row in tables["comparisons"].values() if row["prompt_id"] == prompt["id"]]
    if prompt["deleted_at"] is not None:
        return any(row["deleted_at"] is not None for row in mine)
    return any(
        row["deleted_at"] is None and row["state"] != "retired" and row["purpose"] == "collect"
        for row in mine
    )


def _prompt_row(row: dict[str, object], tags: dict[tuple[str, int], set[str]]) -> PlainRow:
    key = row["id"]
    assert isinstance(key, int)
    return PlainRow(
        key=-key,
        standing="uncompared",
        strength=None,
        annotators=frozenset(),
        tags=frozenset(tags.get(("prompt", key), ())),
        models=frozenset(),
        split="held_out" if row["split"] == "held_out" else "train",
        source=str(row["source"]),
        purpose="collect",
        answered=False,
        flagged=False,
        disputed=False,
        edited=False,
        commented=False,
        deleted=row["deleted_at"] is not None,
        chars=(),
        margin=None,
        texts=(str(row["messages"]),),
        order=(key, None, None),
    )


def matches(row: PlainRow, wanted: Filter) -> bool:
    """Whether a filter without words lets this row through."""
    low = float("-inf") if wanted.least_margin is None else wanted.least_margin
    high = float("inf") if wanted.most_margin is None else wanted.most_margin
    shortest, longest = wanted.shortest or 0, 10**9 if wanted.longest is None else wanted.longest
    ranged = wanted.shortest is not None or wanted.longest is not None
    margins = wanted.least_margin is not None or wanted.most_margin is not None
    return all(
        (
            row.standing in wanted.standings if wanted.standings else row.standing != "retired",
            row.strength in wanted.strengths if wanted.strengths else True,
            bool(row.annotators & set(wanted.annotators)) if wanted.annotators else True,
            bool(row.tags & set(wanted.tags)) if wanted.tags else True,
            bool(row.models & set(wanted.models)) if wanted.models else True,
            row.split in wanted.splits if wanted.splits else True,
            row.source in wanted.sources if wanted.sources else True,
            row.purpose in (wanted.purposes or ("collect",)),
            row.purpose == "collect" or row.answered,
            # A prompt without a comparison was asked for no purpose.
            not (wanted.purposes and row.standing == "uncompared"),
            row.flagged or not wanted.flagged,
            row.disputed or not wanted.disputed,
            row.edited or not wanted.edited,
            row.commented or not wanted.commented,
            row.deleted == wanted.deleted,
            any(shortest <= chars <= longest for chars in row.chars) if ranged else True,
            row.margin is not None and low <= row.margin <= high if margins else True,
        )
    )
