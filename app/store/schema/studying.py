"""The tables of looking into training: what people note on runs, the queue of runs, and studies of verdicts.

One of the steps of `app.store.schema.migrations`.
"""

from sqlite_utils import Database


def studying(db: Database) -> None:
    # A run of the kind `scored` was never trained: some model's scores of some pairs, with its pairs' folder.
    # A study holds out each pair once, trains on the others, and scores it with what came of that.
    # `verdict_id` and `choice` are what counted when it began; the numbers come when the pair's fold is done.
    db.executescript(
        """
        ALTER TABLE runs ADD COLUMN kind TEXT NOT NULL DEFAULT 'trained'
            CHECK (kind IN ('trained', 'scored'));
        ALTER TABLE runs ADD COLUMN notes TEXT NOT NULL DEFAULT '';
        ALTER TABLE runs ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0 CHECK (pinned IN (0, 1));
        ALTER TABLE runs ADD COLUMN deleted_at TEXT;
        ALTER TABLE runs ADD COLUMN queue_place INTEGER;
        CREATE INDEX runs_queued ON runs (queue_place) WHERE queue_place IS NOT NULL;
        CREATE TABLE studies (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            folder TEXT NOT NULL UNIQUE,
            policy TEXT NOT NULL,
            folds INTEGER NOT NULL CHECK (folds > 1),
            config TEXT NOT NULL,
            status TEXT NOT NULL CHECK (status IN
                ('created', 'running', 'finished', 'failed', 'interrupted')),
            message TEXT NOT NULL DEFAULT '',
            created_at TEXT NOT NULL,
            finished_at TEXT
        );
        CREATE TABLE study_pairs (
            study_id INTEGER NOT NULL REFERENCES studies (id),
            comparison_id INTEGER NOT NULL REFERENCES comparisons (id),
            verdict_id INTEGER NOT NULL REFERENCES verdicts (id),
            choice TEXT NOT NULL CHECK (choice IN ('left', 'right')),
            fold INTEGER,
            policy_chosen_logp REAL,
            policy_rejected_logp REAL,
            reference_chosen_logp REAL,
            reference_rejected_logp REAL,
            chosen_tokens INTEGER,
            rejected_tokens INTEGER,
            PRIMARY KEY (study_id, comparison_id)
        ) WITHOUT ROWID;
        """
    )
