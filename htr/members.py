"""The files of a line set, read by name from a zip archive or a folder, within limits.

Nothing is unpacked to disk, names inside an archive are never used as paths, and whatever an
archive claims about its sizes is checked while reading.
"""

from __future__ import annotations

import os
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from htr.errors import RecognitionError


@dataclass(frozen=True)
class LineSetLimits:
    """What a line set may ask of the machine; far above any honest set."""

    members: int = 1_000_000
    unpacked_bytes: int = 64 << 30
    labels_bytes: int = 512 << 20
    image_bytes: int = 32 << 20
    image_pixels: int = 32_000_000
    text_bytes: int = 64 << 10


class Members(Protocol):
    """A zip archive or a folder: names, and bounded reading by name."""

    def names(self) -> list[str]:
        """Return the names of all files, in the order of the archive or sorted."""

    def read(self, name: str, limit_bytes: int) -> bytes:
        """Return the bytes of a file; raise RecognitionError if unreadable or too large."""

    def close(self) -> None:
        """Close the archive."""


def open_members(path: Path, limits: LineSetLimits) -> Members:
    """Return the files of a zip archive or a folder.

    Raises RecognitionError when it is neither, or breaks a limit.
    """
    if path.is_dir():
        return _Folder(path, limits)
    if path.is_file():
        return _Zip(path, limits)
    raise RecognitionError(f"{path} does not exist; expected a zip archive or a folder.")


class _Zip:
    """The members of a zip archive."""

    def __init__(self, path: Path, limits: LineSetLimits) -> None:
        self._name = path.name
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            raise RecognitionError(f"{path.name} is not a readable zip archive: {error}") from error
        infos = [info for info in self._zip.infolist() if not info.is_dir()]
        self._infos = {info.filename: info for info in infos}
        unpacked = sum(info.file_size for info in infos)
        if len(infos) > limits.members or unpacked > limits.unpacked_bytes:
            self._zip.close()
            raise RecognitionError(
                f"{path.name} holds {len(infos):,} files of {unpacked:,} bytes unpacked; the "
                f"limit is {limits.members:,} files and {limits.unpacked_bytes:,} bytes."
            )

    def names(self) -> list[str]:
        return list(self._infos)

    def read(self, name: str, limit_bytes: int) -> bytes:
        info = self._infos.get(name)
        if info is None:
            raise RecognitionError(f"{name} is not in {self._name}.")
        try:
            with self._zip.open(info) as member:
                data = member.read(limit_bytes + 1)
        except (
            zipfile.BadZipFile,  # also a wrong checksum
            zlib.error,
            EOFError,
            OSError,
            RuntimeError,  # encrypted; and NotImplementedError: an unknown compression
            ValueError,
        ) as error:
            raise RecognitionError(f"{name} in {self._name} is unreadable: {error}") from error
        return _bounded(data, name, limit_bytes)

    def close(self) -> None:
        self._zip.close()


class _Folder:
    """The files below a folder; links are left out, since they may lead anywhere."""

    def __init__(self, path: Path, limits: LineSetLimits) -> None:
        self._path = path
        self._names: list[str] = []
        for folder, folders, files in os.walk(path):
            folders.sort()
            for file in sorted(files):
                full = Path(folder, file)
                if full.is_file() and not full.is_symlink():
                    self._names.append(full.relative_to(path).as_posix())
            if len(self._names) > limits.members:
                raise RecognitionError(
                    f"{path.name} holds more than {limits.members:,} files, the limit."
                )
        self._known = set(self._names)

    def names(self) -> list[str]:
        return list(self._names)

    def read(self, name: str, limit_bytes: int) -> bytes:
        if name not in self._known:
            raise RecognitionError(f"{name} is not in {self._path.name}.")
        try:
            with (self._path / name).open("rb") as file:
                data = file.read(limit_bytes + 1)
        except OSError as error:
            raise RecognitionError(f"{name} is unreadable: {error}") from error
        return _bounded(data, name, limit_bytes)

    def close(self) -> None:
        """Nothing is held open."""


def _bounded(data: bytes, name: str, limit_bytes: int) -> bytes:
    if len(data) > limit_bytes:
        raise RecognitionError(f"{name} is larger than {limit_bytes:,} bytes, the limit.")
    return data
