"""Pages turned and cropped for people: a new image of the page, its lines following."""

from __future__ import annotations

import numpy as np

import storage
from segmentation.encoding import encode_page, thumbnail

MIN_SIDE_PX = 50  # of what is cut out: less is a slip of the hand


def turned_page(
    store: storage.Store,
    page: storage.Page,
    pixels: np.ndarray,
    quarters: int,
    frame: tuple[int, int, int, int] | None,
    author: str,
) -> storage.Page:
    """Return the page after turning it by quarters clockwise, then cutting out the frame.

    pixels: of its image. frame: left, top, right, bottom in pixels of the turned image; None: all.

    Raises: StorageError, see `storage.turn_page`, and for a frame that leaves next to nothing.
    """
    turned = np.rot90(pixels, -quarters % 4)
    height_px, width_px = turned.shape[:2]
    left, top, right, bottom = frame or (0, 0, width_px, height_px)
    left, top = max(0, left), max(0, top)
    right, bottom = min(width_px, right), min(height_px, bottom)
    if right - left < MIN_SIDE_PX or bottom - top < MIN_SIDE_PX:
        raise storage.StorageError(
            f"Only {max(0, right - left)} x {max(0, bottom - top)} px of page {page.id} would be "
            f"left; at least {MIN_SIDE_PX} x {MIN_SIDE_PX} are needed. Draw a larger frame."
        )
    part = np.ascontiguousarray(turned[top:bottom, left:right])
    image, suffix = encode_page(part, lossless=page.suffix == "png")
    turn = storage.PageTurn(quarters % 4, left, top, right - left, bottom - top)
    return storage.turn_page(store, page, turn, image, suffix, thumbnail(part), author)
