"""Lines drawn by the tests, and a reader that needs no network."""

from __future__ import annotations

import cv2
import numpy as np

from htr.decode import Character, Transcript


def drawn_line(text: str, width_px: int = 0, height_px: int = 64) -> np.ndarray:
    """Return dark writing on light paper, uint8 gray (height_px, width)."""
    scale = height_px / 64
    (ink_px, _), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SCRIPT_SIMPLEX, scale, 2)
    paper = np.full((height_px, width_px or ink_px + 20), 225, np.uint8)
    place = (10, round(44 * scale))
    return cv2.putText(paper, text, place, cv2.FONT_HERSHEY_SCRIPT_SIMPLEX, scale, 40, 2)


def transcript(text: str, confidence: float = 0.9) -> Transcript:
    """Return a transcript of the text, each character 10 px wide."""
    spans = (Character(c, confidence, 10.0 * i, 10.0 * (i + 1)) for i, c in enumerate(text))
    return Transcript(text, confidence if text else 0.0, tuple(spans))


class FakeConfig:
    image_height = 64


class FakeRecognizer:
    """Reads the width of a crop in px as its text; a crop without pixels gives no text."""

    name = "fake"
    device = "cpu"
    precision = "fp32"
    with_language = False
    config = FakeConfig()

    def __init__(self) -> None:
        self.seen: list[np.ndarray] = []

    def recognize(self, crops, progress=None):
        self.seen += crops
        if progress:
            progress(1.0)
        return [transcript(str(crop.shape[1]) if crop.size else "") for crop in crops]
