"""Files named by the SHA-256 of their content: whole or not there, whatever happens."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
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
    if not _SHA256.fullmatch(sha256) or not _SUFFIX.fullmatch(suffix):
        raise DamagedDatabase(
            f"{sha256[:80]!r} with suffix {suffix[:20]!r} is no name of a stored file. "
            "Restore the database from a backup."
        )
    return folder / sha256[:2] / f"{sha256}.{suffix}"


def write_file(path: Path, data: bytes, tmp_dir: Path) -> None:
    """Put `data` at `path` so that no crash leaves a part of it there.

    A file that already has this content is kept and its time renewed; one with other content
    (a damaged disk) is replaced.

    Raises:
        StorageError: the disk refused.
    """
    try:
        if path.exists() and path.stat().st_size == len(data) and path.read_bytes() == data:
            os.utime(path)
        else:
            unfinished = tmp_dir / f"{secrets.token_hex(16)}.part"
            try:
                with open(unfinished, "xb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                if not path.parent.exists():
                    path.parent.mkdir(parents=True, exist_ok=True)
                    sync_folder(path.parent.parent)
                os.replace(unfinished, path)
            finally:
                unfinished.unlink(missing_ok=True)
        # Also for a file that was there: another process may have renamed it a moment ago.
        sync_folder(path.parent)
    except OSError as error:
        raise StorageError(
            f"{path} could not be written: {error.strerror}. Check the disk's free space and "
            "who owns the data folder."
        ) from error


def read_file(path: Path, sha256: str) -> bytes:
    """Return the content of a stored file, after comparing it with its name.

    Raises:
        StorageError: the file is missing or cannot be read.
        DamagedDatabase: its content is not what was stored.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise StorageError(
            f"{path} cannot be read: {error.strerror}. Restore it from a backup."
        ) from error
    if sha256_of(data) != sha256:
        raise DamagedDatabase(
            f"{path} is damaged: its content does not match its name. Restore it from a backup."
        )
    return data


def sha256_of_file(path: Path) -> str:
    """Return the SHA-256 of a file that may be larger than memory."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut; Windows has no such call and needs none."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
