"""Pages -> one TEI P5 file: facsimile with a zone a line, and the text that refers to it.

Page and line beginnings are `pb` and `lb`, each region of lines one `ab`. Struck out, unclear,
illegible and supplied text, abbreviations, names and dates become elements of their own, from tags
and from marks in the text.

Source: TEI Guidelines P5, chapters 10 (manuscripts), 11 (primary sources), 13 (names and dates).
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from itertools import groupby
from typing import IO
from urllib.parse import quote

from lxml import etree

from exchange.custom import tag_value
from exchange.editorial import DELETED, GAP, SUPPLIED, UNCLEAR, Piece, marked_up
from exchange.points import whole_points
from exchange.records import PageDocument, Points, TextLine
from exchange.tei_style import STYLE
from exchange.xml_input import Element
from exchange.xml_output import (
    PROGRAM,
    Identifiers,
    add,
    check_writable,
    outer,
    time_text,
    xml_text,
)

NAMESPACE = "http://www.tei-c.org/ns/1.0"
_ID = "{http://www.w3.org/XML/1998/namespace}id"
_NAMES = {  # tags of Transkribus, and our marks -> elements with their attributes
    DELETED: ("del", {"rend": "strikethrough"}),
    SUPPLIED: ("supplied", {}),
    UNCLEAR: ("unclear", {}),
    "person": ("persName", {}),
    "place": ("placeName", {}),
    "organization": ("orgName", {}),
    "date": ("date", {}),
    "add": ("add", {}),
    "speech": ("said", {}),
}
_STYLES = ("bold", "italic", "underlined", "superscript", "subscript", "strikethrough")


def write_tei(
    pages: Sequence[PageDocument], title: str, now: datetime, with_marks: bool = True
) -> bytes:
    """Return the pages as one TEI P5 file; see `stream_tei`."""
    out = io.BytesIO()
    stream_tei(out, lambda: pages, len(pages), title, now, with_marks)
    return out.getvalue()


def stream_tei(
    out: IO[bytes],
    pages: Callable[[], Iterable[PageDocument]],
    count: int,
    title: str,
    now: datetime,
    with_marks: bool = True,
    folder: str = "",
) -> None:
    """Write the pages into one TEI P5 file in UTF-8, which a browser shows as a text to read.

    pages: gives the `count` pages, and the same again when it is called again: the places come
    before the text. One page is in memory at a time.
    with_marks: whether marks in the text (⟦struck out⟧, ⟨supplied⟩, [...], unsure[?])
    become elements.
    folder: of the images, with a slash at its end.

    Raises: ExchangeError for a page that is not measured in pixels.
    """
    root = etree.Element(f"{{{NAMESPACE}}}TEI", nsmap={None: NAMESPACE})
    with etree.xmlfile(out, encoding="UTF-8") as file:
        file.write_declaration()
        file.write(etree.ProcessingInstruction("xml-stylesheet", STYLE))
        with outer(file, root):
            file.write(_header(root, count, title, now))
            if count:
                with outer(file, root, "facsimile"):
                    for number, page in enumerate(pages(), start=1):
                        file.write(_surface(root, page, number, folder))
            with outer(file, root, "text"), outer(file, root, "body"), outer(file, root, "div"):
                _stream_text(file, root, pages(), with_marks)


def _stream_text(
    file: etree.xmlfile, root: Element, pages: Iterable[PageDocument], with_marks: bool
) -> None:
    """Write the text, page by page, without white space for looks: it would be text."""
    is_empty = True
    for number, page in enumerate(pages, start=1):
        division = add(root, "div")
        add(division, "pb", n=number, facs=f"#page_{number}").tail = "\n"
        _write_text(division, page, _zone_ids(page, number), with_marks)
        is_empty = is_empty and not page.lines
        for element in division:
            file.write(element)
        root.remove(division)
    if is_empty:
        file.write(etree.Element(f"{{{NAMESPACE}}}ab", nsmap={None: NAMESPACE}))


def _header(root: Element, count: int, title: str, now: datetime) -> Element:
    header = add(root, "teiHeader")
    description = add(header, "fileDesc")
    add(add(description, "titleStmt"), "title", title)
    add(add(description, "publicationStmt"), "p", f"Transcribed with {PROGRAM}.")
    add(add(description, "sourceDesc"), "p", f"Images of {count} pages.")
    change = add(add(header, "revisionDesc"), "change", f"Exported from {PROGRAM}.")
    change.set("when", time_text(now))
    etree.indent(header, "  ")
    return header


def _zone_ids(page: PageDocument, number: int) -> list[str]:
    """Return the identifier of each line of a page, unlike those of other pages."""
    ids = Identifiers()
    return [ids.new(f"page_{number}_{line.id}") for line in page.lines]


def _surface(root: Element, page: PageDocument, number: int, folder: str) -> Element:
    """Return the image with a zone a line."""
    check_writable(page)
    width, height = round(page.width), round(page.height)
    surface = add(root, "surface", ulx=0, uly=0, lrx=width, lry=height)
    surface.set(_ID, f"page_{number}")
    add(
        surface,
        "graphic",
        url=folder + _url(page.image_name),
        width=f"{width}px",
        height=f"{height}px",
    )
    for line, zone_id in zip(page.lines, _zone_ids(page, number), strict=True):
        zone = add(surface, "zone", type="line")
        zone.set(_ID, zone_id)
        if len(line.polygon) >= 3:
            zone.set("points", _points(line.polygon, page))
        path = add(surface, "path", points=_points(line.baseline, page), type="baseline")
        path.set("corresp", f"#{zone_id}")
    root.remove(surface)
    etree.indent(surface, "  ")
    return surface


def _write_text(
    division: Element, page: PageDocument, zones: Sequence[str], with_marks: bool
) -> None:
    """Write the lines, those of one region and kind together."""
    kinds = {region.id: region.kind for region in page.regions}
    numbered = list(zip(range(1, len(zones) + 1), page.lines, zones, strict=True))
    before: TextLine | None = None
    for (region_id, kind), group in groupby(numbered, lambda one: (one[1].region_id, one[1].kind)):
        block = add(division, "ab", type=_word(kind or kinds.get(region_id, "")))
        block.tail = "\n"
        for number, line, zone in group:
            in_word = bool(before and before.words and before.words[-1].hyphen_part == 1)
            if len(block) and not in_word:
                _append(block, ["\n"])
            beginning = add(block, "lb", n=number, facs=f"#{zone}")
            if in_word:
                beginning.set("break", "no")
            _append(block, marked_up(line.text, line.tags, with_marks))
            before = line


def _append(parent: Element, parts: Sequence[str | Piece]) -> None:
    """Put text and pieces at the end of an element."""
    for part in parts:
        if isinstance(part, str):
            last = parent[-1] if len(parent) else None
            if last is None:
                parent.text = (parent.text or "") + xml_text(part)
            else:
                last.tail = (last.tail or "") + xml_text(part)
        else:
            _append_piece(parent, part)


def _append_piece(parent: Element, piece: Piece) -> None:
    tag = piece.tag
    if tag.name == GAP:
        add(parent, "gap", reason="illegible")
        _append(parent, [part for part in piece.parts if isinstance(part, Piece)])
    elif tag.name in ("abbrev", "sic"):
        outer, inner, other = {
            "abbrev": ("abbr", "expan", "expansion"), "sic": ("sic", "corr", "correction"),
        }[tag.name]  # fmt: skip
        said = tag_value([tag], tag.name, other)
        place = add(parent, "choice") if said else parent
        _append(add(place, outer), piece.parts)
        if said:
            add(place, inner, said)
    elif tag.name == "textStyle":
        styles = [key for key, value in tag.values if key in _STYLES and value == "true"]
        name = "del" if "strikethrough" in styles else "hi"
        _append(add(parent, name, rend=" ".join(styles) or None), piece.parts)
    else:
        name, attributes = _NAMES.get(tag.name, ("seg", {"type": _word(tag.name)}))
        element = add(parent, name)
        for key, value in attributes.items():
            if value is not None:
                element.set(key, value)
        _append(element, piece.parts)


def _word(text: str) -> str | None:
    """Return a type as TEI wants it, one word of letters; None for none."""
    kept = "".join(c if c.isascii() and (c.isalnum() or c in "_-.") else "_" for c in text)
    if not kept.strip("_-."):
        return None
    return kept if kept[0].isalpha() or kept[0] == "_" else f"_{kept}"


def _url(name: str) -> str:
    """Return the name of the image as a relative address."""
    return quote(xml_text(name)) or "image"


def _points(points: Points, page: PageDocument) -> str:
    return " ".join(f"{x},{y}" for x, y in whole_points(points, page.width, page.height))
