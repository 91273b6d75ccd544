"""Keeping the full-text index beside the rows it finds: called where prompts and candidates are inserted."""

from sqlite_utils import Database


def index_prompts(db: Database, after: int) -> None:
    """Within a transaction: make the words of every prompt with an id above `after` findable."""
    db.execute(
        """
        INSERT INTO prompts_fts (rowid, text) SELECT prompts.id, (
            SELECT group_concat(json_extract(value, '$.content'), char(10)) FROM json_each(prompts.messages)
        ) FROM prompts WHERE prompts.id > ?
        """,
        [after],
    )


def index_candidates(db: Database, after: int) -> None:
    """Within a transaction: make the words of every candidate with an id above `after` findable."""
    db.execute(
        "INSERT INTO candidates_fts (rowid, text) SELECT id, text FROM candidates WHERE id > ?", [after]
    )
