"""Tiny model files, and an app's services over them whose threads sleep."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import storage
from htr.checkpoint import save_checkpoint
from htr.config import ModelConfig
from services.services import Services
from services.settings import read_settings
from synthesis.example import encode_png
from synthesis.page import draw_page
from synthesis.settings import PageSettings
from tests.htr.tiny import ALPHABET, tiny_model

READ_LIMIT_S = 60


def tiny_file(path: Path, seed: int = 1, name: str = "tiny") -> Path:
    """Write a model of our format that differs from others by its seed."""
    created = datetime(2026, 1, 2, tzinfo=UTC)
    model = tiny_model(seed=seed)
    return save_checkpoint(path, model, ALPHABET, name=name, created=created)


def published_file(path: Path, classes: int = 80) -> Path:
    """Write a checkpoint as the published training does, with a head of so many classes."""
    import torch

    config = ModelConfig(
        embed_dim=256, heads=2, max_relative_positions=16, conv_kernel=5, classes=classes
    )
    torch.save({"state_dict_ema": tiny_model(config).half().state_dict()}, path)
    return path


def sleeping_services(folder: Path) -> Services:
    """The services of a new data folder; its reader sleeps."""
    settings = read_settings({"HTR_DATA_DIR": str(folder / "data"), "HTR_THREADS": "1"})
    return Services(settings, storage.open_store(settings.data_dir))


def put_model(services: Services, folder: Path, seed: int = 1, name: str = "tiny") -> storage.Model:
    """Register a tiny model; its parent is the model in use."""
    current = storage.current_model(services.store)
    return storage.register_model(
        services.store,
        tiny_file(folder / f"{seed}.safetensors", seed, name),
        name,
        ALPHABET.characters,
        parent_id=current.id if current else None,
    )


def put_page(services: Services, model: storage.Model, lines: int = 4) -> storage.Page:
    """Put a drawn page with its true lines into a document; `model` has read "machine 1", ..."""
    drawn = draw_page(
        3, settings=PageSettings(width_px=700, height_px=420, line_count=lines, letter=False)
    )
    document = storage.add_document(services.store, "Letters")
    page = storage.add_page(
        services.store, document.id, "1.png", encode_png(drawn.pixels), "png", 700, 420
    )
    found = [
        storage.NewLine(
            tuple(line.baseline),
            (),
            line.spacing_px,
            reading=storage.NewReading(f"machine {number}", 0.9),
        )
        for number, line in enumerate(drawn.lines, start=1)
    ]
    storage.replace_lines(services.store, page.id, found, model.id)
    return page


def wait_for(what, limit_s: float = READ_LIMIT_S) -> None:
    """Return as soon as `what()` is true."""
    until = time.monotonic() + limit_s
    while not what():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.02)
