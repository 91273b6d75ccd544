"""The tables of collecting: annotators, tags, notes, the journal of what was done, and full-text search.

Three of the steps of `app.store.schema.migrations`. What repeats something that follows from
other rows is kept by the module that its comment names, or by a trigger, so that queue, counts and filters
are read from an index.
"""

from sqlite_utils import Database


def collecting(db: Database) -> None:
    db.executescript(_PEOPLE_AND_TAGS)
    db.executescript(_CANDIDATES_AND_COMPARISONS)
    db.executescript(_VERDICTS)
    db.executescript(_JOURNAL)
    db.executescript(_TALLY)
    db.executescript(_WAITING)


_PEOPLE_AND_TAGS = """
CREATE TABLE annotators (name TEXT PRIMARY KEY, created_at TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO annotators SELECT annotator, min(created_at) FROM verdicts GROUP BY annotator;

-- `answered`: how many of the prompt's collected comparisons are (app.store.collecting.placing).
ALTER TABLE prompts ADD COLUMN deleted_at TEXT;
ALTER TABLE prompts ADD COLUMN answered INTEGER NOT NULL DEFAULT 0;
UPDATE prompts SET answered = (
    SELECT count(*) FROM comparisons WHERE prompt_id = prompts.id AND state = 'answered'
);
DROP INDEX prompts_by_need;
DROP INDEX prompts_asked_first;
DROP INDEX prompts_held_out;
CREATE INDEX prompts_by_need ON prompts (comparisons, id) WHERE deleted_at IS NULL;
CREATE INDEX prompts_asked_first ON prompts (id)
    WHERE priority > 0 AND comparisons = 0 AND deleted_at IS NULL;
CREATE INDEX prompts_held_out ON prompts (id) WHERE split = 'held_out' AND deleted_at IS NULL;
CREATE INDEX prompts_unseen ON prompts (id) WHERE answered = 0 AND comparisons > 0 AND deleted_at IS NULL;
CREATE INDEX prompts_by_source ON prompts (source, id);
CREATE INDEX prompts_deleted ON prompts (id) WHERE deleted_at IS NOT NULL;
CREATE TABLE prompt_tags (
    prompt_id INTEGER NOT NULL REFERENCES prompts (id),
    tag TEXT NOT NULL,
    PRIMARY KEY (prompt_id, tag)
) WITHOUT ROWID;
CREATE INDEX prompt_tags_by_tag ON prompt_tags (tag, prompt_id);
INSERT OR IGNORE INTO prompt_tags
    SELECT prompts.id, value FROM prompts, json_each(prompts.tags) WHERE type = 'text' AND value <> '';
ALTER TABLE prompts DROP COLUMN tags;
CREATE TABLE comparison_tags (
    comparison_id INTEGER NOT NULL REFERENCES comparisons (id),
    tag TEXT NOT NULL,
    PRIMARY KEY (comparison_id, tag)
) WITHOUT ROWID;
CREATE INDEX comparison_tags_by_tag ON comparison_tags (tag, comparison_id);
"""

_CANDIDATES_AND_COMPARISONS = """
ALTER TABLE candidates ADD COLUMN edited_from INTEGER REFERENCES candidates (id);
ALTER TABLE candidates ADD COLUMN chars INTEGER NOT NULL DEFAULT 0;
UPDATE candidates SET chars = length(text);
CREATE INDEX candidates_by_model ON candidates (model, id);

-- `of_id`: which comparison is asked again; `asked_of`: the one annotator who is asked, if not anybody.
-- `margin`: sum of the log-ratios' differences, left - right, under `margin_policy`; times beta the reward's.
-- `verdict_id`, `choice`, `disputed`: what the standing verdicts come to (app.store.collecting.standing).
ALTER TABLE comparisons ADD COLUMN purpose TEXT NOT NULL DEFAULT 'collect'
    CHECK (purpose IN ('collect', 'repeat', 'settle', 'second_look'));
ALTER TABLE comparisons ADD COLUMN of_id INTEGER REFERENCES comparisons (id);
ALTER TABLE comparisons ADD COLUMN asked_of TEXT;
ALTER TABLE comparisons ADD COLUMN picked TEXT NOT NULL DEFAULT 'order' CHECK (picked IN ('order', 'random'));
ALTER TABLE comparisons ADD COLUMN margin REAL;
ALTER TABLE comparisons ADD COLUMN margin_policy TEXT;
ALTER TABLE comparisons ADD COLUMN flagged INTEGER NOT NULL DEFAULT 0 CHECK (flagged IN (0, 1));
ALTER TABLE comparisons ADD COLUMN comment TEXT NOT NULL DEFAULT '';
ALTER TABLE comparisons ADD COLUMN disputed INTEGER NOT NULL DEFAULT 0 CHECK (disputed IN (0, 1));
ALTER TABLE comparisons ADD COLUMN deleted_at TEXT;
ALTER TABLE comparisons ADD COLUMN left_chars INTEGER NOT NULL DEFAULT 0;
ALTER TABLE comparisons ADD COLUMN right_chars INTEGER NOT NULL DEFAULT 0;
UPDATE comparisons SET
    left_chars = (SELECT chars FROM candidates WHERE candidates.id = left_id),
    right_chars = (SELECT chars FROM candidates WHERE candidates.id = right_id);
DROP INDEX comparisons_waiting;
DROP INDEX comparisons_shown;
DROP INDEX comparisons_by_choice;
DROP INDEX comparisons_by_prompt;
CREATE INDEX comparisons_waiting ON comparisons (skipped, priority DESC, id)
    WHERE state = 'waiting' AND asked_of IS NULL AND deleted_at IS NULL;
CREATE INDEX comparisons_asked ON comparisons (asked_of, skipped, id)
    WHERE state = 'waiting' AND asked_of IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX comparisons_shown ON comparisons (shown_at) WHERE state = 'shown' AND deleted_at IS NULL;
CREATE INDEX comparisons_by_doubt ON comparisons (margin_policy, abs(margin), id)
    WHERE state = 'waiting' AND asked_of IS NULL AND deleted_at IS NULL;
CREATE INDEX comparisons_by_prompt ON comparisons (prompt_id, state);
CREATE INDEX comparisons_by_choice ON comparisons (choice, id) WHERE choice IS NOT NULL;
CREATE INDEX comparisons_by_left ON comparisons (left_id);
CREATE INDEX comparisons_by_right ON comparisons (right_id);
CREATE INDEX comparisons_again ON comparisons (of_id) WHERE of_id IS NOT NULL;
CREATE INDEX comparisons_flagged ON comparisons (id) WHERE flagged = 1;
CREATE INDEX comparisons_disputed ON comparisons (id) WHERE disputed = 1;
CREATE INDEX comparisons_commented ON comparisons (id) WHERE comment <> '';
CREATE INDEX comparisons_retired ON comparisons (id) WHERE state = 'retired';
CREATE INDEX comparisons_deleted ON comparisons (id) WHERE deleted_at IS NOT NULL;
CREATE INDEX comparisons_held_out ON comparisons (id) WHERE held_out = 1;
CREATE INDEX comparisons_by_verdict ON comparisons (verdict_id) WHERE verdict_id IS NOT NULL;
CREATE INDEX comparisons_by_left_chars ON comparisons (left_chars);
CREATE INDEX comparisons_by_right_chars ON comparisons (right_chars);
CREATE INDEX comparisons_by_purpose ON comparisons (purpose, id) WHERE purpose <> 'collect';
CREATE INDEX comparisons_answered_again ON comparisons (id)
    WHERE purpose <> 'collect' AND state = 'answered' AND deleted_at IS NULL;
CREATE INDEX comparisons_by_margin ON comparisons (
    CASE choice WHEN 'left' THEN margin WHEN 'right' THEN -margin ELSE abs(margin) END
) WHERE margin IS NOT NULL;
"""

_VERDICTS = """
-- `edited_id`: the chosen side's text is this candidate's instead; `imported`: not given here by a key.
ALTER TABLE verdicts ADD COLUMN edited_id INTEGER REFERENCES candidates (id);
ALTER TABLE verdicts ADD COLUMN imported INTEGER NOT NULL DEFAULT 0 CHECK (imported IN (0, 1));
DROP INDEX verdicts_by_time;
DROP INDEX verdicts_to_undo;
CREATE INDEX verdicts_by_time ON verdicts (annotator, created_at);
CREATE INDEX verdicts_given_here ON verdicts (annotator, id)
    WHERE imported = 0 AND undone_at IS NULL AND choice <> 'skip';
CREATE INDEX verdicts_today ON verdicts (created_at)
    WHERE imported = 0 AND undone_at IS NULL AND choice <> 'skip';
CREATE INDEX verdicts_to_overlap ON verdicts (comparison_id, annotator)
    WHERE imported = 0 AND undone_at IS NULL AND choice <> 'skip';
CREATE INDEX verdicts_edited ON verdicts (comparison_id) WHERE edited_id IS NOT NULL;
CREATE INDEX verdicts_by_strength ON verdicts (strength, comparison_id) WHERE strength > 1;

-- Each annotator's latest verdict that is not undone (app.store.collecting.standing).
CREATE TABLE standing (
    comparison_id INTEGER NOT NULL REFERENCES comparisons (id),
    annotator TEXT NOT NULL,
    verdict_id INTEGER NOT NULL REFERENCES verdicts (id),
    PRIMARY KEY (comparison_id, annotator)
) WITHOUT ROWID;
CREATE INDEX standing_by_annotator ON standing (annotator, comparison_id);
INSERT INTO standing SELECT comparison_id, annotator, max(id) FROM verdicts
    WHERE undone_at IS NULL GROUP BY comparison_id, annotator;
"""

_JOURNAL = """
-- One row for each thing that a person did, and what it changed (values as they stood in the column).
CREATE TABLE journal (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL,
    annotator TEXT NOT NULL,
    kind TEXT NOT NULL,
    label TEXT NOT NULL,
    comparison_id INTEGER REFERENCES comparisons (id),
    undone_at TEXT,
    redoable INTEGER NOT NULL DEFAULT 0 CHECK (redoable IN (0, 1))
);
CREATE INDEX journal_to_undo ON journal (annotator, id) WHERE undone_at IS NULL;
CREATE INDEX journal_to_redo ON journal (annotator, id) WHERE redoable = 1;
CREATE TABLE journal_changes (
    journal_id INTEGER NOT NULL REFERENCES journal (id),
    tbl TEXT NOT NULL,
    col TEXT NOT NULL,
    row_key NOT NULL,
    before,
    after,
    PRIMARY KEY (journal_id, tbl, col, row_key)
) WITHOUT ROWID;
INSERT INTO journal (id, at, annotator, kind, label, comparison_id, undone_at, redoable)
    SELECT verdicts.id, verdicts.created_at, annotator, 'verdict',
        'verdict on “' || rtrim(substr(words, 1, 40)) || iif(length(words) > 40, '…', '') || '”',
        comparison_id, undone_at, redoable
    FROM verdicts
    JOIN comparisons ON comparisons.id = comparison_id
    JOIN (
        SELECT id, trim(
            replace(substr(json_extract(messages, '$[#-1].content'), 1, 80), char(10), ' ')
        ) AS words FROM prompts
    ) AS asked ON asked.id = prompt_id;
INSERT INTO journal_changes SELECT id, 'verdicts', 'undone_at', id, NULL, NULL FROM verdicts;
DROP INDEX verdicts_to_redo;
ALTER TABLE verdicts DROP COLUMN redoable;
"""

_TALLY = """
-- How many comparisons count as what: collected, not deleted; in dispute apart. Kept by the triggers below.
CREATE TABLE tally (
    choice TEXT NOT NULL,
    held_out INTEGER NOT NULL,
    disputed INTEGER NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (choice, held_out, disputed)
) WITHOUT ROWID;
INSERT INTO tally SELECT choices.value, splits.value, disputes.value, 0
    FROM json_each('["left","right","tie","both_bad","skip"]') AS choices,
        json_each('[0,1]') AS splits, json_each('[0,1]') AS disputes;
CREATE TRIGGER tally_new AFTER INSERT ON comparisons
WHEN new.choice IS NOT NULL AND new.purpose = 'collect' AND new.deleted_at IS NULL
BEGIN
    UPDATE tally SET n = n + 1
    WHERE choice = new.choice AND held_out = new.held_out AND disputed = new.disputed;
END;
CREATE TRIGGER tally_changed AFTER UPDATE OF choice, held_out, disputed, deleted_at ON comparisons
WHEN new.purpose = 'collect' AND (old.choice IS NOT NULL OR new.choice IS NOT NULL)
BEGIN
    UPDATE tally SET n = n - 1
    WHERE choice = old.choice AND held_out = old.held_out AND disputed = old.disputed
        AND old.deleted_at IS NULL;
    UPDATE tally SET n = n + 1
    WHERE choice = new.choice AND held_out = new.held_out AND disputed = new.disputed
        AND new.deleted_at IS NULL;
END;
UPDATE tally SET n = (
    SELECT count(*) FROM comparisons
    WHERE comparisons.choice = tally.choice AND comparisons.held_out = tally.held_out AND tally.disputed = 0
);
"""

_WAITING = """
-- How many comparisons wait for anybody: fresh ones, and those skipped for later. Kept by the triggers below.
CREATE TABLE waiting (later INTEGER PRIMARY KEY CHECK (later IN (0, 1)), n INTEGER NOT NULL);
INSERT INTO waiting SELECT value, (
    SELECT count(*) FROM comparisons WHERE state = 'waiting' AND (skipped > 0) = value
) FROM json_each('[0,1]');
CREATE TRIGGER waiting_new AFTER INSERT ON comparisons
WHEN new.state = 'waiting' AND new.asked_of IS NULL AND new.deleted_at IS NULL
BEGIN
    UPDATE waiting SET n = n + 1 WHERE later = (new.skipped > 0);
END;
CREATE TRIGGER waiting_changed AFTER UPDATE OF state, skipped, deleted_at ON comparisons
WHEN new.asked_of IS NULL AND (old.state = 'waiting' OR new.state = 'waiting')
BEGIN
    UPDATE waiting SET n = n - 1
    WHERE later = (old.skipped > 0) AND old.state = 'waiting' AND old.deleted_at IS NULL;
    UPDATE waiting SET n = n + 1
    WHERE later = (new.skipped > 0) AND new.state = 'waiting' AND new.deleted_at IS NULL;
END;
"""


def search(db: Database) -> None:
    # No triggers: before version 3.44 or so SQLite counts FTS5 among what an untrusted schema may not run.
    # `app.store.library.search_index` follows what is inserted; texts never change, no row is ever deleted.
    db.executescript(
        """
        CREATE VIRTUAL TABLE prompts_fts USING fts5 (
            text, content='', columnsize=0, tokenize='unicode61 remove_diacritics 2'
        );
        CREATE VIRTUAL TABLE candidates_fts USING fts5 (
            text, content='candidates', content_rowid='id', columnsize=0,
            tokenize='unicode61 remove_diacritics 2'
        );
        INSERT INTO prompts_fts (rowid, text) SELECT prompts.id, (
            SELECT group_concat(json_extract(value, '$.content'), char(10)) FROM json_each(prompts.messages)
        ) FROM prompts;
        INSERT INTO candidates_fts (rowid, text) SELECT id, text FROM candidates;
        """
    )


def search_later(db: Database) -> None:
    # What very many rows at once brought in, from an id to an id, until it is made findable
    # (`app.store.library.search_index`).
    db.executescript(
        """
        CREATE TABLE search_pending (
            tbl TEXT NOT NULL CHECK (tbl IN ('prompts', 'candidates')),
            first INTEGER NOT NULL,
            last INTEGER NOT NULL,
            PRIMARY KEY (tbl, first)
        ) WITHOUT ROWID;
        """
    )
