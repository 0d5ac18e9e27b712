"""Pages read once more by the model in use: their lines stay, and what people wrote on them."""

from __future__ import annotations

from collections.abc import Sequence

import storage

KEEP_LINES = {"lines": "keep"}  # settings of a run that reads the lines that are there


def queue_rereading(store: storage.Store, page_ids: Sequence[int]) -> list[int]:
    """Return the pages that will be read again; those that are being read anyway are left out."""
    queued = []
    with storage.write(store):  # all of them, or none
        for page_id in page_ids:
            page = storage.page(store, page_id)
            if page.removed is None and page.state in ("ready", "failed"):
                storage.queue_reading(store, page_id, KEEP_LINES)
                queued.append(page_id)
    return queued


def keeps_lines(store: storage.Store, run: storage.Run, page_id: int) -> bool:
    """Say whether the run shall read the lines that the page has, and it has some."""
    return run.settings.get("lines") == KEEP_LINES["lines"] and bool(
        storage.line_order(store, page_id)
    )


def lines_to_read(
    store: storage.Store, page_id: int, model_id: int, with_language: bool
) -> list[storage.Line]:
    """Return the lines of a page that the model has not read as they are now; none set aside.

    with_language: whether it reads with the language model. What it read otherwise is read again
    where nobody has decided the line; elsewhere the reading stays the one that a person saw.
    """

    def is_due(one: storage.LineText) -> bool:
        if one.line.unread or one.reading is None or one.reading.model_id != model_id:
            return True
        return one.status == "machine" and one.reading.with_language != with_language

    return [
        one.line
        for one in storage.lines_of(store, page_id, model_id)
        if (one.line.kind != storage.ASIDE or one.status != "machine" or one.line.unread)
        and is_due(one)
    ]


def put_readings(
    store: storage.Store,
    run: storage.Run,
    lines: Sequence[storage.Line],
    read: Sequence[storage.NewReading],
    model_id: int,
) -> None:
    """Store what was read and end the run; the earlier readings of other models stay.

    A line whose shape was changed while it was read is left to be read in its new shape.
    """
    with storage.write(store):
        readings = {}
        for line, reading in zip(lines, read, strict=True):
            now = storage.line_text(store, line.id).line
            if (now.baseline, now.spacing_px) == (line.baseline, line.spacing_px):
                readings[line.id] = reading
        storage.add_readings(store, model_id, readings)
        storage.finish_run(store, run.id, {"lines": len(readings), "model_id": model_id})
