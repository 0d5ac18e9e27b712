"""Pages turned and cropped: the lines follow, the image as it came is kept, and undo is exact.

What people did to the lines before cannot be undone by steps any more, since it was done on another
image; undoing the turn brings the page back as it was. What an imported file says of regions and
words is about the image that it came with, and comes back with that.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from storage.documents import touch_document
from storage.errors import StorageError
from storage.pages import keep_image, page
from storage.records import Page, Point
from storage.rows import Row, to_json
from storage.store import Store, select, write
from storage.texts import clean_label

Move = Callable[[Point], Point]


@dataclass(frozen=True)
class PageTurn:
    """How the image of a page comes from the one before: turned first, then cut out.

    quarters: quarter turns clockwise, 0-3. left_px, top_px: of the part cut out, in the turned
    image. width_px, height_px: of the new image.
    """

    quarters: int
    left_px: int
    top_px: int
    width_px: int
    height_px: int


def turn_page(
    store: Store,
    known: Page,
    turn: PageTurn,
    image: bytes,
    suffix: str,
    thumbnail: bytes,
    author: str,
) -> Page:
    """Return the page with its new image; its lines are where their ink is.

    known: the page whose image was turned. Lines that nobody has touched and that the cut leaves
    outside are hidden; they come back by `undo_turn`.

    Raises:
        StorageError: the page is being read, has another image by now, or the cut would leave out
            a line that a person has worked on; nothing was changed.
        NotFound: there is no such page.
    """
    author = clean_label(author, "The name of the author")
    sha256 = keep_image(store, image, suffix, thumbnail)
    with write(store) as db:
        before = page(store, known.id)
        _refuse(before, known)
        keep_image(store, image, suffix, thumbnail)  # unless a sweep of unused files came between
        move = _forward(turn, before)
        hidden = _move_lines(store, db, before.id, move, (turn.width_px, turn.height_px))
        now = store.now()
        db.table("page_turn").insert(
            {
                "page_id": before.id,
                "turn": to_json(_turn_values(turn), "The turn of a page"),
                "hidden": to_json(hidden, "The lines that a turn hides"),
                "sha256": before.sha256,
                "suffix": before.suffix,
                "width_px": before.width_px,
                "height_px": before.height_px,
                "author": author,
                "created": now,
                "origin": _taken_origin(store, db, before.id),
            }
        )
        _put_image(db, before, (sha256, suffix, turn.width_px, turn.height_px), author, now)
    return page(store, known.id)


def undo_turn(store: Store, page_id: int, author: str) -> Page:
    """Return the page with the image that it had before its last turn, the lines going back too.

    Raises:
        StorageError: the page is being read, or was not turned. NotFound: there is no such page.
    """
    author = clean_label(author, "The name of the author")
    with write(store) as db:
        after = page(store, page_id)
        _refuse(after, after)
        rows = select(
            store,
            """SELECT * FROM page_turn WHERE page_id = :id AND undone IS NULL
            ORDER BY id DESC LIMIT 1""",
            {"id": page_id},
        )
        if not rows:
            raise StorageError(f"Page {page_id} has the image that it came with: nothing to undo.")
        row = Row("page_turn", rows[0])
        size = row.integer("width_px"), row.integer("height_px")
        back = _backward(_turn_of(row), *size)
        now = store.now()
        _move_lines(store, db, page_id, back, None)
        for line_id in row.json("hidden", "a JSON list of lines"):
            db.execute("UPDATE line SET removed = NULL WHERE id = ?", (line_id,))
        db.execute("UPDATE page_turn SET undone = ? WHERE id = ?", (now, row.integer("id")))
        if row.get("origin") is not None:
            db.execute(
                "INSERT OR REPLACE INTO page_origin (page_id, origin, created) VALUES (?, ?, ?)",
                (page_id, row.get("origin"), now),
            )
        _put_image(db, after, (row.text("sha256"), row.text("suffix"), *size), author, now)
    return page(store, page_id)


def is_turned(store: Store, page_id: int) -> bool:
    """Say whether the page's image is another one than the page came with."""
    return bool(
        select(
            store,
            "SELECT 1 FROM page_turn WHERE page_id = :id AND undone IS NULL LIMIT 1",
            {"id": page_id},
        )
    )


def _refuse(found: Page, known: Page) -> None:
    if found.state == "reading":
        raise StorageError(
            f"Page {found.id} is being read just now. Turn or cut it in a moment, when it is read."
        )
    if found.sha256 != known.sha256:
        raise StorageError(
            f"Page {found.id} has another image by now. Reload the document, then turn or cut it."
        )


def _taken_origin(store: Store, db: Database, page_id: int) -> bytes | None:
    """Return what an imported file says of the page, taken away from it: places on its image."""
    rows = select(store, "SELECT origin FROM page_origin WHERE page_id = :id", {"id": page_id})
    db.execute("DELETE FROM page_origin WHERE page_id = ?", (page_id,))
    return rows[0]["origin"] if rows else None


def _move_lines(
    store: Store, db: Database, page_id: int, move: Move, size_px: tuple[int, int] | None
) -> list[int]:
    """Return the lines that are hidden now; all lines of the page, also hidden ones, were moved.

    size_px: of the new image; lines whose middle lies outside are hidden. None: none are.
    """
    hidden = []
    rows = select(
        store, "SELECT * FROM line WHERE page_id = :id ORDER BY position, id", {"id": page_id}
    )
    number = 0
    for row in (Row("line", values) for values in rows):
        shown = row.get("removed") is None and row.get("replaced") is None
        number += shown
        baseline = [move(point) for point in row.points("baseline")]
        values: dict[str, Any] = {
            "baseline": to_json(baseline, "A baseline"),
            "polygon": to_json([move(point) for point in row.points("polygon")], "A polygon"),
        }
        if shown and size_px is not None and not _is_inside(baseline, size_px):
            if row.get("revision_id") is not None or row.get("reshaped") is not None:
                raise StorageError(
                    f"Line {number} would be cut off, and somebody has worked on it. Take a larger "
                    "part of the page, or delete the line first."
                )
            hidden.append(row.integer("id"))
            values["removed"] = store.now()
        db.table("line").update(row.integer("id"), values)
    return hidden


def _is_inside(baseline: Sequence[Point], size_px: tuple[int, int]) -> bool:
    """Say whether the middle of a line lies in the image."""
    x = (min(x for x, _ in baseline) + max(x for x, _ in baseline)) / 2
    y = (min(y for _, y in baseline) + max(y for _, y in baseline)) / 2
    return 0 <= x < size_px[0] and 0 <= y < size_px[1]


def _put_image(
    db: Database, before: Page, image: tuple[str, str, int, int], author: str, now: str
) -> None:
    sha256, suffix, width_px, height_px = image
    db.table("page").update(
        before.id,
        {"sha256": sha256, "suffix": suffix, "width_px": width_px, "height_px": height_px},
    )
    # Whoever knows the lines of the image before must learn of this first; and steps that were
    # made on it cannot be taken back on this one.
    db.table("layout_change").insert(
        {
            "page_id": before.id,
            "what": "turn",
            "lines": "[]",
            "revisions": "[]",
            "author": author,
            "created": now,
            "token": "",
        }
    )
    touch_document(db, before.document_id, now)


def _forward(turn: PageTurn, before: Page) -> Move:
    """Return where a point of the image before is in the new one; both count pixels' middles."""
    right, bottom = before.width_px - 1, before.height_px - 1

    def move(point: Point) -> Point:
        x, y = point
        turned = ((x, y), (bottom - y, x), (right - x, bottom - y), (y, right - x))[turn.quarters]
        return _rounded(turned[0] - turn.left_px, turned[1] - turn.top_px)

    return move


def _backward(turn: PageTurn, width_px: int, height_px: int) -> Move:
    """Return where a point of the new image was in the one before, which had this size."""
    right, bottom = width_px - 1, height_px - 1

    def move(point: Point) -> Point:
        x, y = point[0] + turn.left_px, point[1] + turn.top_px
        before = ((x, y), (y, bottom - x), (right - x, bottom - y), (right - y, x))[turn.quarters]
        return _rounded(*before)

    return move


def _rounded(x: float, y: float) -> Point:
    return round(x, 3), round(y, 3)  # without the noise of adding and taking away


def _turn_values(turn: PageTurn) -> list[int]:
    return [turn.quarters, turn.left_px, turn.top_px, turn.width_px, turn.height_px]


def _turn_of(row: Row) -> PageTurn:
    try:
        values = json.loads(row.text("turn"))
        turn = PageTurn(*(int(value) for value in values))
    except (TypeError, ValueError):
        row.refuse("turn", "five whole numbers")
    if not 0 <= turn.quarters <= 3:
        row.refuse("turn", "0 to 3 quarter turns")
    return turn
