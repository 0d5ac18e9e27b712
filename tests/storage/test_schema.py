"""Databases of every age and origin: brought up to date, or refused with a reason."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlite_utils import Database

from storage import (
    DamagedDatabase,
    NewerDatabase,
    StorageError,
    add_document,
    correct_line,
    documents,
    lines_of,
    open_store,
)
from storage.schema import APPLICATION_ID, MIGRATIONS

REPOSITORY = Path(__file__).resolve().parents[2]
NOW = "2025-06-01T10:00:00.000000+00:00"
SHA = "ab" * 32


def make_version_1(data_dir: Path) -> Path:
    """A database as the first version left it: one page, three lines, one corrected twice."""
    data_dir.mkdir()
    path = data_dir / "htr.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        db = Database(connection, execute_plugins=False)
        MIGRATIONS[0](db)
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute("PRAGMA user_version = 1")
        db.execute(
            "INSERT INTO document (project, title, metadata, created, changed)"
            f" VALUES ('', 'Old', '{{}}', '{NOW}', '{NOW}')"
        )
        db.execute(
            "INSERT INTO page (document_id, position, name, sha256, suffix, width_px, height_px,"
            f" state, message, created) VALUES (1, 1, 'p', '{SHA}', 'jpg', 5, 5, 'ready', '',"
            f" '{NOW}')"
        )
        for position in range(3):
            db.execute(
                "INSERT INTO line (page_id, position, baseline, polygon, spacing_px, kind, flags,"
                f" created) VALUES (1, {position}, '[[0,1],[9,1]]', '[]', 4, 'text', '[]', '{NOW}')"
            )
        for text, status, parent in (("first", "doubtful", "NULL"), ("second", "corrected", "1")):
            db.execute(
                "INSERT INTO revision (line_id, text, status, author, created, parent_id)"
                f" VALUES (2, '{text}', '{status}', 'Ada', '{NOW}', {parent})"
            )
    return path


def version_of(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def test_empty_folder_becomes_a_database_of_the_newest_version(tmp_path: Path) -> None:
    open_store(tmp_path / "new" / "data").close()
    assert version_of(tmp_path / "new" / "data" / "htr.sqlite") == len(MIGRATIONS) == 14
    assert list((tmp_path / "new" / "data" / "backups").iterdir()) == []


def test_older_database_keeps_its_corrections(tmp_path: Path) -> None:
    path = make_version_1(tmp_path / "data")
    with open_store(tmp_path / "data") as store:
        shown = lines_of(store, 1)
        assert [(one.text, one.status) for one in shown] == [
            ("", "machine"),
            ("second", "corrected"),
            ("", "machine"),
        ]
        assert (documents(store)[0].lines, documents(store)[0].corrected) == (3, 1)
        correct_line(store, 1, "new", "confirmed", "Ada", None)
        assert documents(store)[0].confirmed == 1
    assert version_of(path) == len(MIGRATIONS)


def test_migrated_database_has_the_same_tables_as_a_new_one(tmp_path: Path) -> None:
    make_version_1(tmp_path / "old")
    schemas = []
    for name in ("old", "new"):
        with open_store(tmp_path / name) as store:
            schemas.append(store.db.schema)
    assert schemas[0] == schemas[1]


def test_older_database_is_backed_up_before_it_is_changed(tmp_path: Path) -> None:
    make_version_1(tmp_path / "data")
    moment = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)
    open_store(tmp_path / "data", lambda: moment).close()
    (backup,) = (tmp_path / "data" / "backups").iterdir()
    assert backup.name == "htr-v1-20260131T120000000000.sqlite"
    with closing(sqlite3.connect(backup)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
        assert connection.execute("SELECT count(*) FROM revision").fetchone() == (2,)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_failed_migration_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make_version_1(tmp_path / "data")

    def broken(db: Database) -> None:
        db.execute("CREATE TABLE half_done (id INTEGER)")
        db.execute("SELECT * FROM no_such_table")

    monkeypatch.setattr("storage.schema.MIGRATIONS", (*MIGRATIONS, broken))
    with pytest.raises(StorageError, match="no such table: no_such_table"):
        open_store(tmp_path / "data")
    assert version_of(path) == 1
    with closing(sqlite3.connect(path)) as connection:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master")]
    assert "half_done" not in names and "line_status" not in names


def test_older_database_with_dangling_rows_is_refused(tmp_path: Path) -> None:
    path = make_version_1(tmp_path / "data")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE line SET page_id = 77 WHERE id = 3")
    with pytest.raises(DamagedDatabase, match="row 3 of table 'line' points to a row of 'page'"):
        open_store(tmp_path / "data")
    assert version_of(path) == 1


def test_newer_database_is_refused(tmp_path: Path) -> None:
    open_store(tmp_path).close()
    with closing(sqlite3.connect(tmp_path / "htr.sqlite")) as connection:
        connection.execute("PRAGMA user_version = 999")
    with pytest.raises(NewerDatabase, match="has version 999, and this program knows .* up to 14"):
        open_store(tmp_path)
    assert version_of(tmp_path / "htr.sqlite") == 999


def test_database_of_another_program_is_refused(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "htr.sqlite")) as connection:
        connection.execute("CREATE TABLE bookmarks (url TEXT)")
    with pytest.raises(DamagedDatabase, match="is a database of another program"):
        open_store(tmp_path)


@pytest.mark.parametrize("content", [b"hello, I am a text file" * 100, b"\x00" * 5000, b"x"])
def test_file_that_is_no_database_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "htr.sqlite").write_bytes(content)
    with pytest.raises(DamagedDatabase, match="is damaged or is no database"):
        open_store(tmp_path)
    assert (tmp_path / "htr.sqlite").read_bytes() == content


def test_damaged_database_is_refused(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        for number in range(200):
            add_document(store, f"Document {number} " + "x" * 300)
    path = tmp_path / "htr.sqlite"
    content = bytearray(path.read_bytes())
    content[4096 * 3 : -4096] = b"\xff" * (len(content) - 4096 * 4)
    path.write_bytes(content)
    with pytest.raises(DamagedDatabase, match="is damaged"):
        open_store(tmp_path)


def test_truncated_database_is_refused(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        for number in range(200):
            add_document(store, f"Document {number} " + "x" * 300)
    path = tmp_path / "htr.sqlite"
    path.write_bytes(path.read_bytes()[: 4096 * 4 + 100])
    with pytest.raises(DamagedDatabase, match="is damaged"):
        open_store(tmp_path)


def test_lost_database_beside_images_is_not_started_anew(tmp_path: Path) -> None:
    (tmp_path / "images" / "ab").mkdir(parents=True)
    (tmp_path / "images" / "ab" / f"{SHA}.jpg").write_bytes(b"x")
    with pytest.raises(DamagedDatabase, match="htr.sqlite is missing or empty"):
        open_store(tmp_path)
    assert not (tmp_path / "htr.sqlite").exists()


def test_file_in_place_of_the_data_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    with pytest.raises(StorageError, match="The data folder .* cannot be used"):
        open_store(tmp_path / "data")


def test_several_processes_may_open_a_new_folder_at_once(tmp_path: Path) -> None:
    code = "import sys; from storage import open_store; open_store(sys.argv[1]).close()"
    command = [sys.executable, "-W", "error", "-c", code, str(tmp_path / "data")]
    started = [subprocess.Popen(command, cwd=REPOSITORY) for _ in range(3)]
    assert [process.wait(60) for process in started] == [0, 0, 0]
    assert version_of(tmp_path / "data" / "htr.sqlite") == len(MIGRATIONS)
