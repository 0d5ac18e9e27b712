"""Files that came in together, loose or in zip archives, as one set of names to read from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from exchange.archive import MAX_MEMBER_BYTES, MAX_MEMBERS, Archive, reason_against
from exchange.errors import ExchangeError, UnsafeFile


class Source(Protocol):
    """Where files are read from by name, within limits.

    name: of the whole, for messages. names: of all files that may be read. refused: what is there
    but not read, and why, one message each.
    """

    name: str
    names: tuple[str, ...]
    refused: tuple[str, ...]

    def read(self, name: str, limit_bytes: int = MAX_MEMBER_BYTES) -> bytes:
        """Return the bytes of a file; raise ExchangeError if unreadable or too large."""


class Upload:
    """Loose files and the contents of zip archives. Close it, or use it by `with`.

    A single archive gives its names as they are; of several files, each archive is a folder.
    """

    def __init__(self, files: Sequence[tuple[str, Path]], name: str) -> None:
        """Open what was uploaded; a damaged archive is among what is `refused`.

        files: name of each, with folders, and where it lies. name: of the whole, for messages.

        Raises: UnsafeFile for more files than any import has.
        """
        self.name = name
        self._archives: list[Archive] = []
        self._readers: dict[str, Callable[[int], bytes]] = {}
        self._paths: dict[str, Path] = {}
        refused: list[str] = []
        for file_name, path in files:
            try:
                if file_name.lower().endswith(".zip"):
                    folder = "" if len(files) == 1 else f"{file_name[: -len('.zip')]}/"
                    self._add_archive(file_name, path, folder, refused)
                else:
                    self._add_file(file_name, path, refused)
            except UnsafeFile:
                self.close()
                raise
            except ExchangeError as error:
                refused.append(str(error))
        self.names = tuple(self._readers)
        self.refused = tuple(refused)

    def read(self, name: str, limit_bytes: int = MAX_MEMBER_BYTES) -> bytes:
        """Return the bytes of a file.

        Raises: UnsafeFile for more than `limit_bytes`; ExchangeError for one that is missing or
        cannot be read.
        """
        reader = self._readers.get(name)
        if reader is None:
            raise ExchangeError(f"{name[:80]!r} is not in {self.name}.")
        return reader(limit_bytes)

    def path_of(self, name: str) -> Path | None:
        """Return where a loose file lies; None for one inside an archive."""
        return self._paths.get(name)

    def close(self) -> None:
        """Close the archives."""
        for archive in self._archives:
            archive.close()

    def __enter__(self) -> Upload:
        """Return the upload itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the archives."""
        self.close()

    def _add_archive(self, name: str, path: Path, folder: str, refused: list[str]) -> None:
        archive = Archive(path, name)
        self._archives.append(archive)
        refused += archive.refused
        for member in archive.names:
            self._add(folder + member, _member_reader(archive, member), refused)

    def _add_file(self, name: str, path: Path, refused: list[str]) -> None:
        why = reason_against(name)
        if why:
            refused.append(f"{name[:80]!r} was left out: {why}.")
        elif self._add(name, _file_reader(path, name), refused):
            self._paths[name] = path

    def _add(self, name: str, reader: Callable[[int], bytes], refused: list[str]) -> bool:
        if name in self._readers:
            refused.append(f"{name[:80]!r} was left out: there is another file of this name.")
            return False
        if len(self._readers) >= MAX_MEMBERS:
            raise UnsafeFile(f"{self.name} has more than {MAX_MEMBERS:,} files. Split it.")
        self._readers[name] = reader
        return True


def _member_reader(archive: Archive, name: str) -> Callable[[int], bytes]:
    return lambda limit_bytes: archive.read(name, limit_bytes)


def _file_reader(path: Path, name: str) -> Callable[[int], bytes]:
    def read(limit_bytes: int) -> bytes:
        try:
            with path.open("rb") as file:
                data = file.read(limit_bytes + 1)
        except OSError as error:
            raise ExchangeError(f"{name} cannot be read: {error.strerror}.") from error
        if len(data) > limit_bytes:
            raise UnsafeFile(
                f"{name} has more than {limit_bytes:,} bytes, the limit. Leave it out, or split it."
            )
        return data

    return read
