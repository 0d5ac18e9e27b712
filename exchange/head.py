"""The beginning of a layout file -> its format and the image it names, without reading it all."""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree

from exchange.errors import ExchangeError, UnknownFormat
from exchange.mets import NAMESPACE as METS
from exchange.xml_input import (
    MAX_DEPTH,
    SAFE_PARSING,
    Element,
    base_name,
    check_bytes,
    content,
    local_name,
    namespace,
)

HEAD_BYTES = 1 << 20  # the image's name stands in the first kilobytes
PIECE_BYTES = 16_384


@dataclass(frozen=True)
class LayoutHead:
    """What a file is: "page", "alto" or "mets", and the name of the image it says it is for."""

    format: str
    image_name: str


def layout_head(data: bytes, name: str) -> LayoutHead:
    """Return what kind of layout file this is, and the last part of its image's name.

    Raises: ExchangeError for files that are unsafe or no XML, UnknownFormat for other XML. What
    comes after the image's name is not looked at.
    """
    check_bytes(data, name)
    parser = etree.XMLPullParser(events=("start", "end"), **SAFE_PARSING)
    format_name, depth = "", 0
    try:
        for at in range(0, min(len(data), HEAD_BYTES), PIECE_BYTES):
            parser.feed(data[at : at + PIECE_BYTES])
            for event, element in parser.read_events():
                depth += 1 if event == "start" else -1
                if depth > MAX_DEPTH:
                    return LayoutHead(format_name, "")
                format_name = format_name or _format(element, name)
                found = _image_name(element, event, format_name)
                if found is not None or format_name == "mets":
                    return LayoutHead(format_name, found or "")
    except etree.XMLSyntaxError as error:
        raise ExchangeError(f"{name} is not well-formed XML: {str(error)[:200]}.") from error
    if not format_name:
        raise ExchangeError(f"{name} is not well-formed XML: it ends before it begins.")
    return LayoutHead(format_name, "")


def _format(element: Element, name: str) -> str:
    """Return the format by the first element."""
    first = local_name(element)
    if first == "PcGts":
        return "page"
    if first.lower() == "alto":
        return "alto"
    if first == "mets" and namespace(element) == METS:
        return "mets"
    raise UnknownFormat(
        f"{name} is neither PAGE XML nor ALTO nor METS: its first element is {first[:60]!r}."
    )


def _image_name(element: Element, event: str, format_name: str) -> str | None:
    """Return the name of the image if this is where it stands; None if it must come later."""
    local = local_name(element)
    if format_name == "page" and local == "Page" and event == "start":
        return base_name(element.get("imageFilename") or "")
    if format_name == "alto" and local == "fileName" and event == "end":
        return base_name(content(element))
    if format_name == "alto" and local == "Layout" and event == "start":
        return ""
    return None
