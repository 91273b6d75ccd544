"""Looking for words in the pairs of a run."""

import numpy as np
from numpy.typing import NDArray

from app.store.errors import explained
from app.store.handle import Project


def find_pairs(project: Project, run_id: int, text: str) -> NDArray[np.int64]:
    """Row numbers, rising, of the run's pairs with every word of `text` in their texts, or as their id.

    Upper and lower case are the same in every script. One pair's texts are in memory at a time.
    """
    words = text.casefold().split()
    found = []
    with explained("searching the pairs"):
        # The words of the prompt without the signs of JSON around them: a name of a role is no hit.
        cursor = project.db.conn.execute(
            """
            SELECT id, pair, chosen, rejected,
                (SELECT group_concat(json_extract(value, '$.content'), char(10)) FROM json_each(prompt))
            FROM run_pairs WHERE run_id = ?
            """,
            [run_id],
        )
        for row, pair, *texts in cursor:
            whole = "\n".join(str(one or "") for one in texts).casefold()
            if all(word in whole for word in words) or words == [str(pair).casefold()]:
                found.append(row)
    return np.sort(np.asarray(found, dtype=np.int64))
