"""The page -> ALTO 4.4, valid for its schema, as eScriptorium and kraken read it.

Words and characters get their places and confidences where the page knows them. Geometry is in
whole pixels, because programs of the field cut decimals off. Of several facts about one thing,
ALTO keeps fewer than PAGE: only whether a person has corrected a line, and no flags.
"""

from __future__ import annotations

import re
from datetime import datetime

from exchange.alto import CONTENT_TAG
from exchange.custom import values_text
from exchange.order import nested, parent_tags
from exchange.outlines import outline_of
from exchange.page_xml import NO_REGION
from exchange.points import bounds, rectangle, whole_points
from exchange.records import Character, PageDocument, Points, Region, Tag, TextLine, Word
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

NAMESPACE = "http://www.loc.gov/standards/alto/ns-v4#"
SCHEMA = "http://www.loc.gov/standards/alto/v4/alto-4-4.xsd"
_ELEMENTS = {"text": "TextBlock", "image": "Illustration", "separator": "GraphicalElement",
             "unknown": "ComposedBlock"}  # fmt: skip
_CORRECTED = ("corrected", "confirmed")
_STRINGS = re.compile(" *[^ ]+")


def write_alto(page: PageDocument, now: datetime) -> bytes:
    """Return the page as an ALTO 4.4 file in UTF-8; points are rounded and moved into the image.

    Raises: ExchangeError for a page that is not measured in pixels.
    """
    check_writable(page)
    root = root_element("alto", NAMESPACE, SCHEMA)
    root.set("SCHEMAVERSION", "4.4")
    _AltoWriter(page).write(root, now)
    return file_bytes(root)


class _AltoWriter:
    """Writes one page; knows which identifier each tag, style, line and region has got."""

    def __init__(self, page: PageDocument) -> None:
        self.page = page
        self.ids = Identifiers()
        self.regions = nested(page.regions)
        self.region_ids = {region.id: self.ids.new(region.id) for region in self.regions}
        self.line_ids = [self.ids.new(line.id) for line in page.lines]
        self.tag_ids: dict[Tag, str] = {}
        self.style_ids: dict[str, str] = {}
        tagged: list[Region | TextLine] = [*self.regions, *page.lines]
        for tag in (tag for one in tagged for tag in self._tags(one)):
            if tag not in self.tag_ids:
                self.tag_ids[tag] = self.ids.new(f"TAG_{len(self.tag_ids) + 1}")
        for line in page.lines:
            if line.spacing_px and _spacing(line) not in self.style_ids:
                style = self.ids.new(f"SPACING_{len(self.style_ids) + 1}")
                self.style_ids[_spacing(line)] = style

    def write(self, root: Element, now: datetime) -> None:
        self._write_description(root, now)
        if self.style_ids:
            styles = add(root, "Styles")
            for spacing, style_id in self.style_ids.items():
                add(styles, "ParagraphStyle", ID=style_id, LINESPACE=spacing)
        if self.tag_ids:
            tags = add(root, "Tags")
            for tag, tag_id in self.tag_ids.items():
                _write_tag(tags, tag, tag_id)
        if self.line_ids:
            order = add(add(root, "ReadingOrder"), "OrderedGroup", ID=self.ids.new("order"))
            for position, line_id in enumerate(self.line_ids, start=1):
                add(order, "ElementRef", ID=self.ids.new(f"order_{position}"), REF=line_id)
        self._write_layout(root)

    def _write_description(self, root: Element, now: datetime) -> None:
        description = add(root, "Description")
        add(description, "MeasurementUnit", "pixel")
        source = add(description, "sourceImageInformation")
        add(source, "fileName", self.page.image_name)
        processing = add(description, "Processing", ID=self.ids.new("processing"))
        add(processing, "processingDateTime", time_text(now))
        add(add(processing, "processingSoftware"), "softwareName", PROGRAM)

    def _write_layout(self, root: Element) -> None:
        width, height = round(self.page.width), round(self.page.height)
        page = add(
            add(root, "Layout"),
            "Page",
            ID=self.ids.new("page"),
            PHYSICAL_IMG_NR=1,
            HEIGHT=height,
            WIDTH=width,
        )
        space = add(page, "PrintSpace", HEIGHT=height, WIDTH=width, HPOS=0, VPOS=0)
        by_region: dict[str, list[int]] = {}
        for number, line in enumerate(self.page.lines):
            region_id = line.region_id if line.region_id in self.region_ids else ""
            by_region.setdefault(region_id, []).append(number)
        for region in self.regions:
            numbers = by_region.get(region.id, [])
            name = "TextBlock" if numbers else _ELEMENTS.get(region.content, "ComposedBlock")
            block = self._write_block(space, name, region)
            for number in numbers:
                self._write_line(block, number)
        if "" in by_region:
            loose = add(space, "TextBlock", ID=self.ids.new(NO_REGION))
            for number in by_region[""]:
                self._write_line(loose, number)

    def _write_block(self, parent: Element, name: str, region: Region) -> Element:
        block = add(
            parent,
            name,
            ID=self.region_ids[region.id],
            TAGREFS=" ".join(self.tag_ids[tag] for tag in self._tags(region)) or None,
        )
        self._write_place(block, region.polygon)
        return block

    def _write_line(self, block: Element, number: int) -> None:
        line = self.page.lines[number]
        element = add(
            block,
            "TextLine",
            ID=self.line_ids[number],
            STYLEREFS=self.style_ids[_spacing(line)] if line.spacing_px else None,
            TAGREFS=" ".join(self.tag_ids[tag] for tag in self._tags(line)) or None,
            BASELINE=self._points(line.baseline),
            CS="true" if line.status in _CORRECTED else None,
        )
        outline = outline_of(line.polygon, line.baseline, line.spacing_px)
        self._write_place(element, outline, always_polygon=True)
        self._write_strings(element, line, self.line_ids[number])

    def _write_strings(self, element: Element, line: TextLine, line_id: str) -> None:
        """Write a String a word, an SP between; further spaces stay in the Strings.

        Words of the page count only if they are the words of the text. A hyphen at the end stays
        in its String: programs that look at Strings only would lose an HYP.
        """
        contents = _STRINGS.findall(line.text) or [line.text]
        contents = [contents[0], *(content[1:] for content in contents[1:])]
        if line.text.strip(" "):
            contents[-1] += line.text[len(line.text.rstrip(" ")) :]
        shown = [content.strip(" ") for content in contents]
        known = [word.text for word in line.words] == shown
        for position, content in enumerate(contents):
            if position:
                add(element, "SP")
            word = line.words[position] if known else Word(shown[position])
            confidence = line.confidence if word.confidence is None else word.confidence
            string = add(
                element,
                "String",
                ID=self.ids.new(f"{line_id}_s{position + 1}"),
                CONTENT=content,
                WC=confidence_text(confidence),
                SUBS_TYPE=_substitution(word),
                SUBS_CONTENT=word.full_text or None,
            )
            self._write_place(string, word.polygon)
            self._write_glyphs(string, word.characters, content)

    def _write_glyphs(
        self, string: Element, characters: tuple[Character, ...], content: str
    ) -> None:
        """Write the characters, if they are those of the String and one code point each."""
        if [character.text for character in characters] != list(content):
            return
        for character in characters:
            glyph = add(
                string,
                "Glyph",
                CONTENT=character.text,
                GC=confidence_text(character.confidence),
            )
            self._write_place(glyph, character.polygon)

    def _write_place(
        self, element: Element, polygon: Points, *, always_polygon: bool = False
    ) -> None:
        """Write the box around the polygon, and the polygon if it is more than a box."""
        whole = whole_points(polygon, self.page.width, self.page.height)
        box = bounds(whole)
        if box is None:
            return
        left, top, right, bottom = box
        element.set("HPOS", str(left))
        element.set("VPOS", str(top))
        element.set("WIDTH", str(right - left))
        element.set("HEIGHT", str(bottom - top))
        corners = rectangle(left, top, right - left, bottom - top)
        if always_polygon or (len(whole) >= 3 and tuple(whole) != corners):
            add(add(element, "Shape"), "Polygon", POINTS=" ".join(f"{x} {y}" for x, y in whole))

    def _tags(self, item: Region | TextLine) -> list[Tag]:
        """Return the tags of a region or line, with its kind and what it holds among them."""
        tags = [Tag("type", (("type", item.kind),))] if item.kind else []
        if isinstance(item, Region):
            if item.content != "text":
                tags.append(Tag(CONTENT_TAG, (("type", item.content),)))
            tags += parent_tags(item, self.region_ids)
        return [*tags, *item.tags]

    def _points(self, points: Points) -> str:
        whole = whole_points(points, self.page.width, self.page.height)
        return " ".join(f"{x} {y}" for x, y in whole)


def _write_tag(tags: Element, tag: Tag, tag_id: str) -> None:
    """Write a tag; values other than a type go into its description, as PAGE writes them."""
    labels = [value for key, value in tag.values if key == "type"]
    plain = len(tag.values) == 1 and len(labels) == 1
    add(
        tags,
        "OtherTag",
        ID=tag_id,
        TYPE=tag.name,
        LABEL=labels[0] if labels else tag.name,
        DESCRIPTION=None if plain else values_text(tag),
    )


def _spacing(line: TextLine) -> str:
    return f"{line.spacing_px:.2f}"


def _substitution(word: Word) -> str | None:
    if word.hyphen_part:
        return f"HypPart{word.hyphen_part}"
    return "Abbreviation" if word.full_text else None
