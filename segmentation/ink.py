"""Gray page -> how inky every pixel is, whatever the colour and the light of the paper."""

from __future__ import annotations

import cv2
import numpy as np

MIN_CONTRAST = 24.0  # gray levels: a fainter "ink" is noise of the paper


def gray_page(page: np.ndarray) -> np.ndarray:
    """Return the page as uint8 (H, W) gray; (H, W, 3) is taken as RGB."""
    return page if page.ndim == 2 else cv2.cvtColor(page, cv2.COLOR_RGB2GRAY)


def paper(gray: np.ndarray, spacing_px: float) -> np.ndarray:
    """Return the page without its ink: the local brightness of the paper, uint8 (H, W).

    spacing_px: rough line spacing; strokes are narrower than a third of it.
    """
    size = max(3, round(spacing_px / 3) | 1)
    closed = cv2.morphologyEx(
        gray, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    )
    wide = max(3, round(spacing_px) | 1)
    return cv2.blur(closed, (wide, wide))


def ink_map(gray: np.ndarray, spacing_px: float) -> np.ndarray:
    """Return float32 (H, W): 0 for paper, 1 for the page's ink, brightness of the paper removed.

    The scale is one number a page, so that faint bleed-through stays fainter than writing.
    """
    darkness = cv2.subtract(paper(gray, spacing_px), gray)
    histogram = np.cumsum(np.bincount(darkness.ravel(), minlength=256))
    # writing covers some hundredths of a page: the darkest hundredths tell how dark ink is here
    full = float(np.searchsorted(histogram, 0.985 * histogram[-1]))
    return np.clip(darkness.astype(np.float32) / max(full, MIN_CONTRAST), 0.0, 1.0)
