"""Keeping entries in a project: what is new becomes rows, what is there already is only added to.

All of it is within one transaction of the caller, a batch at a time, with no query for a single row.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from random import Random

import msgspec
from sqlite_utils import Database

from app.store.collecting.annotators import ensure
from app.store.collecting.removing import move_comparisons, move_prompts
from app.store.collecting.standing import other_side, settle_again
from app.store.exchange.alongside import Alongside
from app.store.exchange.entries import Entry, Given, Response
from app.store.exchange.identity import (
    AT_ONCE,
    Asked,
    MetTable,
    candidate_key,
    comparison_key,
    in_batches,
    names_models,
    side_keys,
)
from app.store.exchange.new_rows import NewRows, Waiting, write
from app.store.exchange.told import Known, Said, known_comparisons
from app.store.library.search_index import Indexed, index_later
from app.store.rows import ids_to_json, to_json
from app.store.undo.changes import Change
from dpo_engine.preferences import Split

_PROMPTS = f"""
SELECT content_hash, id, split, deleted_at FROM prompts
WHERE content_hash IN ({", ".join("?" * AT_ONCE)})
"""  # noqa: S608 (question marks)

_PROMPT_TAGS = "SELECT prompt_id, tag FROM prompt_tags WHERE prompt_id IN (SELECT value FROM json_each(?))"
_CANDIDATES = """
SELECT id, prompt_id, text, model FROM candidates
WHERE prompt_id IN (SELECT value FROM json_each(?)) AND edited_from IS NULL
"""
_COMPARISONS = """
SELECT id, left_id, right_id FROM comparisons
WHERE prompt_id IN (SELECT value FROM json_each(?)) AND purpose = 'collect' ORDER BY id
"""


@dataclass(frozen=True, kw_only=True)
class Manner:
    """How entries are taken."""

    annotator: str
    """Who gave the verdicts that name nobody."""
    held_out_share: float | None = None
    """Of new prompts whose file does not say; None: none of them."""
    source: str = "import"
    """Of prompts that bring none of their own."""


@dataclass(kw_only=True)
class _Prompt:
    id: int
    split: Split
    tags: set[str] = field(default_factory=set)


class Intake:
    """For a `with` block: `add` as often as there are entries. `changes` is what a journal has to know of.

    What came in is written by another thread while the next batch is read and made ready, unless both are
    about the same prompt (`alongside`). It is made findable later (`search_index`).
    """

    def __init__(self, db: Database, met: MetTable, manner: Manner, rng: Random, moment: str) -> None:
        self._db = db
        self._met = met
        self._manner = manner
        self._rng = rng
        self.rows = NewRows(db, moment)
        self.moment = moment
        self.comparisons = 0
        self.duplicates = 0
        self.restored = 0
        self.changes: list[Change] = []
        self._alongside = Alongside()
        self._being_written: set[str] = set()
        self._loaded: set[int] = set()
        self._annotators: set[str] = set()
        # Of the batch at hand:
        self._prompts: dict[str, _Prompt] = {}
        self._known: dict[int, Known] = {}
        self._unsettled: set[int] = set()
        self._met_now: list[tuple[bytes, int, bytes]] = []
        self._candidates: dict[bytes, int] = {}

    def __enter__(self) -> "Intake":
        return self

    def __exit__(self, *_: object) -> None:
        self._alongside.__exit__()

    def add(self, batch: Sequence[Asked]) -> None:
        """Keep a batch; what it says twice is met the second time as what is known already."""
        while batch:
            batch = self._add_different(batch)

    def wait(self) -> None:
        """Until all is written, and before anything else is. Raises what went wrong since."""
        self._alongside.wait()
        self._being_written = set()

    def index_later(self) -> None:
        """Note all that came in as still to be made findable."""
        tables: tuple[Indexed, ...] = ("prompts", "candidates")
        for table in tables:
            index_later(self._db, table, self.rows.first[table], self.rows.last(table))

    def _add_different(self, batch: Sequence[Asked]) -> list[Asked]:
        """Keep what differs; what has to wait until that is written comes back."""
        hashes = {asked.hash: asked.raw_hash for asked in batch}
        if not self._being_written.isdisjoint(hashes):
            self.wait()
        self._look_up(batch, hashes)
        met = self._met.find(
            key
            for asked in batch
            if asked.sides and asked.hash in self._prompts
            for key in (asked.key, *asked.sides)
        )
        self._known = known_comparisons(self._db, {met[asked.key].id for asked in batch if asked.key in met})
        self._candidates = {key: one.id for key, one in met.items() if not one.left}
        begun: set[bytes] = set()
        later: list[Asked] = []
        for asked in batch:
            prompt = self._prompt_of(asked)
            if asked.sides is None:
                continue
            found = met.get(asked.key)
            if found is not None:
                self._add_to(self._known[found.id], asked, prompt, swapped=found.left != asked.sides[0])
            elif asked.key in begun:
                later.append(asked)
            else:
                begun.add(asked.key)
                self._add_comparison(asked, prompt)
        self._alongside.give(partial(self._write, self.rows.take(), self._met_now, self._unsettled))
        self._being_written, self._met_now, self._unsettled = set(hashes), [], set()
        return later

    def _write(
        self, rows: Waiting, met: Sequence[tuple[bytes, int, bytes]], unsettled: Iterable[int]
    ) -> None:
        write(self._db, rows, self.moment)
        self._met.add(met)
        settle_again(self._db, unsettled)

    def _look_up(self, batch: Sequence[Asked], hashes: dict[str, bytes]) -> None:
        self._prompts = {}
        deleted: dict[str, list[int]] = {}
        for some in in_batches(hashes, ""):
            for key, prompt_id, split, deleted_at in self._db.execute(_PROMPTS, some):
                self._prompts[key] = _Prompt(id=prompt_id, split=split)
                if deleted_at is not None:
                    deleted.setdefault(deleted_at, []).append(prompt_id)
        for moment, ids in deleted.items():
            self.wait()
            move_prompts(self._db, to_json(ids), moment, None)
            self.changes += [Change("prompts", one, "deleted_at", moment, None) for one in ids]
            self.restored += len(ids)
        unread = {
            prompt.id: hashes[key] for key, prompt in self._prompts.items() if prompt.id not in self._loaded
        }
        self._meet(unread)
        self._loaded.update(unread)
        if any(asked.entry.prompt_tags for asked in batch):
            by_id = {prompt.id: prompt for prompt in self._prompts.values()}
            for prompt_id, tag in self._db.execute(_PROMPT_TAGS, [ids_to_json(by_id)]):
                by_id[prompt_id].tags.add(tag)

    def _meet(self, prompts: dict[int, bytes]) -> None:
        """Note the candidates and comparisons of prompts that were there before this batch."""
        if not prompts:
            return
        self.wait()
        listed = [ids_to_json(prompts)]
        keys: dict[int, tuple[bytes, bytes]] = {}
        for row_id, prompt_id, text, model in self._db.execute(_CANDIDATES, listed):
            raw = prompts[prompt_id]
            keys[row_id] = (candidate_key(raw, text), candidate_key(raw, text, model))
        met = [(key, row_id, b"") for row_id, both in keys.items() for key in both]
        for row_id, left_id, right_id in self._db.execute(_COMPARISONS, listed):
            left, right = keys[left_id], keys[right_id]
            met += [(comparison_key(one, other), row_id, one) for one, other in zip(left, right, strict=True)]
        self._met.add(met)

    def _prompt_of(self, asked: Asked) -> _Prompt:
        known = self._prompts.get(asked.hash)
        if known is None:
            split = asked.entry.split or self._drawn_split(asked.raw_hash)
            source = asked.entry.source or self._manner.source
            prompt_id = self.rows.prompt(asked.hash, asked.messages, source, split)
            known = self._prompts[asked.hash] = _Prompt(id=prompt_id, split=split)
            self._add_prompt_tags(known, asked.entry)
            return known
        tagged = self._add_prompt_tags(known, asked.entry)
        if asked.sides is None and not tagged:
            self.duplicates += 1
        return known

    def _add_prompt_tags(self, known: _Prompt, entry: Entry) -> bool:
        missing = [tag for tag in entry.prompt_tags if tag not in known.tags]
        for tag in missing:
            known.tags.add(tag)
            self.rows.tag("prompt_tags", known.id, tag)
            if known.id < self.rows.first["prompts"]:
                self.changes.append(Change("prompt_tags", known.id, tag, 0, 1))
        return bool(missing)

    def _drawn_split(self, raw_hash: bytes) -> Split:
        """By the prompt itself, so that it falls to the same side in every file."""
        share = self._manner.held_out_share
        return "held_out" if share and int.from_bytes(raw_hash[:6], "big") < share * 2**48 else "train"

    def _add_comparison(self, asked: Asked, prompt: _Prompt) -> None:
        entry, sides = asked.entry, asked.sides
        if entry.left is None or entry.right is None or sides is None:
            raise ValueError("an entry without responses is no comparison")
        swapped = not entry.placed and self._rng.random() < 0.5
        first = self._candidate(prompt.id, entry.left, sides[0])
        second = self._candidate(prompt.id, entry.right, sides[1])
        chars = (len(entry.left.text), len(entry.right.text))
        said = [_other(given) if swapped else given for given in entry.verdicts]
        placed = (second, first) if swapped else (first, second)
        alone = len(said) == 1 and not said[0].settles
        verdict_id = self.rows.verdict_id() if alone else 0
        comparison_id = self.rows.comparison(
            prompt.id,
            placed,
            chars[::-1] if swapped else chars,
            swapped=swapped,
            held_out=prompt.split == "held_out",
            flagged=entry.flagged,
            comment=entry.comment,
            verdict=(verdict_id, said[0].choice) if alone else None,
        )
        self.comparisons += 1
        if prompt.id in self._loaded:
            self._meet_new(asked, comparison_id, swapped=swapped)
        for tag in entry.tags:
            self.rows.tag("comparison_tags", comparison_id, tag)
        if alone:
            who = self._annotator(said[0])
            self._give(said[0], who, verdict_id, comparison_id, prompt.id, placed, stands=True)
            self.rows.standing(comparison_id, who, verdict_id)
        elif said:
            known = Known(
                id=comparison_id,
                left_id=placed[0],
                right_id=placed[1],
                chars=chars[::-1] if swapped else chars,
                flagged=entry.flagged,
                comment=entry.comment,
                deleted_at=None,
            )
            self._say(known, said, prompt)

    def _meet_new(self, asked: Asked, comparison_id: int, *, swapped: bool) -> None:
        sides = asked.sides
        if sides is None:
            return
        self._met_now.append((asked.key, comparison_id, sides[1] if swapped else sides[0]))
        if names_models(asked.entry) and asked.entry.left and asked.entry.right:
            bare = side_keys(asked.raw_hash, asked.entry.left, asked.entry.right, by_model=False)
            self._met_now.append((comparison_key(*bare), comparison_id, bare[1] if swapped else bare[0]))

    def _candidate(self, prompt_id: int, new: Response, key: bytes) -> int:
        known = self._candidates.get(key)
        if known is None:
            known = self._candidates[key] = self.rows.candidate(prompt_id, new)
            if prompt_id in self._loaded:
                self._met_now.append((key, known, b""))
        return known

    def _add_to(self, known: Known, asked: Asked, prompt: _Prompt, *, swapped: bool) -> None:
        """What an entry says of a comparison that is there: verdicts, flag, comment and tags are united."""
        entry = asked.entry
        before = (len(self.changes), self.rows.added("verdicts"))
        if known.deleted_at is not None:
            self.wait()
            move_comparisons(self._db, to_json([known.id]), known.deleted_at, None)
            self.changes.append(Change("comparisons", known.id, "deleted_at", known.deleted_at, None))
            known.deleted_at = None
            self.restored += 1
        if entry.flagged and not known.flagged:
            known.flagged = True
            self._note(known.id, "flagged", 0, 1)
        if entry.comment and entry.comment not in known.comment:
            comment = f"{known.comment}\n\n{entry.comment}" if known.comment else entry.comment
            self._note(known.id, "comment", known.comment, comment)
            known.comment = comment
        for tag in entry.tags:
            if tag not in known.tags:
                known.tags.add(tag)
                self.rows.tag("comparison_tags", known.id, tag)
                self.changes.append(Change("comparison_tags", known.id, tag, 0, 1))
        self._say(known, [_other(given) if swapped else given for given in entry.verdicts], prompt)
        if before == (len(self.changes), self.rows.added("verdicts")):
            self.duplicates += 1

    def _note(self, comparison_id: int, column: str, before: str | int, after: str | int) -> None:
        self.wait()
        self._db.execute(
            f"UPDATE comparisons SET {column} = ? WHERE id = ?",  # noqa: S608 (one of two names of this file)
            [after, comparison_id],
        )
        self.changes.append(Change("comparisons", comparison_id, column, before, after))

    def _say(self, known: Known, said: Iterable[Given], prompt: _Prompt) -> None:
        """Of one person's verdicts the newest stands; what is there already is not said again."""
        for given in said:
            who = self._annotator(given)
            if given.settles:
                self._settle(known, given, who, prompt)
                continue
            theirs = [one for one in known.said if one.annotator == who]
            if any(_same(one, given) for one in theirs):
                continue
            before = max((one for one in theirs if one.stands), key=lambda one: one.id, default=None)
            stands = before is None or given.created_at > before.created_at
            verdict_id = self.rows.verdict_id()
            self._give(given, who, verdict_id, known.id, prompt.id, known.sides, stands=stands)
            if before is not None and stands:
                self.rows.superseded(before.id)
            known.said.append(_said(verdict_id, given, who, stands=stands))
            self._unsettled.add(known.id)

    def _settle(self, known: Known, given: Given, who: str, prompt: _Prompt) -> None:
        """An answer that ended a dispute, unless a later one did."""
        answers = [one for one in known.settled if one.stands and one.choice != "skip"]
        if any(one.created_at >= given.created_at for one in answers):
            return
        verdict_id = self.rows.verdict_id()
        comparison_id = self.rows.settling(
            known.id, prompt.id, known.sides, known.chars, (verdict_id, given.choice)
        )
        self._give(given, who, verdict_id, comparison_id, prompt.id, known.sides, stands=True)
        self.rows.standing(comparison_id, who, verdict_id)
        known.settled.append(_said(verdict_id, given, who, stands=True))
        self._unsettled.add(known.id)

    def _give(
        self,
        given: Given,
        who: str,
        verdict_id: int,
        comparison_id: int,
        prompt_id: int,
        sides: tuple[int, int],
        *,
        stands: bool,
    ) -> None:
        edited_id = None
        if given.edited is not None:
            edited_id = self.rows.edit(prompt_id, given.edited, sides[0 if given.choice == "left" else 1])
        self.rows.verdict(verdict_id, comparison_id, given, who, edited_id, stands=stands)

    def _annotator(self, given: Given) -> str:
        who = given.annotator or self._manner.annotator
        if who not in self._annotators:
            self.wait()
            self._annotators.add(who)
            ensure(self._db, who)
        return who


def _same(one: Said, given: Given) -> bool:
    """A verdict whose file tells no time never takes the place of one that the same person gave."""
    if not given.created_at:
        return True
    return one.created_at == given.created_at and one.choice == given.choice


def _said(verdict_id: int, given: Given, who: str, *, stands: bool) -> Said:
    return Said(id=verdict_id, annotator=who, choice=given.choice, created_at=given.created_at, stands=stands)


def _other(given: Given) -> Given:
    return msgspec.structs.replace(given, choice=other_side(given.choice))
