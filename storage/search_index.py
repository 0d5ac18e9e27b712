"""The index of the search, kept up to date with the text that is shown.

Whatever changes a line's text enters the line into `search_due` in the same transaction, by
triggers; that costs next to nothing. The lines are indexed from there, soon after and in small
portions. A search first indexes what is due, so that what was just saved is found.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from sqlite_utils import Database

from storage.rows import Row
from storage.search_words import folded_text, skeleton_of
from storage.store import Store, select, write

LINES_AT_ONCE = 200  # indexed in about 10 ms, so that nobody who saves waits longer

_TEXTS = """
SELECT line.id AS id, line.replaced IS NOT NULL OR line.removed IS NOT NULL AS gone,
    CASE WHEN revision.id IS NULL OR (line.status = 'machine' AND reading.id IS NOT NULL)
        THEN coalesce(reading.text, '') ELSE revision.text END AS text,
    line_search.words AS words
FROM line
LEFT JOIN line_search ON line_search.rowid = line.id
LEFT JOIN revision ON revision.id = line.revision_id
LEFT JOIN reading ON reading.id = (
    SELECT id FROM reading AS one WHERE one.line_id = line.id
    ORDER BY one.model_id = (SELECT id FROM model WHERE current = 1) DESC,
        one.created DESC, one.id DESC LIMIT 1)
WHERE line.id IN (SELECT value FROM json_each(:line_ids))
"""


def lines_due(store: Store) -> int:
    """Return how many lines wait to be indexed."""
    return int(select(store, "SELECT count(*) AS lines FROM search_due")[0]["lines"])


def index_lines(store: Store, most: int = LINES_AT_ONCE) -> int:
    """Return how many lines were indexed now, at most `most`; 0: none were due."""
    if not select(store, "SELECT 1 FROM search_due LIMIT 1"):  # the common case takes no lock
        return 0
    with write(store) as db:
        rows = select(
            store, "SELECT line_id FROM search_due ORDER BY line_id LIMIT :most", {"most": most}
        )
        due = [Row("search_due", values).integer("line_id") for values in rows]
        line_ids = {"line_ids": json.dumps(due)}
        _index(db, [Row("line", values) for values in select(store, _TEXTS, line_ids)])
        db.execute(
            "DELETE FROM search_due WHERE line_id IN (SELECT value FROM json_each(:line_ids))",
            line_ids,
        )
    return len(due)


def _index(db: Database, rows: Sequence[Row]) -> None:
    """Put the lines into the index as they are now, all at once: many share their words."""
    outdated, indexed = [], []
    for row in rows:
        words = "" if row.integer("gone") else folded_text(row.text("text"))
        known = row.optional_text("words")
        if words == (known or ""):
            continue
        if known is not None:
            outdated.append((row.integer("id"),))
        if words:
            indexed.append((row.integer("id"), words))
    db.conn.executemany("DELETE FROM line_search WHERE rowid = ?", outdated)
    db.conn.executemany("INSERT INTO line_search (rowid, words) VALUES (?, ?)", indexed)
    alike = {word: skeleton_of(word) for _, words in indexed for word in words.split()}
    db.conn.executemany(
        "INSERT OR IGNORE INTO search_word (word, skeleton, reversed) VALUES (?, ?, ?)",
        sorted((word, skeleton, skeleton[::-1]) for word, skeleton in alike.items()),
    )
