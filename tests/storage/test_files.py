"""Files by content: whole or not there, found again, swept when nothing names them."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest

from storage import (
    DamagedDatabase,
    Document,
    Model,
    Page,
    StorageError,
    Store,
    add_page,
    page_image,
    page_image_path,
    pages_of,
    register_model,
    remove_orphans,
    remove_page,
    thumbnail_path,
)
from storage.files import check_file, file_path, write_file

OLD = 1_000_000_000  # seconds; 2001


def files_below(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def make_all_old(store: Store) -> None:
    for folder in ("images", "thumbnails", "models", "tmp"):
        for path in files_below(store.data_dir / folder):
            os.utime(path, (OLD, OLD))


def test_image_lies_under_its_sha256(store: Store, page: Page) -> None:
    sha256 = hashlib.sha256(b"image one").hexdigest()
    path = store.data_dir / "images" / sha256[:2] / f"{sha256}.jpg"
    assert (page.sha256, page_image_path(store, page)) == (sha256, path)
    assert path.read_bytes() == b"image one" == page_image(store, page)
    found = thumbnail_path(store, page)
    assert found == store.data_dir / "thumbnails" / sha256[:2] / f"{sha256}.webp"
    assert found.read_bytes() == b"thumb"
    assert files_below(store.data_dir / "tmp") == []


def test_page_without_thumbnail_has_none(store: Store, document: Document) -> None:
    page = add_page(store, document.id, "a", b"bytes", "png", 1, 1)
    assert thumbnail_path(store, page) is None


def test_same_content_is_stored_once(store: Store, page: Page) -> None:
    add_page(store, page.document_id, "again.jpg", b"image one", "jpg", 800, 600)
    assert len(files_below(store.data_dir / "images")) == 1


def test_damaged_file_is_repaired_by_the_next_upload(store: Store, page: Page) -> None:
    page_image_path(store, page).write_bytes(b"image 0ne")  # same length
    with pytest.raises(DamagedDatabase, match="its content does not match its name"):
        page_image(store, page)
    add_page(store, page.document_id, "again.jpg", b"image one", "jpg", 800, 600)
    assert page_image(store, page) == b"image one"


def test_missing_image_is_named(store: Store, page: Page) -> None:
    page_image_path(store, page).unlink()
    with pytest.raises(StorageError, match=r"image of page 1 \(scan 1.jpg\) is missing: .*images"):
        page_image_path(store, page)


def test_failed_row_leaves_no_page_and_its_file_is_swept(store: Store, document: Document) -> None:
    store.db.execute(
        "CREATE TRIGGER crash BEFORE INSERT ON page BEGIN SELECT RAISE(ABORT, 'crash'); END"
    )
    with pytest.raises(StorageError, match="refused the change: crash"):
        add_page(store, document.id, "a.jpg", b"never entered", "jpg", 1, 1, b"thumb")
    assert pages_of(store, document.id) == []
    left = files_below(store.data_dir / "images") + files_below(store.data_dir / "thumbnails")
    assert len(left) == 2
    make_all_old(store)
    assert sorted(remove_orphans(store)) == left
    assert files_below(store.data_dir / "images") == []


def test_failed_write_leaves_no_half_file(
    store: Store, document: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("storage.files.os.fsync", full_disk)
    with pytest.raises(StorageError, match="No space left on device"):
        add_page(store, document.id, "a.jpg", b"too much", "jpg", 1, 1)
    monkeypatch.undo()
    assert files_below(store.data_dir / "images") == files_below(store.data_dir / "tmp") == []
    assert pages_of(store, document.id) == []


def test_sweep_spares_what_rows_name(store: Store, page: Page, model: Model) -> None:
    remove_page(store, page.id)  # undoable, so its files are still needed
    make_all_old(store)
    assert remove_orphans(store) == []
    assert page_image(store, page) == b"image one"


def test_sweep_spares_young_files(store: Store) -> None:
    for path in (store.data_dir / "tmp" / "x.part", store.data_dir / "models" / "y.safetensors"):
        path.write_bytes(b"being written")
        hour_ago = store.clock().timestamp() - 3600
        os.utime(path, (hour_ago, hour_ago))
    assert remove_orphans(store) == []
    assert len(remove_orphans(store, older_than_s=1800)) == 2


def test_upload_of_an_old_unused_file_renews_it(store: Store, document: Document) -> None:
    path = file_path(store.data_dir / "images", hashlib.sha256(b"old").hexdigest(), "jpg")
    write_file(path, b"old", store.data_dir / "tmp")
    os.utime(path, (OLD, OLD))
    add_page(store, document.id, "a.jpg", b"old", "jpg", 1, 1)
    assert time.time() - path.stat().st_mtime < 60


def test_image_swept_between_file_and_row_is_written_again(
    store: Store, document: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write_and_lose(path: Path, data: bytes, tmp_dir: Path) -> None:
        write_file(path, data, tmp_dir)
        if not lost:
            lost.append(path)
            path.unlink()

    lost: list[Path] = []
    monkeypatch.setattr("storage.pages.write_file", write_and_lose)
    page = add_page(store, document.id, "a.jpg", b"image", "jpg", 1, 1)
    assert page_image(store, page) == b"image"


@pytest.mark.parametrize(
    ("sha256", "suffix"),
    [
        ("../../../etc/passwd", "jpg"),
        ("a" * 63 + "/", "jpg"),
        ("A" * 64, "jpg"),
        ("a" * 64 + "\n", "jpg"),
        ("a" * 64, "jpg/../../x"),
        ("a" * 64, ""),
    ],
)
def test_name_that_leads_out_of_the_folder_is_refused(sha256: str, suffix: str) -> None:
    with pytest.raises(DamagedDatabase, match="is no name of a stored file"):
        file_path(Path("images"), sha256, suffix)


def test_large_file_is_checked_by_its_content(store: Store, tmp_path: Path) -> None:
    source = tmp_path / "weights"
    source.write_bytes(bytes(3 << 20))
    model = register_model(store, source, "Large", [])
    path = store.data_dir / "models" / f"{model.sha256}.safetensors"
    check_file(path, hashlib.sha256(bytes(3 << 20)).hexdigest())
    with pytest.raises(StorageError, match="could not be read or written: No such file"):
        check_file(tmp_path / "gone", model.sha256)
