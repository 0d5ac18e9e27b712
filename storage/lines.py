"""Lines: where they are on the page, what the machine read, and what is shown for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlite_utils import Database

from storage import revisions
from storage.documents import COUNTED, STATUS_COUNTS, status_counts, touch_document
from storage.errors import NotFound, StorageError
from storage.pages import set_page_state
from storage.records import (
    Line,
    LineCounts,
    LineText,
    NewLine,
    NewReading,
    ReadCharacter,
    Reading,
)
from storage.rows import Row, to_json
from storage.store import Store, select, write
from storage.texts import clean_text

SURE = 0.95  # what else a character may be is not kept above this confidence: nobody asks

# A line with its reading (of the asked model, else the current, else the newest) and revision.
_LINE_TEXTS = """
SELECT line.*,
    reading.id AS r_id, reading.line_id AS r_line_id, reading.model_id AS r_model_id,
    reading.text AS r_text, reading.confidence AS r_confidence,
    reading.characters AS r_characters, reading.alternatives AS r_alternatives,
    reading.crop_width_px AS r_crop_width_px,
    reading.created AS r_created, reading.with_language AS r_with_language,
    revision.id AS v_id, revision.line_id AS v_line_id, revision.text AS v_text,
    revision.status AS v_status, revision.author AS v_author, revision.created AS v_created,
    revision.parent_id AS v_parent_id, revision.undoes_id AS v_undoes_id
FROM line
LEFT JOIN reading ON reading.id = (
    SELECT id FROM reading AS one WHERE one.line_id = line.id
    ORDER BY one.model_id = coalesce(:model_id, (SELECT id FROM model WHERE current = 1)) DESC,
        one.created DESC, one.id DESC LIMIT 1)
LEFT JOIN revision ON revision.id = line.revision_id
"""


def replace_lines(
    store: Store, page_id: int, lines: Sequence[NewLine], model_id: int | None
) -> list[int]:
    """Return the numbers of the new lines of a page, in the order given; the page is ready.

    All earlier lines that nobody has touched are put aside; those with a revision stay, because
    no machine takes away what a person wrote. Whether old and new lines overlap is for the caller.

    model_id: the model that made the readings; None if there are no readings.

    Raises:
        NotFound: there is no such page.
        StorageError: geometry or a reading that cannot be stored; nothing was changed.
    """
    now = store.now()
    rows = [_line_values(line, page_id, number, now) for number, line in enumerate(lines)]
    line_ids: list[int] = []
    with write(store) as db:
        set_page_state(db, page_id, "ready", "", now)
        db.execute(
            """UPDATE line SET replaced = ? WHERE page_id = ? AND revision_id IS NULL
            AND replaced IS NULL AND removed IS NULL""",
            (now, page_id),
        )
        for line, values in zip(lines, rows, strict=True):
            line_id = int(db.table("line").insert(values).last_rowid or 0)
            line_ids.append(line_id)
            if line.reading is not None:
                _put_reading(db, line_id, model_id, line.reading, now)
    return line_ids


def add_readings(store: Store, model_id: int, readings: Mapping[int, NewReading]) -> None:
    """Store what a model read on lines, by the lines' numbers; its earlier readings are replaced.

    Raises:
        NotFound: one of the lines is not there; nothing was stored.
    """
    with write(store) as db:
        now = store.now()
        for line_id, reading in readings.items():
            if db.execute("SELECT 1 FROM line WHERE id = ?", (line_id,)).fetchone() is None:
                raise _not_found(line_id)
            _put_reading(db, line_id, model_id, reading, now)


def lines_of(store: Store, page_id: int, model_id: int | None = None) -> list[LineText]:
    """Return the lines of a page in reading order, with their text.

    model_id: whose readings to prefer; None: those of the current model.
    """
    rows = select(
        store,
        _LINE_TEXTS
        + """WHERE line.page_id = :page_id
        AND line.replaced IS NULL AND line.removed IS NULL ORDER BY line.position, line.id""",
        {"page_id": page_id, "model_id": model_id},
    )
    return [_line_text(values) for values in rows]


def readings_of(store: Store, page_id: int, model_id: int) -> dict[int, Reading]:
    """Return what a model has read on a page, by the lines' numbers; only lines still there."""
    rows = select(
        store,
        """SELECT reading.* FROM reading JOIN line ON line.id = reading.line_id
        WHERE line.page_id = :page_id AND reading.model_id = :model_id
        AND line.replaced IS NULL AND line.removed IS NULL ORDER BY line.position, line.id""",
        {"page_id": page_id, "model_id": model_id},
    )
    readings = [_reading_from_row(Row("reading", values)) for values in rows]
    return {reading.line_id: reading for reading in readings}


def models_of_page(store: Store, page_id: int) -> list[int]:
    """Return the numbers of the models that have read lines of the page, the latest first."""
    rows = select(
        store,
        """SELECT reading.model_id AS id FROM reading JOIN line ON line.id = reading.line_id
        WHERE line.page_id = :page_id AND line.replaced IS NULL AND line.removed IS NULL
        GROUP BY reading.model_id ORDER BY max(reading.created) DESC, max(reading.id) DESC""",
        {"page_id": page_id},
    )
    return [Row("reading", values).integer("id") for values in rows]


def line_order(store: Store, page_id: int, unread: bool = False) -> list[int]:
    """Return the numbers of a page's lines in reading order; only the unread ones if asked for."""
    rows = select(
        store,
        """SELECT id FROM line WHERE page_id = :page_id AND unread >= :unread
        AND replaced IS NULL AND removed IS NULL ORDER BY position, id""",
        {"page_id": page_id, "unread": int(unread)},
    )
    return [Row("line", values).integer("id") for values in rows]


def line_text(store: Store, line_id: int, model_id: int | None = None) -> LineText:
    """Return one line with its text, also one that was put aside or removed.

    Raises:
        NotFound: there is none with this number.
    """
    rows = select(
        store, _LINE_TEXTS + "WHERE line.id = :line_id", {"line_id": line_id, "model_id": model_id}
    )
    if not rows:
        raise _not_found(line_id)
    return _line_text(rows[0])


def line_texts(store: Store, line_ids: Sequence[int]) -> list[LineText]:
    """Return lines of any pages with their texts, in the order asked; none that are not there."""
    rows = select(
        store,
        _LINE_TEXTS + "WHERE line.id IN (SELECT value FROM json_each(:line_ids))",
        {"line_ids": to_json([int(n) for n in line_ids], "The lines"), "model_id": None},
    )
    found = {shown.line.id: shown for shown in map(_line_text, rows)}
    return [found[line_id] for line_id in line_ids if line_id in found]


def line_counts(store: Store, document_id: int | None = None) -> LineCounts:
    """Return how many lines have which status, in one document or in all that are not removed."""
    rows = select(
        store,
        f"""SELECT {STATUS_COUNTS} FROM line JOIN page ON page.id = line.page_id
        JOIN document ON document.id = page.document_id
        WHERE line.replaced IS NULL AND line.removed IS NULL AND page.removed IS NULL
        AND document.removed IS NULL AND :id IN (-1, document.id) AND {COUNTED}""",
        {"id": -1 if document_id is None else document_id},
    )
    return LineCounts(**status_counts(Row("line", rows[0])))


def remove_line(store: Store, line_id: int) -> None:
    """Hide a line that a person does not want; nothing of it is deleted."""
    _set_removed(store, line_id, store.now())


def restore_line(store: Store, line_id: int) -> None:
    """Bring back a line that a person removed."""
    _set_removed(store, line_id, None)


def _set_removed(store: Store, line_id: int, removed: str | None) -> None:
    with write(store) as db:
        row = db.execute(
            "SELECT document_id FROM page JOIN line ON line.page_id = page.id WHERE line.id = ?",
            (line_id,),
        ).fetchone()
        if row is None:
            raise _not_found(line_id)
        db.table("line").update(line_id, {"removed": removed})
        touch_document(db, row[0], store.now())


def _line_values(line: NewLine, page_id: int, position: int, now: str) -> dict[str, Any]:
    if len(line.baseline) < 2:
        raise StorageError(
            f"Line {position + 1} of page {page_id} has a baseline of {len(line.baseline)} "
            "points; it needs at least two. Draw it again."
        )
    what = f"Line {position + 1} of page {page_id}"
    return {
        "page_id": page_id,
        "position": position,
        "baseline": _points_json(line.baseline, what),
        "polygon": _points_json(line.polygon, what),
        "spacing_px": float(line.spacing_px),
        "kind": line.kind,
        "flags": to_json(list(line.flags), what),
        "created": now,
    }


def _points_json(points: Sequence[tuple[float, float]], what: str) -> str:
    # float(): NumPy's numbers are welcome, and JSON knows only Python's.
    return to_json([[float(x), float(y)] for x, y in points], what)


def _put_reading(
    db: Database, line_id: int, model_id: int | None, reading: NewReading, now: str
) -> None:
    if model_id is None:
        raise StorageError(f"Line {line_id} has a reading, but no model is named that made it.")
    characters = [
        # Four and two decimals are far below what anybody sees, and half the size on the disk.
        [
            c.text,
            round(float(c.confidence), 4),
            round(float(c.start_px), 2),
            round(float(c.end_px), 2),
        ]
        for c in reading.characters
    ]
    alternatives = [
        [place, text, round(float(chance), 3)]
        for place, c in enumerate(reading.characters)
        for text, chance in c.others
        if c.confidence < SURE
    ]
    db.execute(
        """INSERT INTO reading
            (line_id, model_id, text, confidence, characters, alternatives, crop_width_px, created,
            with_language)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (line_id, model_id) DO UPDATE SET text = excluded.text,
            confidence = excluded.confidence, characters = excluded.characters,
            alternatives = excluded.alternatives,
            crop_width_px = excluded.crop_width_px, created = excluded.created,
            with_language = excluded.with_language""",
        (
            line_id,
            model_id,
            clean_text(reading.text),
            round(float(reading.confidence), 6),  # a mean of float32 may be 1.0000001
            to_json(characters, f"The reading of line {line_id}"),
            to_json(alternatives, f"The reading of line {line_id}"),
            float(reading.crop_width_px),
            now,
            int(reading.with_language),
        ),
    )
    db.execute("UPDATE line SET unread = 0 WHERE id = ? AND unread = 1", (line_id,))


def _not_found(line_id: int) -> NotFound:
    return NotFound(f"There is no line {line_id}. Reload the page.")


def _line_text(values: Mapping[str, Any]) -> LineText:
    reading = Row("reading", values, "r_")
    revision = Row("revision", values, "v_")
    return LineText(
        line=_line_from_row(Row("line", values)),
        reading=None if values["r_id"] is None else _reading_from_row(reading),
        revision=None if values["v_id"] is None else revisions.from_row(revision),
    )


def _line_from_row(row: Row) -> Line:
    return Line(
        id=row.integer("id"),
        page_id=row.integer("page_id"),
        position=row.integer("position"),
        baseline=row.points("baseline"),
        polygon=row.points("polygon"),
        spacing_px=row.number("spacing_px"),
        kind=row.text("kind"),
        flags=row.texts("flags"),
        created=row.time("created"),
        replaced=row.optional_time("replaced"),
        removed=row.optional_time("removed"),
        reshaped=row.optional_time("reshaped"),
        unread=bool(row.integer("unread")),
    )


def _reading_from_row(row: Row) -> Reading:
    others: dict[float, tuple[tuple[str, float], ...]] = {}
    for place, text, chance in row.records("alternatives", (float, str, float)):
        others[place] = (*others.get(place, ()), (text, chance))
    return Reading(
        id=row.integer("id"),
        line_id=row.integer("line_id"),
        model_id=row.integer("model_id"),
        text=row.text("text"),
        confidence=row.number("confidence"),
        characters=tuple(
            ReadCharacter(text, confidence, start_px, end_px, others.get(place, ()))
            for place, (text, confidence, start_px, end_px) in enumerate(
                row.records("characters", (str, float, float, float))
            )
        ),
        crop_width_px=row.number("crop_width_px"),
        created=row.time("created"),
        with_language=bool(row.integer("with_language")),
    )
