"""Corrected lines and line scores as plain values, without a database."""

from __future__ import annotations

import hashlib

import numpy as np

from storage.records import TrainingLine
from training.comparison import LineScore
from training.lines import TrainLine


def image_sha256(page_id: int) -> str:
    return hashlib.sha256(f"page {page_id}".encode()).hexdigest()


def corrected(
    line_id: int,
    text: str,
    *,
    page_id: int = 1,
    position: int | None = None,
    width_px: float = 800.0,
    reading: str | None = None,
    confidence: float | None = None,
    model_id: int = 1,
    held_out: bool | None = None,
    sha256: str | None = None,
    document_id: int = 1,
) -> TrainingLine:
    return TrainingLine(
        line_id=line_id,
        page_id=page_id,
        document_id=document_id,
        page_position=page_id,
        position=line_id - 1 if position is None else position,
        revision_id=line_id,
        text=text,
        status="corrected",
        baseline=((0.0, 50.0), (width_px, 50.0)),
        spacing_px=50.0,
        held_out=held_out,
        image_sha256=sha256 or image_sha256(page_id),
        image_suffix="png",
        reading_text=reading,
        reading_confidence=confidence,
        reading_model_id=None if reading is None else model_id,
    )


def pages_of(sizes: dict[int, int]) -> list[TrainingLine]:
    """Return so many lines on each page, numbered through."""
    lines: list[TrainingLine] = []
    for page_id, size in sizes.items():
        for position in range(size):
            lines.append(
                corrected(len(lines) + 1, "some words", page_id=page_id, position=position)
            )
    return lines


def score(key: str, edits: int, characters: int = 40, page: str = "", group: str = "") -> LineScore:
    return LineScore(key, page or key, edits, characters, min(edits, 8), 8, group)


def scores(edits: list[int], lines_a_page: int = 1, characters: int = 40) -> list[LineScore]:
    return [
        score(f"line-{n}", e, characters, page=f"page-{n // lines_a_page}")
        for n, e in enumerate(edits, start=1)
    ]


def train_line(key: str, text: str, page: str = "page-1", seed: int = 0, width: int = 90):
    image = np.random.default_rng(seed).integers(0, 256, (64, width), np.uint8)
    return TrainLine(key, image, text, page, "document-1")
