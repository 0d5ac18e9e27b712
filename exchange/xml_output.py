"""What all written XML shares: identifiers, texts that XML can hold, the bytes of the file."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from lxml import etree

from exchange.errors import ExchangeError
from exchange.records import PageDocument
from exchange.xml_input import Element

PROGRAM = "HTR Desk"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NOT_IN_ID = re.compile(r"[^A-Za-z0-9_.-]")


class Identifiers:
    """The identifiers of one file: each valid for XML, no two alike."""

    def __init__(self) -> None:
        """Start with none taken."""
        self._taken: set[str] = set()
        self._counts: dict[str, int] = {}  # base -> the last number tried, or each would try all

    def new(self, wanted: str) -> str:
        """Return `wanted`, changed as little as a valid and unused identifier needs."""
        base = _NOT_IN_ID.sub("_", wanted) or "id"
        base = base if re.match("[A-Za-z_]", base) else f"_{base}"
        found, count = base, self._counts.get(base, 1)
        while found in self._taken:
            count += 1
            found = f"{base}_{count}"
        self._taken.add(found)
        self._counts[base] = count
        return found


def xml_text(text: str) -> str:
    """Return the text with U+FFFD for what XML cannot hold: control characters, half a pair."""
    return _NOT_XML.sub("\ufffd", text)


def add(parent: Element, name: str, text: str | None = None, /, **attributes: object) -> Element:
    """Return a new child in the namespace of its parent; attributes that are None are left out."""
    space = str(parent.tag).rpartition("}")[0]
    element = etree.SubElement(parent, f"{space}}}{name}" if space else name)
    for key, value in attributes.items():
        if value is not None:
            element.set(key, xml_text(str(value)))
    if text is not None:
        element.text = xml_text(text)
    return element


def root_element(
    name: str, space: str, schema: str, prefixes: Mapping[str, str] | None = None
) -> Element:
    """Return the first element of a file, which says where its schema is.

    prefixes: of further namespaces that the file uses.
    """
    names: dict[str | None, str] = {None: space, "xsi": XSI}
    names.update(prefixes or {})
    root = etree.Element(f"{{{space}}}{name}", nsmap=names)
    root.set(f"{{{XSI}}}schemaLocation", f"{space} {schema}")
    return root


def file_bytes(root: Element) -> bytes:
    """Return the file, in UTF-8 and indented."""
    etree.indent(root, "  ")
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8"))


def outer(file: etree.xmlfile, root: Element, name: str | None = None) -> Any:
    """Return a context inside which what is written stands in `root`, or in its new child `name`.

    For files that are written piece by piece; of `root` itself only tag and attributes are taken.
    """
    if name is None:
        return file.element(root.tag, attrib=dict(root.attrib), nsmap=dict(root.nsmap))
    space = str(root.tag).rpartition("}")[0]
    return file.element(f"{space}}}{name}")


def confidence_text(confidence: float | None) -> str | None:
    """Return a confidence as both formats want it, 0-1; None for none and for what is no number."""
    if confidence is None or not math.isfinite(confidence):
        return None
    return f"{min(1.0, max(0.0, confidence)):.4f}"


def time_text(moment: datetime) -> str:
    """Return a moment in UTC, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def check_writable(page: PageDocument) -> None:
    """Raise ExchangeError for a page whose geometry is not in pixels of its image."""
    if page.unit != "pixel":
        raise ExchangeError(
            f"The page {page.image_name!r} is measured in {page.unit}, not in pixels. Fit it to "
            "its image first."
        )
