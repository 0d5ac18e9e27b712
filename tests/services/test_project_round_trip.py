"""Projects in the ways of several programs: in, out, and in again; the second is the first."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

import storage
from exchange import PageDocument, read_page
from exchange.archive import Archive
from services.export_files import write_export
from services.export_order import ExportOrder, read_order
from services.export_pages import select_pages
from services.importer import Importer
from tests.exchange.made import near
from tests.projects import image, imported, pages_in, settings

FILES = Path(__file__).parents[1] / "exchange" / "files"
NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


@contextmanager
def opened(folder: Path) -> Iterator[tuple[storage.Store, Importer]]:
    with storage.open_store(folder) as store:
        importer = Importer(settings(folder), store, lambda: None)
        importer.start()
        try:
            yield store, importer
        finally:
            importer.stop()


def ordered(layout: str) -> ExportOrder:
    return read_order({"format": layout, "scope": "library", "number": 0, "project": "",
                       "text": "best", "images": True})  # fmt: skip


def written(store: storage.Store, layout: str) -> list[PageDocument]:
    """All pages as they go out."""
    (document,) = select_pages(store, ordered(layout)).documents
    return [page.written for page in document]


def export(store: storage.Store, layout: str, target: Path) -> Path:
    with target.open("wb") as out:
        write_export(out, ordered(layout), select_pages(store, ordered(layout)), NOW)
    return target


def differences(one: PageDocument, two: PageDocument, layout: str) -> list[str]:
    """What differs between a page and the page that came back, one entry each.

    ALTO has no place for this program's own reasons to look at a line.
    """
    found = []
    pairs = [
        ("size", (one.width, one.height), (two.width, two.height)),
        ("regions", [r.id for r in one.regions], [r.id for r in two.regions]),
        ("lines", [line.id for line in one.lines], [line.id for line in two.lines]),
    ]
    for region, again in zip(one.regions, two.regions, strict=False):
        for name in ("kind", "content", "parent_id", "tags"):
            pairs.append((f"{region.id} {name}", getattr(region, name), getattr(again, name)))
        if region.polygon and not near(again.polygon, region.polygon):
            found.append(f"{region.id} polygon: {region.polygon} -> {again.polygon}")
    for line, back in zip(one.lines, two.lines, strict=False):
        names = ("text", "kind", "region_id", "tags", "status", "spacing_px")
        for name in names if layout == "alto" else (*names, "flags"):
            pairs.append((f"{line.id} {name}", getattr(line, name), getattr(back, name)))
        words = [word.text for word in line.words], [word.text for word in back.words]
        pairs.append((f"{line.id} words", *words))
        if not near(back.baseline, line.baseline):
            found.append(f"{line.id} baseline: {line.baseline} -> {back.baseline}")
        if line.polygon and not near(back.polygon, line.polygon):
            found.append(f"{line.id} polygon: {line.polygon} -> {back.polygon}")
    return found + [f"{name}: {a!r} -> {b!r}" for name, a, b in pairs if a != b]


@pytest.mark.parametrize("by", ["human", "machine"])
@pytest.mark.parametrize("layout", ["page", "alto"])
def test_project_that_went_out_comes_in_again_without_a_difference(
    tmp_path: Path, layout: str, by: str
) -> None:
    project: dict[str, bytes | Path] = {}
    for path in sorted(FILES.glob(f"{layout}-*.xml")):
        page = read_page(path.read_bytes(), path.name)
        width, height = round(page.width) or 600, round(page.height) or 800
        project[f"project/{path.stem}.png"] = image(len(project) + 1, width, height)
        project[f"project/{path.stem}.xml"] = path.read_bytes()
    with opened(tmp_path / "one") as (store, importer):
        taken = imported(store, importer, project, by, partly=True)
        assert taken.result["pages"] == len(project) / 2
        out = export(store, layout, tmp_path / "out.zip")
        first = written(store, layout)
    with opened(tmp_path / "two") as (store, importer):
        again = imported(store, importer, {"out.zip": out}, by)
        assert again.result["problem_count"] == 0
        second = written(store, layout)
    assert len(second) == len(first)
    lost = {
        one.image_name: found
        for one, two in zip(first, second, strict=True)
        if (found := differences(one, two, layout))
    }
    assert lost == {}


def test_what_people_wrote_and_the_machine_read_stay_apart_on_the_way(tmp_path: Path) -> None:
    """Statuses travel along, so that "best" text comes back as whose it was."""
    with opened(tmp_path / "one") as (store, importer):
        layout = (FILES / "page-escriptorium-2019.xml").read_bytes()
        page = read_page(layout, "x")
        project: dict[str, bytes | Path] = {
            "p.png": image(1, int(page.width), int(page.height)), "p.xml": layout,
        }  # fmt: skip
        imported(store, importer, project, "machine", partly=True)
        (stored,) = pages_in(store)
        first = storage.line_order(store, stored.id)[0]
        storage.correct_line(store, first, "by hand", "confirmed", "ada", None)
        out = export(store, "page", tmp_path / "out.zip")
        with Archive(out, "out.zip") as archive:
            endings = sorted(name.rpartition(".")[2] for name in archive.names)
        assert endings == ["png", "xml", "xml"]
    with opened(tmp_path / "two") as (store, importer):
        imported(store, importer, {"out.zip": out}, "machine")
        (stored,) = pages_in(store)
        statuses = [line.status for line in storage.lines_of(store, stored.id)]
        assert statuses == ["confirmed", *["machine"] * (len(statuses) - 1)]
