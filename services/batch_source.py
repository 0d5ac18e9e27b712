"""Where the pages of a batch come from: a folder, a list of files, or an address such as s3://."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from services.batch_errors import BatchError

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".pdf")
LIST_SUFFIXES = (".txt", ".lst", ".list")
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://")


@dataclass(frozen=True)
class PageFile:
    """A file with one page or more. address: a path, or an address that fsspec knows.

    name: relative to the source, with "/" between folders; what comes of it is named after it.
    """

    address: str
    name: str


def page_files(source: str) -> Iterator[PageFile]:
    """Yield the files of a source, folder by folder, without holding all their names.

    source: a folder (with what is in its folders), a single image or PDF, a text file with one path
    or address a line, or the address of a folder or file.

    Raises: BatchError for a source that is not there or cannot be listed.
    """
    if _ADDRESS.match(source):
        return _of_address(source)
    path = Path(source)
    if path.is_dir():
        return _of_folder(path)
    if path.is_file():
        if path.suffix.lower() in LIST_SUFFIXES:
            return _of_list(path)
        return iter((PageFile(str(path), path.name),))
    raise BatchError(f"{source} does not exist; expected a folder, a list of files or an address.")


def read_bytes(file: PageFile, limit_bytes: int) -> bytes:
    """Return the content of the file, at most one byte more than the limit.

    Raises: OSError, or BatchError where the address needs a package that is not installed.
    """
    if not _ADDRESS.match(file.address):
        with open(file.address, "rb") as opened:
            return opened.read(limit_bytes + 1)
    system, path = _system_of(file.address)
    with system.open(path, "rb") as opened:
        data: bytes = opened.read(limit_bytes + 1)
    return data


def whole_address(file: PageFile) -> str:
    """Return the address of a file, from the root for one of this computer."""
    return file.address if _ADDRESS.match(file.address) else str(Path(file.address).resolve())


def _of_folder(folder: Path) -> Iterator[PageFile]:
    for parent, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(parent, name)
            if _is_page(name) and path.is_file():
                yield PageFile(str(path), path.relative_to(folder).as_posix())


def _of_list(path: Path) -> Iterator[PageFile]:
    """Yield the files of a list; paths in it are relative to the list itself.

    Files from several places are told apart by their whole path.
    """
    try:
        rows = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BatchError(f"{path} cannot be read as a list of files in UTF-8: {error}.") from error
    for row in rows:
        address = row.strip()
        if not address or address.startswith("#"):
            continue
        name = _ADDRESS.sub("", address)
        if not _ADDRESS.match(address):
            address = str(path.parent / address)
        yield PageFile(address, name)


def _of_address(address: str) -> Iterator[PageFile]:
    system, root = _system_of(address)
    scheme = address.split("://", 1)[0]
    found = False
    try:
        if system.isfile(root):
            yield PageFile(address, posixpath.basename(root))
            return
        for parent, folders, files in system.walk(root, on_error="raise"):
            folders.sort()
            for name in sorted(files):
                found = True
                if _is_page(name):
                    path = posixpath.join(parent, name)
                    relative = path[len(root) :].lstrip("/")
                    yield PageFile(f"{scheme}://{path}", relative)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise BatchError(f"{address} cannot be listed: {error}.") from error
    if not found:
        raise BatchError(f"There is nothing at {address}. Is the address right?")


def _system_of(address: str) -> tuple[AbstractFileSystem, str]:
    """Return the file system of an address and the path in it."""
    import fsspec

    try:
        system, path = fsspec.core.url_to_fs(address)
    except (ImportError, ValueError) as error:
        raise BatchError(f"{address} cannot be opened: {error}.") from error
    return system, str(path).rstrip("/")


def _is_page(name: str) -> bool:
    return name.lower().endswith(SUFFIXES) and not name.startswith(".")
