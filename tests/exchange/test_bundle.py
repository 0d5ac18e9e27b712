"""Whole projects out into an archive, and planned in again."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from exchange import ExchangeError, PageDocument, TextLine, read_page
from exchange.archive import Archive
from exchange.bundle import write_bundle
from exchange.head import layout_head
from exchange.mets import read_mets
from exchange.plan import plan_import

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
OUTLINE = ((10.0, 10.0), (90.0, 10.0), (90.0, 40.0))
LINE = TextLine("l", ((10.0, 30.0), (90.0, 30.0)), OUTLINE, "one")
FILES = Path(__file__).parent / "files"


def page(name: str, text: str = "one") -> PageDocument:
    return PageDocument(name, 100, 50, (replace(LINE, text=text),))


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "0a1b2c.jpg"
    path.write_bytes(b"image" * 1000)
    return path


def bundle(pages: list[tuple[PageDocument, Path | None]], **how: object) -> Archive:
    out = io.BytesIO()
    write_bundle(out, pages, "Title", NOW, **how)  # type: ignore[arg-type]
    return Archive(out, "out.zip")


def test_image_stands_beside_the_layout_that_names_it(image: Path) -> None:
    archive = bundle([(page("scan 1.tif"), image)], layouts=("page", "alto"))
    assert archive.names == ("scan 1.jpg", "scan 1.xml", "alto/scan 1.xml", "mets.xml")
    assert archive.read("scan 1.jpg") == image.read_bytes()
    for name in archive.names[1:3]:
        assert read_page(archive.read(name), name).image_name == "scan 1.jpg"
    document = read_mets(archive.read("mets.xml"), "mets.xml")
    assert document.order == ("scan 1.jpg", "scan 1.xml", "scan 1.xml")
    folders = bundle([(page("scan 1.tif"), image)], in_folders=True)
    assert folders.names == ("scan 1.jpg", "page/scan 1.xml", "mets.xml")


def test_pages_of_one_name_get_files_of_their_own(image: Path) -> None:
    names = ["a.jpg", "A.JPG", "a (2).png", "../../x/a.jpg", "", "mets.xml", "é:*?.jpg", "." * 9]
    archive = bundle([(page(name), image) for name in names])
    assert [name for name in archive.names if name.endswith(".jpg")] == [
        "a.jpg", "A (2).jpg", "a (2) (2).jpg", "a (3).jpg", "page.jpg", "mets (2).jpg", "é___.jpg",
        "page (2).jpg",
    ]  # fmt: skip
    assert archive.refused == ()


def test_project_that_left_comes_back_page_by_page(image: Path) -> None:
    pages = [page(f"p{number}.jpg", f"text {number}") for number in (10, 2, 1)]
    archive = bundle([(one, image) for one in pages], layouts=("alto", "page"))
    plan = plan_import(archive)
    assert plan.title == "Title"
    assert [pair.image for pair in plan.pages] == ["p10.jpg", "p2.jpg", "p1.jpg"]
    texts = [read_page(archive.read(pair.layout), pair.layout).lines[0].text for pair in plan.pages]
    assert texts == ["text 10", "text 2", "text 1"]
    assert len(plan.problems) == 3  # the second layout of each image


def test_plan_tells_what_cannot_be_taken_in() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.jpg", b"")
        archive.writestr("a.xml", (FILES / "page-points-2010.xml").read_bytes())
        archive.writestr("b.xml", b"<html/>")
        archive.writestr("c.xml", b"<!DOCTYPE x><x/>")
        archive.writestr("d.xml", b"no xml")
        archive.writestr("../e.xml", b"")
        archive.writestr("notes.txt", b"")
    plan = plan_import(Archive(out, "up.zip"))
    assert [(pair.image, pair.layout) for pair in plan.pages] == [("a.jpg", "a.xml")]
    assert [problem.split(" ")[0] for problem in plan.problems] == [
        "'../e.xml'", "b.xml", "c.xml", "d.xml",
    ]  # fmt: skip
    empty = io.BytesIO()
    with zipfile.ZipFile(empty, "w") as archive:
        archive.writestr("b.xml", b"<html/>")
    with pytest.raises(ExchangeError, match="up.zip holds no page: .* b.xml is neither"):
        plan_import(Archive(empty, "up.zip"))


def test_head_of_a_layout_is_enough_to_know_its_image() -> None:
    heads = {
        path.name: (head.format, head.image_name)
        for path in FILES.glob("*.xml")
        for head in (layout_head(path.read_bytes(), path.name),)
    }
    assert heads == {
        "alto-escriptorium-4.xml": ("alto", "f12.jpg"),
        "alto-kraken-4.xml": ("alto", "p.png"),
        "alto-library-2.xml": ("alto", "X0000002.tif"),
        "page-escriptorium-2019.xml": ("page", "folio 12v.png"),
        "page-points-2010.xml": ("page", "00000012.tif"),
        "page-transkribus-2013.xml": ("page", "0003_Register.jpg"),
    }
    with pytest.raises(ExchangeError, match="x is not well-formed"):
        layout_head(b"<PcGts", "x")


def test_export_can_be_stopped_and_keeps_what_is_done(image: Path) -> None:
    out = io.BytesIO()
    pages = [(page(f"{number}.jpg"), image) for number in range(5)]
    done: list[int] = []

    def proceed(count: int) -> bool:
        done.append(count)
        return count < 2

    assert write_bundle(out, pages, "T", NOW, proceed=proceed) == 2
    assert done == [1, 2]
    assert len(plan_import(Archive(out, "out.zip")).pages) == 2


def test_missing_image_and_unknown_layout_are_told(tmp_path: Path) -> None:
    with pytest.raises(ExchangeError, match="The image for a.jpg cannot be read"):
        bundle([(page("a.jpg"), tmp_path / "gone.jpg")])
    with pytest.raises(ExchangeError, match="There is no layout 'pdf'; choose of page, alto"):
        bundle([(page("a.jpg"), None)], layouts=("pdf",))


def test_memory_does_not_grow_with_the_number_of_pages(tmp_path: Path, image: Path) -> None:
    many = tuple(replace(LINE, id=f"l{number}", text="word " * 9) for number in range(20))

    def pages(count: int) -> Iterator[tuple[PageDocument, Path]]:
        for number in range(count):
            yield PageDocument(f"{number}.jpg", 100, 50, many), image

    def peak(count: int) -> int:
        tracemalloc.start()
        with (tmp_path / "out.zip").open("wb") as out:
            write_bundle(out, pages(count), "T", NOW)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(2)
    few, more = peak(10), peak(60)
    assert more - few < 50 * 4_000  # names and places in the archive's list, no page of 30 kB
