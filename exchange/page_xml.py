"""PAGE XML -> the page, in the versions of 2010 to 2019 and the ways of several programs.

Transkribus keeps types, tags and reading order in `custom` attributes and puts cells into tables;
eScriptorium puts types into `custom`; the versions up to 2010 write points as elements.

Source: PAGE format framework, PRImA Research Lab, University of Salford, schema pagecontent.xsd.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from exchange.custom import parse_custom, tag_index, tag_value, without_value
from exchange.errors import ExchangeError, UnknownFormat
from exchange.found import MAX_REGIONS, Found
from exchange.order import nested, ordered_lines
from exchange.page_xml_text import points_of, text_of, words_of
from exchange.points import parse_points
from exchange.records import (
    BASELINE_DERIVED,
    CONTENTS,
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
    integer,
    local_name,
    namespace,
    number,
    parse_xml,
)

NAMESPACE = "http://schema.primaresearch.org/PAGE/gts/pagecontent/"
NO_REGION = "eSc_dummyblock_"  # eScriptorium's id of the block around lines without a region
CELL = "cell"  # tag of a region that is a table's cell: row, column, and how many it spans
_CELL_KEYS = (("row", "rowIndex"), ("col", "columnIndex"), ("rowSpan", "rowSpan"),
              ("colSpan", "colSpan"))  # fmt: skip


@dataclass
class _Found(Found):
    text_index: int | None = None
    order: dict[str, int] = field(default_factory=dict)  # region -> index in its `custom`


def read_page_xml(data: bytes, name: str, text_index: int | None = None) -> PageDocument:
    """Return the page of a PAGE XML file.

    name: of the file, for messages. text_index: which of several TextEquiv of a line counts, by
    its `index`; None: the one with the lowest, else the first.

    Raises: ExchangeError for files that are unsafe, no PAGE, or without a page.
    """
    return page_of(parse_xml(data, name), name, text_index)


def page_of(root: Element, name: str, text_index: int | None = None) -> PageDocument:
    """Return the page of a parsed PAGE XML file; see `read_page_xml`."""
    _check_root(root, name)
    page = child(root, "Page")
    if page is None:
        raise ExchangeError(f"{name} has no Page element, so nothing is in it. Export it again.")
    found = _Found(name, text_index=text_index)
    for element in page:
        if _is_region(element):
            _read_region(element, "", found)
    references = _explicit_order(page) or _custom_order(found)
    lines = ordered_lines(found.lines, found.regions, references)
    rank = {region_id: position for position, region_id in enumerate(references)}
    regions = sorted(found.regions, key=lambda region: rank.get(region.id, len(rank)))
    width, height = number(page, "imageWidth") or 0.0, number(page, "imageHeight") or 0.0
    return PageDocument(
        image_name=base_name(page.get("imageFilename") or ""),
        width=max(0.0, width),
        height=max(0.0, height),
        lines=lines,
        regions=tuple(regions),
        notes=found.all_notes(width, height),
        losses=tuple(found.losses),
    )


def _check_root(root: Element, name: str) -> None:
    space = namespace(root)
    if local_name(root) != "PcGts":
        raise UnknownFormat(
            f"{name} is no PAGE XML: its first element is {local_name(root)[:60]!r}, expected "
            "'PcGts'."
        )
    if space and not space.startswith(NAMESPACE):
        raise UnknownFormat(
            f"{name} is no PAGE XML: its namespace is {space[:120]!r}, expected one that begins "
            f"with {NAMESPACE}. Export it as PAGE XML again."
        )


def _is_region(element: Element) -> bool:
    name = local_name(element)
    return name.endswith("Region") or name == "TableCell"


def _read_region(element: Element, parent_id: str, found: _Found) -> None:
    """Take a region, its lines and the regions in it."""
    tags = parse_custom(element.get("custom"))
    own_id = element.get("id") or ""
    region_id = parent_id
    if not own_id.startswith(NO_REGION):
        region_id = found.new_id(element.get("id"), "region")
        index = tag_index(tags)
        if index is not None:
            found.order[region_id] = index
        kind = tag_value(tags, "structure", "type") or element.get("type") or ""
        holds = tag_value(tags, "content", "type") or local_name(element)
        holds = holds.removesuffix("Region").lower()
        tags = without_value(without_value(tags, "structure", "type"), "content", "type")
        found.add_region(
            Region(
                id=region_id,
                polygon=points_of(child(element, "Coords")) or (),
                kind=kind,
                content=holds if holds in CONTENTS else "text",
                parent_id=parent_id,
                tags=without_value(tags, "readingOrder", "index") + _cell(element),
            )
        )
    first = len(found.lines)
    indices: list[int | None] = []
    for line in children(element, "TextLine"):
        _read_line(line, region_id, found, indices)
    _share_region_text(element, found, first)
    if indices and None not in indices:
        ranked = zip(indices, found.lines[first:], strict=True)
        found.lines[first:] = [line for _, line in sorted(ranked, key=lambda pair: pair[0] or 0)]
    for inner in element:
        if _is_region(inner):
            _read_region(inner, region_id, found)


def _read_line(element: Element, region_id: str, found: _Found, indices: list[int | None]) -> None:
    """Take a line, and its place in its region's order, unless it has no geometry at all."""
    line_id = found.new_id(element.get("id"), "line")
    text, line_confidence = text_of(element, found.text_index)
    words = words_of(element, found.text_index)
    if not text:
        text = " ".join(word.text for word in words if word.text)
    found.check_line(line_id, text)
    polygon = points_of(child(element, "Coords")) or ()
    given = points_of(child(element, "Baseline"))
    baseline, is_derived = found.baseline(line_id, text, given, polygon)
    if not baseline:
        return
    own = _own_facts(element)
    flags = own.get("flags", "").split()
    if is_derived and BASELINE_DERIVED not in flags:
        flags.append(BASELINE_DERIVED)
    tags = parse_custom(element.get("custom"))
    indices.append(tag_index(tags) if tag_index(tags) is not None else integer(element, "index"))
    found.lines.append(
        TextLine(
            id=line_id,
            baseline=baseline,
            polygon=polygon if len(polygon) >= 3 else (),
            text=text,
            confidence=line_confidence,
            kind=tag_value(tags, "structure", "type") or "",
            region_id=region_id,
            tags=without_value(without_value(tags, "structure", "type"), "readingOrder", "index"),
            words=words,
            spacing_px=_spacing(own),
            status=own.get("status", ""),
            flags=tuple(flags),
        )
    )


def _share_region_text(element: Element, found: _Found, first: int) -> None:
    """Give the text of a whole region to its lines, if they have none and there are as many."""
    lines = found.lines[first:]
    whole = content(child(element, "TextEquiv", "Unicode"))
    texts = [text.strip() for text in whole.splitlines() if text.strip()]
    if not texts or any(line.text for line in lines):
        return
    region = (element.get("id") or "")[:60]
    if len(texts) != len(lines):
        found.losses.append(
            f"Region {region!r} has {len(texts)} lines of text for {len(lines)} lines on the page."
        )
        return
    found.lines[first:] = [
        replace(line, text=text) for line, text in zip(lines, texts, strict=True)
    ]
    found.notes.append(f"The text of region {region!r} was given to its lines in their order.")


def _explicit_order(page: Element) -> list[str]:
    """Return the ids in the order of the ReadingOrder element; empty if there is none."""
    order = child(page, "ReadingOrder")
    references: list[str] = []

    def walk(group: Element) -> None:
        members = list(group)
        if all(integer(member, "index") is not None for member in members):
            members.sort(key=lambda member: integer(member, "index") or 0)
        for member in members:
            walk(member)
        if group.get("regionRef"):  # a group's own region comes after what is named of it
            references.append(group.get("regionRef"))

    if order is not None:
        walk(order)
    return references


def _custom_order(found: _Found) -> list[str]:
    """Return all regions, those beside each other sorted by the index in their `custom`."""
    ranked = sorted(found.regions, key=lambda region: found.order.get(region.id, MAX_REGIONS))
    return [region.id for region in nested(ranked)]


def _own_facts(element: Element) -> dict[str, str]:
    """Return what this program wrote down for itself, by name."""
    return {
        attribute.get("name") or "": attribute.get("value") or ""
        for defined in children(element, "UserDefined")
        for attribute in children(defined, "UserAttribute")
    }


def _spacing(own: dict[str, str]) -> float | None:
    numbers = parse_points(f"{own.get('spacing_px', '')},0")
    return numbers[0][0] if numbers and len(numbers) == 1 and numbers[0][0] > 0 else None


def _cell(element: Element) -> tuple[Tag, ...]:
    """Return where a region stands in its table, in Transkribus' way or that of PAGE 2019."""
    role = child(element, "Roles", "TableCellRole")
    values = [
        (key, element.get(key) if role is None else role.get(name)) for key, name in _CELL_KEYS
    ]
    given = tuple((key, value) for key, value in values if value and value.isdecimal())
    return (Tag(CELL, given),) if given else ()
