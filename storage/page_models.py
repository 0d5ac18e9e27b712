"""Which models the text on pages comes from, and what another model had read there before."""

from __future__ import annotations

from dataclasses import dataclass

from storage.documents import COUNTED
from storage.records import STATUSES
from storage.rows import Row
from storage.store import Store, select

# The reading that is shown: of the model in use, else the latest.
_SHOWN = """(SELECT id FROM reading AS one WHERE one.line_id = line.id
    ORDER BY one.model_id = (SELECT id FROM model WHERE current = 1) DESC,
        one.created DESC, one.id DESC LIMIT 1)"""
_THERE = f"""{COUNTED} AND line.replaced IS NULL AND line.removed IS NULL AND page.removed IS NULL
    AND (:page_id IS NULL OR page.id = :page_id)
    AND (:document_id IS NULL OR page.document_id = :document_id)"""


@dataclass(frozen=True)
class ReadingPair:
    """What is shown as the machine's reading of a line, and what another model had read before.

    text, status: of the line as people left it; status "machine" means that nobody decided it.
    """

    line_id: int
    page_id: int
    model_id: int
    reading: str
    before_model_id: int
    before: str
    text: str
    status: str


@dataclass(frozen=True)
class DocumentRead:
    """How many pages and lines of a document a model has read."""

    document_id: int
    title: str
    pages: int
    lines: int


def shown_models(
    store: Store, document_id: int | None = None, page_id: int | None = None
) -> dict[int, dict[int | None, int]]:
    """Return by page how many of its lines are shown as which model read them; None: unread ones.

    document_id, page_id: only pages of this document, or only this page.
    """
    rows = select(
        store,
        f"""SELECT page.id AS id, reading.model_id AS model_id, count(*) AS lines
        FROM page JOIN line ON line.page_id = page.id
        LEFT JOIN reading ON reading.id = {_SHOWN}
        WHERE {_THERE} GROUP BY page.id, reading.model_id""",
        {"document_id": document_id, "page_id": page_id},
    )
    found: dict[int, dict[int | None, int]] = {}
    for row in (Row("reading", values) for values in rows):
        of_page = found.setdefault(row.integer("id"), {})
        of_page[row.optional_integer("model_id")] = row.integer("lines")
    return found


def pages_read_otherwise(
    store: Store,
    with_language: bool,
    document_id: int | None = None,
    page_id: int | None = None,
) -> set[int]:
    """Return the pages with lines that nobody decided and that are to be read in another way.

    They were read by the model in use, but with the language model, or without it, unlike
    `with_language`.
    """
    rows = select(
        store,
        f"""SELECT DISTINCT page.id AS id FROM page JOIN line ON line.page_id = page.id
        JOIN reading ON reading.line_id = line.id
            AND reading.model_id = (SELECT id FROM model WHERE current = 1)
        WHERE {_THERE} AND line.status = 'machine' AND reading.with_language <> :with_language""",
        {
            "document_id": document_id,
            "page_id": page_id,
            "with_language": int(with_language),
        },
    )
    return {Row("page", values).integer("id") for values in rows}


def compared_pages(
    store: Store, document_id: int | None = None, page_id: int | None = None
) -> set[int]:
    """Return the pages with a line that more than one model has read."""
    rows = select(
        store,
        f"""SELECT page.id AS id FROM page JOIN line ON line.page_id = page.id
        JOIN reading ON reading.line_id = line.id
        WHERE {_THERE} GROUP BY page.id HAVING count(*) > count(DISTINCT line.id)""",
        {"document_id": document_id, "page_id": page_id},
    )
    return {Row("page", values).integer("id") for values in rows}


def documents_read_by(store: Store, model_id: int) -> list[DocumentRead]:
    """Return the documents with lines that a model has read, those touched last first."""
    rows = select(
        store,
        """SELECT document.id AS id, document.title AS title,
            count(DISTINCT page.id) AS pages, count(*) AS lines
        FROM reading JOIN line ON line.id = reading.line_id JOIN page ON page.id = line.page_id
        JOIN document ON document.id = page.document_id
        WHERE reading.model_id = :model_id AND line.replaced IS NULL AND line.removed IS NULL
        AND page.removed IS NULL AND document.removed IS NULL
        GROUP BY document.id ORDER BY document.changed DESC, document.id DESC""",
        {"model_id": model_id},
    )
    return [
        DocumentRead(
            row.integer("id"), row.text("title"), row.integer("pages"), row.integer("lines")
        )
        for row in (Row("document", values) for values in rows)
    ]


def reading_pairs(
    store: Store, document_id: int | None = None, page_id: int | None = None
) -> list[ReadingPair]:
    """Return the lines that more than one model has read, by page and reading order.

    The reading before is the latest one of a model other than the one that is shown.
    """
    rows = select(
        store,
        f"""SELECT line.id AS id, page.id AS page_id, line.status AS status,
            now.model_id AS model_id, now.text AS reading,
            before.model_id AS before_model_id, before.text AS before, revision.text AS text
        FROM page JOIN line ON line.page_id = page.id
        JOIN reading AS now ON now.id = {_SHOWN}
        JOIN reading AS before ON before.id = (SELECT id FROM reading AS other
            WHERE other.line_id = line.id AND other.model_id <> now.model_id
            ORDER BY other.created DESC, other.id DESC LIMIT 1)
        LEFT JOIN revision ON revision.id = line.revision_id
        WHERE {_THERE} ORDER BY page.position, page.id, line.position, line.id""",
        {"document_id": document_id, "page_id": page_id},
    )
    return [_pair(Row("line", values)) for values in rows]


def _pair(row: Row) -> ReadingPair:
    status = row.choice("status", STATUSES)
    reading = row.text("reading")
    return ReadingPair(
        line_id=row.integer("id"),
        page_id=row.integer("page_id"),
        model_id=row.integer("model_id"),
        reading=reading,
        before_model_id=row.integer("before_model_id"),
        before=row.text("before"),
        text=reading if status == "machine" else row.text("text"),
        status=status,
    )
