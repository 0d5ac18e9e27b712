"""TEI: zones and text refer to each other, marks become elements, and it is valid."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from exchange import PageDocument, Region, Tag, TextLine, Word, write_tei
from exchange.editorial import MAX_RANGES, Piece, marked_up
from tests.exchange.made import TEXT, pages

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
TEI = "{http://www.tei-c.org/ns/1.0}"
BASELINE = ((10.0, 30.0), (90.0, 31.0))
BOX = ((10.0, 10.0), (90.0, 10.0), (90.0, 40.0))


def tag(name: str, offset: int, length: int, **values: str) -> Tag:
    return Tag(name, (("offset", str(offset)), ("length", str(length)), *values.items()))


def body(text: str, *tags: Tag, with_marks: bool = True) -> str:
    line = TextLine("l", BASELINE, BOX, text, tags=tags)
    page = PageDocument("a.png", 100, 50, (line,))
    root = etree.fromstring(write_tei([page], "Title", NOW, with_marks))
    block = etree.tostring(root.find(f".//{TEI}ab"), encoding="unicode", with_tail=False)
    inner = block.partition("/>")[2].removesuffix("</ab>")
    return inner


def plain(parts: tuple[str | Piece, ...]) -> str:
    return "".join(part if isinstance(part, str) else plain(part.parts) for part in parts)


def test_each_line_refers_to_its_zone_and_each_page_to_its_image() -> None:
    words = (Word("Répu-", hyphen_part=1),)
    lines = (
        TextLine("l1", BASELINE, BOX, "Répu-", region_id="r", words=words),
        TextLine("l2", BASELINE, BOX, "blique", region_id="r"),
        TextLine("l1", BASELINE, (), "note", region_id="m"),
    )
    regions = (Region("r"), Region("m", kind="marginalia"))
    page = PageDocument("a b&.png", 100, 50, lines, regions)
    root = etree.fromstring(write_tei([page, page], "A & B", NOW))
    assert root.findtext(f".//{TEI}title") == "A & B"
    surfaces = root.findall(f".//{TEI}surface")
    assert surfaces[0].find(f"{TEI}graphic").get("url") == "a%20b%26.png"
    assert [(s.get("lrx"), s.get("lry")) for s in surfaces] == [("100", "50")] * 2
    ids = root.xpath("//@xml:id")
    assert len(set(ids)) == len(ids) == 8
    assert {value.lstrip("#") for value in root.xpath("//@facs | //@corresp")} == set(ids)
    zone = surfaces[0].find(f"{TEI}zone")
    assert zone.get("points") == "10,10 90,10 90,40"
    assert surfaces[0].find(f"{TEI}path").get("points") == "10,30 90,31"
    blocks = root.findall(f".//{TEI}ab")
    assert [block.get("type") for block in blocks] == [None, "marginalia"] * 2
    assert [beginning.get("break") for beginning in root.iter(f"{TEI}lb")] == [None, "no", None] * 2
    assert "".join(blocks[0].itertext()) == "Répu-blique"  # no white space inside a word


def test_marks_in_the_text_become_elements() -> None:
    assert body("a ⟦b c⟧ d") == 'a <del rend="strikethrough">b c</del> d'
    assert body("a⟨b⟩[...]c[…]") == (
        'a<supplied>b</supplied><gap reason="illegible"/>c<gap reason="illegible"/>'
    )
    assert body("un mot[?], ⟦b[?]⟧") == (
        'un <unclear>mot</unclear>, <del rend="strikethrough"><unclear>b</unclear></del>'
    )
    assert body("a ⟦b⟧", with_marks=False) == "a ⟦b⟧"
    assert body("⟦a ⟨b⟩⟧ ⟦open") == (
        '<del rend="strikethrough">a <supplied>b</supplied></del> ⟦open'
    )


def test_tags_become_elements() -> None:
    assert body("Mr Frey", tag("person", 3, 4)) == "Mr <persName>Frey</persName>"
    assert body("Mr", tag("abbrev", 0, 2, expansion="Mister")) == (
        "<choice><abbr>Mr</abbr><expan>Mister</expan></choice>"
    )
    assert body("Mr", tag("abbrev", 0, 2)) == "<abbr>Mr</abbr>"
    assert body("teh", tag("sic", 0, 3, correction="the")) == (
        "<choice><sic>teh</sic><corr>the</corr></choice>"
    )
    assert body("ab", tag("textStyle", 0, 1, bold="true", superscript="true")) == (
        '<hi rend="bold superscript">a</hi>b'
    )
    assert body("ab", tag("textStyle", 0, 1, strikethrough="true")) == (
        '<del rend="strikethrough">a</del>b'
    )
    assert body("ab <c>", tag("my tag", 0, 2)) == '<seg type="my_tag">ab</seg> &lt;c&gt;'


def test_tags_that_overlap_are_cut_so_that_they_nest() -> None:
    found = body("abcdef", tag("person", 0, 4), tag("place", 2, 4))
    assert found == ("<persName>ab<placeName>cd</placeName></persName><placeName>ef</placeName>")


@pytest.mark.parametrize("where", [("x", "1"), ("-1", "1"), ("0", "0"), ("1", "99"), ("²", "1")])
def test_tag_that_is_nowhere_in_the_text_is_left_out(where: tuple[str, str]) -> None:
    assert body("ab", Tag("person", (("offset", where[0]), ("length", where[1])))) == "ab"


def test_line_with_thousands_of_tags_is_written() -> None:
    found = body("a" * 500, *(tag("person", 0, 500) for _ in range(5000)))
    assert found.count("<persName>") == MAX_RANGES


@given(
    text=TEXT,
    ranges=st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=6),
)
def test_tags_never_change_the_text(text: str, ranges: list[tuple[int, int]]) -> None:
    tags = [tag(f"t{number}", start, length) for number, (start, length) in enumerate(ranges)]
    assert plain(marked_up(text, tags, with_marks=False)) == text


@pytest.mark.slow
@given(made=st.lists(pages(), max_size=2))
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_page_is_valid_tei(made: list[PageDocument]) -> None:
    path = os.environ.get("TEI_RNG")
    if not path or not Path(path).exists():
        pytest.skip("TEI_RNG does not name the schema tei_all.rng")
    root = etree.fromstring(write_tei(made, "Title", NOW))
    if b'name="path"' not in Path(path).read_bytes():  # of before TEI had lines on a surface
        for line in root.findall(".//{http://www.tei-c.org/ns/1.0}path"):
            line.getparent().remove(line)
    schema(path).assertValid(root)


@cache
def schema(path: str) -> etree.RelaxNG:
    """The schema, read once: it is large."""
    return etree.RelaxNG(etree.parse(path))
