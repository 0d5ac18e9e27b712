"""Files named by the SHA-256 of their content: whole or not there, whatever happens."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from storage.errors import DamagedDatabase, StorageError

_SHA256 = re.compile("[0-9a-f]{64}")
_SUFFIX = re.compile("[a-z0-9]{1,16}")
_CHUNK_BYTES = 1 << 20


def sha256_of(data: bytes) -> str:
    """Return the SHA-256 of `data` as 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def file_path(folder: Path, sha256: str, suffix: str) -> Path:
    """Return where the file of that content lies: `folder/ab/<sha256>.<suffix>`.

    Raises:
        DamagedDatabase: a name that could lead out of the folder; it came from the database.
    """
    check_name(sha256, suffix)
    return folder / sha256[:2] / f"{sha256}.{suffix}"


def check_name(sha256: str, suffix: str) -> None:
    """Refuse a name that could lead out of the data folder; it came from the database.

    Raises:
        DamagedDatabase: it is not 64 hexadecimal digits and a plain suffix.
    """
    if not _SHA256.fullmatch(sha256) or not _SUFFIX.fullmatch(suffix):
        raise DamagedDatabase(
            f"{sha256[:80]!r} with suffix {suffix[:20]!r} is no name of a stored file. "
            "Restore the database from a backup."
        )


def write_file(path: Path, data: bytes, tmp_dir: Path) -> None:
    """Put `data` at `path` so that no crash leaves a part of it there.

    A file that already has this content is kept and its time renewed; one with other content
    (a damaged disk) is replaced.

    Raises:
        StorageError: the disk refused.
    """
    with _disk_errors(path):
        if _has_content(path, sha256_of(data), len(data)):
            os.utime(path)
            sync_folder(path.parent)  # another process may have renamed it a moment ago
            return
        with _unfinished_file(tmp_dir) as unfinished:
            with open(unfinished, "xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            _publish(unfinished, path)


def copy_file(source: Path, path_of: Callable[[str], Path], tmp_dir: Path) -> str:
    """Return the SHA-256 of `source` after copying it to `path_of(sha256)`, as `write_file` does.

    Raises:
        StorageError: the source cannot be read, or the disk refused.
    """
    with _disk_errors(source), _unfinished_file(tmp_dir) as unfinished:
        digest = hashlib.sha256()
        with open(source, "rb") as reader, open(unfinished, "xb") as writer:
            while chunk := reader.read(_CHUNK_BYTES):
                digest.update(chunk)
                writer.write(chunk)
            writer.flush()
            os.fsync(writer.fileno())
        path = path_of(digest.hexdigest())
        # The copy is good by construction; what lies there may be damaged.
        _publish(unfinished, path)
        return digest.hexdigest()


def read_file(path: Path, sha256: str) -> bytes:
    """Return the content of a stored file, after comparing it with its name.

    Raises:
        StorageError: the file is missing or cannot be read.
        DamagedDatabase: its content is not what was stored.
    """
    with _disk_errors(path):
        data = path.read_bytes()
    if sha256_of(data) != sha256:
        raise _changed(path)
    return data


def check_file(path: Path, sha256: str) -> None:
    """Compare a stored file, which may be larger than memory, with its name.

    Raises:
        StorageError: the file is missing or cannot be read.
        DamagedDatabase: its content is not what was stored.
    """
    with _disk_errors(path):
        if sha256_of_file(path) != sha256:
            raise _changed(path)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut; Windows has no such call and needs none."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _unfinished_file(tmp_dir: Path) -> Iterator[Path]:
    """Yield a path in the data folder's file system; what is left there afterwards is deleted."""
    unfinished = tmp_dir / f"{secrets.token_hex(16)}.part"
    try:
        yield unfinished
    finally:
        unfinished.unlink(missing_ok=True)


def _publish(unfinished: Path, path: Path) -> None:
    """Give a finished file its name at once, and make the name last."""
    if not path.parent.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        sync_folder(path.parent.parent)
    os.replace(unfinished, path)
    sync_folder(path.parent)


def _has_content(path: Path, sha256: str, size_bytes: int) -> bool:
    if not path.exists() or path.stat().st_size != size_bytes:
        return False
    return sha256_of_file(path) == sha256


def sha256_of_file(path: Path) -> str:
    """Return the SHA-256 of a file's content as 64 hexadecimal digits."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _changed(path: Path) -> DamagedDatabase:
    return DamagedDatabase(
        f"{path} is damaged: its content does not match its name. Restore it from a backup."
    )


@contextmanager
def _disk_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"{path} could not be read or written: {error.strerror}. Check that it is there, who "
            "owns it, and the free space of the disk."
        ) from error
