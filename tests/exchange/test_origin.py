"""What storage has no table for comes back on the way out, as long as it still holds."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings

from exchange import (
    Character,
    ExchangeError,
    PageDocument,
    Region,
    Tag,
    TextLine,
    Word,
    new_texts,
    origin_of,
    page_document,
)
from exchange.records import Point
from storage import Line, LineText, Page, Reading, Revision
from tests.exchange.made import pages

NOW = datetime(2026, 1, 31, tzinfo=UTC)
BASE: tuple[Point, ...] = ((10.0, 50.0), (200.0, 52.0))
BOX: tuple[Point, ...] = ((0.0, 0.0), (300.0, 0.0), (300.0, 90.0))


def stored(page: PageDocument, by: str = "human") -> tuple[Page, list[LineText]]:
    """The page as storage would give it back, with line numbers from 100."""
    lines = []
    for number, new in enumerate(new_texts(page, by), start=100):
        line = new.line
        kept = Line(number, 1, number, line.baseline, line.polygon, line.spacing_px, line.kind,
                    line.flags, NOW, None, None)  # fmt: skip
        reading = revision = None
        if line.reading is not None:
            reading = Reading(1, number, 1, line.reading.text, line.reading.confidence, (), 0, NOW)
        if new.text is not None:
            revision = Revision(1, number, new.text, new.status, "ada", NOW, None, None)
        lines.append(LineText(kept, reading, revision))
    size = (int(page.width), int(page.height))
    return Page(1, 1, 1, page.image_name, "0" * 64, "jpg", *size, "ready", "", NOW, None), lines


def back(page: PageDocument, by: str = "human", **changes: object) -> PageDocument:
    """The page after it was stored with its origin; `changes` are made to its first line."""
    kept, lines = stored(page, by)
    origin = json.loads(json.dumps(origin_of(page, [one.line.id for one in lines])))
    if changes and lines[0].revision is not None and "text" in changes:
        revision = replace(lines[0].revision, text=changes.pop("text"))
        lines[0] = replace(lines[0], revision=revision)
    if changes:
        lines[0] = replace(lines[0], line=replace(lines[0].line, **changes))
    return page_document(kept, lines, origin=origin)


@given(pages())
@settings(deadline=None, suppress_health_check=list(HealthCheck))
def test_all_that_a_page_says_comes_back(page: PageDocument) -> None:
    found = back(page)
    assert found.regions == page.regions
    for line, before in zip(found.lines, page.lines, strict=True):
        region = before.region_id if before.region_id else ""
        assert (line.id, line.kind, line.region_id) == (before.id, before.kind, region)
        assert (line.tags, line.baseline, line.polygon) == (
            before.tags, before.baseline, before.polygon,
        )  # fmt: skip
        if line.text == before.text:  # else it was not in Unicode's composed form
            assert line.words == before.words


@pytest.fixture
def page() -> PageDocument:
    words = (
        Word("Ann", BOX, 0.5, tuple(Character(c, BOX, 0.25) for c in "Ann")),
        Word("Lee", BOX),
    )
    tag = Tag("person", (("offset", "4"), ("length", "3"), ("born", "1801")))
    line = TextLine("l1", BASE, BOX, "Ann Lee", 0.75, "MarginTextZone:note", "r1", (tag,), words)
    return PageDocument("a.jpg", 300, 400, (line,), (Region("r1", BOX, "MainZone"),))


def test_confidence_of_an_imported_reading_comes_back_as_the_file_had_it(
    page: PageDocument,
) -> None:
    assert back(page, "machine").lines[0].confidence == 0.75
    unknown = replace(page, lines=(replace(page.lines[0], confidence=None),))
    assert back(unknown, "machine").lines[0].confidence is None


def test_tags_follow_their_words_when_the_text_changes(page: PageDocument) -> None:
    line = back(page, text="Dear Anna Lee").lines[0]
    assert line.text == "Dear Anna Lee"
    assert dict(line.tags[0].values) == {"offset": "10", "length": "3", "born": "1801"}


def test_places_of_words_are_forgotten_when_text_or_geometry_changes(page: PageDocument) -> None:
    assert back(page).lines[0].words == page.lines[0].words
    assert back(page, text="Anna Lee").lines[0].words == ()
    assert back(page, reshaped=NOW).lines[0].words == ()


def test_line_that_was_set_aside_since_says_so(page: PageDocument) -> None:
    assert back(page, kind="aside").lines[0].kind == "aside"
    assert back(page).lines[0].kind == "MarginTextZone:note"


def test_line_that_was_drawn_since_has_no_origin(page: PageDocument) -> None:
    kept, lines = stored(page)
    new = replace(lines[0], line=replace(lines[0].line, id=7))
    found = page_document(kept, [*lines, new], origin=origin_of(page, [100]))
    assert [line.id for line in found.lines] == ["l1", "line_7"]


@pytest.mark.parametrize(
    "origin",
    [
        {"version": 2},
        {"version": 1, "regions": [], "lines": []},
        {"version": 1, "regions": [["r", [], "", "text", "", [[5, []]]]], "lines": {}},
        {"version": 1, "regions": [["r"]], "lines": {}},
        {"version": 1, "regions": [], "lines": {"100": ["l", "", "", [], "", "x", []]}},
    ],
)
def test_damaged_origin_is_refused(page: PageDocument, origin: dict) -> None:
    kept, lines = stored(page)
    with pytest.raises(ExchangeError, match="'a.jpg' is damaged"):
        page_document(kept, [replace(lines[0], revision=None)], origin=origin)
