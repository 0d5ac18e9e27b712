"""Exports: what comes along, in which file, and that they can be followed, cancelled, resumed."""

from __future__ import annotations

import io
import json
import tracemalloc
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import storage
from exchange import ExchangeError, read_page
from exchange.archive import Archive
from exchange.plan import plan_import
from htr.lines_data import open_line_set
from services.export_files import file_name, write_export
from services.export_formats import FORMATS
from services.export_order import read_order
from services.export_pages import select_pages
from services.exporter import Exporter
from services.services import Services
from tests.services.model_files import put_model, put_page, sleeping_services, wait_for

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    opened = sleeping_services(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def page(services: Services, tmp_path: Path) -> storage.Page:
    """Four lines: read "machine 1" to "machine 4"; the second corrected, the third ignored."""
    model = put_model(services, tmp_path)
    storage.set_current_model(services.store, model.id)
    page = put_page(services, model)
    lines = [line.line.id for line in storage.lines_of(services.store, page.id)]
    storage.correct_line(services.store, lines[1], "by hand", "corrected", "ada", None)
    storage.correct_line(services.store, lines[2], "machine 3", "ignored", "ada", None)
    return page


def exported(services: Services, **wanted: Any) -> tuple[bytes, str]:
    """The bytes and the name of an export of the library, if nothing else is wanted."""
    order = read_order(wanted)
    selection = select_pages(services.store, order)
    out = io.BytesIO()
    write_export(out, order, selection, NOW)
    return out.getvalue(), file_name(order, selection)


def names(data: bytes) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return archive.namelist()


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("best", ["machine 1", "by hand", "machine 4"]),
        ("machine", ["machine 1", "machine 2", "machine 4"]),
        ("human", ["", "by hand", ""]),
    ],
)
def test_text_is_the_machines_or_peoples_or_the_best(
    services: Services, page: storage.Page, text: str, lines: list[str]
) -> None:
    data, name = exported(
        services, format="txt", scope="document", number=page.document_id, text=text
    )
    assert data.decode().splitlines() == lines
    assert name == "Letters.txt"


def test_line_alone_is_exported_in_every_text_format(
    services: Services, page: storage.Page
) -> None:
    line = storage.lines_of(services.store, page.id)[1].line
    data, name = exported(services, format="txt", scope="line", number=line.id)
    assert (data.decode(), name) == ("by hand\n", "Letters, page 1, line 2.txt")
    data, _ = exported(services, format="page", scope="line", number=line.id)
    assert [one.text for one in read_page(data, "x.xml").lines] == ["by hand"]


@pytest.mark.parametrize("key", sorted(FORMATS))
@pytest.mark.parametrize("images", [False, True])
def test_every_format_is_written_with_and_without_images(
    services: Services, page: storage.Page, key: str, images: bool
) -> None:
    if key == "parquet":
        pytest.importorskip("pyarrow")
    data, name = exported(services, format=key, scope="page", number=page.id, images=images)
    assert data
    if not name.endswith(".zip"):
        assert name == f"Letters, page 1{FORMATS[key].suffix}"
        return
    image = [one for one in names(data) if one.split("/")[-1] == "1.png"]
    assert bool(image) == (FORMATS[key].images == "always" or (images and not FORMATS[key].teaches))
    if image:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            assert archive.read(image[0]) == storage.page_image(services.store, page)


def test_library_has_a_folder_a_document_and_safe_names(
    services: Services, page: storage.Page
) -> None:
    storage.rename_document(services.store, page.document_id, "../Été <1847>")
    model = storage.current_model(services.store)
    assert model is not None
    other = put_page(services, model)
    storage.rename_document(services.store, other.document_id, "../été <1847>")
    data, name = exported(services, format="page", images=True)
    assert name == "Library.zip"
    folders = {one.split("/")[0] for one in names(data)}
    assert folders == {"_Été _1847_", "_été _1847_ (2)"}
    assert f"{sorted(folders)[0]}/mets.xml" in names(data)
    plan = plan_import(Archive(io.BytesIO(data), "Library.zip"))
    assert len(plan.pages) == 2
    assert all(pair.image and pair.layout for pair in plan.pages)
    texts, _ = exported(services, format="docx")
    assert names(texts) == ["_Été _1847_/_Été _1847_.docx", "_été _1847_ (2)/_été _1847_ (2).docx"]


def test_lines_set_aside_come_along_where_geometry_counts_only(
    services: Services, page: storage.Page
) -> None:
    aside = storage.NewLine(((5.0, 9.0), (60.0, 9.0)), (), 20.0, kind=storage.ASIDE)
    lines = [storage.NewLine(((5.0, 40.0), (60.0, 40.0)), (), 20.0), aside]
    model = storage.current_model(services.store)
    storage.replace_lines(services.store, page.id, lines, model.id if model else None)
    kinds = {}
    for key in ("page", "alto"):
        data, _ = exported(services, format=key, scope="page", number=page.id)
        kinds[key] = [line.kind for line in read_page(data, "x.xml").lines].count("aside")
    assert kinds == {"page": 1, "alto": 1}
    rows, _ = exported(services, format="jsonl", scope="page", number=page.id)
    assert "aside" not in {json.loads(row)["type"] for row in rows.splitlines()}


def test_data_set_teaches_what_people_vouch_for_and_is_read_here(
    services: Services, page: storage.Page, tmp_path: Path
) -> None:
    storage.pin_page(services.store, page.id, True)
    data, _ = exported(services, format="labels", text="human")
    path = tmp_path / "lines.zip"
    path.write_bytes(data)
    with open_line_set(path) as lines:
        assert [(line.text, line.source) for line in lines.lines] == [("by hand", "Letters")]
        assert lines.image(lines.lines[0]).shape[0] == 64
    assert "test/line_0000001.png" in names(data)
    kraken, name = exported(services, format="kraken", text="human")
    assert name == "Library.zip"
    with zipfile.ZipFile(io.BytesIO(kraken)) as archive:
        assert set(archive.namelist()) == {"1.png", "1.xml", "mets.xml"}
        again = read_page(archive.read("1.xml"), "1.xml")
    assert [line.text for line in again.lines] == ["by hand"]


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"format": "wordstar"}, "The format is 'wordstar'; choose one of txt, md"),
        ({"format": "txt", "text": "x"}, "The text is 'x'; choose one of best, machine, human."),
        ({"format": "txt", "scope": "page"}, "To export a page, say its number."),
        ({"format": "txt", "scope": "page", "number": True}, "it is a whole number"),
        ({"format": "txt", "number": 3}, "To export the whole library, give no number."),
        ({"format": "txt", "project": "x"}, "To export a project, say its name"),
        ({"format": "txt", "scope": "project", "project": "x"}, "no page to export in “x”"),
        ({"format": "txt", "scope": "document", "number": 99}, "There is no document 99."),
        ({"format": "txt", "scope": "line", "number": 99}, "There is no line 99."),
    ],
)
def test_order_that_makes_no_sense_says_so(
    services: Services, page: storage.Page, wanted: dict[str, Any], words: str
) -> None:
    with pytest.raises((ExchangeError, storage.StorageError)) as refused:
        exported(services, **wanted)
    assert words in str(refused.value)


def test_export_is_written_in_the_background_and_kept_for_a_day(
    services: Services, page: storage.Page
) -> None:
    run = services.exporter.order(read_order({"format": "txt"}))
    wait_for(lambda: services.exporter.export(run.id).state == "done")
    path, name = services.exporter.file(run.id)
    assert (path.read_text(), name) == ("machine 1\nby hand\nmachine 4\n", "Library.txt")
    assert [one.id for one in services.exporter.newest()] == [run.id]
    clock = services.store.clock
    services.store.clock = lambda: clock() + timedelta(hours=25)
    services.exporter.start()
    assert services.exporter.newest() == []
    with pytest.raises(storage.NotFound, match="kept for a day"):
        services.exporter.file(run.id)


def test_cancelled_export_leaves_no_file(services: Services, page: storage.Page) -> None:
    order = read_order({"format": "txt"})
    run = storage.add_run(services.store, "export", settings={**order.as_json(), "title": "x"})
    assert services.exporter.cancel(run.id).state == "cancelled"
    services.exporter.start()
    wait_for(lambda: services.exporter.export(run.id).state == "cancelled")
    assert list((services.store.data_dir / "exports").glob("*")) == []
    with pytest.raises(storage.NotFound):
        services.exporter.file(run.id)


def test_export_that_is_cancelled_on_its_way_stops_at_the_next_page(
    services: Services, page: storage.Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    from services import exporter

    monkeypatch.setattr(exporter, "REPORT_EVERY_S", 0.0)
    run = storage.add_run(
        services.store, "export", settings=read_order({"format": "txt"}).as_json()
    )
    begin = exporter._Progress.begin

    def cancelled_after_begin(progress: Any, pages: int) -> None:
        begin(progress, pages)
        storage.cancel_run(services.store, run.id)

    monkeypatch.setattr(exporter._Progress, "begin", cancelled_after_begin)
    services.exporter.start()
    wait_for(lambda: not services.exporter._thread.at_work)
    assert services.exporter.export(run.id).state == "cancelled"
    assert list((services.store.data_dir / "exports").glob("*")) == []


def test_export_that_a_crash_interrupted_is_written_at_the_next_start(
    services: Services, page: storage.Page
) -> None:
    run = storage.add_run(
        services.store, "export", settings=read_order({"format": "txt"}).as_json()
    )
    assert storage.take_next_run(services.store, "export") is not None
    again = Exporter(services.store)
    again.start()
    wait_for(lambda: again.export(run.id).state == "done")
    assert again.file(run.id)[0].read_text().startswith("machine 1")


def test_missing_image_fails_the_export_that_needs_it_and_no_other(
    services: Services, page: storage.Page
) -> None:
    storage.page_image_path(services.store, page).unlink()
    runs = [
        services.exporter.order(read_order({"format": "page", "images": images}))
        for images in (True, False)
    ]
    wait_for(lambda: services.exporter.export(runs[1].id).state == "done")
    failed = services.exporter.export(runs[0].id)
    assert failed.state == "failed"
    assert "The image of page" in failed.message
    assert [one.state for one in services.exporter.newest()] == ["done", "failed"]


def test_images_lie_where_the_file_says(services: Services, page: storage.Page) -> None:
    for key, said in (("tei", b'url="images/1.png"'), ("hocr", b'image "images/1.png"')):
        data, name = exported(services, format=key, scope="page", number=page.id, images=True)
        assert "images/1.png" in names(data)
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            written = archive.read(f"Letters, page 1{FORMATS[key].suffix}")
        assert said in written.replace(b"&quot;", b'"')


@pytest.mark.parametrize("key", ["docx", "tei", "hocr", "pdf"])
def test_memory_does_not_grow_with_the_pages(
    services: Services, page: storage.Page, tmp_path: Path, key: str
) -> None:
    image = storage.page_image(services.store, page)
    lines = [
        storage.NewLine(((9.0, 20.0 * n), (600.0, 20.0 * n)), (), 20.0,
                        reading=storage.NewReading("some words of a line " * 3, 0.9))
        for n in range(1, 12)
    ]  # fmt: skip
    model = storage.current_model(services.store)
    for number in range(40):
        more = storage.add_page(
            services.store, page.document_id, f"{number}.png", image, "png", 700, 420
        )
        storage.replace_lines(services.store, more.id, lines, model.id if model else None)

    def peak_bytes(pages: int) -> int:
        order = read_order({"format": key, "scope": "document", "number": page.document_id})
        selection = select_pages(services.store, order)
        (document,) = selection.documents
        document.page_ids = document.page_ids[:pages]
        tracemalloc.start()
        with (tmp_path / "out").open("wb") as out:
            write_export(out, order, selection, NOW)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    peak_bytes(2)  # what is loaded once
    assert peak_bytes(40) < 1.25 * peak_bytes(10) + 50_000
