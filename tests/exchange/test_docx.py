"""DOCX: what a word processor shows."""

from __future__ import annotations

import io
import shutil
import subprocess
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from lxml import etree

from exchange import ExchangeError, PageDocument, TextLine
from exchange.docx import joined, write_docx

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
BASELINE = ((10.0, 30.0), (90.0, 30.0))


def page(*texts: str) -> PageDocument:
    lines = [TextLine(f"l{n}", BASELINE, text=text) for n, text in enumerate(texts)]
    return PageDocument("p1.jpg", 100, 50, tuple(lines))


def shown(data: bytes) -> list[tuple[str, str]]:
    """Style and text of each paragraph, a tab as a tab."""
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        root = etree.fromstring(package.read("word/document.xml"))
    found = []
    for paragraph in root.iter(f"{W}p"):
        text = "".join(
            "\t" if element.tag == f"{W}tab" else element.text or ""
            for run in paragraph.iter(f"{W}r")
            for element in run
        )
        found.append((paragraph.find(f"{W}pPr/{W}pStyle").get(f"{W}val"), text))
    return found


def test_each_line_is_a_numbered_paragraph() -> None:
    heading = TextLine("h", BASELINE, text="Act <I>", kind="heading")
    pages = [PageDocument("p1.jpg", 1, 1, (heading, *page(" one  two ", "").lines))]
    assert shown(write_docx(pages, "A & B", NOW)) == [
        ("Title", "A & B"),
        ("Heading1", "p1.jpg"),
        ("Heading2", "1\tAct <I>"),
        ("Line", "2\t one  two "),
        ("Line", "3\t"),
    ]
    plain = shown(write_docx(pages, "T", NOW, with_numbers=False))
    assert plain[3] == ("Line", " one  two ")


def test_running_text_keeps_regions_apart_and_joins_parted_words() -> None:
    lines = (
        TextLine("a", BASELINE, text="vive la Répu-", region_id="r"),
        TextLine("b", BASELINE, text=""),
        TextLine("c", BASELINE, text="blique et", region_id="r"),
        TextLine("d", BASELINE, text="margin", region_id="m"),
    )
    data = write_docx([PageDocument("p", 1, 1, lines)], "T", NOW, form="paragraphs")
    assert shown(data)[2:] == [("Line", "vive la République et"), ("Line", "margin")]
    with pytest.raises(ExchangeError, match="no form 'poem'"):
        write_docx([], "T", NOW, form="poem")


@pytest.mark.parametrize(
    ("lines", "whole"),
    [
        (["Répu-", "blique"], "République"),
        (["Maria -", "anna"], "Maria - anna"),
        (["Jean-", "Baptiste"], "Jean- Baptiste"),
        (["12-", "13"], "12- 13"),
        (["a¬", "b ", " c"], "ab c"),
        ([], ""),
    ],
)
def test_hyphens_part_words_only_before_small_letters(lines: list[str], whole: str) -> None:
    assert joined(lines) == whole


def test_package_names_every_part_and_holds_any_text() -> None:
    data = write_docx([page("bell\x07 \ud800 𝔄\r\nb")], "T\x00", NOW)
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        names = set(package.namelist())
        types = etree.fromstring(package.read("[Content_Types].xml"))
        relations = etree.fromstring(package.read("_rels/.rels"))
        assert package.testzip() is None
    named = {one.get("PartName", "").lstrip("/") for one in types} - {""}
    assert named == {"word/document.xml", "word/styles.xml", "docProps/core.xml"}
    assert named < names
    assert {one.get("Target") for one in relations} <= names
    assert shown(data)[2] == ("Line", "1\tbell\ufffd \ufffd 𝔄 b")


def test_same_pages_give_the_same_file() -> None:
    assert write_docx([page("a")], "T", NOW) == write_docx([page("a")], "T", NOW)


@pytest.mark.slow
def test_libreoffice_shows_the_text(tmp_path: Path) -> None:
    program = shutil.which("soffice")
    if program is None:
        pytest.skip("LibreOffice is not installed")
    path = tmp_path / "text.docx"
    path.write_bytes(write_docx([page("Été <1847> & 𝔄", "second line")], "A & B", NOW))
    done = subprocess.run(
        [program, f"-env:UserInstallation=file://{tmp_path}/profile", "--headless", "--convert-to",
         "txt:Text (encoded):UTF8", "--outdir", str(tmp_path), str(path)],
        capture_output=True,
        text=True,
        timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = (tmp_path / "text.txt").read_text(encoding="utf-8-sig").splitlines()
    assert found == ["A & B", "p1.jpg", "1\tÉté <1847> & 𝔄", "2\tsecond line"]
