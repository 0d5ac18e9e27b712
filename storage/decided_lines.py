"""Lines that people decided, beside what the machine had read there before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from storage.imported import IMPORTED
from storage.rows import Row
from storage.store import Store, select


@dataclass(frozen=True)
class DecidedLine:
    """A line as a person left it. decided: when. status: "corrected" or "confirmed".

    reading, model_id: the latest reading that was there when the person decided; None: there was
    none, or it was read anew since.
    """

    line_id: int
    decided: datetime
    status: str
    text: str
    reading: str | None
    model_id: int | None


def decided_lines(store: Store) -> list[DecidedLine]:
    """Return the corrected and confirmed lines that are still there, in the order of decision.

    Lines whose text came with an imported file are left out: nobody worked on them here.
    """
    rows = select(
        store,
        """SELECT line.id AS id, revision.created AS decided, revision.status AS status,
            revision.text AS text, reading.text AS reading, reading.model_id AS model_id
        FROM line JOIN revision ON revision.id = line.revision_id
        JOIN page ON page.id = line.page_id JOIN document ON document.id = page.document_id
        LEFT JOIN reading ON reading.id = (SELECT id FROM reading AS one
            WHERE one.line_id = line.id AND one.created <= revision.created
            ORDER BY one.created DESC, one.id DESC LIMIT 1)
        LEFT JOIN model ON model.id = reading.model_id
        WHERE line.status IN ('corrected', 'confirmed')
        AND line.replaced IS NULL AND line.removed IS NULL
        AND page.removed IS NULL AND document.removed IS NULL
        AND (model.id IS NULL OR model.name <> :imported)
        ORDER BY revision.id""",
        {"imported": IMPORTED},
    )
    return [_from_row(Row("line", values)) for values in rows]


def _from_row(row: Row) -> DecidedLine:
    return DecidedLine(
        line_id=row.integer("id"),
        decided=row.time("decided"),
        status=row.text("status"),
        text=row.text("text"),
        reading=row.optional_text("reading"),
        model_id=row.optional_integer("model_id"),
    )
