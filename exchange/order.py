"""Reading order: what a file says of it -> the lines in that order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from exchange.custom import tag_value
from exchange.records import Region, Tag, TextLine

PARENT = "parent"  # tag: the region that this one is a part of


def ordered_lines(
    lines: Sequence[TextLine], regions: Sequence[Region], references: Sequence[str]
) -> tuple[TextLine, ...]:
    """Return the lines in the order of the references, each once.

    references: ids of lines and regions; a region stands for its lines, and for those of the
    regions in it that are not named themselves. What nothing refers to follows in file order.
    """
    named = set(references)
    inside: dict[str, list[str]] = {region.id: [] for region in regions}
    for region in regions:
        if region.parent_id in inside and region.id not in named:
            inside[region.parent_id].append(region.id)
    by_region: dict[str, list[TextLine]] = {}
    for line in lines:
        by_region.setdefault(line.region_id, []).append(line)
    by_id = {line.id: line for line in lines}
    found: dict[str, TextLine] = {}
    for reference in references:
        if reference in by_id:
            found.setdefault(reference, by_id[reference])
            continue
        waiting, seen = [reference], set[str]()
        while waiting:  # a region names its parts; a file may name them in a circle
            region_id = waiting.pop(0)
            if region_id not in seen:
                seen.add(region_id)
                for line in by_region.get(region_id, ()):
                    if line.id not in named:
                        found.setdefault(line.id, line)
                waiting = inside.get(region_id, []) + waiting
    return (*found.values(), *(line for line in lines if line.id not in found))


def with_parent(region: Region) -> Region:
    """Return the region with the parent that its tag names, unless it stands in one already."""
    named = tag_value(region.tags, PARENT, "type") or ""
    tags = tuple(tag for tag in region.tags if tag.name != PARENT)
    return replace(region, parent_id=region.parent_id or named, tags=tags)


def parent_tags(region: Region, identifiers: Mapping[str, str]) -> list[Tag]:
    """Return a tag that names the region's parent; none where it has none.

    Regions are written beside each other, because kraken passes over those in others.

    identifiers: of the regions in the file that is written, by their ids.
    """
    parent = identifiers.get(region.parent_id)
    return [Tag(PARENT, (("type", parent),))] if parent is not None else []


def grouped(lines: Iterable[TextLine], regions: Sequence[Region]) -> list[TextLine]:
    """Return the lines as a file nests them: region after region, those without one at the end."""
    by_region: dict[str, list[TextLine]] = {}
    known = {region.id for region in regions}
    for line in lines:
        by_region.setdefault(line.region_id if line.region_id in known else "", []).append(line)
    return [line for region in regions for line in by_region.get(region.id, ())] + by_region.get(
        "", []
    )


def nested(regions: Sequence[Region]) -> list[Region]:
    """Return the regions so that each follows its parent, in the given order beside each other.

    A parent that is not there, or that is its own descendant, counts as none.
    """
    known = {region.id for region in regions}
    parts: dict[str, list[Region]] = {}
    for region in regions:
        parent_id = region.parent_id if region.parent_id in known else ""
        parts.setdefault(parent_id, []).append(region)
    order: list[Region] = []
    waiting = list(parts.get("", ()))
    while waiting:
        region = waiting.pop(0)
        order.append(region)
        waiting = parts.get(region.id, []) + waiting
    placed = {region.id for region in order}
    return order + [region for region in regions if region.id not in placed]
