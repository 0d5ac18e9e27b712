"""Documents and pages found by what people noted of them: titles, projects, facts, notes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from storage.rows import Row
from storage.search import Part, Question, matching_spans
from storage.store import Store, select

MAX_FOUND = 20  # of each kind; whoever gets more asks more closely
NOTED = ("date", "archive", "shelf_mark", "language", "notes")  # of a document's metadata


@dataclass(frozen=True)
class FoundNote:
    """A document, or a page of it, whose title or note answers. text: what is noted there."""

    document_id: int
    title: str
    page_id: int | None
    text: str


def find_notes(store: Store, parts: Sequence[Part]) -> list[FoundNote]:
    """Return the documents, then the pages, whose notes hold all parts; none for no parts."""
    if not parts:
        return []
    documents = select(
        store, "SELECT * FROM document WHERE removed IS NULL ORDER BY changed DESC, id DESC"
    )
    pages = select(
        store,
        """SELECT page.id AS id, page.document_id AS document_id, document.title AS title,
            page.note AS note FROM page JOIN document ON document.id = page.document_id
        WHERE page.note <> '' AND page.removed IS NULL AND document.removed IS NULL
        ORDER BY page.document_id, page.position, page.id""",
    )
    of_documents = [_document(Row("document", values)) for values in documents]
    of_pages = [_page(Row("page", values)) for values in pages]
    return [
        *[one for one in of_documents if _answers(parts, f"{one.title} {one.text}")][:MAX_FOUND],
        *[one for one in of_pages if _answers(parts, one.text)][:MAX_FOUND],
    ]


def _answers(parts: Sequence[Part], text: str) -> bool:
    return all(matching_spans(Question((part,), {}), text) for part in parts)


def _document(row: Row) -> FoundNote:
    metadata = row.mapping("metadata")
    noted = [row.text("project"), *(str(metadata.get(name, "")) for name in NOTED)]
    text = " · ".join(filter(None, noted))
    return FoundNote(row.integer("id"), row.text("title"), None, text)


def _page(row: Row) -> FoundNote:
    return FoundNote(
        row.integer("document_id"), row.text("title"), row.integer("id"), row.text("note")
    )
