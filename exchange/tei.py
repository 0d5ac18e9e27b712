"""Pages -> one TEI P5 file: facsimile with a zone a line, and the text that refers to it.

Page and line beginnings are `pb` and `lb`, each region of lines one `ab`. Struck out, unclear,
illegible and supplied text, abbreviations, names and dates become elements of their own, from tags
and from marks in the text.

Source: TEI Guidelines P5, chapters 10 (manuscripts), 11 (primary sources), 13 (names and dates).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from urllib.parse import quote

from lxml import etree

from exchange.custom import tag_value
from exchange.editorial import DELETED, GAP, SUPPLIED, UNCLEAR, Piece, marked_up
from exchange.points import whole_points
from exchange.records import PageDocument, Points, TextLine
from exchange.xml_input import Element
from exchange.xml_output import (
    PROGRAM,
    Identifiers,
    add,
    check_writable,
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
    """Return the pages as one TEI P5 file in UTF-8.

    with_marks: whether marks in the text (⟦struck out⟧, ⟨supplied⟩, [...], unsure[?])
    become elements.

    Raises: ExchangeError for a page that is not measured in pixels.
    """
    root = etree.Element(f"{{{NAMESPACE}}}TEI", nsmap={None: NAMESPACE})
    _write_header(root, pages, title, now)
    ids = Identifiers()
    zones: dict[int, list[str]] = {}
    surfaces = []
    if pages:
        facsimile = add(root, "facsimile")
        for number, page in enumerate(pages):
            check_writable(page)
            surface_id = ids.new(f"page_{number + 1}")
            surfaces.append(surface_id)
            zones[number] = _write_surface(facsimile, page, surface_id, ids)
    etree.indent(root, "  ")  # the text comes after: white space in it would be text
    division = add(add(add(root, "text"), "body"), "div")
    for number, page in enumerate(pages):
        add(division, "pb", n=number + 1, facs=f"#{surfaces[number]}").tail = "\n"
        _write_text(division, page, zones[number], with_marks)
    if not any(page.lines for page in pages):
        add(division, "ab")
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8"))


def _write_header(root: Element, pages: Sequence[PageDocument], title: str, now: datetime) -> None:
    header = add(root, "teiHeader")
    description = add(header, "fileDesc")
    add(add(description, "titleStmt"), "title", title)
    add(add(description, "publicationStmt"), "p", f"Transcribed with {PROGRAM}.")
    add(add(description, "sourceDesc"), "p", f"Images of {len(pages)} pages.")
    change = add(add(header, "revisionDesc"), "change", f"Exported from {PROGRAM}.")
    change.set("when", time_text(now))


def _write_surface(
    facsimile: Element, page: PageDocument, surface_id: str, ids: Identifiers
) -> list[str]:
    """Write the image with a zone a line; return the identifiers of the zones."""
    width, height = round(page.width), round(page.height)
    surface = add(facsimile, "surface", ulx=0, uly=0, lrx=width, lry=height)
    surface.set(_ID, surface_id)
    add(surface, "graphic", url=_url(page.image_name), width=f"{width}px", height=f"{height}px")
    found = []
    for line in page.lines:
        zone = add(surface, "zone", type="line")
        zone.set(_ID, ids.new(f"{surface_id}_{line.id}"))
        found.append(str(zone.get(_ID)))
        if len(line.polygon) >= 3:
            zone.set("points", _points(line.polygon, page))
        path = add(surface, "path", points=_points(line.baseline, page), type="baseline")
        path.set("corresp", f"#{zone.get(_ID)}")
    return found


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
