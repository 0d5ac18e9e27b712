"""Distortions of one line: what the same hand might have written, and another scan shown.

Fine-tuning sees the same few lines many times; distorting them is what keeps the network from
learning them by heart. Lines are distorted after contrast normalisation, ink 0 and paper 255.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

WHITE = 255
GRID_PX = 24  # distance of the points that wobble; about a letter's width
KERNEL = np.ones((2, 2), np.uint8)  # half a pen's stroke on a strip 64 px high


@dataclass(frozen=True)
class LineAugmentation:
    """How far a line is distorted at strength 1; the amounts are drawn evenly up to these limits.

    slant: shift to the right per height. stretch, height: relative change of the size along and
    across the line. rise: of the line's far end, as a share of its width, at most rise_px.
    shift_px: up or down, as segmentation may miss the baseline. wobble_px: of single letters.
    gamma: change of the exponent, octaves. blur_px: standard deviation. noise: gray values, 0-255.
    stroke, blurred, noisy, faded, hidden: shares of the lines that get these, 0-1.
    hidden_px: width of a strip that is painted over, so that its neighbours have to tell it.
    """

    slant: float = 0.22
    stretch: float = 0.14
    height: float = 0.12
    rise: float = 0.02
    rise_px: float = 4.0
    shift_px: float = 3.0
    wobble_px: float = 1.5
    gamma: float = 0.6
    blur_px: float = 0.9
    noise: float = 14.0
    stroke: float = 0.4
    blurred: float = 0.25
    noisy: float = 0.3
    faded: float = 0.3
    hidden: float = 0.3
    hidden_px: int = 14


def distort_line(
    image: np.ndarray,
    rng: np.random.Generator,
    strength: float = 1.0,
    max_width_px: int = 512,
    settings: LineAugmentation | None = None,
) -> np.ndarray:
    """Return the line as it might look another time: uint8 (64, W'), W' at most max_width_px.

    image: uint8 (64, W), ink 0, paper 255. strength: 0 leaves the line as it is, 1 is usual.
    The same generator state gives the same line.
    """
    if strength <= 0:
        return image
    chosen = settings or LineAugmentation()
    bent = _bend(image, rng, strength, max_width_px, chosen)
    return _weather(bent, rng, strength, chosen)


def _bend(
    image: np.ndarray,
    rng: np.random.Generator,
    strength: float,
    max_width_px: int,
    settings: LineAugmentation,
) -> np.ndarray:
    """Return the line slanted, stretched, moved and wobbling, by one interpolation."""
    high, wide = image.shape
    along = float(np.exp(rng.uniform(-1, 1) * settings.stretch * strength))
    across = float(np.exp(rng.uniform(-1, 1) * settings.height * strength))
    slant = rng.uniform(-1, 1) * settings.slant * strength
    rise = rng.uniform(-1, 1) * min(settings.rise, settings.rise_px / max(wide, 1)) * strength
    shift_px = rng.uniform(-1, 1) * settings.shift_px * strength
    new_wide = int(np.clip(round(wide * along), 8, max_width_px))
    along = new_wide / wide
    columns = np.arange(new_wide, dtype=np.float32)[None, :]
    rows = np.arange(high, dtype=np.float32)[:, None]
    middle = (high - 1) / 2
    reach = settings.wobble_px * strength
    from_y = (rows - middle - shift_px - rise * (columns - new_wide / 2)) / across + middle
    from_x = (columns + slant * (rows - middle)) / along
    from_x = from_x + reach * _wobble(rng, high, new_wide)
    from_y = from_y + reach * _wobble(rng, high, new_wide)
    return cv2.remap(
        image,
        from_x.astype(np.float32),
        from_y.astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=WHITE,
    )


def _wobble(rng: np.random.Generator, high: int, wide: int) -> np.ndarray:
    """Return a smooth random field (high, wide), most of it within -1 to 1."""
    points = rng.standard_normal((high // GRID_PX + 2, wide // GRID_PX + 2), np.float32) * 0.5
    return cv2.resize(points, (wide, high), interpolation=cv2.INTER_CUBIC)


def _weather(
    image: np.ndarray, rng: np.random.Generator, strength: float, settings: LineAugmentation
) -> np.ndarray:
    """Return the line with another pen, another ink and another scan; its geometry unchanged."""
    if rng.random() < settings.stroke * min(strength, 1.5):
        thick = cv2.erode(image, KERNEL) if rng.random() < 0.5 else cv2.dilate(image, KERNEL)
        share = rng.uniform(0.2, 0.9)
        image = cv2.addWeighted(image, 1 - share, thick, share, 0)
    if rng.random() < settings.faded * min(strength, 1.5):
        paler = 1 - rng.uniform(0.0, 0.45) * strength
        image = np.clip(WHITE - (WHITE - image.astype(np.float32)) * paler, 0, WHITE)
        image = image.astype(np.uint8)
    tones = (np.arange(256) / 255.0) ** np.exp2(rng.uniform(-1, 1) * settings.gamma * strength)
    image = cv2.LUT(image, (tones * 255).astype(np.uint8))
    if rng.random() < settings.hidden * min(strength, 1.5) and image.shape[1] > 96:
        for _ in range(1 + image.shape[1] // 256):
            start = int(rng.integers(0, image.shape[1] - settings.hidden_px))
            image[:, start : start + int(rng.integers(4, settings.hidden_px + 1))] = WHITE
    if rng.random() < settings.blurred * min(strength, 1.5):
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.3, settings.blur_px))
    if rng.random() < settings.noisy * min(strength, 1.5):
        grain = rng.standard_normal(image.shape, np.float32)
        grain *= rng.uniform(2, settings.noise) * strength
        image = np.clip(image + grain, 0, WHITE).astype(np.uint8)
    return image
