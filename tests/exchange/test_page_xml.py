"""PAGE XML as several programs write it, read; and what is written of it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from lxml import etree

from exchange import PageDocument, Tag, read_page, read_page_xml, write_page_xml
from exchange.errors import ExchangeError, UnknownFormat

FILES = Path(__file__).parent / "files"
NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
SPACE = "http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15"


def read(name: str) -> PageDocument:
    return read_page((FILES / name).read_bytes(), name)


def page_with(lines: str, attributes: str = "", region: str = "") -> bytes:
    return (
        f'<PcGts xmlns="{SPACE}"><Page imageFilename="a.png" imageWidth="500" imageHeight="400">'
        f'<TextRegion id="r" {attributes}><Coords points="0,0 9,0 9,9"/>{lines}{region}'
        "</TextRegion></Page></PcGts>"
    ).encode()


PLACE = '<Coords points="10,10 90,10 90,40 10,40"/><Baseline points="10,30 90,30"/>'


def test_transkribus_order_types_tags_and_cells_are_read() -> None:
    page = read("page-transkribus-2013.xml")
    assert (page.image_name, page.width, page.height) == ("0003_Register.jpg", 2000, 3000)
    assert [(line.id, line.text) for line in page.lines] == [
        ("r_1l1", "Getauft: Anna M. Frey"),
        ("r_1l2", "den 3. Mai 1794"),
        ("r_2l1", "Nota bene"),
        ("c_1l1", "Summa 12 fl."),
    ]
    first = page.lines[0]
    assert first.kind == "heading"
    assert first.confidence == 0.87
    assert first.baseline == ((405, 180), (1000, 182), (1895, 181))
    person = (("offset", "9"), ("length", "11"), ("firstname", "Anna Maria"), ("lastname", "Frey;"))
    assert first.tags == (Tag("person", person), Tag("structure", (("score", "0.9"),)))
    assert [word.text for word in first.words] == ["Getauft:"]
    assert [(region.id, region.kind, region.parent_id) for region in page.regions] == [
        ("r_1", "", ""),
        ("r_2", "marginalia", ""),
        ("t_1", "", ""),
        ("c_1", "", "t_1"),
    ]
    assert page.regions[2].content == "table"
    cell = (("row", "0"), ("col", "1"), ("rowSpan", "1"), ("colSpan", "2"))
    assert page.regions[3].tags == (Tag("cell", cell),)
    assert (page.notes, page.losses) == ((), ())


def test_escriptorium_lines_without_baseline_polygon_or_region_are_read() -> None:
    page = read("page-escriptorium-2019.xml")
    by_id = {line.id: line for line in page.lines}
    assert list(by_id) == [f"eSc_line_0{number}" for number in (1, 2, 3, 4)]
    assert by_id["eSc_line_02"].baseline == ((110, 225), (890, 225))
    assert by_id["eSc_line_02"].flags == ("baseline-derived",)
    assert by_id["eSc_line_03"].polygon == ()
    assert by_id["eSc_line_03"].kind == "InterlinearLine"
    assert by_id["eSc_line_04"].region_id == ""
    assert [region.kind for region in page.regions] == ["MainZone"]
    assert page.notes == (
        "1 of 4 lines had no baseline; it was derived from the lower edge of their outlines.",
    )


def test_version_of_2010_with_points_as_elements_and_text_of_the_region() -> None:
    page = read("page-points-2010.xml")
    assert page.image_name == "00000012.tif"
    assert [line.text for line in page.lines] == ["Erste Zeile", "Zweite Zeile"]
    assert len({line.id for line in page.lines} | {region.id for region in page.regions}) == 4
    assert page.lines[0].baseline == ((10, 50), (500, 50))
    assert page.regions[1].content == "image"
    assert "The text of region 'r1' was given to its lines in their order." in page.notes


def test_lowest_index_of_several_texts_counts_unless_another_is_asked_for() -> None:
    texts = "".join(
        f'<TextEquiv index="{index}"><Unicode>{text}</Unicode></TextEquiv>'
        for index, text in ((2, "machine"), (1, "human"))
    )
    data = page_with(f'<TextLine id="l">{PLACE}{texts}</TextLine>')
    assert read_page_xml(data, "x").lines[0].text == "human"
    assert read_page_xml(data, "x", text_index=2).lines[0].text == "machine"
    assert read_page_xml(data, "x", text_index=7).lines[0].text == "human"


def test_plain_text_counts_only_where_there_is_no_unicode() -> None:
    text = "<TextEquiv><PlainText>plain</PlainText><Unicode/></TextEquiv>"
    page = read_page_xml(page_with(f'<TextLine id="l">{PLACE}{text}</TextLine>'), "x")
    assert page.lines[0].text == "plain"


def test_words_make_the_text_of_a_line_without_one() -> None:
    words = "".join(
        f'<Word id="w{n}">{PLACE.partition("<B")[0]}<TextEquiv><Unicode>{text}</Unicode>'
        "</TextEquiv></Word>"
        for n, text in enumerate(("two", " ", "words"))
    )
    page = read_page_xml(page_with(f'<TextLine id="l">{PLACE}{words}</TextLine>'), "x")
    assert page.lines[0].text == "two words"


def test_layout_of_the_file_is_no_part_of_the_text() -> None:
    text = "<TextEquiv><Unicode>\n   a  b\n c\t</Unicode></TextEquiv>"
    page = read_page_xml(page_with(f'<TextLine id="l">{PLACE}{text}</TextLine>'), "x")
    assert page.lines[0].text == "a  b c"


def test_line_without_a_place_is_a_loss_that_is_told() -> None:
    text = "<TextEquiv><Unicode>Where am I?</Unicode></TextEquiv>"
    page = read_page_xml(page_with(f'<TextLine id="l">{text}</TextLine>'), "x")
    assert page.lines == ()
    assert page.losses == ("Line 'l' ('Where am I?') has no place on the page.",)


@pytest.mark.parametrize(
    "points", ["10,10 90", "ten,10 90,10", "nan,1 2,3", "1e99,1 2,3", "10,10", "10,10 10,10", ""]
)
def test_baseline_that_is_no_line_is_derived_from_the_outline(points: str) -> None:
    place = f'<Coords points="10,10 90,10 90,50 10,50"/><Baseline points="{points}"/>'
    line = read_page_xml(page_with(f'<TextLine id="l">{place}</TextLine>'), "x").lines[0]
    assert line.baseline == ((10, 40), (90, 40))
    assert line.flags == ("baseline-derived",)


def test_region_text_that_does_not_fit_its_lines_is_a_loss() -> None:
    whole = "<TextEquiv><Unicode>one\ntwo\nthree</Unicode></TextEquiv>"
    data = page_with(f'<TextLine id="l">{PLACE}</TextLine>', region=whole)
    assert read_page_xml(data, "x").losses == (
        "Region 'r' has 3 lines of text for 1 lines on the page.",
    )


def test_other_files_are_refused_by_name() -> None:
    with pytest.raises(UnknownFormat, match="neither PAGE XML nor ALTO.*'html'"):
        read_page(b"<html/>", "index.xml")
    with pytest.raises(UnknownFormat, match="namespace is 'urn:other'"):
        read_page(b'<PcGts xmlns="urn:other"><Page/></PcGts>', "x")
    with pytest.raises(ExchangeError, match="no Page element"):
        read_page(f'<PcGts xmlns="{SPACE}"/>'.encode(), "x")


def test_elements_of_other_namespaces_are_not_taken_for_page() -> None:
    stranger = f'<TextLine xmlns="urn:other" id="l">{PLACE}</TextLine>'
    assert read_page_xml(page_with(stranger), "x").lines == ()


@pytest.mark.parametrize("name", sorted(path.name for path in FILES.glob("page-*.xml")))
def test_what_was_read_is_the_same_after_writing_and_reading(name: str) -> None:
    page = read(name)
    again = read_page(write_page_xml(page, NOW), "again.xml")
    assert [(line.id, line.text, line.kind, line.tags) for line in again.lines] == [
        (line.id, line.text, line.kind, line.tags) for line in page.lines
    ]
    assert [line.baseline for line in again.lines] == [line.baseline for line in page.lines]
    assert [line.flags for line in again.lines] == [line.flags for line in page.lines]
    assert [(region.id, region.kind, region.content, region.parent_id, region.tags)
            for region in again.regions] == [
        (region.id, region.kind, region.content, region.parent_id, region.tags)
        for region in page.regions
    ]  # fmt: skip


def test_order_names_the_block_of_lines_without_a_region_too() -> None:
    """kraken passes over lines that the reading order does not lead to."""
    page = read("page-escriptorium-2019.xml")
    assert any(not line.region_id for line in page.lines)
    root = etree.fromstring(write_page_xml(page, NOW))
    named = set(root.xpath("//*[local-name()='RegionRefIndexed']/@regionRef"))
    holding = {region.get("id") for region in root.xpath("//*[local-name()='TextLine']/..")}
    assert holding <= named
    again = read_page(write_page_xml(page, NOW), "again.xml")
    assert [line.id for line in again.lines] == [line.id for line in page.lines]
