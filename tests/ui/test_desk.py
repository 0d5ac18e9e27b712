"""What the desk's server answers when a text is saved."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import storage
from services.services import Services
from services.settings import Settings
from synthesis.example import encode_png
from ui.desk import save_line_function

REQUEST = SimpleNamespace(headers={})


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    """A page of two lines, 1 and 2."""
    store = storage.open_store(tmp_path / "data")
    model = storage.register_model(store, b"weights", "none", ["a"])
    storage.set_current_model(store, model.id)
    opened = Services(Settings(tmp_path / "data", author="tester"), store)
    image = encode_png(np.full((300, 400, 3), 255, np.uint8))
    document = storage.add_document(store, "letters")
    page = storage.add_page(store, document.id, "1", image, "png", 400, 300)
    lines = [storage.NewLine(((20, y), (300, y)), (), 40.0) for y in (50, 100)]
    storage.replace_lines(store, page.id, lines, model.id)
    yield opened
    opened.close()


def test_text_saved_on_a_line_that_was_removed_is_kept_and_told(services: Services) -> None:
    save = save_line_function(services)
    data = {"line": 1, "text": "in time", "status": "corrected", "parent": None}
    assert save(data, REQUEST)["gone"] is False
    storage.remove_line(services.store, 2)
    answer = save({**data, "line": 2, "text": "too late"}, REQUEST)
    assert (answer["gone"], answer["text"]) == (True, "too late")
    assert storage.line_text(services.store, 2).text == "too late"
