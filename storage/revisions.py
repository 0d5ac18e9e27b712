"""Revisions: what people decided about lines. Append-only; the newest counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlite_utils import Database

from storage.documents import touch_document
from storage.errors import DamagedDatabase, NotFound, RevisionConflict, StorageError
from storage.records import STATUSES, Correction, Revision
from storage.rows import Row
from storage.store import Store, select, write
from storage.texts import clean_label, clean_text


def correct_line(
    store: Store, line_id: int, text: str, status: str, author: str, parent_id: int | None
) -> Revision:
    """Return the new newest revision of a line; when this returns, it is on the disk.

    text: stored as `clean_text` leaves it: NFC, and each tab or line break one space.
    status: "corrected", "confirmed", "doubtful", "ignored", or "machine" to go back to the
        machine's reading.
    parent_id: the newest revision that the author saw, None if there was none. A call that
        repeats the newest revision's text, status and author is taken as a retry after a lost
        answer and returns that revision, whatever its parent.

    Raises:
        RevisionConflict: somebody else has written a newer revision; nothing was stored.
        NotFound: there is no such line.
        StorageError: a text that cannot be stored, or an unknown status.
    """
    if status not in STATUSES:
        raise StorageError(f"Unknown status {status[:80]!r}; use one of {', '.join(STATUSES)}.")
    text = clean_text(text)
    author = clean_label(author, "The name of the author")
    with write(store) as db:
        newest = newest_revision(store, line_id)
        if newest and (newest.text, newest.status, newest.author) == (text, status, author):
            return newest
        _refuse_conflict(line_id, newest, parent_id)
        return _append(store, db, line_id, text, status, author, newest, undoes_id=None)


def undo_line(store: Store, line_id: int, author: str, parent_id: int | None) -> Revision:
    """Return a new revision that takes back the newest one that is still in force.

    Undoing again goes one step further back, at last to the machine's reading, whose status is
    "machine". Nothing is lost: the history keeps every step. A call that repeats the newest undo
    (same parent and author) is taken as a retry after a lost answer and returns that revision.

    Raises:
        RevisionConflict: somebody else has written a newer revision; nothing was stored.
        StorageError: there is nothing to undo.
    """
    author = clean_label(author, "The name of the author")
    with write(store) as db:
        history = {revision.id: revision for revision in revisions_of(store, line_id)}
        newest = history[max(history)] if history else None
        if newest and newest.undoes_id and (newest.parent_id, newest.author) == (parent_id, author):
            return newest
        _refuse_conflict(line_id, newest, parent_id)
        undone = _in_force(history, newest)
        if undone is None:
            raise StorageError(f"Line {line_id} shows the machine's reading: nothing to undo.")
        before = _parent(history, undone)
        if before is not None:
            text, status = before.text, before.status
        else:
            text, status = _machine_text(store, line_id), "machine"
        return _append(store, db, line_id, text, status, author, newest, undone.id)


def take_back_texts(store: Store, texts: Mapping[int, int], author: str) -> list[Revision]:
    """Return new revisions that go back behind the given ones; lines changed since stay.

    texts: number of the revision, by line.
    """
    author = clean_label(author, "The name of the author")
    with write(store) as db:
        found = [
            take_back(store, db, line_id, revision_id, author)
            for line_id, revision_id in texts.items()
        ]
    return [revision for revision in found if revision is not None]


def append_text(
    store: Store,
    db: Database,
    line_id: int,
    text: str,
    status: str,
    author: str,
    step_id: int | None = None,
) -> Revision:
    """Return, inside a transaction, a new newest revision on top of whatever is there.

    step_id: the first revision of the act that it is a part of; None: it is one by itself.
    """
    newest = newest_revision(store, line_id)
    return _append(store, db, line_id, clean_text(text), status, author, newest, None, step_id)


def take_back(
    store: Store,
    db: Database,
    line_id: int,
    revision_id: int,
    author: str,
    step_id: int | None = None,
) -> Revision | None:
    """Return, inside a transaction, a revision that goes back behind `revision_id`.

    step_id: as for `append_text`. None, and nothing is written, where a newer decision is in force:
    what a person wrote stays.
    """
    history = {revision.id: revision for revision in revisions_of(store, line_id)}
    newest = history[max(history)] if history else None
    taken = history.get(revision_id)
    if newest is None or taken is None or _in_force(history, newest) != _in_force(history, taken):
        return None
    before = _parent(history, taken)
    if before is not None:
        text, status = before.text, before.status
    else:
        text, status = _machine_text(store, line_id), "machine"
    return _append(store, db, line_id, text, status, author, newest, revision_id, step_id)


def newest_revision(store: Store, line_id: int) -> Revision | None:
    """Return the revision that counts; None where no person has decided the line."""
    rows = select(
        store,
        "SELECT * FROM revision WHERE line_id = :id ORDER BY id DESC LIMIT 1",
        {"id": line_id},
    )
    return from_row(Row("revision", rows[0])) if rows else None


def revisions_of(store: Store, line_id: int) -> list[Revision]:
    """Return the history of a line, oldest first."""
    rows = select(store, "SELECT * FROM revision WHERE line_id = :id ORDER BY id", {"id": line_id})
    return [from_row(Row("revision", values)) for values in rows]


def corrections_since(store: Store, revision_id: int = 0) -> list[Correction]:
    """Return the corrected and confirmed lines whose newest revision is younger, oldest first.

    Lines, pages and documents that were removed are left out.
    """
    rows = select(
        store,
        """SELECT revision.*, line.page_id, page.document_id FROM revision
        JOIN line ON line.revision_id = revision.id
        JOIN page ON page.id = line.page_id
        JOIN document ON document.id = page.document_id
        WHERE revision.id > :id AND line.status IN ('corrected', 'confirmed')
        AND line.replaced IS NULL AND line.removed IS NULL
        AND page.removed IS NULL AND document.removed IS NULL
        ORDER BY revision.id""",
        {"id": revision_id},
    )
    return [
        Correction(from_row(row), row.integer("page_id"), row.integer("document_id"))
        for row in (Row("revision", values) for values in rows)
    ]


def from_row(row: Row) -> Revision:
    """Return the revision in a row of the database."""
    return Revision(
        id=row.integer("id"),
        line_id=row.integer("line_id"),
        text=row.text("text"),
        status=row.choice("status", STATUSES),
        author=row.text("author"),
        created=row.time("created"),
        parent_id=row.optional_integer("parent_id"),
        undoes_id=row.optional_integer("undoes_id"),
    )


def _refuse_conflict(line_id: int, newest: Revision | None, parent_id: int | None) -> None:
    found = newest.id if newest else None
    if found == parent_id:
        return
    by = f" by {newest.author}" if newest and newest.author else ""
    raise RevisionConflict(
        f"Line {line_id} was changed{by} since it was read (revision {found}, not {parent_id}). "
        "Nothing was saved. Compare both texts and save the right one again.",
        newest,
    )


def _append(
    store: Store,
    db: Database,
    line_id: int,
    text: str,
    status: str,
    author: str,
    newest: Revision | None,
    undoes_id: int | None,
    step_id: int | None = None,
) -> Revision:
    now = store.now()
    row = db.execute(
        "SELECT page.document_id FROM line JOIN page ON page.id = line.page_id WHERE line.id = ?",
        (line_id,),
    ).fetchone()
    if row is None:
        raise NotFound(f"There is no line {line_id}. Reload the page.")
    values: dict[str, Any] = {
        "line_id": line_id,
        "text": text,
        "status": status,
        "author": author,
        "created": now,
        "parent_id": newest.id if newest else None,
        "undoes_id": undoes_id,
        "step_id": step_id,
    }
    revision_id = db.table("revision").insert(values).last_rowid
    # Somebody worked on a line that a new segmentation had just put aside: the person wins.
    db.execute("UPDATE line SET replaced = NULL WHERE id = ?", (line_id,))
    touch_document(db, row[0], now)
    return from_row(Row("revision", {**values, "id": revision_id}))


def _in_force(history: dict[int, Revision], newest: Revision | None) -> Revision | None:
    """Return the revision whose decision is shown: `newest`, or what its undoing went back to."""
    revision = newest
    while revision is not None and revision.undoes_id is not None:
        undone = history.get(revision.undoes_id)
        # Numbers only grow, so each step goes back; a file that says otherwise would loop.
        if undone is None or undone.id >= revision.id:
            raise _broken_history(revision)
        revision = _parent(history, undone)
    return revision


def _parent(history: dict[int, Revision], revision: Revision) -> Revision | None:
    if revision.parent_id is None:
        return None
    parent = history.get(revision.parent_id)
    if parent is None or parent.id >= revision.id:
        raise _broken_history(revision)
    return parent


def _broken_history(revision: Revision) -> DamagedDatabase:
    return DamagedDatabase(
        f"Row {revision.id} of table 'revision' is damaged: it follows a revision that is not "
        f"an earlier one of line {revision.line_id}. Restore the database from a backup."
    )


def _machine_text(store: Store, line_id: int) -> str:
    rows = select(
        store,
        """SELECT reading.* FROM reading JOIN model ON model.id = reading.model_id
        WHERE line_id = :id ORDER BY model.current DESC, reading.created DESC, reading.id DESC
        LIMIT 1""",
        {"id": line_id},
    )
    return Row("reading", rows[0]).text("text") if rows else ""
