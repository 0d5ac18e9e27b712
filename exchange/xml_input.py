"""Bytes of an XML file that nobody vouches for -> its root element, or a clear error.

No DOCTYPE, so there are no entities and no external files; no network; size, number of elements
and depth are limited before or while libxml2 reads, so that its memory stays bounded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from lxml import etree

from exchange.errors import ExchangeError, UnsafeFile

MAX_BYTES = 32 * 2**20  # a page with every character's outline has about 10 MiB
MAX_TAGS = 2_000_000  # "<" in the file; about half as many elements, some 300 MiB in memory
MAX_DEPTH = 64  # PAGE and ALTO nest about ten deep
MAX_VALUE = 1e7  # no page image is so many pixels wide, nor so many 1/1200 inch
SAFE_PARSING = {
    "resolve_entities": False,
    "no_network": True,
    "load_dtd": False,
    "huge_tree": False,
    "remove_comments": True,
    "remove_pis": True,
}

# Where "<" is another byte than in ASCII, the checks below would see nothing.
_ENCODINGS = re.compile(
    r"utf-?8|utf-?16(le|be)?|us-ascii|ascii|latin-?1|iso-?8859-\d+|windows-125\d"
)
_DECLARED = re.compile(rb"<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([^\"']{0,40})[\"']")
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff", b"<\x00", b"\x00<")

Element = Any  # lxml carries no types


def parse_xml(data: bytes, name: str) -> Element:
    """Return the root element of an XML file; `name` is said in messages.

    Raises:
        UnsafeFile: too large, too deep, or with a DOCTYPE.
        ExchangeError: no well-formed XML, or in an encoding that is not read here.
    """
    check_bytes(data, name)
    parser = etree.XMLParser(recover=False, **SAFE_PARSING)
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise ExchangeError(
            f"{name} is not well-formed XML: {_short(str(error))}. Export it again, or mend this "
            "place in a text editor."
        ) from error
    except (ValueError, LookupError) as error:
        raise ExchangeError(f"{name} cannot be read as XML: {_short(str(error))}.") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise _has_doctype(name)
    _check_depth(root, name)
    return root


def check_bytes(data: bytes, name: str) -> None:
    """Raise ExchangeError for bytes that no parser should see; see `parse_xml`."""
    if len(data) > MAX_BYTES:
        raise UnsafeFile(
            f"{name} has {len(data) / 2**20:.0f} MiB; a page may have {MAX_BYTES // 2**20}. Split "
            "it into one file a page."
        )
    if not data.strip():
        raise ExchangeError(f"{name} is empty. Export it again.")
    if data.count(b"<") > MAX_TAGS:
        raise UnsafeFile(
            f"{name} has more than {MAX_TAGS:,} XML tags, too many for one page. Split it into "
            "one file a page."
        )
    declared = _DECLARED.search(data[:300].replace(b"\x00", b""))
    encoding = declared.group(1).decode("ascii", "replace").lower() if declared else "utf-8"
    readable = data.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not _ENCODINGS.fullmatch(encoding) or not readable.startswith((b"<", *_UTF16_MARKS)):
        raise ExchangeError(
            f"{name} does not begin like XML in an encoding that is read here (found "
            f"{encoding!r}). Save it as UTF-8."
        )
    if b"<!DOCTYPE" in data.replace(b"\x00", b""):
        raise _has_doctype(name)


def local_name(element: Element) -> str:
    """Return the name of an element without its namespace."""
    return str(element.tag).rpartition("}")[2]


def namespace(element: Element) -> str:
    """Return the namespace of an element, "" for none."""
    return str(element.tag).rpartition("}")[0].lstrip("{")


def children(element: Element, *names: str) -> Iterator[Element]:
    """Yield the children with one of these names, in the namespace of the element itself."""
    space = namespace(element)
    return element.iterchildren(*(f"{{{space}}}{name}" if space else name for name in names))


def child(element: Element | None, *names: str) -> Element | None:
    """Return the first descendant along these names, one a level; None if there is none."""
    for name in names:
        if element is None:
            return None
        element = next(children(element, name), None)
    return element


def number(element: Element, attribute: str) -> float | None:
    """Return an attribute as a finite number of a possible size; None for anything else."""
    try:
        value = float(element.get(attribute, ""))
    except ValueError:
        return None
    return value if abs(value) < MAX_VALUE else None  # neither is NaN


def integer(element: Element, attribute: str) -> int | None:
    """Return an attribute as a whole number, its decimals cut off; None for anything else."""
    value = number(element, attribute)
    return int(value) if value is not None else None


def content(element: Element | None) -> str:
    """Return all text in an element, "" for none."""
    return "" if element is None else "".join(element.itertext())


def confidence(element: Element, attribute: str) -> float | None:
    """Return an attribute as a confidence, 0-1; None for anything else."""
    value = number(element, attribute)
    return value if value is not None and 0 <= value <= 1 else None


def base_name(path: str) -> str:
    """Return the last part of a path of any system: a file never says where to look for images."""
    return path.strip().replace("\\", "/").rpartition("/")[2]


def _check_depth(root: Element, name: str) -> None:
    depth = 0
    for event, _ in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        if depth > MAX_DEPTH:
            raise UnsafeFile(
                f"{name} nests its elements more than {MAX_DEPTH} deep, which no page needs. "
                "Export it again."
            )


def _has_doctype(name: str) -> UnsafeFile:
    return UnsafeFile(
        f"{name} has a DOCTYPE, which could draw in other files. PAGE and ALTO need none: delete "
        "that line and try again."
    )


def _short(message: str) -> str:
    return " ".join(message.split())[:200].rstrip(".")
