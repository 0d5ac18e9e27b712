"""The whole data folder as one zip archive, while the app runs, and back into an empty folder.

The database is copied first, by SQLite itself, as it is at one moment; then come the files, none of
which is changed once it is there. `backup.json`, the last one, tells size and SHA-256 of each.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import shutil
import sqlite3
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from storage.errors import DamagedDatabase, StorageError
from storage.files import file_path, sync_folder
from storage.store import DATABASE_NAME, Store, open_store, translated_errors

LISTING = "backup.json"
VERSION = 1
LEFT_OUT = ("tmp", "imports", "exports", "backups")  # what the app makes anew, or has sent on
PIECE_BYTES = 1 << 20
MAX_LISTING_BYTES = 512 << 20
_UNFINISHED = (".part", ".lock", "-wal", "-shm", "-journal")
_NAME = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)*", re.ASCII)
_FIXED_TIME = (1980, 1, 1, 0, 0, 0)  # equal folders give equal archives


@dataclass
class Backup:
    """What went into a backup, or came out of it. damaged: files that are missing or not whole."""

    files: int = 0
    size_bytes: int = 0
    damaged: list[str] = field(default_factory=list)


def backup_pieces(
    store: Store, made: Backup | None = None, done: Callable[[float], None] = lambda share: None
) -> Iterator[bytes]:
    """Yield the zip archive of a data folder, about a megabyte at a time.

    made: filled on the way. done: told the share done, 0-1; may raise to stop.

    Raises:
        DamagedDatabase: the database is damaged; nothing was yielded.
        StorageError: a file cannot be read.
    """
    made = made if made is not None else Backup()
    copy = store.data_dir / "tmp" / f"{secrets.token_hex(16)}.sqlite"
    try:
        _copy_database(store, copy)
        files = [(DATABASE_NAME, copy), *_files(store.data_dir)]
        made.damaged += _missing(copy, store.data_dir)
        total = sum(path.stat().st_size for _, path in files if path.exists()) or 1
        pipe = _Pipe()
        listing: dict[str, list[Any]] = {}
        with zipfile.ZipFile(pipe, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:  # type: ignore[call-overload]
            for name, path in files:
                yield from _add(archive, pipe, name, path, listing, made)
                done(min(1.0, made.size_bytes / total))
            about = {
                "version": VERSION,
                "made": store.now(),
                "files": listing,
                "damaged": made.damaged,
            }
            archive.writestr(_info(LISTING), json.dumps(about, indent=0).encode())
        yield pipe.take()
    except OSError as error:
        raise StorageError(
            f"The backup failed at {error.filename or 'a file'}: {error.strerror or error}. "
            "Check the free space and the owner of the data folder."
        ) from error
    finally:
        copy.unlink(missing_ok=True)


def restore_backup(
    path: Path, data_dir: Path, done: Callable[[float], None] = lambda share: None
) -> Backup:
    """Return what was restored from a backup into a new data folder, all of it checked.

    It is put together beside the folder and gets its name only when everything is there.

    Raises:
        StorageError: the folder is not empty, or the disk too small.
        DamagedDatabase: the archive is no backup, or not whole; no folder was made.
        NewerDatabase: a newer version of the program has made it.
    """
    if data_dir.exists() and (not data_dir.is_dir() or any(data_dir.iterdir())):
        raise StorageError(
            f"{data_dir} is not empty. Name a folder that is not there yet; what is in this one "
            "would be mixed with the backup."
        )
    data_dir.parent.mkdir(parents=True, exist_ok=True)
    unfinished = data_dir.with_name(f"{data_dir.name}.{secrets.token_hex(4)}.restoring")
    unfinished.mkdir()
    try:
        restored = _unpack(path, unfinished, done)
        open_store(unfinished).close()  # checked, and brought up to date
        restored.damaged += _missing(unfinished / DATABASE_NAME, unfinished)
        if data_dir.exists():
            data_dir.rmdir()
        os.replace(unfinished, data_dir)
        sync_folder(data_dir.parent)
    except OSError as error:
        raise StorageError(
            f"{data_dir} could not be written: {error.strerror or error}. Check the free space."
        ) from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return restored


class _Pipe:
    """What a zip archive is written to when it is sent on piece by piece; it cannot be sought."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self.waiting = 0

    def write(self, data: bytes) -> int:
        self._pieces.append(bytes(data))
        self.waiting += len(data)
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def take(self) -> bytes:
        data, self._pieces, self.waiting = b"".join(self._pieces), [], 0
        return data


def _copy_database(store: Store, copy: Path) -> None:
    with translated_errors(store.database_path):
        with closing(sqlite3.connect(store.database_path)) as source:
            with closing(sqlite3.connect(copy)) as target:
                source.backup(target)
                finding = target.execute("PRAGMA quick_check(1)").fetchone()[0]
                target.execute("PRAGMA journal_mode = DELETE")
    if finding != "ok":
        raise DamagedDatabase(
            f"{store.database_path} is damaged ({finding}), so no backup of it was made. The "
            "folder 'backups' beside it may hold an older copy."
        )


def _files(data_dir: Path) -> list[tuple[str, Path]]:
    """Return name and place of all files but the database, the images first."""
    found = []
    for folder in sorted(data_dir.iterdir()):
        if folder.is_dir() and not folder.is_symlink() and folder.name not in LEFT_OUT:
            found += [path for path in sorted(folder.rglob("*")) if _is_kept(path)]
    return [(path.relative_to(data_dir).as_posix(), path) for path in found]


def _is_kept(path: Path) -> bool:
    return path.is_file() and not path.is_symlink() and not path.name.endswith(_UNFINISHED)


def _add(
    archive: zipfile.ZipFile,
    pipe: _Pipe,
    name: str,
    path: Path,
    listing: dict[str, list[Any]],
    made: Backup,
) -> Iterator[bytes]:
    """Put a file into the archive; yield what has come together meanwhile."""
    if not _NAME.fullmatch(name):
        made.damaged.append(f"{name} was left out: no file of the app has such a name.")
        return
    digest, size = hashlib.sha256(), 0
    try:
        source = path.open("rb")
    except FileNotFoundError:  # swept meanwhile: the database does not need it any more
        return
    with source:
        info = _info(name)
        info.compress_type = zipfile.ZIP_DEFLATED if _is_text(name) else zipfile.ZIP_STORED
        info.file_size = os.fstat(source.fileno()).st_size
        with archive.open(info, "w", force_zip64=info.file_size >= 1 << 30) as target:
            while piece := source.read(PIECE_BYTES):
                digest.update(piece)
                size += len(piece)
                target.write(piece)
                if pipe.waiting >= PIECE_BYTES:
                    yield pipe.take()
    stem = name.rpartition("/")[2].partition(".")[0]
    if name.startswith(("images/", "models/")) and stem != digest.hexdigest():
        made.damaged.append(f"{name} is damaged: its content does not match its name.")
    listing[name] = [size, digest.hexdigest()]
    made.files += 1
    made.size_bytes += size


def _is_text(name: str) -> bool:
    return name.endswith((".sqlite", ".json", ".jsonl", ".log", ".txt", ".html"))


def _info(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _FIXED_TIME)
    info.external_attr = 0o600 << 16
    return info


def _missing(database: Path, data_dir: Path) -> list[str]:
    """Return what the database needs and the folder does not have, one message each."""
    with translated_errors(database), closing(sqlite3.connect(database)) as connection:
        pages = connection.execute(
            """SELECT sha256, suffix FROM page UNION
            SELECT sha256, suffix FROM page_turn ORDER BY sha256"""
        ).fetchall()
        models = connection.execute(
            "SELECT sha256, name FROM model WHERE removed IS NULL ORDER BY id"
        ).fetchall()
    missing = [
        f"images: {sha256}.{suffix} is missing."
        for sha256, suffix in pages
        if not file_path(data_dir / "images", sha256, suffix).is_file()
    ]
    return missing + [
        f"models: the weights of {name} are missing."
        for sha256, name in models
        if not (data_dir / "models" / f"{sha256}.safetensors").is_file()
    ]


def _unpack(path: Path, folder: Path, done: Callable[[float], None]) -> Backup:
    """Return what was unpacked into the folder, each file compared with the listing."""
    restored = Backup()
    try:
        with zipfile.ZipFile(path) as archive:
            listing, damaged = _listing(archive, path)
            total = sum(size for size, _ in listing.values()) or 1
            free = shutil.disk_usage(folder).free
            if total > free:
                raise StorageError(
                    f"The backup needs {total / 1e6:,.0f} MB and the disk of {folder.parent} has "
                    f"{free / 1e6:,.0f} MB left. Make room."
                )
            restored.damaged += damaged
            for name, (size, sha256) in listing.items():
                target = folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(name) as source, target.open("xb") as out:
                    if _copied(source, out, size) != sha256:
                        raise DamagedDatabase(
                            f"{path.name} is damaged: {name} is not what was put into it. Take "
                            "another backup."
                        )
                restored.files += 1
                restored.size_bytes += size
                done(restored.size_bytes / total)
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, RuntimeError, ValueError) as error:
        raise DamagedDatabase(
            f"{path.name} is no whole backup: {str(error)[:200]}. Download it again, or take "
            "another one."
        ) from error
    return restored


def _copied(source: IO[bytes], out: IO[bytes], size: int) -> str:
    """Return the SHA-256 of what was copied; no more than `size` bytes and one."""
    digest, left = hashlib.sha256(), size + 1
    while left and (piece := source.read(min(PIECE_BYTES, left))):
        digest.update(piece)
        out.write(piece)
        left -= len(piece)
    out.flush()
    os.fsync(out.fileno())
    return digest.hexdigest()


def _listing(archive: zipfile.ZipFile, path: Path) -> tuple[dict[str, tuple[int, str]], list[str]]:
    """Return size and SHA-256 of each file by its name, and what was damaged already."""
    with archive.open(LISTING) as file:
        about = json.loads(file.read(MAX_LISTING_BYTES))
    if about["version"] != VERSION:
        raise StorageError(
            f"{path.name} was made by a newer version of the program. Install that one."
        )
    datetime.fromisoformat(about["made"]).astimezone(UTC)
    found = {}
    for name, (size, sha256) in about["files"].items():
        first = name.partition("/")[0]
        if not _NAME.fullmatch(name) or first in LEFT_OUT or type(size) is not int or size < 0:
            raise DamagedDatabase(f"{path.name} is no backup of this app: it holds {name[:80]!r}.")
        if "/" not in name and name != DATABASE_NAME:
            raise DamagedDatabase(f"{path.name} is no backup of this app: it holds {name[:80]!r}.")
        found[name] = (size, str(sha256))
    if DATABASE_NAME not in found:
        raise DamagedDatabase(f"{path.name} is no backup of this app: it has no {DATABASE_NAME}.")
    return found, [str(damage) for damage in about["damaged"]]
