"""Where pages stand: put into another order or another document, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlite_utils import Database

from storage.documents import touch_document
from storage.errors import NotFound, StorageError
from storage.rows import Row
from storage.store import Store, select, write


@dataclass(frozen=True)
class PagePlace:
    """The document of a page and its position there; pages of the same position go by number."""

    page_id: int
    document_id: int
    position: int


def place_pages(
    store: Store, page_ids: Sequence[int], document_id: int, before_id: int | None = None
) -> list[PagePlace]:
    """Return the former places of all pages that have another one now, for `restore_places`.

    The pages are put into the document in the order given, before the page `before_id`; None: at
    the end. Lines, texts and addresses of the pages stay as they are.

    Raises:
        NotFound: there is no such page or document, or `before_id` is no page of the document.
        StorageError: a page is named twice, or is to stand before itself.
    """
    if len(set(page_ids)) != len(page_ids) or before_id in page_ids:
        raise StorageError("A page cannot stand in two places, nor before itself. Choose again.")
    with write(store) as db:
        former = {page_id: _place(store, page_id) for page_id in page_ids}
        order = [place for place in _places(store, document_id) if place.page_id not in former]
        at = _index_of(order, before_id, document_id)
        moved = [former[page_id] for page_id in page_ids]
        wanted = [*order[:at], *moved, *order[at:]]
        changed = [
            (place, PagePlace(place.page_id, document_id, position))
            for position, place in enumerate(wanted, start=1)
            if (place.document_id, place.position) != (document_id, position)
        ]
        touch_document(db, document_id, store.now())
        _put(store, db, [place for _, place in changed])
        for left in {place.document_id for place in moved} - {document_id}:
            touch_document(db, left, store.now())
    return [place for place, _ in changed]


def restore_places(store: Store, places: Sequence[PagePlace]) -> None:
    """Put pages back to where they stood; pages that came since stay where they are.

    Raises:
        NotFound: a page or document is not there; nothing was changed.
    """
    with write(store) as db:
        now_at = {_place(store, place.page_id).document_id for place in places}
        for document_id in now_at | {place.document_id for place in places}:
            touch_document(db, document_id, store.now())
        _put(store, db, places)


def _put(store: Store, db: Database, places: Sequence[PagePlace]) -> None:
    for place in places:
        db.execute(
            "UPDATE page SET document_id = ?, position = ? WHERE id = ?",
            (place.document_id, place.position, place.page_id),
        )
        # Work on a page belongs to the document where the page is.
        db.execute(
            "UPDATE run SET document_id = ? WHERE page_id = ? AND document_id IS NOT NULL",
            (place.document_id, place.page_id),
        )


def _index_of(order: Sequence[PagePlace], before_id: int | None, document_id: int) -> int:
    if before_id is None:
        return len(order)
    for index, place in enumerate(order):
        if place.page_id == before_id:
            return index
    raise NotFound(f"There is no page {before_id} in document {document_id}. Reload the document.")


def _place(store: Store, page_id: int) -> PagePlace:
    rows = select(
        store, "SELECT id, document_id, position FROM page WHERE id = :id", {"id": page_id}
    )
    if not rows:
        raise NotFound(f"There is no page {page_id}. Go back to its document and reload it.")
    return _from_row(Row("page", rows[0]))


def _places(store: Store, document_id: int) -> list[PagePlace]:
    """Return the places of a document's pages in their order, those that were removed too."""
    rows = select(
        store,
        """SELECT id, document_id, position FROM page WHERE document_id = :id
        ORDER BY position, id""",
        {"id": document_id},
    )
    return [_from_row(Row("page", values)) for values in rows]


def _from_row(row: Row) -> PagePlace:
    return PagePlace(row.integer("id"), row.integer("document_id"), row.integer("position"))
