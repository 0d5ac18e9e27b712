"""The queue of pages that wait to be read: paused, gone on with, and what has failed in it."""

from __future__ import annotations

from storage.rows import Row
from storage.store import Store, select, write

PAUSED = "reading paused"  # the name of the choice that `take_next_run` looks at


def pause_reading(store: Store) -> None:
    """Let no further page be read, also after a restart; the page in hand is finished."""
    with write(store) as db:
        db.execute(
            "INSERT OR REPLACE INTO choice (name, value) VALUES (?, ?)", (PAUSED, store.now())
        )


def go_on_reading(store: Store) -> None:
    """Let pages be read again."""
    with write(store) as db:
        db.execute("DELETE FROM choice WHERE name = ?", (PAUSED,))


def is_reading_paused(store: Store) -> bool:
    """Say whether somebody paused the queue."""
    return bool(select(store, "SELECT 1 FROM choice WHERE name = :name", {"name": PAUSED}))


def pages_to_read(store: Store) -> int:
    """Return how many pages wait or are being read, of documents that are not in the bin."""
    rows = select(
        store,
        """SELECT count(*) AS pages FROM page JOIN document ON document.id = page.document_id
        WHERE page.state IN ('waiting', 'reading')
        AND page.removed IS NULL AND document.removed IS NULL""",
    )
    return Row("page", {**rows[0], "id": None}).integer("pages")


def failed_pages(store: Store, document_id: int) -> list[int]:
    """Return the pages of a document that could not be read, in their order."""
    rows = select(
        store,
        """SELECT id FROM page WHERE document_id = :id AND state = 'failed' AND removed IS NULL
        ORDER BY position, id""",
        {"id": document_id},
    )
    return [Row("page", values).integer("id") for values in rows]
