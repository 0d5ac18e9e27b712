"""What the tests of the screens' server functions share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import storage
from services.services import Services
from services.settings import Settings
from synthesis.example import encode_png


@pytest.fixture
def two_pages(tmp_path: Path) -> Iterator[Services]:
    """Page 1 with the lines 1 to 3 and page 2 with 4 to 6; nothing reads them."""
    store = storage.open_store(tmp_path / "data")
    model = storage.register_model(store, b"weights", "none", ["a"])
    storage.set_current_model(store, model.id)
    opened = Services(Settings(tmp_path / "data", author="tester"), store)
    pixels = np.full((300, 400, 3), 255, np.uint8)
    document = storage.add_document(store, "letters")
    for name in ("1", "2"):
        pixels[0, 0] = ord(name)
        page = storage.add_page(store, document.id, name, encode_png(pixels), "png", 400, 300)
        lines = [storage.NewLine(((20, y), (300, y)), (), 40.0) for y in (50, 100, 150)]
        storage.replace_lines(store, page.id, lines, model.id)
    yield opened
    opened.close()
