"""The lines that training learns from and tests on: what people corrected or confirmed.

And those that nobody has decided yet, which help where a person wishes it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from storage.marks import as_written
from storage.records import ASIDE, STATUSES, TrainingLine
from storage.rows import Row
from storage.store import Store, select

_LINES = """
SELECT line.id, line.page_id, line.position, line.revision_id, line.baseline, line.spacing_px,
    page.document_id, page.position AS page_position, page.held_out, page.sha256, page.suffix,
    coalesce(revision.text, reading.text) AS text, line.status, reading.text AS reading_text,
    reading.confidence AS reading_confidence, reading.model_id AS reading_model_id
FROM line
JOIN page ON page.id = line.page_id
JOIN document ON document.id = page.document_id
LEFT JOIN revision ON revision.id = line.revision_id
LEFT JOIN reading ON reading.id = (
    SELECT id FROM reading AS one WHERE one.line_id = line.id
    ORDER BY one.model_id = (SELECT id FROM model WHERE current = 1) DESC,
        one.created DESC, one.id DESC LIMIT 1)
WHERE line.replaced IS NULL AND line.removed IS NULL
    AND page.removed IS NULL AND document.removed IS NULL
    AND (:document_ids IS NULL
        OR page.document_id IN (SELECT value FROM json_each(:document_ids)))
    AND {asked}
ORDER BY page.document_id, page.position, page.id, line.position, line.id
"""
# The one place that says which decisions of people train.
_TRAINING_LINES = _LINES.format(asked="line.status IN ('corrected', 'confirmed')")
_UNDECIDED_LINES = _LINES.format(
    asked=f"line.status = 'machine' AND line.kind != '{ASIDE}' AND reading.text != ''"
)


def training_lines(store: Store, document_ids: Sequence[int] | None = None) -> list[TrainingLine]:
    """Return the corrected and confirmed lines by document, page and reading order.

    Their text is what stands on the paper: marks of the editor are taken out of it, and lines with
    an illegible place are left out. Also those with an empty text; whether a line is fit to learn
    from is for the caller.

    document_ids: only lines of these; None: of all documents that were not removed.
    """
    wanted = None if document_ids is None else json.dumps([int(number) for number in document_ids])
    rows = select(store, _TRAINING_LINES, {"document_ids": wanted})
    lines = (_from_row(Row("line", values)) for values in rows)
    return [
        replace(line, text=text) for line in lines if (text := as_written(line.text)) is not None
    ]


def undecided_lines(store: Store, document_ids: Sequence[int]) -> list[TrainingLine]:
    """Return the lines that a machine has read and nobody has decided, none of them set aside.

    They stand by document, page and reading order; their text is the reading.

    document_ids: only lines of these.
    """
    wanted = json.dumps([int(number) for number in document_ids])
    rows = select(store, _UNDECIDED_LINES, {"document_ids": wanted})
    return [_from_row(Row("line", values)) for values in rows]


def _from_row(row: Row) -> TrainingLine:
    confidence = row.get("reading_confidence")
    return TrainingLine(
        line_id=row.integer("id"),
        page_id=row.integer("page_id"),
        document_id=row.integer("document_id"),
        page_position=row.integer("page_position"),
        position=row.integer("position"),
        revision_id=row.optional_integer("revision_id"),
        text=row.text("text"),
        status=row.choice("status", STATUSES),
        baseline=row.points("baseline"),
        spacing_px=row.number("spacing_px"),
        held_out=row.optional_flag("held_out"),
        image_sha256=row.text("sha256"),
        image_suffix=row.text("suffix"),
        reading_text=row.optional_text("reading_text"),
        reading_confidence=None if confidence is None else row.number("reading_confidence"),
        reading_model_id=row.optional_integer("reading_model_id"),
    )
