"""Layout: each change to the lines of a page, append-only; undo and redo append as well.

A line that is deleted is only hidden, so that it comes back as itself, with its readings and
revisions. Nothing that was done is ever out of reach: a change made after an undo comes on top of
that undo, which can then be undone like any other change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlite_utils import Database

from storage import layout_log, revisions
from storage.documents import touch_document
from storage.errors import LayoutConflict, NotFound, StorageError
from storage.line_state import put_edit, put_state
from storage.records import LAYOUT_CHANGES, LayoutChange, LineChange, LineEdit
from storage.rows import Row, to_json
from storage.store import Store, select, write
from storage.texts import clean_label

MAX_LINES = 10_000  # of one change; a page of a ledger has some hundreds
MAX_TOKEN_CHARACTERS = 100

_MADE_BY_MACHINE = "segment"
_AS_FOUND = (_MADE_BY_MACHINE, "import")  # geometry that no person here has drawn


def change_layout(
    store: Store,
    page_id: int,
    edits: Sequence[LineEdit],
    what: str,
    author: str,
    known_id: int,
    texts: Mapping[int, tuple[str, str]] | None = None,
    token: str = "",
) -> LayoutChange | None:
    """Return the change as it was stored; None where the lines are like that already.

    Its `lines` are in the order of `edits`, without those that change nothing.

    what: one of LAYOUT_CHANGES.
    known_id: number of the last change that the author saw, 0 if there was none.
    texts: text and status of revisions to write with it, by line; undo takes them back as well.
    token: a name that the caller gave to this very change: the same one again is taken as a retry
        after a lost answer.

    Raises:
        LayoutConflict: somebody else has changed the lines since; nothing was stored.
        NotFound: a line is not on this page. StorageError: geometry that cannot be stored.
    """
    _check_request(edits, what, token)
    author = clean_label(author, "The name of the author")
    with write(store) as db:
        repeated = known_layout(store, page_id, known_id, token)
        if repeated is not None:
            return repeated
        now = store.now()
        by_hand = what not in _AS_FOUND
        found = [put_edit(store, db, page_id, edit, now, by_hand) for edit in edits]
        changes = [change for change in found if change is not None]
        if not changes:
            return None
        written = []
        for line_id, (text, status) in (texts or {}).items():
            revision = revisions.append_text(store, db, line_id, text, status, author)
            written.append((line_id, revision.id))
        return _append(store, db, page_id, what, changes, written, author, token)


def known_layout(store: Store, page_id: int, known_id: int, token: str) -> LayoutChange | None:
    """Return the change that bears the token, if it was made already; else None.

    To be asked before a change is worked out, since a stale page would give senseless reasons.

    Raises:
        LayoutConflict: see `change_layout`.
    """
    repeated = _by_token(store, page_id, token)
    if repeated is None:
        _refuse_conflict(store, page_id, known_id)
    return repeated


def undo_layout(
    store: Store, page_id: int, author: str, known_id: int, token: str = ""
) -> LayoutChange:
    """Return a new change that takes back the newest one that is in force.

    Undoing a new segmentation leaves alone what people have written on its lines since.

    Raises:
        LayoutConflict: see `change_layout`. StorageError: there is nothing to undo.
    """
    author = clean_label(author, "The name of the author")
    with write(store) as db:
        repeated = known_layout(store, page_id, known_id, token)
        if repeated is not None:
            return repeated
        done, _ = layout_log.stacks(store, page_id)
        if not done:
            raise StorageError(f"Page {page_id} has no change of its lines to undo.")
        return _invert(store, db, done[-1], author, token, undoes_id=done[-1])


def redo_layout(
    store: Store, page_id: int, author: str, known_id: int, token: str = ""
) -> LayoutChange:
    """Return a new change that does again what was undone last.

    Raises:
        LayoutConflict: see `change_layout`. StorageError: there is nothing to redo.
    """
    author = clean_label(author, "The name of the author")
    with write(store) as db:
        repeated = known_layout(store, page_id, known_id, token)
        if repeated is not None:
            return repeated
        _, undone = layout_log.stacks(store, page_id)
        if not undone:
            raise StorageError(f"Page {page_id} has no change of its lines to redo.")
        original_id, undo_id = undone[-1]
        return _invert(store, db, undo_id, author, token, redoes_id=original_id)


def _check_request(edits: Sequence[LineEdit], what: str, token: str) -> None:
    if what not in LAYOUT_CHANGES:
        raise StorageError(
            f"Unknown change of lines {what[:80]!r}; use one of {', '.join(LAYOUT_CHANGES)}."
        )
    if len(edits) > MAX_LINES:
        raise StorageError(
            f"{len(edits):,} lines cannot be changed at once; the limit is {MAX_LINES:,}."
        )
    if len(token) > MAX_TOKEN_CHARACTERS:
        raise StorageError(f"The change's token has more than {MAX_TOKEN_CHARACTERS} characters.")
    line_ids = [edit.line_id for edit in edits if edit.line_id is not None]
    if len(set(line_ids)) != len(line_ids):
        raise StorageError("A line is named twice in one change. Reload the page.")


def _refuse_conflict(store: Store, page_id: int, known_id: int) -> None:
    rows = select(
        store,
        "SELECT * FROM layout_change WHERE page_id = :id ORDER BY id DESC LIMIT 1",
        {"id": page_id},
    )
    newest = layout_log.from_row(Row("layout_change", rows[0])) if rows else None
    found = newest.id if newest else 0
    if found == known_id:
        return
    by = f" by {newest.author}" if newest and newest.author else ""
    raise LayoutConflict(
        f"The lines of page {page_id} were changed{by} since they were read (change {found}, not "
        f"{known_id}). Nothing was saved. Look at the page as it is now and do it again.",
        newest,
    )


def _by_token(store: Store, page_id: int, token: str) -> LayoutChange | None:
    if not token:
        return None
    rows = select(
        store,
        "SELECT * FROM layout_change WHERE page_id = :id AND token = :token AND token != ''",
        {"id": page_id, "token": token},
    )
    return layout_log.from_row(Row("layout_change", rows[0])) if rows else None


def _invert(
    store: Store,
    db: Database,
    change_id: int,
    author: str,
    token: str,
    undoes_id: int | None = None,
    redoes_id: int | None = None,
) -> LayoutChange:
    """Return a new change that puts back what `change_id` had changed, lines and texts."""
    change = layout_log.layout_change(store, change_id)
    now = store.now()
    changes = []
    for line in reversed(change.lines):
        wanted = {"removed": True} if line.before is None else dict(line.before)
        if change.what == _MADE_BY_MACHINE and _has_revision(store, line.line_id):
            # Somebody has worked on this line: a machine's change of mind cannot hide it.
            wanted = {name: value for name, value in wanted.items() if value is not True}
        put = put_state(store, db, change.page_id, line.line_id, wanted, now)
        changes += [put] if put is not None else []
    written = []
    for line_id, revision_id in change.revisions:
        revision = revisions.take_back(store, db, line_id, revision_id, author)
        written += [(line_id, revision.id)] if revision is not None else []
    return _append(
        store, db, change.page_id, change.what, changes, written, author, token, undoes_id,
        redoes_id,
    )  # fmt: skip


def _has_revision(store: Store, line_id: int) -> bool:
    rows = select(store, "SELECT revision_id FROM line WHERE id = :id", {"id": line_id})
    return bool(rows) and rows[0]["revision_id"] is not None


def _append(
    store: Store,
    db: Database,
    page_id: int,
    what: str,
    changes: Sequence[LineChange],
    written: Sequence[tuple[int, int]],
    author: str,
    token: str,
    undoes_id: int | None = None,
    redoes_id: int | None = None,
) -> LayoutChange:
    """Return the change, written into the history inside a transaction."""
    now = store.now()
    page = db.execute("SELECT document_id FROM page WHERE id = ?", (page_id,)).fetchone()
    if page is None:
        raise NotFound(f"There is no page {page_id}. Go back to its document and reload it.")
    touch_document(db, page[0], now)
    lines = [[change.line_id, change.before, change.after] for change in changes]
    values = {
        "page_id": page_id,
        "what": what,
        "lines": to_json(lines, f"The change of page {page_id}"),
        "revisions": to_json([list(pair) for pair in written], "The revisions of a change"),
        "author": author,
        "created": now,
        "undoes_id": undoes_id,
        "redoes_id": redoes_id,
        "token": token,
    }
    change_id = db.table("layout_change").insert(values).last_rowid
    return layout_log.from_row(Row("layout_change", {**values, "id": change_id}))
