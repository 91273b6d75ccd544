"""How the tables came to be: small named steps, each in its own transaction with the record of it.

`user_version` of the file is the number of steps it has been through. A step that was ever published is
never edited; a change is a new step at the end.
"""

from collections.abc import Callable, Sequence

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from app.store.errors import explained
from app.store.schema.collecting import collecting, search, search_later
from app.store.schema.searching import search_by_sign
from app.store.schema.studying import studying

APPLICATION_ID = 0x44504F53
"""`DPOS`, at byte 68 of the file: what tells a project from any other SQLite file."""

Step = Callable[[Database], None]


def prompts_and_candidates(db: Database) -> None:
    db.executescript(
        """
        CREATE TABLE prompts (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            content_hash TEXT NOT NULL UNIQUE,
            messages TEXT NOT NULL,
            source TEXT NOT NULL,
            split TEXT NOT NULL CHECK (split IN ('train', 'held_out')),
            tags TEXT NOT NULL,
            priority INTEGER NOT NULL,
            comparisons INTEGER NOT NULL DEFAULT 0,
            created_at TEXT NOT NULL
        );
        CREATE INDEX prompts_by_need ON prompts (comparisons, id);
        CREATE INDEX prompts_asked_first ON prompts (id) WHERE priority > 0 AND comparisons = 0;
        CREATE INDEX prompts_held_out ON prompts (id) WHERE split = 'held_out';
        CREATE TABLE candidates (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            prompt_id INTEGER NOT NULL REFERENCES prompts (id),
            text TEXT NOT NULL,
            model TEXT NOT NULL,
            fingerprint TEXT NOT NULL,
            sampling TEXT NOT NULL,
            seed INTEGER NOT NULL,
            finish_reason TEXT NOT NULL,
            tokens INTEGER NOT NULL,
            seconds REAL NOT NULL,
            created_at TEXT NOT NULL
        );
        CREATE INDEX candidates_by_prompt ON candidates (prompt_id);
        """
    )


def comparisons_and_verdicts(db: Database) -> None:
    # `verdict_id` and `choice` repeat what follows from the verdicts (the latest one not undone), `held_out`
    # and `priority` what the prompt says, so that queue and counts are read from one index each.
    db.executescript(
        """
        CREATE TABLE comparisons (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            prompt_id INTEGER NOT NULL REFERENCES prompts (id),
            left_id INTEGER NOT NULL REFERENCES candidates (id),
            right_id INTEGER NOT NULL REFERENCES candidates (id),
            swapped INTEGER NOT NULL CHECK (swapped IN (0, 1)),
            state TEXT NOT NULL CHECK (state IN ('waiting', 'shown', 'answered', 'retired')),
            priority INTEGER NOT NULL,
            held_out INTEGER NOT NULL CHECK (held_out IN (0, 1)),
            skipped INTEGER NOT NULL DEFAULT 0,
            shown_at TEXT,
            verdict_id INTEGER REFERENCES verdicts (id),
            choice TEXT CHECK (choice IN ('left', 'right', 'tie', 'both_bad', 'skip')),
            created_at TEXT NOT NULL
        );
        CREATE INDEX comparisons_waiting ON comparisons (skipped, priority DESC, id)
            WHERE state = 'waiting';
        CREATE INDEX comparisons_shown ON comparisons (shown_at) WHERE state = 'shown';
        CREATE INDEX comparisons_by_choice ON comparisons (choice, held_out) WHERE choice IS NOT NULL;
        CREATE INDEX comparisons_by_prompt ON comparisons (prompt_id);
        CREATE TABLE verdicts (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            comparison_id INTEGER NOT NULL REFERENCES comparisons (id),
            choice TEXT NOT NULL CHECK (choice IN ('left', 'right', 'tie', 'both_bad', 'skip')),
            strength INTEGER NOT NULL CHECK (strength BETWEEN 1 AND 3),
            annotator TEXT NOT NULL,
            seconds REAL NOT NULL,
            created_at TEXT NOT NULL,
            undone_at TEXT,
            redoable INTEGER NOT NULL DEFAULT 0
        );
        CREATE INDEX verdicts_by_comparison ON verdicts (comparison_id, id);
        CREATE INDEX verdicts_by_time ON verdicts (created_at);
        CREATE INDEX verdicts_to_undo ON verdicts (annotator, id) WHERE undone_at IS NULL;
        CREATE INDEX verdicts_to_redo ON verdicts (annotator, id) WHERE redoable = 1;
        CREATE TABLE verdict_history (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            verdict_id INTEGER NOT NULL REFERENCES verdicts (id),
            event TEXT NOT NULL CHECK (event IN ('given', 'superseded', 'undone', 'redone')),
            at TEXT NOT NULL
        );
        CREATE INDEX verdict_history_by_verdict ON verdict_history (verdict_id);
        """
    )


def runs_and_scores(db: Database) -> None:
    db.executescript(
        """
        CREATE TABLE runs (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            name TEXT NOT NULL,
            folder TEXT NOT NULL UNIQUE,
            policy TEXT NOT NULL,
            method TEXT NOT NULL,
            beta REAL NOT NULL,
            config TEXT NOT NULL,
            status TEXT NOT NULL CHECK (status IN
                ('created', 'running', 'paused', 'stopped', 'finished', 'failed', 'interrupted')),
            step INTEGER NOT NULL DEFAULT 0,
            total_steps INTEGER NOT NULL DEFAULT 0,
            train_pairs INTEGER NOT NULL DEFAULT 0,
            held_out_pairs INTEGER NOT NULL DEFAULT 0,
            message TEXT NOT NULL DEFAULT '',
            created_at TEXT NOT NULL,
            finished_at TEXT
        );
        CREATE TABLE metrics (
            run_id INTEGER NOT NULL REFERENCES runs (id),
            step INTEGER NOT NULL,
            split TEXT NOT NULL CHECK (split IN ('train', 'held_out')),
            metrics TEXT NOT NULL,
            PRIMARY KEY (run_id, step, split)
        ) WITHOUT ROWID;
        CREATE TABLE run_pairs (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            run_id INTEGER NOT NULL REFERENCES runs (id),
            pair TEXT NOT NULL,
            split TEXT NOT NULL CHECK (split IN ('train', 'held_out')),
            prompt TEXT NOT NULL,
            chosen TEXT NOT NULL,
            rejected TEXT NOT NULL,
            UNIQUE (run_id, pair)
        );
        CREATE TABLE pair_scores (
            run_id INTEGER NOT NULL,
            checkpoint TEXT NOT NULL,
            pair TEXT NOT NULL,
            policy_chosen_logp REAL NOT NULL,
            policy_rejected_logp REAL NOT NULL,
            reference_chosen_logp REAL NOT NULL,
            reference_rejected_logp REAL NOT NULL,
            chosen_tokens INTEGER NOT NULL,
            rejected_tokens INTEGER NOT NULL,
            truncated INTEGER NOT NULL,
            token_scores BLOB,
            scored_at TEXT NOT NULL,
            PRIMARY KEY (run_id, checkpoint, pair),
            FOREIGN KEY (run_id, pair) REFERENCES run_pairs (run_id, pair)
        );
        """
    )


def settings(db: Database) -> None:
    db.executescript("CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;")


STEPS: Sequence[Step] = (
    prompts_and_candidates,
    comparisons_and_verdicts,
    runs_and_scores,
    settings,
    collecting,
    search,
    studying,
    search_later,
    search_by_sign,
)


def migrate(db: Database, steps: Sequence[Step] = STEPS) -> None:
    """Bring a file (or an empty one) up to the last step; each step is kept or undone as a whole.

    Raises `StoreError` when the disk is full or refuses; the steps before the failed one stay.
    """
    migrations = Migrations("dpo-studio")
    for number, step in enumerate(steps, start=1):
        migrations(name=step.__name__)(_numbered(step, number))
    with explained("bringing the project up to date"):
        migrations.apply(db)


def _numbered(step: Step, number: int) -> Step:
    def numbered(db: Database) -> None:
        step(db)
        # Part of the transaction, as both live in the file's header page.
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute(f"PRAGMA user_version = {number}")

    return numbered
