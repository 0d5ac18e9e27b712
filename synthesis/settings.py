"""How a drawn page looks: settings for one page, and varied ones for training."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from synthesis.font import SynthesisError
from synthesis.paper import CREAM, INKS, IRON_GALL, PAPERS, Colour

LARGEST_SKEW_DEG = 5.0
LARGEST_SIDE_PX = 8000


@dataclass(frozen=True)
class PageSettings:
    """How a page looks. Lengths without unit in the name are shares of spacing_px.

    line_count: at most so many lines in the body; None fills the page. font, language: None lets
    the seed choose. size: letters against the usual size. slant, jitter, pen, fading: see `Hand`.
    wave: height of the baselines' waves. curl, skew_deg, keystone: bend of the whole sheet.
    wear: 0 flat colour to 1 old sheet. ink_variation: 0 even to 1. bleed_through: 0-1, strength
    of the other side. letter: text drawn by the seed is a letter, else prose.
    """

    width_px: int = 1240
    height_px: int = 1750
    spacing_px: float = 56.0
    line_count: int | None = None
    font: str | None = None
    language: str | None = None
    size: float = 1.0
    slant: float = 0.06
    jitter: float = 0.4
    pen: float = 0.11
    fading: float = 0.25
    wave: float = 0.07
    skew_deg: float = 0.3
    keystone: float = 0.0
    curl: float = 0.12
    paper: Colour = CREAM
    wear: float = 0.8
    ruled: bool = False
    ink: Colour = IRON_GALL
    ink_variation: float = 1.0
    bleed_through: float = 0.0
    columns: int = 1
    margin_note: bool = False
    letter: bool = True


def check_settings(settings: PageSettings) -> None:
    """Raises SynthesisError if a page cannot be drawn with these settings."""
    sides = (settings.width_px, settings.height_px)
    if min(sides) < 32 or max(sides) > LARGEST_SIDE_PX:
        raise SynthesisError(
            f"A page of {sides[0]} x {sides[1]} px cannot be drawn; "
            f"both sides must be 32 to {LARGEST_SIDE_PX} px."
        )
    if not 8 <= settings.spacing_px <= max(sides):
        raise SynthesisError(
            f"A line spacing of {settings.spacing_px:g} px cannot be drawn; choose at least 8 px."
        )
    if abs(settings.skew_deg) > LARGEST_SKEW_DEG:
        raise SynthesisError(
            f"A skew of {settings.skew_deg:g} degrees is too much; "
            f"the limit is {LARGEST_SKEW_DEG:g} degrees either way."
        )
    if settings.columns < 1:
        raise SynthesisError(f"A page has 1 column or more, not {settings.columns}.")


def sample_settings(rng: np.random.Generator, width_px: int = 1240) -> PageSettings:
    """Varied settings, as training wants them: hands, papers, spacings, columns, notes, bends."""
    ruled = bool(rng.random() < 0.35)
    columns = 2 if rng.random() < 0.12 else 1
    return PageSettings(
        width_px=width_px,
        height_px=int(width_px * rng.uniform(1.25, 1.5)),
        spacing_px=float(width_px * rng.uniform(0.032, 0.058)),
        size=float(rng.uniform(0.85, 1.15)),
        slant=float(rng.normal(0.05, 0.12)),
        jitter=float(rng.uniform(0.2, 0.9)),
        pen=float(rng.uniform(0.07, 0.17)),
        fading=float(rng.uniform(0.0, 0.55)),
        wave=float(rng.uniform(0.0, 0.08 if ruled else 0.2)),
        skew_deg=float(np.clip(rng.normal(0.0, 0.8), -2.5, 2.5)),
        keystone=float(rng.normal(0.0, 0.012)),
        curl=float(rng.uniform(0.0, 0.3)),
        paper=PAPERS[int(rng.integers(len(PAPERS)))],
        wear=float(rng.uniform(0.2, 1.3)),
        ruled=ruled,
        ink=INKS[int(rng.integers(len(INKS)))],
        ink_variation=float(rng.uniform(0.3, 1.6)),
        bleed_through=float(rng.uniform(0.08, 0.35)) if rng.random() < 0.3 else 0.0,
        columns=columns,
        margin_note=bool(columns == 1 and rng.random() < 0.2),
        letter=bool(columns == 1 and rng.random() < 0.5),
    )
