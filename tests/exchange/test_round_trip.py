"""Any page, written and read again, is the same page; and what was written is valid."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from lxml import etree

from exchange import PageDocument, read_page, write_alto, write_page_xml
from tests.exchange.made import near, pages
from tests.exchange.validity import check, schemas

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
WRITERS: dict[str, Callable[[PageDocument, datetime], bytes]] = {
    "page": write_page_xml,
    "alto": write_alto,
}


def assert_same_lines(again: PageDocument, page: PageDocument) -> None:
    assert len(again.lines) == len(page.lines)
    regions = [region.id for region in again.regions]
    for found, line in zip(again.lines, page.lines, strict=True):
        assert found.text == line.text
        assert near(found.baseline, line.baseline)
        assert near(found.polygon, line.polygon)
        assert (found.kind, found.tags, found.status) == (line.kind, line.tags, line.status)
        assert found.spacing_px == line.spacing_px
        assert bool(found.region_id in regions) == bool(line.region_id)


@pytest.mark.parametrize("kind", sorted(WRITERS))
@given(page=pages())
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_lines_are_the_same_after_writing_and_reading(kind: str, page: PageDocument) -> None:
    data = WRITERS[kind](page, NOW)
    check(kind, data)
    again = read_page(data, "again.xml")
    assert (again.width, again.height, again.losses) == (page.width, page.height, ())
    assert_same_lines(again, page)
    shown = [(region.kind, region.content, region.tags) for region in again.regions]
    assert sorted(shown, key=repr) == sorted(
        ((region.kind, region.content, region.tags) for region in page.regions), key=repr
    )
    for found, line in zip(again.lines, page.lines, strict=True):
        if kind == "page":  # ALTO has the confidence of words only
            assert found.confidence == (line.confidence if line.text else None)
            assert [word.text for word in found.words] == [word.text for word in line.words]
        elif line.words:
            assert all(
                near(one.polygon, other.polygon) or len(one.polygon) == 4
                for one, other in zip(found.words, line.words, strict=True)
            )


@pytest.mark.parametrize("kind", sorted(WRITERS))
@given(page=pages())
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
def test_second_writing_is_the_first(kind: str, page: PageDocument) -> None:
    first = WRITERS[kind](page, NOW)
    read = read_page(first, "first.xml")
    second = WRITERS[kind](read, NOW)
    assert WRITERS[kind](read_page(second, "second.xml"), NOW) == second


@pytest.mark.parametrize("kind", ["page", "alto"])
def test_schemas_refuse_what_is_not_valid(kind: str) -> None:
    empty = WRITERS[kind](PageDocument("a.png", 10, 10), NOW)
    check(kind, empty)
    wrong = empty.replace(b"imageWidth", b"imageWide").replace(b"PHYSICAL_IMG_NR", b"NR")
    for schema in schemas(kind):
        assert not schema.validate(etree.fromstring(wrong))
