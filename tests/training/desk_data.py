"""A data folder as people leave it: drawn pages, corrected lines, a tiny random model in use."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import torch

import storage
from tests.htr.tiny import TINY
from tests.htr_lines import drawn_line
from tests.training.line_sets import TEXTS, tiny_trainable
from training.trainable import Trainable, save_trainable

SPACING_PX = 40.0
# torch 2.13 writes beyond its memory in the backward pass of a strided 1x1 convolution of
# 8 channels, channels last, on a CPU; a stem with 16 is the smallest that trains.
SMALL = replace(TINY, embed_dim=64, stem_head_dim=16)
NOW = datetime(2026, 1, 31, tzinfo=UTC)


def add_model(store: storage.Store, model: Trainable, name: str = "small") -> storage.Model:
    """Return the model, registered."""
    path = store.data_dir / "tmp" / f"{name}.safetensors"
    save_trainable(path, model, name=name, created=NOW)
    registered = storage.register_model(store, path, name, model.alphabet.characters)
    path.unlink()
    return registered


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


def that_reads(character: str, trainable: Trainable | None = None) -> Trainable:
    """Return a model that reads every line as this one character; "" is nothing at all."""
    made = trainable.copy() if trainable else tiny_trainable(SMALL)
    number = made.alphabet.encode(character)[0] if character else 0
    with torch.no_grad():
        made.model.head.weight.zero_()
        made.model.head.bias.zero_()
        made.model.head.bias[number] = 20.0
    return made


def make_desk(
    data_dir: Path, pages: int = 2, lines: int = 6, model: Trainable | None = None
) -> storage.Store:
    """Return the store of a new data folder: a small model in use, all lines corrected."""
    store = storage.open_store(data_dir)
    storage.set_current_model(store, add_model(store, model or tiny_trainable(SMALL)).id)
    document = storage.add_document(store, "Letters")
    for number in range(pages):
        texts = [TEXTS[(number * lines + n) % len(TEXTS)] for n in range(lines)]
        correct_page(store, add_page(store, document.id, texts, seed=number), texts)
    return store
