"""The example page of the app, and pages as image files."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
from PIL import Image

from synthesis.letter import Letter
from synthesis.page import DrawnPage, draw_page
from synthesis.paper import CREAM, IRON_GALL
from synthesis.settings import PageSettings
from synthesis.text import passages

EXAMPLE_SEED = 0
EXAMPLE_TITLE = "Letter from Rouen, 1847"
EXAMPLE_SETTINGS = PageSettings(
    spacing_px=64.0,
    font="la-belle-aurore",
    slant=0.05,
    jitter=0.4,
    pen=0.13,
    fading=0.25,
    skew_deg=-0.4,
    paper=CREAM,
    wear=1.0,
    ink=IRON_GALL,
)


def example_page() -> DrawnPage:
    """The page behind "Try an example": always the same letter, of 23 lines.

    Its text was written for this project (Apache-2.0); persons and events are invented.
    """
    letters = next(p for p in passages("fr") if p.author == "own")
    letter = Letter(
        date="Rouen, le 14 mars 1847",
        greeting="Monsieur et cher cousin,",
        paragraphs=letters.paragraphs[:3],
        farewell="Votre tout dévoué,",
        signature="Émile Charron",
        language="fr",
    )
    page = draw_page(EXAMPLE_SEED, letter, EXAMPLE_SETTINGS)
    return replace(page, title=EXAMPLE_TITLE)


def encode_png(pixels: np.ndarray) -> bytes:
    """The picture, uint8 (H, W) or (H, W, 3), as a PNG file."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def encode_jpeg(pixels: np.ndarray, quality: int = 88) -> bytes:
    """The picture, uint8 (H, W) or (H, W, 3), as a JPEG file of this quality (1-95)."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=quality)
    return stream.getvalue()
