"""Single written lines as the recogniser meets them: strips with strokes of neighbours in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from synthesis.font import Font, SynthesisError, font_named, fonts
from synthesis.hand import Hand, write, x_height_for
from synthesis.layout import spelled
from synthesis.paper import GREY, absorbed, draw_paper, lay_ink
from synthesis.sheet import lay_strip
from synthesis.text import sample_words
from synthesis.warp import draw_wave

# the proportions of a line crop, in spacings
ABOVE = 0.80
BELOW = 0.36
ASIDE = 0.25
INK = (40, 40, 40)


@dataclass(frozen=True)
class LineSettings:
    """How a strip looks; the fields are those of `PageSettings`, height_px is the strip's.

    wave: what straightening left of the baseline's waves, in spacings. neighbours: whether lines
    above and below reach into the strip.
    """

    height_px: int = 64
    font: str | None = None
    language: str | None = None
    size: float = 1.0
    slant: float = 0.06
    jitter: float = 0.5
    pen: float = 0.11
    fading: float = 0.3
    wave: float = 0.03
    wear: float = 0.6
    ink_variation: float = 1.0
    neighbours: bool = True


def sample_line_settings(rng: np.random.Generator, height_px: int = 64) -> LineSettings:
    """Varied settings, as training wants them."""
    return LineSettings(
        height_px=height_px,
        size=float(rng.uniform(0.8, 1.2)),
        slant=float(rng.normal(0.05, 0.15)),
        jitter=float(rng.uniform(0.2, 1.0)),
        pen=float(rng.uniform(0.06, 0.18)),
        fading=float(rng.uniform(0.0, 0.6)),
        wave=float(rng.uniform(0.0, 0.06)),
        wear=float(rng.uniform(0.1, 1.3)),
        ink_variation=float(rng.uniform(0.2, 1.8)),
        neighbours=bool(rng.random() < 0.8),
    )


def draw_line(
    seed: int | np.random.Generator,
    text: str | None = None,
    settings: LineSettings | None = None,
    pool: Sequence[Font] = (),
) -> tuple[np.ndarray, str]:
    """A strip of one written line, uint8 (height_px, W) gray, and the text that is drawn in it.

    text None lets the seed choose some words. pool: fonts to choose from, those of the project if
    there are none. The same arguments give the same strip.
    Raises: SynthesisError for a text of which no font can write anything, or an unknown font.
    """
    rng = np.random.default_rng(seed)
    chosen = settings or LineSettings()
    if chosen.height_px < 16:
        raise SynthesisError(
            f"A strip of {chosen.height_px} px cannot be drawn; use 16 px or more."
        )
    wanted = text if text is not None else _words(rng, chosen)
    pool = pool or fonts()
    able = tuple(one for one in pool if one.covers(wanted)) or pool
    font = font_named(chosen.font) if chosen.font else able[int(rng.integers(len(able)))]
    written = spelled(wanted, font)
    spacing = chosen.height_px / (ABOVE + BELOW)
    hand = Hand(
        font=font,
        x_height_px=x_height_for(font, spacing, chosen.size),
        slant=chosen.slant,
        stretch=float(1.0 + chosen.jitter * rng.uniform(-0.15, 0.15)),
        gap=float(rng.uniform(0.8, 1.25)),
        jitter=chosen.jitter,
        pen=chosen.pen,
        fading=chosen.fading,
    )
    strip = write(written, hand, rng, dip=float(rng.uniform(0.2, 1.0)))
    width_px = int(strip.width_px + 2 * ASIDE * spacing)
    ink = np.zeros((chosen.height_px, width_px), np.uint8)
    left, foot = ASIDE * spacing, ABOVE * spacing
    wave = draw_wave(rng, chosen.wave * spacing, strip.width_px)
    lay_strip(ink, strip, left, foot, wave, hand, rng)
    if chosen.neighbours:
        for step in (-1, 1):
            _neighbour(ink, foot + step * spacing * rng.uniform(0.85, 1.1), hand, rng, chosen)
    sheet = draw_paper(rng, chosen.height_px, width_px, GREY, chosen.wear)
    lay_ink(sheet, absorbed(rng, ink, chosen.ink_variation), INK)
    pixels = np.clip(sheet + 0.5, 0, 255).astype(np.uint8)
    return cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), written


def _words(rng: np.random.Generator, settings: LineSettings) -> str:
    return sample_words(rng, settings.language, int(rng.integers(2, 10)))


def _neighbour(
    ink: np.ndarray, foot: float, hand: Hand, rng: np.random.Generator, settings: LineSettings
) -> None:
    """Writes another line, of which only what reaches into the strip is seen, in place."""
    words = spelled(sample_words(rng, settings.language, 12), hand.font).split()
    room = ink.shape[1] * rng.uniform(0.3, 1.0)
    while len(words) > 1 and hand.width_px(" ".join(words)) > room:
        words.pop()
    strip = write(" ".join(words), hand, rng)
    start = float(rng.uniform(0, max(1.0, ink.shape[1] - strip.width_px)))
    wave = draw_wave(rng, settings.wave * hand.x_height_px, strip.width_px)
    lay_strip(ink, strip, start, foot, wave, hand, rng)
