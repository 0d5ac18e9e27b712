"""Page image -> text lines with baseline, polygon and reading order, and their crops.

`segment` chooses between the learned segmenter and the classical one. Everything heavy is
imported when it is first used, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from segmentation.lines import Line, SegmentationError

if TYPE_CHECKING:
    import numpy as np

    from segmentation.crops import crop_line
    from segmentation.encoding import decode_page, encode_crop, thumbnail
    from segmentation.images import PageImage, read_pages
    from segmentation.limits import ImageLimits
    from segmentation.order import reading_order
    from segmentation.outlines import outline_lines

METHODS = ("auto", "network", "opencv")

_WEIGHTS_FOLDER = Path(__file__).with_name("weights")
_LAZY = {
    "ImageLimits": "segmentation.limits",
    "PageImage": "segmentation.images",
    "crop_line": "segmentation.crops",
    "decode_page": "segmentation.encoding",
    "encode_crop": "segmentation.encoding",
    "outline_lines": "segmentation.outlines",
    "read_pages": "segmentation.images",
    "reading_order": "segmentation.order",
    "thumbnail": "segmentation.encoding",
}

__all__ = [
    "METHODS",
    "ImageLimits",
    "Line",
    "PageImage",
    "SegmentationError",
    "crop_line",
    "decode_page",
    "encode_crop",
    "has_network",
    "outline_lines",
    "read_pages",
    "reading_order",
    "segment",
    "thumbnail",
]


def segment(page: np.ndarray, method: str = "auto") -> list[Line]:
    """Return the text lines of a page in reading order; a blank page has none.

    page: uint8 (H, W) gray or (H, W, 3) RGB.
    method: "network", "opencv", or "auto" for the network where its weights are installed.

    Raises: SegmentationError for an unknown method, for "network" without weights, and for an
    array that is no page image.
    """
    if method not in METHODS:
        raise SegmentationError(
            f'There is no segmentation method "{method}"; choose one of {", ".join(METHODS)}.'
        )
    if (
        page.ndim < 2
        or page.shape[2:] not in ((), (3,))
        or page.dtype.name != "uint8"
        or 0 in page.shape
    ):
        raise SegmentationError(
            f"A page image is uint8 (height, width) or (height, width, 3), not {page.dtype} "
            f"{page.shape}."
        )
    if method == "network" and not has_network():
        raise SegmentationError(
            f'The weights of the method "network" are missing ({_WEIGHTS_FOLDER.name}/*.safetensors'
            ' in the segmentation package). Choose "opencv", or install the package again.'
        )
    if method == "opencv" or not has_network():
        return import_module("segmentation.opencv").segment_with_opencv(page)
    return import_module("segmentation.network").segment_with_network(page)


def has_network() -> bool:
    """Return whether the learned segmenter's weights are installed."""
    return any(_WEIGHTS_FOLDER.glob("*.safetensors"))


def __getattr__(name: str) -> object:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LAZY[name]), name)
