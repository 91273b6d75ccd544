"""When two prompts, candidates or comparisons are the same, and a table of what was met already.

The keys are 16-byte digests, kept in a temporary table of the connection, so that an import of any size takes
the same memory.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

import msgspec
from sqlite_utils import Database

from app.store.exchange.bulk import insert_many
from app.store.exchange.entries import IMPORTED, Entry, Response
from dpo_engine.preferences import Message

K = TypeVar("K", bytes, str)

AT_ONCE = 500
"""Keys in one query; always as many, so that SQLite prepares it once."""

_KNOWN = f"SELECT key, id, left FROM temp.met WHERE key IN ({', '.join('?' * AT_ONCE)})"  # noqa: S608
_NO_KEY = b""


class Met(msgspec.Struct, frozen=True, gc=False):
    """A candidate or a comparison of the project; `left` is the key of a comparison's left candidate."""

    id: int
    left: bytes


def prompt_key(messages: Sequence[Message]) -> tuple[str, str]:
    """The JSON of a conversation as a project keeps it, and its hash (`prompts.content_hash`).

    Raises `UnicodeEncodeError` for half of a character.
    """
    encoded = msgspec.json.encode(messages)
    return encoded.decode(), hashlib.sha256(encoded).hexdigest()


def candidate_key(prompt: bytes, text: str, model: str = "") -> bytes:
    """Of a response to the prompt of this hash, by its text, and by its model where that is given."""
    digest = hashlib.blake2b(prompt + text.encode(), digest_size=16)
    if model:
        return hashlib.blake2b(model.encode(), digest_size=16, key=digest.digest()).digest()
    return digest.digest()


def comparison_key(left: bytes, right: bytes) -> bytes:
    """The same whichever of two candidates stands left."""
    first, second = (left, right) if left < right else (right, left)
    return hashlib.blake2b(first + second, digest_size=16).digest()


def names_models(entry: Entry) -> bool:
    """Its file says what wrote the responses, so that they are told apart by that, too."""
    left, right = entry.left, entry.right
    if left is None or right is None:
        return False
    return entry.placed or left.model not in ("", IMPORTED) or right.model not in ("", IMPORTED)


def side_keys(prompt: bytes, left: Response, right: Response, *, by_model: bool) -> tuple[bytes, bytes]:
    if not by_model:
        return candidate_key(prompt, left.text), candidate_key(prompt, right.text)
    return (
        candidate_key(prompt, left.text, left.model or IMPORTED),
        candidate_key(prompt, right.text, right.model or IMPORTED),
    )


class Asked:
    """An entry with its keys."""

    __slots__ = ("entry", "hash", "key", "messages", "raw_hash", "sides")

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self.messages, self.hash = prompt_key(entry.prompt)
        self.raw_hash = bytes.fromhex(self.hash)
        self.sides: tuple[bytes, bytes] | None = None
        self.key = b""
        if entry.left is not None and entry.right is not None:
            by_model = names_models(entry)
            self.sides = side_keys(self.raw_hash, entry.left, entry.right, by_model=by_model)
            self.key = comparison_key(*self.sides)


class MetTable:
    """What is known by its key. Lives as long as the block; nothing of it stays in the project's file."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def __enter__(self) -> "MetTable":
        self._db.execute("DROP TABLE IF EXISTS temp.met")
        self._db.execute(
            """
            CREATE TEMP TABLE met (key BLOB PRIMARY KEY, id INTEGER NOT NULL, left BLOB NOT NULL)
            WITHOUT ROWID
            """
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._db.execute("DROP TABLE IF EXISTS temp.met")

    def add(self, rows: Sequence[tuple[bytes, int, bytes]]) -> None:
        """(key, id, key of the left candidate or nothing); the first of a key stays."""
        insert_many(self._db, "INSERT OR IGNORE INTO temp.met (key, id, left)", rows)

    def find(self, keys: Iterable[bytes]) -> dict[bytes, Met]:
        """Those of the keys that were met."""
        found: dict[bytes, Met] = {}
        for some in in_batches(keys, _NO_KEY):
            found.update((key, Met(row_id, left)) for key, row_id, left in self._db.execute(_KNOWN, some))
        return found


def in_batches(keys: Iterable[K], filler: K) -> Iterator[list[K]]:
    """Lists of exactly `AT_ONCE` different keys, the last one filled up."""
    everything = list(dict.fromkeys(keys))
    for start in range(0, len(everything), AT_ONCE):
        some = everything[start : start + AT_ONCE]
        yield some + [filler] * (AT_ONCE - len(some))
