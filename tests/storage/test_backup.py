"""A backup holds everything, is made while the app writes, and comes back whole or not at all."""

from __future__ import annotations

import io
import json
import sqlite3
import threading
import zipfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import storage
from storage import Model, Page, Store


def backed_up(store: Store, path: Path) -> storage.Backup:
    made = storage.Backup()
    path.write_bytes(b"".join(storage.backup_pieces(store, made)))
    return made


def rows(database: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Everything in a database, by table."""
    with closing(sqlite3.connect(database)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        return {
            name: sorted(connection.execute(f"SELECT * FROM {name}").fetchall(), key=repr)
            for (name,) in tables.fetchall()
        }


def files(folder: Path) -> dict[str, bytes]:
    """All files but the database and what is not backed up."""
    left_out = ("tmp/", "imports/", "exports/", "backups/", "htr.sqlite")
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*")}
    return {
        name: path.read_bytes()
        for name, path in found.items()
        if path.is_file() and not name.startswith(left_out)
    }


@pytest.fixture
def filled(store: Store, page: Page, model: Model, lines: list[int]) -> Store:
    storage.set_current_model(store, model.id)
    storage.correct_line(store, lines[0], "œuvre", "corrected", "ada", None)
    storage.put_origin(store, page.id, {"version": 1})
    folder = store.data_dir / "runs" / "1" / "snapshot"
    folder.mkdir(parents=True)
    (folder / "lines.json").write_text("[1]", encoding="utf-8")
    (store.data_dir / "runs" / "1" / "model.safetensors").write_bytes(b"candidate")
    return store


def test_restored_folder_is_equal_in_every_row_and_file(filled: Store, tmp_path: Path) -> None:
    made = backed_up(filled, tmp_path / "all.zip")
    assert made.damaged == []
    restored = storage.restore_backup(tmp_path / "all.zip", tmp_path / "new")
    assert (restored.files, restored.size_bytes) == (made.files, made.size_bytes)
    assert rows(tmp_path / "new" / "htr.sqlite") == rows(filled.database_path)
    expected = files(filled.data_dir)
    assert len(expected) == 5
    assert files(tmp_path / "new") == expected
    with storage.open_store(tmp_path / "new") as again:
        page = storage.page(again, 1)
        assert storage.page_image(again, page) == b"image one"
        assert storage.lines_of(again, page.id)[0].text == "œuvre"


def test_what_is_written_while_the_backup_is_made_does_not_disturb_it(
    filled: Store, lines: list[int], tmp_path: Path
) -> None:
    stop = threading.Event()
    written: list[int] = []

    def write() -> None:
        with storage.open_store(filled.data_dir, check=False) as other:
            while not stop.is_set():
                known = storage.line_text(other, lines[1]).parent_id
                text = f"text {len(written)}"
                storage.correct_line(other, lines[1], text, "corrected", "ada", known)
                written.append(1)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(5):
            before = len(written)
            backed_up(filled, tmp_path / f"{number}.zip")
            storage.restore_backup(tmp_path / f"{number}.zip", tmp_path / f"new{number}")
            with storage.open_store(tmp_path / f"new{number}") as again:
                # Everything that was acknowledged before the backup began is in it.
                assert len(storage.revisions_of(again, lines[1])) >= before
    finally:
        stop.set()
        writer.join()


def test_folder_that_is_not_empty_is_left_alone(filled: Store, tmp_path: Path) -> None:
    backed_up(filled, tmp_path / "all.zip")
    with pytest.raises(storage.StorageError, match="is not empty"):
        storage.restore_backup(tmp_path / "all.zip", filled.data_dir)
    (tmp_path / "empty").mkdir()
    storage.restore_backup(tmp_path / "all.zip", tmp_path / "empty")


def test_missing_and_damaged_files_are_told_and_the_rest_is_kept(
    filled: Store, page: Page, tmp_path: Path
) -> None:
    image = storage.page_image_path(filled, page)
    image.write_bytes(b"other bytes")
    made = backed_up(filled, tmp_path / "all.zip")
    name = image.relative_to(filled.data_dir).as_posix()
    assert made.damaged == [f"{name} is damaged: its content does not match its name."]
    image.unlink()
    made = backed_up(filled, tmp_path / "less.zip")
    assert made.damaged == [f"images: {page.sha256}.jpg is missing."]
    restored = storage.restore_backup(tmp_path / "less.zip", tmp_path / "new")
    assert restored.damaged[0] == f"images: {page.sha256}.jpg is missing."


def test_damaged_database_is_not_backed_up(filled: Store, tmp_path: Path) -> None:
    with closing(sqlite3.connect(filled.database_path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    filled.close()
    data = bytearray(filled.database_path.read_bytes())
    for page_number in range(2, len(data) // 4096):
        data[page_number * 4096 : page_number * 4096 + 2000] = b"\xff" * 2000
    filled.database_path.write_bytes(data)
    broken = Store(filled.data_dir, filled.clock)
    with pytest.raises(storage.DamagedDatabase):
        next(storage.backup_pieces(broken))
    assert list((filled.data_dir / "tmp").iterdir()) == []


@pytest.mark.parametrize("cut", [0.3, 0.7, 0.99])
def test_backup_that_was_cut_off_is_refused_and_leaves_nothing(
    filled: Store, tmp_path: Path, cut: float
) -> None:
    backed_up(filled, tmp_path / "all.zip")
    data = (tmp_path / "all.zip").read_bytes()
    (tmp_path / "cut.zip").write_bytes(data[: int(len(data) * cut)])
    with pytest.raises(storage.DamagedDatabase, match="cut.zip is no whole backup"):
        storage.restore_backup(tmp_path / "cut.zip", tmp_path / "new")
    assert not list(tmp_path.glob("new*"))


def tampered(path: Path, changes: dict[str, bytes | None], listed: dict[str, Any]) -> bytes:
    """The backup with other files and other lines in its listing."""
    out = io.BytesIO()
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(out, "w") as target:
        about = json.loads(source.read("backup.json"))
        about["files"] |= listed
        for name in source.namelist():
            data = changes.get(name, source.read(name))
            if name != "backup.json" and data is not None:
                target.writestr(name, data)
        for name, data in changes.items():
            if data is not None and name not in source.namelist():
                target.writestr(name, data)
        target.writestr("backup.json", json.dumps(about))
    return out.getvalue()


SHA_OF_X = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"


@pytest.mark.parametrize(
    "name",
    ["../evil", "/evil", "images/../../evil", "C:\\evil", "tmp/evil", "evil.txt", "a/.hidden",
     "images//x", ""],
)  # fmt: skip
def test_file_that_would_lead_out_of_the_folder_is_refused(
    filled: Store, tmp_path: Path, name: str
) -> None:
    backed_up(filled, tmp_path / "all.zip")
    (tmp_path / "evil.zip").write_bytes(
        tampered(tmp_path / "all.zip", {name: b"x"} if name else {}, {name: [1, SHA_OF_X]})
    )
    with pytest.raises(storage.DamagedDatabase, match="evil.zip is no"):
        storage.restore_backup(tmp_path / "evil.zip", tmp_path / "in" / "new")
    assert list((tmp_path / "in").iterdir()) == []


def test_changed_file_is_refused(filled: Store, page: Page, tmp_path: Path) -> None:
    backed_up(filled, tmp_path / "all.zip")
    name = storage.page_image_path(filled, page).relative_to(filled.data_dir).as_posix()
    for data in (b"image two", b"image one and more"):
        (tmp_path / "evil.zip").write_bytes(tampered(tmp_path / "all.zip", {name: data}, {}))
        with pytest.raises(storage.DamagedDatabase, match="is not what was put into it"):
            storage.restore_backup(tmp_path / "evil.zip", tmp_path / "new")


def test_zip_of_something_else_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("a", b"b")
    with pytest.raises(storage.DamagedDatabase, match="other.zip is no whole backup"):
        storage.restore_backup(tmp_path / "other.zip", tmp_path / "new")
