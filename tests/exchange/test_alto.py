"""ALTO as several programs write it, read; and what is written of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from lxml import etree

from exchange import PageDocument, Tag, TextLine, Word, read_alto, read_page, write_alto
from exchange.errors import ExchangeError, UnknownFormat

FILES = Path(__file__).parent / "files"
NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
BOX = ((10.0, 10.0), (90.0, 10.0), (90.0, 40.0), (10.0, 40.0))


def read(name: str) -> PageDocument:
    return read_page((FILES / name).read_bytes(), name)


def page_with(line: TextLine) -> PageDocument:
    return PageDocument("a.png", 500, 400, (line,))


def alto(layout: str, description: str = "") -> bytes:
    return (
        f'<alto xmlns="http://www.loc.gov/standards/alto/ns-v4#">{description}<Layout>'
        f'<Page ID="p" WIDTH="500" HEIGHT="400"><PrintSpace><TextBlock ID="b">{layout}'
        "</TextBlock></PrintSpace></Page></Layout></alto>"
    ).encode()


def test_escriptorium_points_types_and_lines_without_region_are_read() -> None:
    page = read("alto-escriptorium-4.xml")
    assert (page.image_name, page.width, page.height) == ("f12.jpg", 1000, 1500)
    assert [(line.id, line.text, line.kind, line.region_id) for line in page.lines] == [
        ("eSc_line_1", "Item ung pré assis", "HeadingLine", "eSc_textblock_1"),
        ("eSc_line_2", "", "", "eSc_textblock_1"),
        ("eSc_line_3", "xij", "", ""),
    ]
    assert page.lines[0].baseline == ((112, 150), (500, 152), (888, 151))
    assert page.lines[1].baseline == ((112, 220), (888, 221))
    assert page.lines[0].words == ()  # one String for the whole line says nothing of its words
    assert [region.kind for region in page.regions] == ["MainZone"]


def test_kraken_order_tags_and_glyphs_are_read() -> None:
    page = read("alto-kraken-4.xml")
    assert [(line.id, line.text) for line in page.lines] == [
        ("l2", "first one"),  # no SP in the line, so its Strings are words
        ("l1", "second one"),
    ]
    line = page.lines[1]
    assert (line.kind, line.tags) == ("default", (Tag("split", (("type", "train"),)),))
    assert [(word.text, word.confidence) for word in line.words] == [("second", 0.9), ("one", 0.6)]
    assert [one.confidence for one in line.words[1].characters] == [0.8, 0.7, 0.3]
    assert line.confidence == pytest.approx((6 * 0.9 + 3 * 0.6) / 9)


def test_library_boxes_hyphens_margins_and_units_are_read() -> None:
    page = read("alto-library-2.xml")
    assert (page.image_name, page.unit) == ("X0000002.tif", "mm10")
    assert [(line.id, line.text) for line in page.lines] == [
        ("TL0", "- 2 -"),
        ("TL1", "La Répu-"),
        ("TL2", "blique Mr"),
    ]
    head, first, second = page.lines
    assert head.flags == ("baseline-derived",)
    assert first.baseline == ((100, 140), (900, 140))
    assert second.baseline == ((100, 190.5), (900, 190.5))
    assert (first.spacing_px, second.status) == (50, "corrected")
    assert [(word.text, word.full_text, word.hyphen_part) for word in first.words] == [
        ("La", "", 0),
        ("Répu-", "République", 1),
    ]
    assert [(word.full_text, word.hyphen_part) for word in second.words] == [
        ("République", 2),
        ("Monsieur", 0),
    ]
    shown = [(region.id, region.kind, region.content, region.parent_id) for region in page.regions]
    assert shown == [
        ("TB0", "TopMargin", "text", ""),
        ("CB1", "article", "unknown", ""),
        ("TB1", "", "text", "CB1"),
        ("IL1", "photo", "image", ""),
    ]


@pytest.mark.parametrize(
    "text",
    ["", " ", "   ", "one", "two words", " lead", "trail ", "  a   b  ", "a&<>\"'b", "tab-"],
)
def test_text_is_the_same_after_writing_and_reading(text: str) -> None:
    page = page_with(TextLine("l", ((10.0, 30.0), (90.0, 30.0)), BOX, text))
    assert read_alto(write_alto(page, NOW), "x").lines[0].text == text


def test_each_word_is_a_string_with_spaces_between() -> None:
    words = (Word("Répu-", BOX, 0.5, full_text="République", hyphen_part=1),)
    line = TextLine("l", ((10.0, 30.0), (90.0, 30.0)), BOX, "Répu-", words=words)
    root = etree.fromstring(write_alto(page_with(line), NOW))
    string = root.find(".//{*}String")
    assert (string.get("CONTENT"), string.get("SUBS_TYPE"), string.get("SUBS_CONTENT")) == (
        "Répu-",
        "HypPart1",
        "République",
    )
    assert (string.get("WC"), string.get("HPOS"), string.get("WIDTH")) == ("0.5000", "10", "80")


def test_words_that_are_not_those_of_the_text_give_no_places() -> None:
    line = TextLine("l", ((10.0, 30.0), (90.0, 30.0)), BOX, "new text", words=(Word("old", BOX),))
    strings = etree.fromstring(write_alto(page_with(line), NOW)).findall(".//{*}String")
    assert [string.get("CONTENT") for string in strings] == ["new", "text"]
    assert all(string.get("HPOS") is None for string in strings)


def test_confidence_of_a_line_goes_to_its_words_where_they_have_none() -> None:
    line = TextLine("l", ((10.0, 30.0), (90.0, 30.0)), BOX, "two words", 0.25)
    assert read_alto(write_alto(page_with(line), NOW), "x").lines[0].confidence == 0.25


def test_page_that_is_not_in_pixels_is_not_written() -> None:
    page = replace(read("alto-library-2.xml"), image_name="x.tif")
    with pytest.raises(ExchangeError, match="'x.tif' is measured in mm10, not in pixels"):
        write_alto(page, NOW)


def test_further_pages_of_a_file_are_a_loss_that_is_told() -> None:
    data = alto("").replace(b"</Page>", b'</Page><Page ID="q"/>')
    assert read_alto(data, "x").losses == ("The file has 2 pages; only the first is read.",)


def test_unknown_units_and_namespaces_are_refused() -> None:
    unit = "<Description><MeasurementUnit>cubit</MeasurementUnit></Description>"
    with pytest.raises(ExchangeError, match="measured in 'cubit'; ALTO knows pixel, mm10"):
        read_alto(alto("", unit), "x")
    with pytest.raises(UnknownFormat, match="namespace is 'urn:other'"):
        read_alto(b'<alto xmlns="urn:other"/>', "x")
    with pytest.raises(ExchangeError, match="no Page element"):
        read_alto(b"<alto><Layout/></alto>", "x")


@pytest.mark.parametrize("name", sorted(path.name for path in FILES.glob("alto-[ek]*.xml")))
def test_what_was_read_is_the_same_after_writing_and_reading(name: str) -> None:
    page = read(name)
    again = read_page(write_alto(page, NOW), "again.xml")
    expected = [replace(line, confidence=None) for line in page.lines]
    assert [replace(line, confidence=None) for line in again.lines] == expected
    assert again.regions == page.regions
