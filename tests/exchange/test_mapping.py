"""Stored pages out and in again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from exchange import (
    ExchangeError,
    PageDocument,
    TextLine,
    new_texts,
    page_document,
    read_page,
    write_alto,
    write_page_xml,
)
from exchange.mapping import line_spacings, stored_kind
from storage import (
    LineText,
    NewLine,
    NewReading,
    Page,
    ReadCharacter,
    Store,
    add_document,
    add_page,
    correct_line,
    lines_of,
    open_store,
    register_model,
    replace_lines,
)

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
KINDS = ("heading", "text", "interlinear", "margin")
TEXTS = ("Anno domini", "primo die", "idem", "nota")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "data", lambda: NOW) as opened:
        yield opened


def new_page(store: Store, name: str = "scan 1.jpg") -> Page:
    document = add_document(store, name)
    return add_page(store, document.id, name, name.encode(), "jpg", 800, 600, b"thumb")


@pytest.fixture
def page(store: Store) -> Page:
    """A page with four lines of all kinds, of which the second was corrected."""
    made = new_page(store)
    lines = []
    for number, (text, kind) in enumerate(zip(TEXTS, KINDS, strict=True)):
        down = 100.0 * (number + 1)
        characters = tuple(
            ReadCharacter(character, 0.5, at * 10.0, at * 10.0 + 9.0)
            for at, character in enumerate(text)
        )
        box = ((10.0, down - 60), (700.0, down - 60), (700.0, down + 20), (10.0, down + 20))
        reading = NewReading(text, 0.75, characters, 400.0)
        lines.append(
            NewLine(((10.0, down), (700.0, down)), box, 90.5, kind, ("vertical",), reading)
        )
    model = register_model(store, b"weights", "Latin", ["a"])
    ids = replace_lines(store, made.id, lines, model.id)
    correct_line(store, ids[1], "primo die maii", "corrected", "Ann", parent_id=None)
    return made


def shown(lines: list[LineText]) -> list[tuple[object, ...]]:
    return [
        (one.text, one.status, one.line.baseline, one.line.polygon, one.line.spacing_px,
         one.line.kind, one.line.flags)
        for one in lines
    ]  # fmt: skip


@pytest.mark.parametrize("write", [write_page_xml, write_alto])
def test_project_that_left_and_came_back_is_the_same(store: Store, page: Page, write) -> None:  # type: ignore[no-untyped-def]
    before = lines_of(store, page.id)
    read = read_page(write(page_document(page, before), NOW), "a.xml")
    texts = new_texts(read, by="machine")
    again = new_page(store, "scan 2.jpg")
    model = register_model(store, b"imported", "From a file", [])
    ids = replace_lines(store, again.id, [one.line for one in texts], model.id)
    for line_id, one in zip(ids, texts, strict=True):
        if one.text is not None:
            correct_line(store, line_id, one.text, one.status, "Ann", parent_id=None)
    found = shown(lines_of(store, again.id))
    expected = shown(before)
    if write is write_alto:  # has no place for flags
        expected = [(*facts[:-1], ()) for facts in expected]
    assert found == expected
    assert lines_of(store, again.id)[0].confidence == pytest.approx(
        0.75 if write is write_page_xml else 0.5
    )


def test_text_of_the_machine_or_of_the_person_can_be_had_alone(store: Store, page: Page) -> None:
    lines = lines_of(store, page.id)
    assert [line.text for line in page_document(page, lines, "machine").lines] == list(TEXTS)
    human = page_document(page, lines, "human").lines
    assert [line.text for line in human] == ["", "primo die maii", "", ""]
    best = page_document(page, lines).lines
    assert [line.text for line in best] == [TEXTS[0], "primo die maii", *TEXTS[2:]]
    assert [line.confidence for line in best] == [0.75, None, 0.75, 0.75]
    with pytest.raises(ExchangeError, match="There is no text 'all'"):
        page_document(page, lines, "all")


def test_words_of_corrected_text_have_places_too(store: Store, page: Page) -> None:
    line = page_document(page, lines_of(store, page.id)).lines[1]
    assert [word.text for word in line.words] == ["primo", "die", "maii"]
    assert [word.confidence for word in line.words] == [0.5, 0.5, None]
    assert page_document(page, lines_of(store, page.id), with_words=False).lines[1].words == ()


def test_text_in_a_file_is_by_whom_the_user_says() -> None:
    line = TextLine("l", ((1.0, 9.0), (90.0, 9.0)), text="text", confidence=0.5)
    page = PageDocument("a", 100, 100, (line, replace(line, id="m", text="")))
    by_machine, empty = new_texts(page, by="machine")
    assert (by_machine.text, by_machine.status) == (None, "machine")
    assert by_machine.line.reading == NewReading("text", 0.5)
    assert (empty.text, empty.line.reading) == (None, None)
    by_person, empty = new_texts(page, by="human")
    assert (by_person.text, by_person.status, by_person.line.reading) == ("text", "corrected", None)
    assert (empty.text, empty.status) == (None, "machine")
    with pytest.raises(ExchangeError, match="by 'dog'"):
        new_texts(page, by="dog")


def test_text_that_storage_refuses_is_named() -> None:
    line = TextLine("l7", ((1.0, 9.0), (90.0, 9.0)), text="a" * 3000)
    with pytest.raises(ExchangeError, match="Line 'l7' cannot be kept: .*3,000 characters"):
        new_texts(PageDocument("a", 100, 100, (line,)), by="human")


def test_page_in_millimetres_has_to_be_fitted_first() -> None:
    with pytest.raises(ExchangeError, match="measured in mm10. Fit it"):
        new_texts(PageDocument("a", 100, 100, unit="mm10"), by="human")


@pytest.mark.parametrize(
    ("line", "region", "kind"),
    [
        ("HeadingLine", "", "heading"),
        ("HeadingLine:title", "MainZone", "heading"),
        ("default", "MarginTextZone", "margin"),
        ("", "marginalia", "margin"),
        ("InterlinearLine", "MarginTextZone", "interlinear"),
        ("whatever", "MainZone", "text"),
    ],
)
def test_types_of_other_programs_become_kinds(line: str, region: str, kind: str) -> None:
    assert stored_kind(line, region) == kind


def test_spacing_is_the_distance_to_the_nearer_neighbour() -> None:
    def at(left: float, down: float) -> TextLine:
        return TextLine(f"{left} {down}", ((left, down), (left + 100, down)))

    lines = (at(0, 100), at(0, 140), at(0, 200), at(500, 120), at(0, 900))
    assert line_spacings(PageDocument("a", 800, 1000, lines)) == [40, 40, 60, 50, 100]
    told = (replace(lines[0], spacing_px=33.0), *lines[1:])
    assert line_spacings(PageDocument("a", 800, 1000, told))[0] == 33


def test_spacing_of_a_single_line_follows_its_outline_or_the_page() -> None:
    line = TextLine("l", ((0.0, 50.0), (100.0, 50.0)))
    box = ((0.0, 0.0), (100.0, 0.0), (100.0, 58.0), (0.0, 58.0))
    assert line_spacings(PageDocument("a", 800, 1000, (line,))) == [25]
    assert line_spacings(PageDocument("a", 800, 1000, (replace(line, polygon=box),))) == [50]
