"""The store: one data folder, its database, and a connection for each thread.

htr.sqlite                      the database
images/ab/<sha256>.<suffix>     page images
thumbnails/ab/<sha256>.webp     small copies of them, named by the page image
models/<sha256>.safetensors     weights
backups/                        copies of the database made before it was brought up to date
tmp/                            files that are being written
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from storage.errors import DamagedDatabase, StorageError
from storage.files import sync_folder
from storage.schema import BUSY_TIMEOUT_S, bring_up_to_date, connect

DATABASE_NAME = "htr.sqlite"
FOLDERS = ("images", "thumbnails", "models", "backups", "tmp")

Clock = Callable[[], datetime]


def _system_clock() -> datetime:
    return datetime.now(UTC)


class Store:
    """An open data folder. Made by `open_store`; every function of this package takes it first.

    A store may be used by many threads, and the folder by many processes; each process opens its
    own. After `close` it must not be used any more, by any thread.
    """

    def __init__(self, data_dir: Path, clock: Clock) -> None:
        """Return the store of a data folder whose database is up to date."""
        self.data_dir = data_dir
        self.clock = clock
        self.database_path = data_dir / DATABASE_NAME
        self._process_id = os.getpid()
        self._local = threading.local()
        self._lock = threading.Lock()
        # Threads of one process take turns here: SQLite's own waiting is by sleeping longer and
        # longer, so that of twenty people who save at once one would wait for seconds.
        self.turn = threading.Lock()
        self._connections: list[tuple[threading.Thread, Database]] = []
        self._closed = False

    def now(self) -> str:
        """Return the present time as it is stored: UTC, ISO 8601, microseconds."""
        return self.clock().astimezone(UTC).isoformat(timespec="microseconds")

    @property
    def db(self) -> Database:
        """The calling thread's connection, opened on first use."""
        if self._closed:
            raise StorageError(f"The store {self.data_dir} is closed. Open it again.")
        if os.getpid() != self._process_id:
            raise StorageError(
                f"The store {self.data_dir} was opened by another process, and SQLite connections "
                "break when they are inherited. Call open_store in this process."
            )
        db: Database | None = getattr(self._local, "db", None)
        if db is None:
            db = self._local.db = self._connect()
        return db

    def close(self) -> None:
        """Close the connections of all threads."""
        with self._lock:
            self._closed = True
            for _, db in self._connections:
                db.close()
            self._connections.clear()

    def __enter__(self) -> Store:
        """Return the store itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the store."""
        self.close()

    def _connect(self) -> Database:
        with translated_errors(self.database_path):
            connection = connect(self.database_path)
            db = Database(connection, execute_plugins=False)
            # FULL: an acknowledged correction also survives a power cut, not only a killed process.
            db.execute("PRAGMA synchronous = FULL")
            db.execute("PRAGMA foreign_keys = ON")
        with self._lock:
            # A web server's threads come and go: close what the ended ones left open.
            for thread, ended in self._connections:
                if not thread.is_alive():
                    ended.close()
            self._connections = [pair for pair in self._connections if pair[0].is_alive()]
            self._connections.append((threading.current_thread(), db))
        return db


def open_store(data_dir: str | Path, clock: Clock = _system_clock, check: bool = True) -> Store:
    """Return the store of a data folder, made or brought up to date if need be.

    check: look through the whole database for damage; about a second for each gigabyte.

    Raises:
        NewerDatabase, DamagedDatabase, StorageError: the folder cannot be used; nothing in it
            was changed.
    """
    data_dir = Path(data_dir)
    path = data_dir / DATABASE_NAME
    try:
        _refuse_lost_database(data_dir, path)
        data_dir.mkdir(parents=True, exist_ok=True)
        for folder in FOLDERS:
            (data_dir / folder).mkdir(exist_ok=True)
        with translated_errors(path):
            bring_up_to_date(path, data_dir / "backups", clock().astimezone(UTC), check)
        sync_folder(data_dir)
    except OSError as error:
        raise StorageError(
            f"The data folder {data_dir} cannot be used: {error.strerror}. Check that it is a "
            "folder, that this program may write to it, and that the disk is not full."
        ) from error
    return Store(data_dir, clock)


@contextmanager
def write(store: Store) -> Iterator[Database]:
    """Return the connection inside a transaction that holds the database's one write lock.

    What is done inside is kept as a whole or, after an error, not at all. Inside another `write`
    of the same thread it becomes a part of that one.

    Raises:
        StorageError: what SQLite refused.
    """
    db = store.db
    with translated_errors(store.database_path):
        if db.conn.in_transaction:
            with db.atomic():
                yield db
            return
        if not store.turn.acquire(timeout=BUSY_TIMEOUT_S):
            raise _translated(sqlite3.OperationalError("database is locked"), store.database_path)
        try:
            # IMMEDIATE: take the lock before reading: what was read cannot change meanwhile.
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.commit()
            except BaseException:
                db.rollback()
                raise
        finally:
            store.turn.release()


def select(store: Store, sql: str, values: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
    """Return the rows of a query, whole, so that no read lock stays open."""
    with translated_errors(store.database_path):
        return list(store.db.query(sql, dict(values or {})))


@contextmanager
def translated_errors(path: Path) -> Iterator[None]:
    """Turn SQLite's errors inside into StorageErrors that say what to do."""
    try:
        yield
    except sqlite3.Error as error:
        raise _translated(error, path) from error


def _translated(error: sqlite3.Error, path: Path) -> StorageError:
    reason = str(error)
    if "is locked" in reason or "busy" in reason:
        return StorageError(
            f"{path} is busy: another program has been writing to it for more than "
            f"{BUSY_TIMEOUT_S:.0f} s. Nothing was saved; try again."
        )
    if "disk is full" in reason:
        return StorageError(f"The disk of {path} is full. Nothing was saved; make room.")
    if "readonly" in reason or "unable to open" in reason:
        return StorageError(
            f"{path} cannot be written ({reason}). Check who owns the file and its folder."
        )
    if "not a database" in reason or "malformed" in reason or "decode" in reason:
        return DamagedDatabase(
            f"{path} is damaged or is no database ({reason}). Restore it from a backup; the "
            "folder 'backups' beside it may hold one."
        )
    if "no such module: fts5" in reason:
        return StorageError(
            "This Python's SQLite has no full-text search (FTS5). Install a Python from python.org "
            "or from your distribution."
        )
    return StorageError(f"{path} refused the change: {reason}. Nothing was saved.")


def _refuse_lost_database(data_dir: Path, path: Path) -> None:
    """Refuse to start anew beside images of a database that is gone: they would look unused."""
    if path.exists() and path.stat().st_size > 0:
        return
    if any((data_dir / "images").glob("*/*")):
        raise DamagedDatabase(
            f"{data_dir} holds page images, but {path.name} is missing or empty. Put the database "
            "back (the folder 'backups' may hold a copy), or choose an empty folder."
        )
