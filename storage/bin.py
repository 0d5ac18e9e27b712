"""The bin: documents and pages that people removed; all of them can come back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from storage.rows import Row
from storage.store import Store, select

MAX_LISTED = 500  # of each kind, the latest first


@dataclass(frozen=True)
class Binned:
    """A document or a page in the bin; `written` counts its lines that people worked on.

    document_id, title: of the page's document, or of the document itself. page_id: None for a
    document; then `pages` says how many it has.
    """

    document_id: int
    title: str
    page_id: int | None
    name: str
    removed: datetime
    pages: int
    written: int


def binned(store: Store) -> list[Binned]:
    """Return what is in the bin, the latest first; pages of removed documents come with these."""
    documents = select(
        store,
        """SELECT document.id AS id, document.id AS document_id, document.title AS title,
            NULL AS page_id, '' AS name, document.removed AS removed,
            (SELECT count(*) FROM page
                WHERE document_id = document.id AND page.removed IS NULL) AS pages,
            (SELECT count(*) FROM page JOIN line ON line.page_id = page.id
                WHERE document_id = document.id AND line.revision_id IS NOT NULL) AS written
        FROM document WHERE removed IS NOT NULL ORDER BY removed DESC, id DESC LIMIT :most""",
        {"most": MAX_LISTED},
    )
    pages = select(
        store,
        """SELECT page.id AS id, page.document_id AS document_id, document.title AS title,
            page.id AS page_id, page.name AS name, page.removed AS removed, 1 AS pages,
            (SELECT count(*) FROM line WHERE page_id = page.id
                AND revision_id IS NOT NULL) AS written
        FROM page JOIN document ON document.id = page.document_id
        WHERE page.removed IS NOT NULL AND document.removed IS NULL
        ORDER BY page.removed DESC, page.id DESC LIMIT :most""",
        {"most": MAX_LISTED},
    )
    found = [_from_row(Row("page", values)) for values in [*documents, *pages]]
    return sorted(found, key=lambda one: one.removed, reverse=True)


def binned_count(store: Store) -> int:
    """Return how many documents and pages are in the bin."""
    rows = select(
        store,
        """SELECT (SELECT count(*) FROM document WHERE removed IS NOT NULL)
            + (SELECT count(*) FROM page JOIN document ON document.id = page.document_id
                WHERE page.removed IS NOT NULL AND document.removed IS NULL) AS things""",
    )
    return Row("page", {**rows[0], "id": None}).integer("things")


def _from_row(row: Row) -> Binned:
    return Binned(
        document_id=row.integer("document_id"),
        title=row.text("title"),
        page_id=row.optional_integer("page_id"),
        name=row.text("name"),
        removed=row.time("removed"),
        pages=row.integer("pages"),
        written=row.integer("written"),
    )
