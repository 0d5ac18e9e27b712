"""METS files of several programs, and our own."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from exchange import UnknownFormat, UnsafeFile
from exchange.mets import read_mets, write_mets

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
HEAD = '<mets xmlns="http://www.loc.gov/METS/" xmlns:x="http://www.w3.org/1999/xlink" LABEL="Book">'
TRANSKRIBUS = f"""{HEAD}
<fileSec><fileGrp ID="MASTER">
  <fileGrp ID="IMG"><file ID="IMG_1" MIMETYPE="image/jpeg" SEQ="1"><FLocat LOCTYPE="OTHER" x:href="0001.jpg"/></file>
  <file ID="IMG_2" MIMETYPE="image/jpeg"><FLocat LOCTYPE="URL" x:href="https://example.org/a%20b/0002.jpg?x=1"/></file></fileGrp>
  <fileGrp ID="PAGEXML"><file ID="P_1"><FLocat x:href="page/0001.xml"/></file><file ID="P_2"><FLocat x:href="page\\0002.xml"/></file></fileGrp>
</fileGrp></fileSec>
<structMap TYPE="MANUSCRIPT"><div><div ORDER="2" TYPE="SINGLE_PAGE"><fptr><area FILEID="IMG_2"/></fptr><fptr><area FILEID="P_2"/></fptr></div>
<div ORDER="1" TYPE="SINGLE_PAGE"><fptr><area FILEID="IMG_1"/></fptr><fptr><area FILEID="P_1"/></fptr><fptr><area FILEID="GONE"/></fptr></div></div></structMap></mets>"""  # noqa: E501


def test_pages_come_in_the_order_of_the_structure() -> None:
    document = read_mets(TRANSKRIBUS.encode(), "mets.xml")
    assert document.title == "Book"
    assert document.order == ("0001.jpg", "0001.xml", "0002.jpg", "0002.xml")
    second = document.pages[1].files[0]
    assert (second.href, second.use) == ("https://example.org/a%20b/0002.jpg?x=1", "IMG")


def test_physical_structure_counts_before_a_logical_one() -> None:
    files = "".join(f'<file ID="f{n}"><FLocat x:href="./img/{n}.png"/></file>' for n in (1, 2))
    maps = (
        '<structMap TYPE="LOGICAL"><div><fptr FILEID="f2"/></div></structMap>'
        '<structMap TYPE="PHYSICAL"><div><div ORDERLABEL="1r"><fptr FILEID="f1"/></div>'
        '<div ORDERLABEL="1v"><fptr FILEID="f2"/></div></div></structMap>'
    )
    document = read_mets(
        f'{HEAD}<fileSec><fileGrp USE="X">{files}</fileGrp></fileSec>{maps}</mets>'.encode(), "m"
    )
    assert [(page.label, page.files[0].name) for page in document.pages] == [
        ("1r", "1.png"),
        ("1v", "2.png"),
    ]
    without = f"{HEAD}<fileSec><fileGrp>{files}</fileGrp></fileSec></mets>"
    assert read_mets(without.encode(), "m").order == ("1.png", "2.png")


def test_what_is_written_is_read_again() -> None:
    pages = [("1r", ["images/a b.jpg", "page/a.xml", "alto/a.xml"]), ("", ["images/ü.png"])]
    document = read_mets(write_mets("Title <1>", pages, NOW), "mets.xml")
    assert document.title == "Title <1>"
    assert [page.label for page in document.pages] == ["1r", ""]
    assert document.order == ("a b.jpg", "a.xml", "a.xml", "ü.png")
    uses = [file.use for file in document.pages[0].files]
    assert uses == ["IMAGE", "PAGE", "ALTO"]


def test_addresses_never_lead_anywhere() -> None:
    for href in ("../../etc/passwd", "file:///etc/passwd", "C:\\x\\passwd", "%2e%2e%2fpasswd"):
        data = f'{HEAD}<fileSec><fileGrp><file ID="a"><FLocat x:href="{href}"/></file></fileGrp>'
        assert read_mets(f"{data}</fileSec></mets>".encode(), "m").order == ("passwd",)
    broken = f'{HEAD}<fileSec><fileGrp><file ID="a"><FLocat x:href="http://[a"/></file></fileGrp>'
    assert read_mets(f"{broken}</fileSec></mets>".encode(), "m").order == ("[a",)


def test_other_files_and_doctypes_are_refused() -> None:
    with pytest.raises(UnknownFormat, match="is no METS"):
        read_mets(b"<mets/>", "m.xml")
    with pytest.raises(UnsafeFile):
        read_mets(b"<!DOCTYPE mets>" + TRANSKRIBUS.encode(), "m.xml")
