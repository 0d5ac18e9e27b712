"""METS: which files make a document, page by page, in and out.

Source: Metadata Encoding and Transmission Standard, Library of Congress, version 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote, unquote, urlsplit

from exchange.errors import UnknownFormat
from exchange.xml_input import (
    Element,
    base_name,
    child,
    children,
    integer,
    local_name,
    namespace,
    parse_xml,
)
from exchange.xml_output import (
    PROGRAM,
    Identifiers,
    add,
    file_bytes,
    root_element,
    time_text,
    xml_text,
)

NAMESPACE = "http://www.loc.gov/METS/"
SCHEMA = "http://www.loc.gov/standards/mets/mets.xsd"
XLINK = "http://www.w3.org/1999/xlink"
MAX_PAGES = 100_000


@dataclass(frozen=True)
class MetsFile:
    """A file of a page. name: its last part, for looking it up in the same upload; it may be "".

    href: as the METS gives it, an address or a relative path; use: the USE or ID of its group.
    """

    name: str
    href: str
    use: str
    mimetype: str


@dataclass(frozen=True)
class MetsPage:
    """One page with its files. label: as the METS calls it."""

    label: str
    files: tuple[MetsFile, ...]


@dataclass(frozen=True)
class MetsDocument:
    """A document: its title and its pages in order."""

    title: str
    pages: tuple[MetsPage, ...]

    @property
    def order(self) -> tuple[str, ...]:
        """The names of all files, page after page."""
        return tuple(file.name for page in self.pages for file in page.files if file.name)


def read_mets(data: bytes, name: str) -> MetsDocument:
    """Return the pages of a METS file, from its physical structure or else the first one.

    Without a structure each file of the first group is a page.

    Raises: ExchangeError for files that are unsafe, or no METS.
    """
    root = parse_xml(data, name)
    if local_name(root) != "mets" or namespace(root) != NAMESPACE:
        raise UnknownFormat(
            f"{name} is no METS: its first element is {local_name(root)[:60]!r} in the namespace "
            f"{namespace(root)[:120]!r}, expected 'mets' in {NAMESPACE}."
        )
    groups = _files(root)
    by_id = {file_id: file for group in groups for file_id, file in group}
    maps = list(children(root, "structMap"))
    maps.sort(key=lambda one: (one.get("TYPE") or "").lower() != "physical")
    pages: list[MetsPage] = []
    if maps:
        for division in children(maps[0], "div"):
            _collect(division, by_id, pages)
    elif groups:
        pages = [MetsPage("", (file,)) for _, file in groups[0]]
    title = root.get("LABEL") or (maps[0].get("LABEL") if maps else "") or ""
    return MetsDocument(" ".join(title.split())[:500], tuple(pages[:MAX_PAGES]))


def write_mets(title: str, pages: Sequence[tuple[str, Sequence[str]]], now: datetime) -> bytes:
    """Return a METS file that lists pages with their files.

    pages: label of the page, and paths of its files relative to the METS file: the image first,
    then what describes it. Files with the same place in their page share a group.
    """
    root = root_element("mets", NAMESPACE, SCHEMA, {"xlink": XLINK})
    root.set("LABEL", xml_text(title))
    header = add(root, "metsHdr", CREATEDATE=time_text(now))
    add(add(header, "agent", ROLE="CREATOR", TYPE="OTHER", OTHERTYPE="SOFTWARE"), "name", PROGRAM)
    ids = Identifiers()
    groups: dict[str, Element] = {}
    section = add(root, "fileSec") if any(files for _, files in pages) else None
    structure = add(root, "structMap", TYPE="PHYSICAL")
    whole = add(structure, "div", TYPE="physSequence", LABEL=title)
    for number, (label, files) in enumerate(pages, start=1):
        division = add(whole, "div", TYPE="page", ORDER=number, LABEL=label or None)
        for path in files:
            use, mimetype = _kind(path)
            if use not in groups:
                groups[use] = add(section, "fileGrp", USE=use)
            file_id = ids.new(f"{use}_{number}")
            file = add(groups[use], "file", ID=file_id, MIMETYPE=mimetype)
            location = add(file, "FLocat", LOCTYPE="URL")
            location.set(f"{{{XLINK}}}href", quote(xml_text(path)))
            add(division, "fptr", FILEID=file_id)
    return file_bytes(root)


def _files(root: Element) -> list[list[tuple[str, MetsFile]]]:
    """Return the files of each group that has any, with their IDs."""
    found: list[list[tuple[str, MetsFile]]] = []

    def walk(group: Element, use: str) -> None:
        use = group.get("USE") or group.get("ID") or use
        files = []
        for file in children(group, "file"):
            location = child(file, "FLocat")
            href = location.get(f"{{{XLINK}}}href") if location is not None else None
            if href:
                mimetype = file.get("MIMETYPE") or ""
                files.append((file.get("ID") or "", MetsFile(_name(href), href, use, mimetype)))
        if files:
            found.append(files)
        for inner in children(group, "fileGrp"):
            walk(inner, use)

    for section in children(root, "fileSec"):
        walk(section, "")
    return found


def _collect(division: Element, by_id: dict[str, MetsFile], pages: list[MetsPage]) -> None:
    """Add the pages of a division: itself if it has files of its own, then those in it."""
    references = [
        pointer.get("FILEID")
        for fptr in children(division, "fptr")
        for pointer in fptr.iter()
        if pointer.get("FILEID")
    ]
    files = tuple(by_id[reference] for reference in references if reference in by_id)
    if files:
        label = division.get("ORDERLABEL") or division.get("LABEL") or ""
        pages.append(MetsPage(label[:500], files))
    inner = list(children(division, "div"))
    inner.sort(key=lambda one: _order(one, len(inner)))
    for one in inner:
        _collect(one, by_id, pages)


def _order(division: Element, otherwise: int) -> int:
    order = integer(division, "ORDER")
    return order if order is not None else otherwise


def _name(href: str) -> str:
    """Return the last part of an address or a path, as the file would be called."""
    try:
        path = urlsplit(href).path
    except ValueError:  # such as a broken address of IPv6
        path = href
    return base_name(unquote(path))


def _kind(path: str) -> tuple[str, str]:
    """Return the group of a file and its MIME type, by its name."""
    ending = path.rpartition(".")[2].lower()
    types = {
        "jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png", "tif": "image/tiff",
        "tiff": "image/tiff", "webp": "image/webp", "xml": "application/xml",
        "txt": "text/plain",
    }  # fmt: skip
    mimetype = types.get(ending, "application/octet-stream")
    if mimetype.startswith("image/"):
        return "IMAGE", mimetype
    folder = path.rpartition("/")[0].rpartition("/")[2].upper()
    return (folder or "LAYOUT" if ending == "xml" else "TEXT"), mimetype
