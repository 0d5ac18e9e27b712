"""Documents: groups of pages, and the list of them with its counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlite_utils import Database

from storage.errors import NotFound, StorageError
from storage.records import ASIDE, Document, DocumentSummary
from storage.rows import Row, to_json
from storage.store import Store, select, write
from storage.texts import clean_label

# A line set aside counts as soon as a person has written or decided its text.
COUNTED = f"(line.kind != '{ASIDE}' OR line.status != 'machine')"

# Lines by status, for any query that joins the table `line`; used for pages as well.
STATUS_COUNTS = """
    count(line.id) AS lines,
    coalesce(sum(line.status = 'machine'), 0) AS machine,
    coalesce(sum(line.status = 'corrected'), 0) AS corrected,
    coalesce(sum(line.status = 'confirmed'), 0) AS confirmed,
    coalesce(sum(line.status = 'doubtful'), 0) AS doubtful,
    coalesce(sum(line.status = 'ignored'), 0) AS ignored
"""

_SUMMARIES = f"""
WITH of_pages AS (
    SELECT document_id, count(*) AS pages,
        sum(state IN ('waiting', 'reading')) AS pages_waiting,
        sum(state = 'failed') AS pages_failed
    FROM page WHERE removed IS NULL GROUP BY document_id
), of_status AS (
    SELECT page_id, status, count(*) AS number FROM line
    WHERE replaced IS NULL AND removed IS NULL AND {COUNTED} GROUP BY page_id, status
), of_lines AS (
    SELECT document_id, sum(number) AS lines,
        sum(number * (status = 'machine')) AS machine,
        sum(number * (status = 'corrected')) AS corrected,
        sum(number * (status = 'confirmed')) AS confirmed,
        sum(number * (status = 'doubtful')) AS doubtful,
        sum(number * (status = 'ignored')) AS ignored
    FROM of_status JOIN page ON page.id = of_status.page_id
    WHERE page.removed IS NULL GROUP BY document_id
)
SELECT document.*,
    coalesce(pages, 0) AS pages, coalesce(pages_waiting, 0) AS pages_waiting,
    coalesce(pages_failed, 0) AS pages_failed, coalesce(lines, 0) AS lines,
    coalesce(machine, 0) AS machine, coalesce(corrected, 0) AS corrected,
    coalesce(confirmed, 0) AS confirmed, coalesce(doubtful, 0) AS doubtful,
    coalesce(ignored, 0) AS ignored,
    (SELECT id FROM page WHERE document_id = document.id AND removed IS NULL
        ORDER BY position, id LIMIT 1) AS cover_page_id
FROM document
LEFT JOIN of_pages ON of_pages.document_id = document.id
LEFT JOIN of_lines ON of_lines.document_id = document.id
WHERE document.removed IS NULL
ORDER BY document.changed DESC, document.id DESC
"""


def add_document(
    store: Store, title: str, project: str = "", metadata: Mapping[str, Any] | None = None
) -> Document:
    """Return a new document without pages.

    Raises:
        StorageError: an empty or overlong title, or metadata that JSON cannot say.
    """
    now = store.now()
    values = {
        "title": _clean_title(title),
        "project": clean_label(project, "The name of the project"),
        "metadata": to_json(dict(metadata or {}), "The document's metadata"),
        "created": now,
        "changed": now,
    }
    with write(store) as db:
        document_id = db.table("document").insert(values).last_rowid
    return document(store, int(document_id or 0))


def documents(store: Store) -> list[DocumentSummary]:
    """Return all documents that were not removed, with their counts, last changed first."""
    summaries = []
    for values in select(store, _SUMMARIES):
        row = Row("document", values)
        summaries.append(
            DocumentSummary(
                document=_from_row(row),
                pages=row.integer("pages"),
                pages_waiting=row.integer("pages_waiting"),
                pages_failed=row.integer("pages_failed"),
                cover_page_id=row.optional_integer("cover_page_id"),
                **status_counts(row),
            )
        )
    return summaries


def document(store: Store, document_id: int) -> Document:
    """Return a document, removed or not.

    Raises:
        NotFound: there is none with this number.
    """
    rows = select(store, "SELECT * FROM document WHERE id = :id", {"id": document_id})
    if not rows:
        raise _not_found(document_id)
    return _from_row(Row("document", rows[0]))


def rename_document(store: Store, document_id: int, title: str) -> Document:
    """Return the document with its new title.

    Raises:
        NotFound: there is none with this number.
        StorageError: an empty or overlong title.
    """
    return _change(store, document_id, {"title": _clean_title(title)})


def remove_document(store: Store, document_id: int) -> Document:
    """Return the document, now hidden from the list; nothing of it is deleted."""
    return _change(store, document_id, {"removed": store.now()})


def restore_document(store: Store, document_id: int) -> Document:
    """Return the document, back in the list."""
    return _change(store, document_id, {"removed": None})


def touch_document(db: Database, document_id: int, now: str) -> None:
    """Note inside a transaction that something in the document has changed.

    Raises:
        NotFound: there is no such document.
    """
    changed = db.execute("UPDATE document SET changed = ? WHERE id = ?", (now, document_id))
    if changed.rowcount == 0:
        raise _not_found(document_id)


def status_counts(row: Row) -> dict[str, int]:
    """Return what STATUS_COUNTS selected, by the names of the fields of LineCounts."""
    names = ("lines", "machine", "corrected", "confirmed", "doubtful", "ignored")
    return {name: row.integer(name) for name in names}


def _change(store: Store, document_id: int, values: dict[str, Any]) -> Document:
    with write(store) as db:
        touch_document(db, document_id, store.now())
        db.table("document").update(document_id, values)
    return document(store, document_id)


def _clean_title(title: str) -> str:
    cleaned = clean_label(title, "The title of the document")
    if not cleaned:
        raise StorageError("The document has no title. Give it one, such as the name of its box.")
    return cleaned


def _not_found(document_id: int) -> NotFound:
    return NotFound(f"There is no document {document_id}. Go back to the library and reload it.")


def _from_row(row: Row) -> Document:
    return Document(
        id=row.integer("id"),
        project=row.text("project"),
        title=row.text("title"),
        metadata=row.mapping("metadata"),
        created=row.time("created"),
        changed=row.time("changed"),
        removed=row.optional_time("removed"),
    )
