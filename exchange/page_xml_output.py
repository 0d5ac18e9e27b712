"""The page -> PAGE XML of 2019, valid for its schema, as Transkribus and eScriptorium read it.

What PAGE has no place for (line spacing, status, flags) goes into UserDefined, which others leave
alone. Geometry is in whole pixels, because the schema asks for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from exchange.custom import custom_text, tag_value, without_value
from exchange.order import grouped, nested, parent_tags
from exchange.outlines import outline_of
from exchange.page_xml import CELL, NAMESPACE, NO_REGION
from exchange.points import bounds, rectangle, whole_points
from exchange.records import PageDocument, Points, Region, Tag, TextLine, Word
from exchange.xml_input import Element
from exchange.xml_output import (
    PROGRAM,
    Identifiers,
    add,
    check_writable,
    confidence_text,
    file_bytes,
    root_element,
    time_text,
)

VERSION = NAMESPACE + "2019-07-15"
TEXT_TYPES = (
    "paragraph", "heading", "caption", "header", "footer", "page-number", "drop-capital", "credit",
    "floating", "signature-mark", "catch-word", "marginalia", "footnote", "footnote-continued",
    "endnote", "TOC-entry", "list-label", "other",
)  # fmt: skip
_ELEMENTS = {
    "text": "TextRegion", "image": "ImageRegion", "linedrawing": "LineDrawingRegion",
    "graphic": "GraphicRegion", "table": "TableRegion", "chart": "ChartRegion",
    "separator": "SeparatorRegion", "map": "MapRegion", "maths": "MathsRegion",
    "chem": "ChemRegion", "music": "MusicRegion", "advert": "AdvertRegion",
    "noise": "NoiseRegion", "unknown": "UnknownRegion", "custom": "CustomRegion",
}  # fmt: skip
_CELL_ROLE = (
    ("row", "rowIndex"), ("col", "columnIndex"), ("rowSpan", "rowSpan"), ("colSpan", "colSpan"),
)  # fmt: skip


def write_page_xml(page: PageDocument, now: datetime) -> bytes:
    """Return the page as a PAGE XML file of version 2019-07-15, in UTF-8.

    Points are rounded to whole pixels and moved into the image; a line without an outline gets a
    band around its baseline, as PAGE wants one for every line.

    Raises: ExchangeError for a page that is not measured in pixels.
    """
    check_writable(page)
    root = root_element("PcGts", VERSION, VERSION + "/pagecontent.xsd")
    metadata = add(root, "Metadata")
    add(metadata, "Creator", PROGRAM)
    add(metadata, "Created", time_text(now))
    add(metadata, "LastChange", time_text(now))
    _PageWriter(page).write(root)
    return file_bytes(root)


class _PageWriter:
    """Writes one page; knows which identifier each line and region has got."""

    def __init__(self, page: PageDocument) -> None:
        self.page = page
        self.regions = nested(page.regions)
        self.ids = Identifiers()
        self.region_ids = {region.id: self.ids.new(region.id) for region in self.regions}
        self.line_ids = [self.ids.new(line.id) for line in page.lines]
        self.numbers: dict[str, list[int]] = {}  # region -> its lines, by number in reading order
        for number, line in enumerate(page.lines):
            region_id = line.region_id if line.region_id in self.region_ids else ""
            self.numbers.setdefault(region_id, []).append(number)
        self.loose_id = self.ids.new(NO_REGION) if "" in self.numbers else ""

    def write(self, root: Element) -> None:
        page = add(
            root,
            "Page",
            imageFilename=self.page.image_name,
            imageWidth=round(self.page.width),
            imageHeight=round(self.page.height),
        )
        self._write_order(page)
        for index, region in enumerate(self.regions):
            element = self._write_region(page, region, index)
            for position, number in enumerate(self.numbers.get(region.id, ())):
                self._write_line(element, number, position)
        if "" in self.numbers:
            loose = add(page, "TextRegion", id=self.loose_id)
            self._write_coords(loose, self._box(self.numbers[""]))
            for index, number in enumerate(self.numbers[""]):
                self._write_line(loose, number, index)

    def _write_order(self, page: Element) -> None:
        """Name the regions in their order; where that does not say all, every line."""
        if not self.regions:
            return
        lines = self.page.lines
        nesting = [id(line) for line in grouped(lines, self.regions)]
        if nesting == [id(line) for line in lines]:
            # kraken passes over what the order does not name
            references = [*self.region_ids.values(), *([self.loose_id] if self.loose_id else [])]
        else:
            references = self.line_ids
        order = add(add(page, "ReadingOrder"), "OrderedGroup", id=self.ids.new("reading_order"))
        for index, reference in enumerate(references):
            add(order, "RegionRefIndexed", index=index, regionRef=reference)

    def _write_region(self, parent: Element, region: Region, index: int) -> Element:
        numbers = self.numbers.get(region.id, [])
        tags = [Tag("readingOrder", (("index", str(index)),))]
        if region.kind:
            tags.append(Tag("structure", (("type", region.kind),)))
        name = _ELEMENTS.get(region.content, "UnknownRegion")
        if numbers and region.content != "text":  # only a TextRegion holds lines
            name = "TextRegion"
            tags.append(Tag("content", (("type", region.content),)))
        tags += parent_tags(region, self.region_ids)
        tags += [tag for tag in region.tags if tag.name != CELL]
        is_typed = name == "TextRegion" and region.kind in TEXT_TYPES
        element = add(
            parent,
            name,
            id=self.region_ids[region.id],
            type=region.kind if is_typed else None,
            custom=custom_text(tags),
        )
        outline = region.polygon if len(region.polygon) >= 3 else self._box(numbers)
        self._write_coords(element, outline)
        _write_cell(element, region)
        return element

    def _write_line(self, region: Element, number: int, index: int) -> None:
        line, line_id = self.page.lines[number], self.line_ids[number]
        structure = Tag("structure", (("type", line.kind),))
        tags = [Tag("readingOrder", (("index", str(index)),)), *([structure] if line.kind else [])]
        tags += without_value(line.tags, "readingOrder", "index")
        element = add(region, "TextLine", id=line_id, custom=custom_text(tags))
        outline = outline_of(line.polygon, line.baseline, line.spacing_px)
        self._write_coords(element, outline)
        add(element, "Baseline", points=self._points(line.baseline))
        if line.words and all(len(word.polygon) >= 2 for word in line.words):
            for position, word in enumerate(line.words, start=1):
                self._write_word(element, word, f"{line_id}_w{position}")
        _write_text(element, line.text, line.confidence)
        _write_own_facts(element, line)

    def _write_word(self, line: Element, word: Word, wanted: str) -> None:
        name, part = ("abbrev", ()) if not word.hyphen_part else (
            "hyphenation", (("part", str(word.hyphen_part)),)
        )  # fmt: skip
        expansion = (("expansion", word.full_text),) if word.full_text else ()
        custom = custom_text([Tag(name, (*part, *expansion))]) if part or expansion else None
        word_id = self.ids.new(wanted)
        element = add(line, "Word", id=word_id, custom=custom)
        self._write_coords(element, word.polygon)
        if all(len(character.polygon) >= 2 for character in word.characters):
            for position, character in enumerate(word.characters, start=1):
                glyph = add(element, "Glyph", id=self.ids.new(f"{word_id}_g{position}"))
                self._write_coords(glyph, character.polygon)
                _write_text(glyph, character.text, character.confidence)
        _write_text(element, word.text, word.confidence)

    def _write_coords(self, element: Element, points: Points) -> None:
        add(element, "Coords", points=self._points(points))

    def _points(self, points: Points) -> str:
        whole = whole_points(points, self.page.width, self.page.height)
        return " ".join(f"{x},{y}" for x, y in whole)

    def _box(self, numbers: Sequence[int]) -> Points:
        """Return a box around lines; around the page where there are none."""
        lines = [self.page.lines[number] for number in numbers]
        box = bounds(
            point
            for line in lines
            for point in outline_of(line.polygon, line.baseline, line.spacing_px)
        )
        left, top, right, bottom = box or (0.0, 0.0, self.page.width, self.page.height)
        return rectangle(left, top, right - left, bottom - top)


def _write_text(element: Element, text: str, confidence: float | None) -> None:
    if text:
        add(add(element, "TextEquiv", conf=confidence_text(confidence)), "Unicode", text)


def _write_own_facts(element: Element, line: TextLine) -> None:
    facts = {
        "spacing_px": f"{line.spacing_px:.2f}" if line.spacing_px else "",
        "status": line.status,
        "flags": " ".join(line.flags),
    }
    facts = {name: value for name, value in facts.items() if value}
    if facts:
        defined = add(element, "UserDefined")
        for name, value in facts.items():
            add(defined, "UserAttribute", name=name, value=value)


def _write_cell(element: Element, region: Region) -> None:
    """Say where a region stands in its table, if it does."""
    given = {key: tag_value(region.tags, CELL, key) for key, _ in _CELL_ROLE}
    if given["row"] is not None and given["col"] is not None:
        role = add(add(element, "Roles"), "TableCellRole")
        for key, name in _CELL_ROLE:
            if given[key] is not None:
                role.set(name, given[key])
