"""Where lines stand, as people say it: line 5 on page 3 of a document."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from storage.rows import Row, to_json
from storage.store import Store, select


@dataclass(frozen=True)
class LinePlace:
    """The place of a line; pages and lines are counted from 1, without those that were removed."""

    line_id: int
    number: int
    page_id: int
    page_number: int
    document_id: int
    title: str


def line_places(store: Store, line_ids: Sequence[int]) -> dict[int, LinePlace]:
    """Return by number the places of lines; nothing for lines that are not there."""
    rows = select(
        store,
        """SELECT line.id AS id, page.id AS page_id, document.id AS document_id,
            document.title AS title,
            (SELECT count(*) FROM line AS one WHERE one.page_id = line.page_id
                AND one.replaced IS NULL AND one.removed IS NULL
                AND (one.position, one.id) <= (line.position, line.id)) AS number,
            (SELECT count(*) FROM page AS one WHERE one.document_id = page.document_id
                AND one.removed IS NULL
                AND (one.position, one.id) <= (page.position, page.id)) AS page_number
        FROM line JOIN page ON page.id = line.page_id
        JOIN document ON document.id = page.document_id
        WHERE line.id IN (SELECT value FROM json_each(:line_ids))""",
        {"line_ids": to_json([int(n) for n in line_ids], "The lines")},
    )
    return {place.line_id: place for place in (_from_row(Row("line", row)) for row in rows)}


def _from_row(row: Row) -> LinePlace:
    return LinePlace(
        line_id=row.integer("id"),
        number=row.integer("number"),
        page_id=row.integer("page_id"),
        page_number=row.integer("page_number"),
        document_id=row.integer("document_id"),
        title=row.text("title"),
    )
