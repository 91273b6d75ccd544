"""Full-text search as it is since texts without spaces and pictographs are found by each of their signs.

One of the steps of `app.store.schema.migrations`.
"""

from sqlite_utils import Database


def search_by_sign(db: Database) -> None:
    # No text is kept here, as what is indexed is not the text itself (`app.store.library.search_text`).
    # Without `prefix` the beginning of a word would be looked up as all the words that begin so.
    # All texts are made findable anew, in the background (`app.store.library.search_index`).
    db.executescript(
        """
        DROP TABLE prompts_fts;
        DROP TABLE candidates_fts;
        CREATE VIRTUAL TABLE prompts_fts USING fts5 (
            text, content='', columnsize=0, prefix='3', tokenize='unicode61 remove_diacritics 2'
        );
        CREATE VIRTUAL TABLE candidates_fts USING fts5 (
            text, content='', columnsize=0, prefix='3', tokenize='unicode61 remove_diacritics 2'
        );
        DELETE FROM search_pending;
        INSERT INTO search_pending SELECT 'prompts', min(id), max(id) FROM prompts HAVING count(*) > 0;
        INSERT INTO search_pending SELECT 'candidates', min(id), max(id) FROM candidates HAVING count(*) > 0;
        INSERT INTO prompts_fts (prompts_fts, rank)
            SELECT 'automerge', 0 FROM search_pending WHERE tbl = 'prompts';
        INSERT INTO candidates_fts (candidates_fts, rank)
            SELECT 'automerge', 0 FROM search_pending WHERE tbl = 'candidates';
        """
    )
