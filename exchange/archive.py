"""The files in an uploaded zip archive, read one at a time and within limits.

Nothing is unpacked to disk and no name of the archive is ever used as a path. What the archive
says of its sizes is checked while reading: a bomb ends at the limit of one file.
"""

from __future__ import annotations

import re
import stat
import zipfile
import zlib
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from exchange.errors import ExchangeError, UnsafeFile

MAX_MEMBERS = 100_000  # a thousand pages with images, two kinds of XML and thumbnails have 4,000
MAX_MEMBER_BYTES = 1 << 30  # one page image; readers set tighter limits of their own
MAX_UNPACKED_BYTES = 256 << 30  # of all that is read of one archive
MAX_NAME = 500  # characters
_IGNORED = re.compile(r"(^|/)(__MACOSX/|\.DS_Store$|Thumbs\.db$|\._)")


class Archive:
    """A zip archive: names and bounded reading by name. Close it, or use it by `with`.

    name: of the archive, for messages.
    names: of the files that may be read, in the archive's order, with "/" between folders.
    refused: what is in it but not read, and why, one message each.
    """

    def __init__(self, source: Path | BinaryIO, name: str) -> None:
        """Open an archive.

        Raises: ExchangeError if it is no readable zip, UnsafeFile if it holds too many files.
        """
        self.name = name
        try:
            self._zip = zipfile.ZipFile(source)
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            raise ExchangeError(f"{name} is no readable zip archive: {error}.") from error
        infos = [info for info in self._zip.infolist() if not info.is_dir()]
        if len(infos) > MAX_MEMBERS:
            self._zip.close()
            raise UnsafeFile(
                f"{name} holds {len(infos):,} files; the limit is {MAX_MEMBERS:,}. Split it."
            )
        self._left = MAX_UNPACKED_BYTES
        self._infos: dict[str, zipfile.ZipInfo] = {}
        refused = []
        for info in infos:
            if _IGNORED.search(info.filename):
                continue
            why = _reason(info)
            if not why and info.filename in self._infos:
                why = "there is another file of this name in it"
            if why:
                refused.append(f"{_shown(info.filename)} was left out: {why}.")
            else:
                self._infos[info.filename] = info
        self.names = tuple(self._infos)
        self.refused = tuple(refused)

    def read(self, name: str, limit_bytes: int = MAX_MEMBER_BYTES) -> bytes:
        """Return the bytes of a file.

        Raises: UnsafeFile for more than `limit_bytes`, or than all files together may have;
        ExchangeError for one that is missing, damaged or encrypted.
        """
        info = self._infos.get(name)
        if info is None:
            raise ExchangeError(f"{_shown(name)} is not in {self.name}.")
        limit = min(limit_bytes, self._left)
        try:
            with self._zip.open(info) as member:
                data = member.read(limit + 1)
        except (
            zipfile.BadZipFile,  # also a wrong checksum, and files that overlap
            zlib.error,
            EOFError,
            OSError,
            RuntimeError,  # encrypted; and NotImplementedError: an unknown compression
            ValueError,
        ) as error:
            raise ExchangeError(
                f"{_shown(name)} in {self.name} cannot be read: {error}. Pack the archive again."
            ) from error
        self._left -= min(len(data), limit)
        if len(data) > limit:
            raise UnsafeFile(
                f"{_shown(name)} in {self.name} has more than {limit:,} bytes, the limit. Leave it "
                "out, or split it."
            )
        return data

    def close(self) -> None:
        """Close the archive."""
        self._zip.close()

    def __enter__(self) -> Archive:
        """Return the archive itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the archive."""
        self.close()


def reason_against(name: str) -> str:
    """Return why a file of this name is not read, "" if it may be."""
    parts = name.replace("\\", "/").split("/")
    if name.startswith(("/", "\\")) or ".." in parts or re.match(r"[A-Za-z]:", name):
        return "its name leads out of the archive"
    if len(name) > MAX_NAME or not name.isprintable():
        return "its name is too long or has control characters"
    return ""


def _reason(info: zipfile.ZipInfo) -> str:
    """Return why a file of an archive is not read, "" if it may be."""
    why = reason_against(info.filename)
    if why:
        return why
    if info.flag_bits & 0x1:
        return "it is encrypted"
    mode = info.external_attr >> 16
    if stat.S_ISLNK(mode) or (stat.S_IFMT(mode) and not stat.S_ISREG(mode)):
        return "it is a link or no plain file"
    return ""


def _shown(name: str) -> str:
    """Return a name as messages show it: short, and without control characters."""
    return repr(name[:80])
