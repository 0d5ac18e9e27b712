"""From an uploaded file to lines in the database, without a browser, with the shipped model."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import storage
from services.services import Services, line_version, open_services
from services.settings import read_settings
from synthesis.example import encode_png
from synthesis.page import draw_page
from synthesis.settings import PageSettings

READ_LIMIT_S = 60


def drawn_file(seed: int = 3, lines: int = 4) -> bytes:
    settings = PageSettings(width_px=700, height_px=420, line_count=lines, letter=False)
    return encode_png(draw_page(seed, settings=settings).pixels)


def wait_read(services: Services, page_id: int) -> storage.Page:
    limit = time.monotonic() + READ_LIMIT_S
    while time.monotonic() < limit:
        page = storage.page(services.store, page_id)
        if page.state in ("ready", "failed"):
            return page
        time.sleep(0.02)
    raise AssertionError("the page was not read in time")


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    opened = open_services(read_settings({"HTR_DATA_DIR": str(tmp_path / "data")}))
    yield opened
    opened.close()


def test_uploaded_page_is_found_read_and_kept(services: Services) -> None:
    document = storage.add_document(services.store, "letters")
    upload = services.add_file(document.id, "letter.png", drawn_file(lines=4))
    assert upload.message == ""
    page = wait_read(services, upload.pages[0].id)
    assert (page.state, page.width_px, page.height_px) == ("ready", 700, 420)
    lines = storage.lines_of(services.store, page.id)
    assert len(lines) == 4
    for line in lines:
        assert line.status == "machine"
        assert line.reading is not None
        assert line.reading.model_id == storage.current_model(services.store).id  # type: ignore[union-attr]
        assert line.reading.crop_width_px > 64
        spans = [(c.start_px, c.end_px) for c in line.reading.characters]
        assert all(0 <= a < b <= line.reading.crop_width_px for a, b in spans)


def test_original_file_is_kept_byte_for_byte(services: Services) -> None:
    document = storage.add_document(services.store, "letters")
    data = drawn_file()
    page = services.add_file(document.id, "letter.png", data).pages[0]
    assert storage.page_image(services.store, page) == data


def test_bad_file_gives_a_message_and_no_page(services: Services) -> None:
    document = storage.add_document(services.store, "letters")
    upload = services.add_file(document.id, "letter.png", b"no image at all")
    assert upload.pages == ()
    assert "letter.png" in upload.message
    assert storage.pages_of(services.store, document.id) == []


def test_page_that_was_being_read_is_read_after_a_restart(tmp_path: Path) -> None:
    settings = read_settings({"HTR_DATA_DIR": str(tmp_path / "data")})
    store = storage.open_store(settings.data_dir)
    stopped = Services(settings, store)  # its reader never starts: the page stays in the queue
    document = storage.add_document(store, "letters")
    page = stopped.add_file(document.id, "letter.png", drawn_file()).pages[0]
    storage.take_next_run(store, "read")  # and the server dies while it reads the page
    store.close()
    again = open_services(settings)
    try:
        assert wait_read(again, page.id).state == "ready"
    finally:
        again.close()


def test_damaged_page_file_fails_with_a_reason_and_the_next_page_is_read(
    services: Services,
) -> None:
    document = storage.add_document(services.store, "letters")
    first = wait_read(services, services.add_file(document.id, "1.png", drawn_file()).pages[0].id)
    storage.page_image_path(services.store, first).write_bytes(b"overwritten")
    services.read_again(first.id)
    second = services.add_file(document.id, "2.png", drawn_file(4)).pages[0]
    assert wait_read(services, second.id).state == "ready"
    failed = storage.page(services.store, first.id)
    assert failed.state == "failed"
    assert failed.message != ""


def test_reading_again_keeps_what_a_person_wrote(services: Services) -> None:
    document = storage.add_document(services.store, "letters")
    page = wait_read(services, services.add_file(document.id, "1.png", drawn_file()).pages[0].id)
    line = storage.lines_of(services.store, page.id)[0].line
    storage.correct_line(services.store, line.id, "by hand", "corrected", "ada", None)
    services.read_again(page.id)
    wait_read(services, page.id)
    assert "by hand" in [line.text for line in storage.lines_of(services.store, page.id)]


def test_line_image_is_cut_once_for_many_askers(services: Services) -> None:
    document = storage.add_document(services.store, "letters")
    page = wait_read(services, services.add_file(document.id, "1.png", drawn_file()).pages[0].id)
    line = storage.lines_of(services.store, page.id)[1].line
    images: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: images.append(services.line_image(line))) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(images) == 6
    assert len(set(images)) == 1
    assert images[0][:4] == b"RIFF"


def test_version_of_a_line_changes_with_its_geometry(services: Services) -> None:
    document = storage.add_document(services.store, "letters")
    page = wait_read(services, services.add_file(document.id, "1.png", drawn_file()).pages[0].id)
    lines = [line.line for line in storage.lines_of(services.store, page.id)]
    assert len({line_version(line) for line in lines}) == len(lines)


def test_shipped_model_is_installed_once(tmp_path: Path) -> None:
    settings = read_settings({"HTR_DATA_DIR": str(tmp_path / "data")})
    open_services(settings).close()
    services = open_services(settings)
    try:
        models = storage.models(services.store)
        assert [model.current for model in models] == [True]
        assert models[0].scores  # the figures of its model file, shown in the settings
    finally:
        services.close()
