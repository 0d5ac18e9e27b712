"""An XML file of the field -> the page, whichever of the formats it is in."""

from __future__ import annotations

from dataclasses import replace

from exchange import alto, page_xml
from exchange.errors import UnknownFormat
from exchange.records import PageDocument
from exchange.xml_input import local_name, parse_xml


def read_page(data: bytes, name: str) -> PageDocument:
    """Return the page of a PAGE or ALTO file; `name` is said in messages.

    Raises: ExchangeError for files that are unsafe, in another format, or without a page.
    """
    root = parse_xml(data, name)
    first = local_name(root)
    if first == "PcGts":
        return replace(page_xml.page_of(root, name), source_format="PAGE")
    if first.lower() == "alto":
        return replace(alto.page_of(root, name), source_format="ALTO")
    raise UnknownFormat(
        f"{name} is neither PAGE XML nor ALTO: its first element is {first[:60]!r}, expected "
        "'PcGts' or 'alto'."
    )
