"""The server function behind "Read it again" keeps its name and queues the page."""

from __future__ import annotations

from pathlib import Path

import storage
from services.services import Services
from services.settings import read_settings
from ui.reading import progress_view, read_again_function


def test_page_waits_again_after_it_was_asked_for(tmp_path: Path) -> None:
    settings = read_settings({"HTR_DATA_DIR": str(tmp_path / "data")})
    services = Services(settings, storage.open_store(settings.data_dir))  # its reader sleeps
    document = storage.add_document(services.store, "letters")
    page = storage.add_page(services.store, document.id, "1.png", b"image", "png", 10, 10)
    read_again = read_again_function(services)
    assert read_again.__name__ == "read_again"  # by this name the browser calls it
    assert read_again({"page": page.id}) == {"waiting": True}
    run = storage.take_next_run(services.store, "read")
    assert run is not None
    assert run.page_id == page.id
    assert progress_view(run)["progress"] == 0.0
    services.close()


def test_missing_page_is_refused_with_a_sentence(tmp_path: Path) -> None:
    settings = read_settings({"HTR_DATA_DIR": str(tmp_path / "data")})
    services = Services(settings, storage.open_store(settings.data_dir))
    assert "error" in read_again_function(services)({"page": 99})
    services.close()


def test_page_that_is_not_read_shows_no_progress() -> None:
    assert progress_view(None) == {"phase": "", "progress": 0.0}
