"""A data folder with corrected drawn pages, and trainings that a test tells the story of."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

import storage
from services.services import Services
from services.settings import read_settings
from synthesis.example import encode_png
from training.frozen_lines import SnapshotFacts, write_snapshot
from training.gate import compare, forgetting, score_lines, verdict
from training.lines import TrainLine
from training.report import build_report
from training.run_folder import run_folder

ALPHABET = tuple(" abcdefghijklmnopqrstuvwxyz")
TEXTS = ("the quick brown fox", "jumps over a lazy dog", "and rests in the grass", "until noon")
HASH = "0" * 64
LEARNED = {
    "verdict": "better",
    "sentence": "It now misreads 9.0 % of the characters (was 18 %; surely better: p = 0.003). "
    "It is in use from now on.",
    "warnings": [],
    "cer_before": 0.18,
    "cer_after": 0.09,
    "forgetting": {"warn": False, "sentence": "On other handwriting it reads as before."},
}


def sleeping_services(folder: Path) -> Services:
    """The services over a new data folder; nothing of them runs by itself."""
    settings = read_settings({"HTR_DATA_DIR": str(folder / "data")})
    services = Services(settings, storage.open_store(settings.data_dir))
    add_model(services.store, "hand, v1")
    storage.set_current_model(services.store, 1)
    return services


def add_model(store: storage.Store, name: str) -> storage.Model:
    return storage.register_model(store, name.encode(), name, ALPHABET)


def corrected_page(
    store: storage.Store, document_id: int, texts: tuple[str, ...], shade: int = 255
) -> tuple[storage.Page, list[int]]:
    """A page whose lines a machine has read without fault, and a person has written `texts`."""
    pixels = np.full((60 * len(texts), 600, 3), shade, np.uint8)  # shade: no two pages alike
    image = encode_png(pixels)
    page = storage.add_page(store, document_id, f"page {shade}.png", image, "png", 600, len(pixels))
    lines = [
        storage.NewLine(
            ((10.0, 60.0 * n + 44), (500.0, 60.0 * n + 44)),
            (),
            40.0,
            reading=storage.NewReading(text, 0.9),
        )
        for n, text in enumerate(texts)
    ]
    line_ids = storage.replace_lines(store, page.id, lines, 1)
    for line_id, text in zip(line_ids, texts, strict=True):
        storage.correct_line(store, line_id, text, "corrected", "ada", None)
    return page, line_ids


def add_pages(services: Services, count: int = 3) -> list[storage.Page]:
    """Corrected pages in one new document."""
    document = storage.add_document(services.store, "letters")
    return [corrected_page(services.store, document.id, TEXTS, 255 - n)[0] for n in range(count)]


def running(store: storage.Store, *events: Mapping[str, Any], phase: str = "training") -> int:
    """A training at work that has told `events`."""
    run = storage.add_run(store, "train", settings={})
    storage.begin_run(store, run.id, worker_pid=1)
    storage.report_progress(store, run.id, 0.5, phase)
    for event in events:
        storage.add_run_event(store, run.id, event)
    return run.id


def ended(store: storage.Store, result: Mapping[str, Any]) -> int:
    run_id = running(store)
    storage.finish_run(store, run_id, result)
    return run_id


def with_report(services: Services) -> int:
    """A training whose report says: 4 test lines, one better, one worse."""
    store = services.store
    run_id = ended(store, {**LEARNED, "model_id": 1, "base_model_id": 1})
    folder = run_folder(store.data_dir, run_id)

    def line(key: str, text: str, page: str) -> TrainLine:
        return TrainLine(key, np.full((64, 200), 220, np.uint8), text, page)

    test = [line(f"line-{n}", text, "page-1") for n, text in enumerate(TEXTS, start=11)]
    facts = SnapshotFacts(1, HASH, ALPHABET, 1, {}, "pages", "2 pages will teach, 1 will test.")
    snapshot = write_snapshot(
        folder.snapshot, facts, {"train": [line("line-1", "the fox", "page-2")], "test": test}
    )
    before = ["the quick brawn fox", TEXTS[1], TEXTS[2], TEXTS[3]]
    after = [TEXTS[0], TEXTS[1], TEXTS[2], "<b>until</b> noon"]
    comparison = compare(score_lines(test, before), score_lines(test, after), 1)
    report = build_report(
        snapshot=snapshot,
        readings_before=before,
        readings_after=after,
        comparison=comparison,
        verdict=verdict(comparison),
        forgetting=forgetting([], []),
        curve=[],
        training={"steps": 80, "seconds": 42.0, "stopped": "time", "settings": {"seed": 1}},
        base_name="hand, v1",
        candidate_name="hand, v2",
        created="2026-01-31T00:00:00+00:00",
    )
    folder.report.write_text(json.dumps(report), encoding="utf-8")
    return run_id
