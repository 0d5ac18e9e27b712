"""hOCR: where lines and words stand, for programs that read it."""

from __future__ import annotations

from lxml import etree

from exchange import PageDocument, TextLine, Word, write_hocr

XHTML = "{http://www.w3.org/1999/xhtml}"
BOX = ((10.4, 10.0), (90.0, 10.0), (90.0, 40.0), (10.0, 40.0))
WORD = ((10.0, 10.0), (40.0, 10.0), (40.0, 40.0), (10.0, 40.0))


def titles(page: PageDocument) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for element in etree.fromstring(write_hocr([page], "T")).iter():
        if element.get("class"):
            found.setdefault(element.get("class"), []).append(element.get("title"))
    return found


def test_pages_lines_and_words_have_their_places() -> None:
    line = TextLine(
        "l",
        ((10.0, 30.0), (90.0, 34.0)),
        BOX,
        "a b",
        0.5,
        words=(Word("a", WORD, 0.876), Word("b")),
    )
    assert titles(PageDocument('s"can\\;.png', 100, 50, (line,))) == {
        "ocr_page": ['image "s\'can_;.png"; bbox 0 0 100 50; ppageno 0'],
        "ocr_carea": ["bbox 10 10 90 40"],
        "ocr_par": ["bbox 10 10 90 40"],
        "ocr_line": ["bbox 10 10 90 40; baseline 0.0500 -10.0; x_wconf 50"],
        "ocrx_word": ["bbox 10 10 40 40; x_wconf 88", "bbox 10 10 90 40"],
    }


def test_text_shows_as_it_was_written() -> None:
    line = TextLine("l", ((10.0, 30.0), (90.0, 30.0)), BOX, "<script>alert(1)</script> &amp;")
    page = PageDocument("<img>.png", 100, 50, (line,))
    data = write_hocr([page, page], "</title><script>")
    assert b"<script" not in data
    root = etree.fromstring(data)
    shown = [element for element in root.iter() if element.get("class") == "ocr_line"]
    assert [element.text for element in shown] == ["<script>alert(1)</script> &amp;"] * 2
    ids = root.xpath("//@id")
    assert len(set(ids)) == len(ids)


def test_words_that_are_not_the_text_are_left_out() -> None:
    line = TextLine("l", ((10.0, 30.0), (90.0, 30.0)), BOX, "new", words=(Word("old", WORD),))
    assert "ocrx_word" not in titles(PageDocument("a.png", 100, 50, (line,)))
