"""Two hundred hostile or broken files through the whole upload: each told, none kept, app alive."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hostile_images import hostile_files

import storage
from services.services import Services
from services.settings import read_settings
from synthesis.example import encode_png
from synthesis.page import draw_page
from synthesis.settings import PageSettings

LIMIT_MB = 20


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    folder = tmp_path_factory.mktemp("hostile") / "data"
    settings = read_settings({"HTR_DATA_DIR": str(folder), "HTR_MAX_UPLOAD_MB": str(LIMIT_MB)})
    store = storage.open_store(settings.data_dir)
    opened = Services(settings, store)  # nothing is read here: the reader does not start
    yield opened
    opened.close()


def files_of(folder: Path) -> set[Path]:
    database = {"htr.sqlite", "htr.sqlite-wal", "htr.sqlite-shm"}
    return {path for path in folder.rglob("*") if path.is_file() and path.name not in database}


def test_every_hostile_file_is_told_of_or_read_and_leaves_nothing_else(services: Services) -> None:
    files = hostile_files()
    assert len(files) >= 200
    document = storage.add_document(services.store, "hostile")
    told = 0
    for name, data in files:
        before = files_of(services.settings.data_dir)
        upload = services.add_file(document.id, name, data)
        kept = files_of(services.settings.data_dir) - before
        # What is kept belongs to a page: its image and its thumbnail, nothing else.
        expected = {storage.page_image_path(services.store, page) for page in upload.pages}
        for page in upload.pages:
            thumbnail = storage.thumbnail_path(services.store, page)
            expected |= {thumbnail} if thumbnail else set()
        assert kept <= expected, name
        assert upload.pages or upload.message, name
        if upload.message:
            told += 1
            assert "\n" not in upload.message, name
            assert "Traceback" not in upload.message, name
            assert len(upload.message) < 500, name
    assert told >= 150


def test_a_good_page_is_still_taken_after_all_of_them(services: Services) -> None:
    document = storage.add_document(services.store, "good")
    settings = PageSettings(width_px=500, height_px=300, line_count=2, letter=False)
    upload = services.add_file(
        document.id, "good.png", encode_png(draw_page(1, settings=settings).pixels)
    )
    assert (len(upload.pages), upload.message) == (1, "")
