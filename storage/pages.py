"""Pages: an image and a place in a document."""

from __future__ import annotations

from pathlib import Path

from sqlite_utils import Database

from storage.documents import COUNTED, STATUS_COUNTS, status_counts, touch_document
from storage.errors import NotFound, StorageError
from storage.files import file_path, read_file, sha256_of, write_file
from storage.records import PAGE_STATES, Page, PageSummary
from storage.rows import Row
from storage.store import Store, select, write
from storage.texts import clean_label, clean_message

IMAGE_SUFFIXES = ("jpg", "png", "webp")  # what browsers show; segmentation converts the rest
THUMBNAIL_SUFFIX = "webp"


def add_page(
    store: Store,
    document_id: int,
    name: str,
    image: bytes,
    suffix: str,
    width_px: int,
    height_px: int,
    thumbnail: bytes | None = None,
) -> Page:
    """Return a new page at the end of the document, waiting to be read.

    The files are on the disk before the row is, so that no crash leaves a page without its image.

    image: the bytes of a JPEG, PNG or WebP file that was already checked and limited.
    thumbnail: a small JPEG of the page.

    Raises:
        NotFound: there is no such document.
        StorageError: an unknown suffix, an empty image, a size below 1 px, or a full disk.
    """
    if suffix not in IMAGE_SUFFIXES:
        raise StorageError(
            f"Page {name[:80]!r} is a .{suffix[:20]} file; .jpg, .png and .webp can be stored. "
            "Convert it first."
        )
    if not image or width_px < 1 or height_px < 1:
        raise StorageError(
            f"Page {name[:80]!r} has {len(image)} bytes and {width_px} x {height_px} px; an image "
            "needs at least one of each. Upload the file again."
        )
    sha256 = sha256_of(image)
    _write_files(store, sha256, suffix, image, thumbnail)
    values = {
        "document_id": document_id,
        "name": clean_label(name, "The name of the page"),
        "sha256": sha256,
        "suffix": suffix,
        "width_px": width_px,
        "height_px": height_px,
        "state": "waiting",
        "message": "",
        "created": store.now(),
    }
    with write(store) as db:
        touch_document(db, document_id, store.now())
        # A sweep of unused files may have run since; it too holds the write lock.
        if not file_path(store.data_dir / "images", sha256, suffix).exists():
            _write_files(store, sha256, suffix, image, thumbnail)
        last = db.execute(
            "SELECT coalesce(max(position), 0) FROM page WHERE document_id = ?", (document_id,)
        ).fetchone()[0]
        page_id = db.table("page").insert({**values, "position": last + 1}).last_rowid
    return page(store, int(page_id or 0))


def page(store: Store, page_id: int) -> Page:
    """Return a page, removed or not.

    Raises:
        NotFound: there is none with this number.
    """
    rows = select(store, "SELECT * FROM page WHERE id = :id", {"id": page_id})
    if not rows:
        raise _not_found(page_id)
    return _from_row(Row("page", rows[0]))


def pages_of(store: Store, document_id: int) -> list[PageSummary]:
    """Return the pages of a document in their order, with their counts, without removed ones."""
    rows = select(
        store,
        f"""SELECT page.*, {STATUS_COUNTS} FROM page
        LEFT JOIN line ON line.page_id = page.id
            AND line.replaced IS NULL AND line.removed IS NULL AND {COUNTED}
        WHERE page.document_id = :document_id AND page.removed IS NULL
        GROUP BY page.id ORDER BY page.position, page.id""",
        {"document_id": document_id},
    )
    return [
        PageSummary(page=_from_row(row), **status_counts(row))
        for row in (Row("page", values) for values in rows)
    ]


def same_image_pages(store: Store, document_id: int, sha256: str) -> list[Page]:
    """Return the pages of a document, not removed, whose image has exactly this content."""
    rows = select(
        store,
        """SELECT * FROM page WHERE sha256 = :sha256 AND document_id = :document_id
        AND removed IS NULL ORDER BY position, id""",
        {"sha256": sha256, "document_id": document_id},
    )
    return [_from_row(Row("page", values)) for values in rows]


def page_neighbours(store: Store, page_id: int) -> tuple[int | None, int | None, int, int]:
    """Return the page before, the page after, the page's number from 1, and the number of pages.

    Raises:
        NotFound: there is no such page, or it was removed.
    """
    rows = select(
        store,
        """SELECT id FROM page WHERE removed IS NULL
        AND document_id = (SELECT document_id FROM page WHERE id = :id) ORDER BY position, id""",
        {"id": page_id},
    )
    page_ids = [Row("page", values).integer("id") for values in rows]
    if page_id not in page_ids:
        raise _not_found(page_id)
    index = page_ids.index(page_id)
    before = page_ids[index - 1] if index > 0 else None
    after = page_ids[index + 1] if index + 1 < len(page_ids) else None
    return before, after, index + 1, len(page_ids)


def page_image_path(store: Store, page: Page) -> Path:
    """Return where the page's image lies.

    Raises:
        StorageError: it does not lie there any more.
    """
    path = file_path(store.data_dir / "images", page.sha256, page.suffix)
    if not path.is_file():
        raise StorageError(
            f"The image of page {page.id} ({page.name}) is missing: {path}. "
            "Restore the folder 'images' from a backup."
        )
    return path


def page_image(store: Store, page: Page) -> bytes:
    """Return the bytes of the page's image, compared with their SHA-256.

    Raises:
        StorageError: the file is missing.
        DamagedDatabase: its content has changed.
    """
    return read_file(page_image_path(store, page), page.sha256)


def thumbnail_path(store: Store, page: Page) -> Path | None:
    """Return where the page's thumbnail lies; None if it has none."""
    path = file_path(store.data_dir / "thumbnails", page.sha256, THUMBNAIL_SUFFIX)
    return path if path.is_file() else None


def remove_page(store: Store, page_id: int) -> Page:
    """Return the page, now hidden; nothing of it is deleted."""
    return _set_removed(store, page_id, store.now())


def restore_page(store: Store, page_id: int) -> Page:
    """Return the page, back in its place."""
    return _set_removed(store, page_id, None)


def pin_page(store: Store, page_id: int, held_out: bool | None) -> Page:
    """Return the page, pinned: True: it tests models, False: it teaches them; None: as it comes.

    Raises:
        NotFound: there is no such page.
    """
    with write(store) as db:
        page(store, page_id)
        value = None if held_out is None else int(held_out)
        db.table("page").update(page_id, {"held_out": value})
    return page(store, page_id)


def set_page_state(db: Database, page_id: int, state: str, message: str, now: str) -> None:
    """Set inside a transaction how far the page is, and touch its document.

    Raises:
        NotFound: there is no such page.
    """
    row = db.execute("SELECT document_id FROM page WHERE id = ?", (page_id,)).fetchone()
    if row is None:
        raise _not_found(page_id)
    db.table("page").update(page_id, {"state": state, "message": clean_message(message)})
    touch_document(db, row[0], now)


def keep_image(store: Store, image: bytes, suffix: str, thumbnail: bytes) -> str:
    """Return the SHA-256 of an image that a page is to have, now in the data folder.

    Raises:
        StorageError: the disk refused.
    """
    sha256 = sha256_of(image)
    _write_files(store, sha256, suffix, image, thumbnail)
    return sha256


def _write_files(
    store: Store, sha256: str, suffix: str, image: bytes, thumbnail: bytes | None
) -> None:
    tmp_dir = store.data_dir / "tmp"
    if thumbnail:
        path = file_path(store.data_dir / "thumbnails", sha256, THUMBNAIL_SUFFIX)
        write_file(path, thumbnail, tmp_dir)
    write_file(file_path(store.data_dir / "images", sha256, suffix), image, tmp_dir)


def _set_removed(store: Store, page_id: int, removed: str | None) -> Page:
    with write(store) as db:
        found = page(store, page_id)
        db.table("page").update(page_id, {"removed": removed})
        touch_document(db, found.document_id, store.now())
    return page(store, page_id)


def _not_found(page_id: int) -> NotFound:
    return NotFound(f"There is no page {page_id}. Go back to its document and reload it.")


def _from_row(row: Row) -> Page:
    return Page(
        id=row.integer("id"),
        document_id=row.integer("document_id"),
        position=row.integer("position"),
        name=row.text("name"),
        sha256=row.text("sha256"),
        suffix=row.text("suffix"),
        width_px=row.integer("width_px"),
        height_px=row.integer("height_px"),
        state=row.choice("state", PAGE_STATES),
        message=row.text("message"),
        created=row.time("created"),
        removed=row.optional_time("removed"),
        held_out=row.optional_flag("held_out"),
        note=row.text("note"),
    )
