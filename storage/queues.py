"""Queues: the lines of a document in the order in which somebody wants to work on them."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from storage.documents import COUNTED
from storage.errors import StorageError
from storage.page_models import reading_pairs
from storage.records import STATUSES
from storage.rows import Row, to_json
from storage.store import Store, select, write

QUEUES = ("order", "doubtful", "unseen", "contains", "disagree")


@dataclass(frozen=True)
class QueueLine:
    """A line that waits, and where it is.

    confidence: of the machine, 0-1; None: it read nothing. seen: somebody has had it before him.
    """

    line_id: int
    page_id: int
    text: str
    status: str
    confidence: float | None
    seen: bool


def work_queue(store: Store, document_id: int, kind: str, word: str = "") -> list[QueueLine]:
    """Return the lines of a document that a queue holds, in its order.

    kind: "order": undecided lines in reading order. "doubtful": undecided ones and those a person
    calls doubtful, the least confident first. "unseen": undecided ones that nobody has had before
    him. "contains": all lines with `word` in their text, be it a character, a part of a word or
    more, upper and lower case alike. "disagree": undecided ones that two models read differently.

    Raises:
        StorageError: there is no such queue, or it lacks its word.
    """
    if kind not in QUEUES:
        raise StorageError(f"There is no queue {kind[:40]!r}; choose one of {', '.join(QUEUES)}.")
    lines = _lines(store, document_id)
    undecided = [line for line in lines if line.status == "machine"]
    if kind == "order":
        return undecided
    if kind == "unseen":
        return [line for line in undecided if not line.seen]
    if kind == "doubtful":
        open_lines = [line for line in lines if line.status in ("machine", "doubtful")]
        return sorted(open_lines, key=lambda line: line.confidence or 0.0)
    if kind == "disagree":
        pairs = reading_pairs(store, document_id)
        differing = {pair.line_id for pair in pairs if pair.reading != pair.before}
        return [line for line in undecided if line.line_id in differing]
    wanted = unicodedata.normalize("NFC", word).casefold()
    if not wanted:
        raise StorageError("Type the character or word that the lines shall contain.")
    return [line for line in lines if wanted in line.text.casefold()]


def mark_seen(store: Store, line_ids: Sequence[int]) -> None:
    """Note that a person has had these lines before him; the first time counts."""
    with write(store) as db:
        db.execute(
            """UPDATE line SET seen = ? WHERE seen IS NULL
            AND id IN (SELECT value FROM json_each(?))""",
            (store.now(), to_json([int(line_id) for line_id in line_ids], "The list of lines")),
        )


def _lines(store: Store, document_id: int) -> list[QueueLine]:
    rows = select(
        store,
        f"""SELECT line.id AS id, page.id AS page_id, line.status AS status, line.seen AS seen,
            reading.text AS read_text, reading.confidence AS confidence, revision.text AS own_text
        FROM page JOIN line ON line.page_id = page.id
        LEFT JOIN revision ON revision.id = line.revision_id
        LEFT JOIN reading ON reading.id = (SELECT id FROM reading AS one
            WHERE one.line_id = line.id
            ORDER BY one.model_id = (SELECT id FROM model WHERE current = 1) DESC,
                one.created DESC, one.id DESC LIMIT 1)
        WHERE page.document_id = :document AND page.removed IS NULL AND {COUNTED}
        AND line.replaced IS NULL AND line.removed IS NULL
        ORDER BY page.position, page.id, line.position, line.id""",
        {"document": document_id},
    )
    return [_queue_line(Row("line", values)) for values in rows]


def _queue_line(row: Row) -> QueueLine:
    status = row.choice("status", STATUSES)
    read = row.optional_text("read_text")
    own = row.optional_text("own_text")
    return QueueLine(
        line_id=row.integer("id"),
        page_id=row.integer("page_id"),
        text=(own if status != "machine" or read is None else read) or "",
        status=status,
        confidence=None if row.get("confidence") is None else row.number("confidence"),
        seen=row.optional_text("seen") is not None,
    )
