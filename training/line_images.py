"""Images of single lines as files: gray PNG, 64 px high, checked before they are decoded."""

from __future__ import annotations

import cv2
import numpy as np

from segmentation.lines import MAX_CROP_WIDTH_PX
from training.errors import TrainingError

LINE_HEIGHT_PX = 64  # what the network reads, and what `crop_line` cuts
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GRAY_8_BIT = b"\x08\x00"  # bits a sample, colour type


def encode_png(image: np.ndarray) -> bytes:
    """Return the PNG file of a line, uint8 gray (64, W), without loss."""
    done, data = cv2.imencode(".png", image)
    if not done:
        raise TrainingError(f"An image of shape {image.shape} could not be written as PNG.")
    return data.tobytes()


def decode_png(data: bytes, name: str) -> np.ndarray:
    """Return the pixels of a line, uint8 gray (64, W).

    Raises:
        TrainingError: not a gray PNG of that height, wider than a crop, or damaged.
    """
    width_px, height_px = int.from_bytes(data[16:20]), int.from_bytes(data[20:24])
    # The header is judged first: a small file may claim a gigantic image.
    if (
        not data.startswith(_SIGNATURE)
        or data[24:26] != _GRAY_8_BIT
        or height_px != LINE_HEIGHT_PX
        or not 1 <= width_px <= MAX_CROP_WIDTH_PX
    ):
        raise TrainingError(
            f"The image of line {name} is not a gray PNG {LINE_HEIGHT_PX} px high and at most "
            f"{MAX_CROP_WIDTH_PX} px wide. The run's snapshot is damaged; start a new run."
        )
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if image is None or image.shape != (height_px, width_px) or image.dtype != np.uint8:
        raise TrainingError(
            f"The image of line {name} is damaged. The run's snapshot is; start a new run."
        )
    return image
