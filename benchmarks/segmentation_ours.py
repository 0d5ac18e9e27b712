"""Our segmenters as workers of the segmentation benchmark.

python -m benchmarks.segmentation_ours network|opencv
"""

from __future__ import annotations

import os
import sys
from functools import partial
from typing import TYPE_CHECKING

import cv2
import numpy as np

from benchmarks.page_worker import Found, Segmenter, serve
from segmentation import Line, segment
from segmentation.lines import ASIDE

if TYPE_CHECKING:
    from PIL import Image


def load(method: str) -> tuple[str, Segmenter]:
    """Return the version and the segmenter of that method, warmed up.

    Raises: SegmentationError where the method's weights are missing.
    """
    threads = int(os.environ.get("OMP_NUM_THREADS", "1"))
    cv2.setNumThreads(threads)
    if method == "network":
        import torch

        torch.set_num_threads(threads)
    segment(_drawn_page(), method)
    return method, partial(_found, method)


def _found(method: str, page: Image.Image) -> Found:
    """Return the lines; their polygons are made as well, and part of the price."""
    lines = segment(np.asarray(page), method)
    own = [_points(line) for line in lines if line.kind != ASIDE]
    return Found(own, aside=[_points(line) for line in lines if line.kind == ASIDE])


def _points(line: Line) -> list[list[float]]:
    return [[float(x), float(y)] for x, y in line.baseline]


def _drawn_page() -> np.ndarray:
    """Return a page with three strokes, so that nothing is done for the first time later."""
    page = np.full((900, 700), 235, np.uint8)
    for y in (200, 300, 400):
        for x in range(80, 600, 16):
            cv2.line(page, (x, y), (x + 8, y - 24), 40, 4)
    return page


if __name__ == "__main__":
    serve(partial(load, sys.argv[1]))
