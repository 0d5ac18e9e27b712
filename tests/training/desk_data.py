"""A data folder as people leave it: drawn pages, corrected lines, a tiny random model in use."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np

import storage
from tests.htr.tiny import ALPHABET
from tests.htr_lines import drawn_line
from tests.training.line_sets import TEXTS, tiny_trainable
from training.trainable import save_trainable

SPACING_PX = 40.0
NOW = datetime(2026, 1, 31, tzinfo=UTC)


def add_tiny_model(store: storage.Store, seed: int = 1, name: str = "tiny") -> storage.Model:
    """Return a tiny random model, registered; it reads nonsense."""
    path = store.data_dir / "tmp" / f"{name}-{seed}.safetensors"
    save_trainable(path, tiny_trainable(seed=seed), name=name, created=NOW)
    model = storage.register_model(store, path, name, ALPHABET.characters)
    path.unlink()
    return model


def add_page(
    store: storage.Store, document_id: int, texts: list[str], seed: int = 0
) -> storage.Page:
    """Return a page with these texts as its lines, drawn, found, and not yet corrected."""
    width_px, height_px = 420, 60 + 60 * len(texts)
    rng = np.random.default_rng(seed)
    pixels = rng.integers(235, 255, (height_px, width_px), np.uint8)
    lines = []
    for number, text in enumerate(texts):
        ink = drawn_line(text)
        top = 20 + 60 * number
        shown = ink[: height_px - top, : width_px - 20]
        area = pixels[top : top + shown.shape[0], 10 : 10 + shown.shape[1]]
        np.minimum(area, shown, out=area)
        base_px = float(top + 44)
        baseline = ((10.0, base_px), (10.0 + shown.shape[1], base_px))
        lines.append(storage.NewLine(baseline, (), SPACING_PX))
    encoded = cv2.imencode(".png", pixels)[1].tobytes()
    page = storage.add_page(
        store, document_id, f"page {seed}.png", encoded, "png", width_px, height_px
    )
    storage.replace_lines(store, page.id, lines, None)
    return page


def correct_page(store: storage.Store, page: storage.Page, texts: list[str]) -> None:
    """Write what stands on the lines of a page."""
    for line_id, text in zip(storage.line_order(store, page.id), texts, strict=True):
        storage.correct_line(store, line_id, text, "corrected", "Ada", None)


def make_desk(data_dir: Path, pages: int = 2, lines: int = 6) -> storage.Store:
    """Return the store of a new data folder: a tiny model in use, all lines corrected."""
    store = storage.open_store(data_dir)
    storage.set_current_model(store, add_tiny_model(store).id)
    document = storage.add_document(store, "Letters")
    for number in range(pages):
        texts = [TEXTS[(number * lines + n) % len(TEXTS)] for n in range(lines)]
        correct_page(store, add_page(store, document.id, texts, seed=number), texts)
    return store
