"""ALTO XML -> the page, in the versions 1 to 4 and the ways of several programs.

eScriptorium and kraken write baselines and outlines as points and types as tags; Gallica and
other libraries write boxes, baselines of one number, hyphens and blocks in blocks, in pixels,
tenths of a millimetre or 1/1200 inch.

Source: ALTO, Library of Congress, schema alto-4-4.xsd and its documentation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from exchange.alto_text import baseline_of, outline, text_of
from exchange.custom import parse_values
from exchange.errors import ExchangeError, UnknownFormat
from exchange.found import Found
from exchange.order import ordered_lines
from exchange.page_xml import NO_REGION
from exchange.records import (
    BASELINE_DERIVED,
    UNITS,
    PageDocument,
    Region,
    Tag,
    TextLine,
)
from exchange.xml_input import (
    Element,
    base_name,
    child,
    children,
    content,
    local_name,
    namespace,
    number,
    parse_xml,
)

_NAMESPACES = re.compile(
    r"(http://www\.loc\.gov/standards/alto/(ns-v\d+#|alto-v\d.*)"
    r"|http://schema\.ccs-gmbh\.com/(docworks/)?(ALTO|alto.*))?"
)
_SPACES = ("TopMargin", "LeftMargin", "PrintSpace", "RightMargin", "BottomMargin")
_CONTENTS = {"TextBlock": "text", "Illustration": "image", "GraphicalElement": "separator",
             "ComposedBlock": "unknown"}  # fmt: skip
_TYPE_TAGS = ("", "type", "region", "structure")  # TYPE of a tag that says what the element is
_VALUES = re.compile(r"(?:[^\s:;]+:[^;]*;\s*)+")  # DESCRIPTION that holds the values of a tag
CONTENT_TAG = "content"  # TYPE of the tag that says what a block holds, where ALTO has no element


@dataclass
class _Found(Found):
    tags: dict[str, Tag] = field(default_factory=dict)
    spacings: dict[str, float] = field(default_factory=dict)
    strings: dict[str, str] = field(default_factory=dict)  # id of a String -> id of its line

    def tags_of(self, element: Element) -> tuple[str, tuple[Tag, ...]]:
        """Return the kind of a block or line, and its other tags."""
        tags = [
            self.tags[ref] for ref in (element.get("TAGREFS") or "").split() if ref in self.tags
        ]
        kinds = [tag for tag in tags if tag.name in _TYPE_TAGS]
        kind = dict(kinds[0].values).get("type", "") if kinds else ""
        return kind, tuple(tag for tag in tags if tag not in kinds)


def read_alto(data: bytes, name: str) -> PageDocument:
    """Return the page of an ALTO file, measured in the unit of the file; `name` is for messages.

    Raises: ExchangeError for files that are unsafe, no ALTO, or without a page.
    """
    return page_of(parse_xml(data, name), name)


def page_of(root: Element, name: str) -> PageDocument:
    """Return the page of a parsed ALTO file; see `read_alto`."""
    _check_root(root, name)
    pages = [page for layout in children(root, "Layout") for page in children(layout, "Page")]
    if not pages:
        raise ExchangeError(f"{name} has no Page element, so nothing is in it. Export it again.")
    unit = content(child(root, "Description", "MeasurementUnit")).strip() or "pixel"
    if unit not in UNITS:
        raise ExchangeError(
            f"{name} is measured in {unit[:40]!r}; ALTO knows {', '.join(UNITS)}. Export it again."
        )
    found = _Found(name, tags=_tags(root), spacings=_spacings(root))
    for space_name in _SPACES:
        for space in children(pages[0], space_name):
            for block in space:
                _read_block(block, "", "" if space_name == "PrintSpace" else space_name, found)
    lines, regions = _in_order(root, found)
    if len(pages) > 1:
        found.losses.append(f"The file has {len(pages)} pages; only the first is read.")
    width, height = number(pages[0], "WIDTH") or 0.0, number(pages[0], "HEIGHT") or 0.0
    source = child(root, "Description", "sourceImageInformation", "fileName")
    return PageDocument(
        image_name=base_name(content(source)),
        width=max(0.0, width),
        height=max(0.0, height),
        lines=lines,
        regions=regions,
        unit=unit,
        notes=found.all_notes(width, height),
        losses=tuple(found.losses),
    )


def _check_root(root: Element, name: str) -> None:
    space = namespace(root)
    if local_name(root).lower() != "alto":
        raise UnknownFormat(
            f"{name} is no ALTO: its first element is {local_name(root)[:60]!r}, expected 'alto'."
        )
    if not _NAMESPACES.fullmatch(space):
        raise UnknownFormat(
            f"{name} is no ALTO: its namespace is {space[:120]!r}, expected one like "
            "http://www.loc.gov/standards/alto/ns-v4#. Export it as ALTO again."
        )


def _tags(root: Element) -> dict[str, Tag]:
    """Return what each tag of the file says, by its ID."""
    tags: dict[str, Tag] = {}
    holder = child(root, "Tags")
    for element in holder if holder is not None else ():
        if not local_name(element).endswith("Tag"):
            continue
        name, label = element.get("TYPE") or "", element.get("LABEL") or ""
        said = element.get("DESCRIPTION") or ""
        values = parse_values(said) if _VALUES.fullmatch(said) else (("type", label),)
        tags[element.get("ID") or ""] = Tag(name, values)
    return tags


def _spacings(root: Element) -> dict[str, float]:
    """Return the line spacing of each paragraph style that has one, by its ID."""
    styles = child(root, "Styles")
    return {
        style.get("ID") or "": spacing
        for style in (children(styles, "ParagraphStyle") if styles is not None else ())
        if (spacing := number(style, "LINESPACE")) is not None and spacing > 0
    }


def _read_block(element: Element, parent_id: str, margin: str, found: _Found) -> None:
    """Take a block, its lines and the blocks in it. margin: the part of the page it stands in."""
    name = local_name(element)
    if name not in _CONTENTS:
        return
    region_id = parent_id
    if not (element.get("ID") or "").startswith(NO_REGION):
        kind, tags = found.tags_of(element)
        contents = [dict(tag.values).get("type", "") for tag in tags if tag.name == CONTENT_TAG]
        region_id = found.new_id(element.get("ID"), "block")
        found.add_region(
            Region(
                id=region_id,
                polygon=outline(element),
                kind=kind or element.get("TYPE") or margin,
                content=contents[0] if contents else _CONTENTS[name],
                parent_id=parent_id,
                tags=tuple(tag for tag in tags if tag.name != CONTENT_TAG),
            )
        )
    for inner in element:
        if local_name(inner) == "TextLine":
            _read_line(inner, element, region_id, found)
        else:
            _read_block(inner, region_id, margin, found)


def _read_line(element: Element, block: Element, region_id: str, found: _Found) -> None:
    """Take a line, unless it has no geometry at all."""
    line_id = found.new_id(element.get("ID"), "line")
    text, words, confidence = text_of(element)
    found.check_line(line_id, text)
    polygon = outline(element)
    given = baseline_of(element, polygon)
    baseline, is_derived = found.baseline(line_id, text, given, polygon)
    if not baseline:
        return
    kind, tags = found.tags_of(element)
    styles = f"{element.get('STYLEREFS') or ''} {block.get('STYLEREFS') or ''}".split()
    corrected = (element.get("CS") or block.get("CS") or "").strip() in ("true", "1")
    found.strings.update(
        (string.get("ID") or "", line_id) for string in children(element, "String")
    )
    found.lines.append(
        TextLine(
            id=line_id,
            baseline=baseline,
            polygon=polygon,
            text=text,
            confidence=confidence,
            kind=kind,
            region_id=region_id,
            tags=tags,
            words=words,
            spacing_px=next((found.spacings[one] for one in styles if one in found.spacings), None),
            status="corrected" if corrected else "",
            flags=(BASELINE_DERIVED,) if is_derived else (),
        )
    )


def _in_order(root: Element, found: _Found) -> tuple[tuple[TextLine, ...], tuple[Region, ...]]:
    """Return lines and regions in the order of the ReadingOrder element, else as they stand."""
    references: list[str] = []

    def walk(group: Element) -> None:
        for reference in (group.get("REF") or "").split():
            references.append(found.strings.get(reference, reference))
        for member in group:
            walk(member)

    order = child(root, "ReadingOrder")
    first = next(iter(order), None) if order is not None else None
    if first is not None:
        walk(first)
    if not references:
        references = [line.id for line in found.lines]
    rank = {reference: position for position, reference in enumerate(references)}
    regions = sorted(found.regions, key=lambda region: rank.get(region.id, len(rank)))
    return ordered_lines(found.lines, found.regions, references), tuple(regions)
