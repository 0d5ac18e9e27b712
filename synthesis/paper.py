"""Paper: the sheet under the ink, and the ink on it."""

from __future__ import annotations

import cv2
import numpy as np

from synthesis.warp import smooth_noise

Colour = tuple[int, int, int]

CREAM: Colour = (240, 230, 207)
IVORY: Colour = (245, 240, 226)
GREY: Colour = (228, 226, 220)
BLUISH: Colour = (222, 228, 232)
PAPERS = (CREAM, IVORY, GREY, BLUISH)

IRON_GALL: Colour = (62, 42, 28)
BLUE_BLACK: Colour = (34, 40, 68)
BLACK: Colour = (32, 30, 30)
VIOLET: Colour = (66, 44, 96)
INKS = (IRON_GALL, BLUE_BLACK, BLACK, VIOLET)

FILL = 1.3  # steeper edges than the drawing has

RULE_INK: Colour = (150, 165, 190)


def draw_paper(
    rng: np.random.Generator, height_px: int, width_px: int, colour: Colour, wear: float
) -> np.ndarray:
    """A sheet of paper; float32 (H, W, 3), 0-255. wear 0 is a flat colour, 1 an old sheet."""
    sheet = np.empty((height_px, width_px, 3), np.float32)
    sheet[:] = colour
    if wear <= 0:
        return sheet
    side = max(height_px, width_px)
    tone = 3.0 * smooth_noise(rng, height_px, width_px, side / 5)
    tone += 1.8 * smooth_noise(rng, height_px, width_px, side / 40)
    tone += _fibres(rng, height_px, width_px)
    tone -= _edges(rng, height_px, width_px, side)
    tone += _folds(rng, height_px, width_px)
    tone *= wear
    tone += rng.standard_normal((height_px, width_px), dtype=np.float32) * (1.0 + 1.2 * wear)
    brown = _stains(rng, height_px, width_px, wear)
    # age takes more blue than red away, so stains and edges turn brown
    for channel, share in enumerate((0.75, 1.0, 1.45)):
        sheet[:, :, channel] += np.where(tone < 0, tone * share, tone) - brown * share
    return sheet


def lay_ink(sheet: np.ndarray, ink: np.ndarray, colour: Colour) -> None:
    """Darkens the sheet, float32 (H, W, 3), by a layer of ink, uint8 (H, W), in place."""
    strength = ink.astype(np.float32) / 255.0
    for channel in range(3):
        sheet[:, :, channel] *= 1.0 - strength * (1.0 - colour[channel] / 255.0)


def absorbed(rng: np.random.Generator, ink: np.ndarray, variation: float) -> np.ndarray:
    """The ink as the paper took it, uint8 (H, W): uneven and grainy."""
    if variation <= 0:
        return ink
    height_px, width_px = ink.shape
    soft = cv2.GaussianBlur(ink, (3, 3), 0.5).astype(np.float32)
    # ink fills the paper before it runs out at the edges of a stroke
    full = np.minimum(soft * FILL, 255.0)
    cloud = smooth_noise(rng, height_px, width_px, max(height_px, width_px) / 14)
    grain = smooth_noise(rng, height_px, width_px, 3.0)
    keep = np.clip(1.0 - variation * (0.12 + 0.10 * cloud + 0.09 * grain), 0.2, 1.0)
    return (full * keep).astype(np.uint8)


def bled_through(rng: np.random.Generator, ink: np.ndarray, strength: float) -> np.ndarray:
    """What shines through from the other side: the page's own ink mirrored, blurred and pale."""
    height_px = ink.shape[0]
    back = np.roll(cv2.flip(ink, 1), int(rng.integers(-height_px // 12, height_px // 12 + 1)), 0)
    back = cv2.GaussianBlur(back, (0, 0), 1.8)
    patches = np.clip(0.7 + 0.4 * smooth_noise(rng, height_px, ink.shape[1], height_px / 6), 0, 1)
    return (back * (patches * np.float32(strength))).astype(np.uint8)


def _fibres(rng: np.random.Generator, height_px: int, width_px: int) -> np.ndarray:
    """Short, faint fibres of the pulp."""
    layer = np.full((height_px, width_px), 128, np.uint8)
    for _ in range(int(height_px * width_px / 9000)):
        x, y = rng.uniform(0, width_px), rng.uniform(0, height_px)
        angle, length = rng.uniform(0, np.pi), rng.uniform(4, 16)
        end = (int(x + length * np.cos(angle)), int(y + length * np.sin(angle)))
        cv2.line(layer, (int(x), int(y)), end, int(128 + rng.integers(-22, 14)), 1, cv2.LINE_AA)
    return (cv2.GaussianBlur(layer, (3, 3), 0.8).astype(np.float32) - 128.0) * 0.5


def _edges(rng: np.random.Generator, height_px: int, width_px: int, side: int) -> np.ndarray:
    """How much darker the sheet is towards its edges, where air and hands reached it."""
    x = np.minimum(np.arange(width_px), np.arange(width_px)[::-1])[None, :]
    y = np.minimum(np.arange(height_px), np.arange(height_px)[::-1])[:, None]
    reach = side * 0.035
    near = np.exp(-x / reach).astype(np.float32) + np.exp(-y / reach).astype(np.float32)
    return near * (14.0 + 4.0 * smooth_noise(rng, height_px, width_px, side / 12))


def _folds(rng: np.random.Generator, height_px: int, width_px: int) -> np.ndarray:
    """The creases of a letter folded in three, or in two and two."""
    tone = np.zeros((height_px, width_px), np.float32)
    thirds = rng.random() < 0.5
    for at in (1 / 3, 2 / 3) if thirds else (1 / 2,):
        tone += _crease(np.arange(height_px) - at * height_px + rng.normal(0, 3))[:, None]
    if not thirds:
        tone += _crease(np.arange(width_px) - width_px / 2 + rng.normal(0, 3))[None, :]
    return tone * (1.0 + 0.35 * smooth_noise(rng, height_px, width_px, height_px / 18))


def _crease(away_px: np.ndarray) -> np.ndarray:
    """A dark groove with a light shoulder, by the distance from it."""
    groove = -7.0 * np.exp(-((away_px / 1.4) ** 2))
    shoulder = 3.5 * np.exp(-((away_px - 5) ** 2) / 14) - 2.0 * np.exp(-((away_px + 9) ** 2) / 90)
    return (groove + shoulder).astype(np.float32)


def _stains(rng: np.random.Generator, height_px: int, width_px: int, wear: float) -> np.ndarray:
    """Water stains with a darker rim, and small brown spots; float32 (H, W), 0 = none."""
    side = max(height_px, width_px)
    # stains are smooth: half the resolution shows the same at a quarter of the cost
    high, wide = (height_px + 1) // 2, (width_px + 1) // 2
    half = np.zeros((high, wide), np.float32)
    x = np.arange(wide, dtype=np.float32)[None, :]
    y = np.arange(high, dtype=np.float32)[:, None]
    for _ in range(int(rng.poisson(1.6 * wear))):
        centre_x = float(rng.uniform(-0.1, 1.1)) * wide
        centre_y = float(rng.uniform(-0.1, 1.1)) * high
        radius = float(rng.uniform(0.03, 0.11)) * side
        away = np.sqrt((x - centre_x) ** 2 + (y - centre_y) ** 2)
        ragged = away / radius + 0.09 * smooth_noise(rng, high, wide, radius / 2)
        inner = 0.55 / (1 + np.exp(45 * np.clip(ragged - 1.0, -1.0, 1.0)))
        rim = np.exp(-(((ragged - 0.97) / 0.035) ** 2))
        half += float(rng.uniform(3, 8)) * (inner + 0.7 * rim)
    brown = cv2.resize(half, (width_px, height_px))
    spots = np.zeros((height_px, width_px), np.uint8)
    for _ in range(int(rng.poisson(14 * wear))):
        spot = (int(rng.integers(0, width_px)), int(rng.integers(0, height_px)))
        radius = max(1, int(rng.gamma(2.0, side / 1800)))
        cv2.circle(spots, spot, radius, int(rng.integers(40, 130)), -1, cv2.LINE_AA)
    return brown + cv2.GaussianBlur(spots, (0, 0), 1 + side / 900).astype(np.float32) * 0.16
