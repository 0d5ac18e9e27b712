"""Distortions of page images for the line segmenter: geometry as a matrix, then what scans do."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True)
class PageAugmentation:
    """How far pages are distorted; probabilities are 0-1.

    spacing_px: range of the working line spacing of a crop, log-uniform; what the first pass on a
        page scaled by its size may meet.
    usual_spacing_px: range that half of the crops are drawn from; what the second pass sees.
    stretch: largest ratio between horizontal and vertical scale.
    rotation_deg, shear: largest slant of scans and of hands.
    perspective: largest relative change of scale across a crop (photographs).
    turned: share of crops turned by 90, 180 or 270 degrees, so that the direction map learns them.
    """

    spacing_px: tuple[float, float] = (17.0, 88.0)
    usual_spacing_px: tuple[float, float] = (30.0, 60.0)
    stretch: float = 1.25
    rotation_deg: float = 10.0
    shear: float = 0.15
    perspective: float = 0.12
    turned: float = 0.08


def draw_transform(
    page_size_px: tuple[int, int],
    spacing_px: float,
    focus: tuple[float, float],
    crop_px: int,
    rng: np.random.Generator,
    settings: PageAugmentation,
) -> np.ndarray:
    """(3, 3) matrix from page to crop pixels that brings `focus` to a random place in the crop.

    page_size_px: height, width. spacing_px: typical line spacing on the page.
    """
    usual = rng.random() < 0.5
    low, high = settings.usual_spacing_px if usual else settings.spacing_px
    scale = np.exp(rng.uniform(np.log(low), np.log(high))) / max(spacing_px, 4.0)
    stretch = np.exp(rng.uniform(-1, 1) * np.log(settings.stretch) / 2)
    angle = np.deg2rad(rng.normal() * settings.rotation_deg / 3)
    angle = float(np.clip(angle, *np.deg2rad([-settings.rotation_deg, settings.rotation_deg])))
    turned = rng.random() < settings.turned
    quarter = int(rng.integers(1, 4)) if turned else 0
    angle += quarter * np.pi / 2
    shear = rng.uniform(-1, 1) * settings.shear
    cosine, sine = np.cos(angle), np.sin(angle)
    linear = np.array([[cosine, -sine], [sine, cosine]]) @ np.array([[1, shear], [0, 1]])
    linear = linear @ np.diag([scale * stretch, scale / stretch])
    matrix = np.eye(3)
    matrix[:2, :2] = linear
    target = rng.uniform(0.15, 0.85, 2) * crop_px
    shift = target - linear @ np.asarray(focus)
    matrix[:2, 2] = _filled(shift, linear, page_size_px, crop_px)
    if rng.random() < 0.4:
        tilt = rng.uniform(-1, 1, 2) * settings.perspective / crop_px
        bend = np.array([[1, 0, 0], [0, 1, 0], [tilt[0], tilt[1], 1 - tilt.sum() * crop_px / 2]])
        matrix = bend @ matrix
    return matrix


def transform_points(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """(n, 2) points after the (3, 3) matrix; points behind the viewer are pushed far away."""
    raised = np.concatenate([points, np.ones((len(points), 1))], 1) @ matrix.T
    return raised[:, :2] / np.maximum(raised[:, 2:], 1e-3)


def local_scale(point: np.ndarray, matrix: np.ndarray) -> float:
    """How many crop pixels a page pixel has at a page point, across the lines (y direction)."""
    step = transform_points(np.stack([point, point + [0.0, 1.0], point + [1.0, 0.0]]), matrix)
    down, right = step[1] - step[0], step[2] - step[0]
    # Distance between lines along x that lie 1 px apart: area of the cell over its base.
    return float(abs(right[0] * down[1] - right[1] * down[0]) / max(np.hypot(*right), 1e-6))


def _filled(
    shift: np.ndarray, linear: np.ndarray, page_size_px: tuple[int, int], crop_px: int
) -> np.ndarray:
    """The shift moved so that little of the crop lies beyond the page; training time is short."""
    height, width = page_size_px
    corners = np.array([[0, 0], [width, 0], [0, height], [width, height]]) @ linear.T
    low, high = corners.min(0), corners.max(0)
    slack = 0.08 * crop_px
    first = np.minimum(crop_px - slack - high, slack - low)  # right edge at the crop's right edge
    last = np.maximum(crop_px - slack - high, slack - low)
    return np.clip(shift, first, last)


def weather(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The crop as a worse scan: uint8 (H, W) in and out, geometry unchanged."""
    if rng.random() < 0.12:
        image = _bleed_through(image, rng)
    if rng.random() < 0.12:
        image = _ruled(image, rng)
    if rng.random() < 0.15:
        image = _stained(image, rng)
    if rng.random() < 0.3:
        image = _shaded(image, rng)
    image = _toned(image, rng)
    if rng.random() < 0.25:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 1.5))
    if rng.random() < 0.3:
        grain = rng.standard_normal(image.shape, np.float32) * rng.uniform(2, 16)
        image = np.clip(image + grain, 0, 255).astype(np.uint8)
    if rng.random() < 0.1:
        quality = int(rng.integers(20, 70))
        packed = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        image = np.asarray(cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE))
    return 255 - image if rng.random() < 0.05 else image


def _toned(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Gamma, contrast and brightness as one table of 256 tones."""
    tones = np.arange(256) / 255.0
    tones = tones ** np.exp(rng.uniform(-0.7, 0.7))
    contrast, shift = rng.uniform(0.4, 1.3), rng.uniform(-0.25, 0.2)
    tones = (tones - 0.5) * contrast + 0.5 + shift * (1.2 - min(contrast, 1.0))
    return cv2.LUT(image, np.clip(tones * 255, 0, 255).astype(np.uint8))


def _bleed_through(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Writing of the other side, mirrored, blurred and faint."""
    other = cv2.GaussianBlur(image[:, ::-1], (0, 0), rng.uniform(1.5, 3.5)).astype(np.float32)
    shift = rng.integers(-image.shape[0] // 3, image.shape[0] // 3, 2)
    other = np.roll(other, shift, (0, 1))
    ink = np.maximum(np.median(other) - other, 0) * rng.uniform(0.2, 0.6)
    return np.clip(image - ink, 0, 255).astype(np.uint8)


def _ruled(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Ruled or squared paper, now and then the columns of a register."""
    image = image.copy()
    height, width = image.shape
    step, slope = rng.uniform(14, 70), rng.uniform(-0.06, 0.06)
    tone = int(np.clip(np.median(image) + rng.choice([-1, 1]) * rng.uniform(15, 110), 0, 255))
    thickness = int(rng.integers(1, 3))
    for y in np.arange(rng.uniform(-step, step), height + step, step):
        left, right = (0, int(y)), (width, int(y + slope * width))
        cv2.line(image, left, right, tone, thickness, cv2.LINE_AA)
    if rng.random() < 0.4:
        across = step if rng.random() < 0.5 else rng.uniform(80, 300)
        for x in np.arange(rng.uniform(0, across), width, across):
            ends = (int(x), 0), (int(x - slope * height), height)
            cv2.line(image, *ends, tone, thickness, cv2.LINE_AA)
    return image


def _stained(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Blots, water stains and stamps of random ellipses."""
    height, width = image.shape
    shade = np.zeros((height, width), np.float32)
    for _ in range(int(rng.integers(1, 5))):
        centre = (int(rng.integers(width)), int(rng.integers(height)))
        axes = (int(rng.integers(8, width // 3)), int(rng.integers(8, height // 3)))
        depth = float(rng.uniform(-60, 90))
        outline = -1 if rng.random() < 0.7 else int(rng.integers(2, 7))
        cv2.ellipse(shade, centre, axes, float(rng.uniform(0, 180)), 0, 360, depth, outline)
    soft = cv2.blur(shade, (2 * int(rng.integers(1, 12)) + 1,) * 2)
    return np.clip(image - soft, 0, 255).astype(np.uint8)


def _shaded(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Uneven light: a smooth field of brightness."""
    corners = rng.uniform(-45, 35, (3, 3)).astype(np.float32)
    field = cv2.resize(corners, image.shape[::-1], interpolation=cv2.INTER_CUBIC)
    return np.clip(image + field, 0, 255).astype(np.uint8)
