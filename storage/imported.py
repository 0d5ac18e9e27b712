"""Lines and texts that come from a file: put onto their page as a whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlite_utils import Database

from storage import revisions
from storage.layout import change_layout
from storage.layout_log import layout_steps
from storage.lines import add_readings, lines_of, replace_lines
from storage.pages import page, set_page_state
from storage.records import LineEdit, NewLine
from storage.store import Store, write
from storage.texts import clean_label

IMPORTED = "text from a file"  # named where the readings of models are
_NO_WEIGHTS = "0" * 64  # instead of the SHA-256 of a file: nothing can be read with it


def put_imported(
    store: Store,
    page_id: int,
    lines: Sequence[NewLine],
    texts: Mapping[int, tuple[str, str]],
    author: str,
) -> list[int]:
    """Return the numbers of the new lines of a page, in the order given; the page is ready.

    The first lines of a page are simply there. On a page that has lines they take the place of
    all of them, as one change of the layout, which undo takes back.

    lines: in reading order; their readings become those of IMPORTED.
    texts: text and status of what a person wrote, by the place of its line in `lines`.

    Raises:
        NotFound: there is no such page.
        StorageError: geometry or a text that cannot be stored; nothing was changed.
    """
    author = clean_label(author, "The name of the author")
    with write(store) as db:
        set_page_state(db, page_id, "ready", "", store.now())
        has_readings = any(line.reading is not None for line in lines)
        model_id = _imported_model(store, db) if has_readings else None
        present = [shown.line.id for shown in lines_of(store, page_id)]
        known_id = layout_steps(store, page_id).newest_id
        if not present and not known_id:
            line_ids = replace_lines(store, page_id, lines, model_id)
        else:
            line_ids = _exchanged(store, page_id, present, lines, author, known_id)
            readings = zip(line_ids, (line.reading for line in lines), strict=True)
            found = {line_id: reading for line_id, reading in readings if reading is not None}
            if model_id is not None:
                add_readings(store, model_id, found)
        for index, (text, status) in texts.items():
            revisions.append_text(store, db, line_ids[index], text, status, author)
    return line_ids


def is_touched(store: Store, page_id: int) -> bool:
    """Return whether a person has written on a line of the page, or changed its geometry.

    Raises:
        NotFound: there is no such page.
    """
    shown = lines_of(store, page(store, page_id).id)
    return any(one.revision is not None or one.line.reshaped is not None for one in shown)


def _exchanged(
    store: Store,
    page_id: int,
    present: Sequence[int],
    lines: Sequence[NewLine],
    author: str,
    known_id: int,
) -> list[int]:
    """Return the numbers of the lines, put onto the page in place of those that are there."""
    edits = [LineEdit(line_id, removed=True) for line_id in present]
    edits += [
        LineEdit(
            None, line.baseline, line.polygon, line.spacing_px, line.kind, line.flags, position
        )
        for position, line in enumerate(lines)
    ]
    change = change_layout(store, page_id, edits, "import", author, known_id)
    return [line.line_id for line in change.lines if line.before is None] if change else []


def _imported_model(store: Store, db: Database) -> int:
    """Return the number of what stands for the machine that made imported readings.

    A reading needs a model; this one has no weights, and is never listed, as it counts as removed.
    """
    row = db.execute("SELECT id FROM model WHERE sha256 = ?", (_NO_WEIGHTS,)).fetchone()
    if row is not None:
        return int(row[0])
    now = store.now()
    values = {
        "name": IMPORTED,
        "sha256": _NO_WEIGHTS,
        "alphabet": "[]",
        "scores": "{}",
        "facts": "{}",
        "created": now,
        "removed": now,
        "current": 0,
    }
    return int(db.table("model").insert(values).last_rowid or 0)
