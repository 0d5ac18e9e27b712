"""Pixels <-> the image files that are kept and shown: pages, thumbnails and line crops."""

from __future__ import annotations

import io
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import cv2
import numpy as np
from PIL import Image, ImageFile, JpegImagePlugin, PngImagePlugin, TiffImagePlugin, WebPImagePlugin

from segmentation.lines import SegmentationError

JPEG_QUALITY = 92  # strokes stay clean, a 300 dpi page takes 1-3 MB
THUMBNAIL_QUALITY = 80
CROP_QUALITY = 90
FEW_LEVELS = 16  # gray levels of a scan that a PNG holds in less than a JPEG would take

_READERS: dict[str, type[ImageFile.ImageFile]] = {
    "jpeg": JpegImagePlugin.JpegImageFile,
    "png": PngImagePlugin.PngImageFile,
    "webp": WebPImagePlugin.WebPImageFile,
    "tiff": TiffImagePlugin.TiffImageFile,
}
_quiet_lock = threading.Lock()


@contextmanager
def quiet_pillow() -> Iterator[None]:
    """Keep Pillow's warnings about odd files to itself.

    The filters of warnings belong to the whole process, so one thread at a time may change them;
    that also bounds how many large images are decoded at once.
    """
    with _quiet_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def open_image(data: bytes, kind: str) -> ImageFile.ImageFile:
    """Return the image with its header read and nothing decoded; call it within `quiet_pillow`.

    The reader is called by its class: `Image.open` would try others, and warn of large images by
    a limit that belongs to the whole process.
    """
    return _READERS[kind](io.BytesIO(data))


def decode_page(encoded: bytes) -> np.ndarray:
    """Return the pixels of a stored page, uint8 (H, W) gray or (H, W, 3) RGB.

    encoded: JPEG, PNG or WebP as `PageImage.encoded` holds it.
    Raises: SegmentationError if the stored file is damaged or of another type.
    """
    kinds = {b"\xff\xd8": "jpeg", b"\x89P": "png", b"RI": "webp"}
    kind = kinds.get(encoded[:2])
    if kind is None:
        raise SegmentationError("A stored page is no JPEG, PNG or WebP file. Upload it again.")
    try:
        with quiet_pillow(), open_image(encoded, kind) as image:
            return np.array(image if image.mode in ("L", "RGB") else image.convert("RGB"))
    except Exception as error:  # Pillow's readers raise nearly everything on damaged files
        raise SegmentationError("A stored page image is damaged. Upload it again.") from error


def encode_page(pixels: np.ndarray, lossless: bool) -> tuple[bytes, str]:
    """Return an image file of the page and its suffix, "png" or "jpg".

    Gray pages that came without loss, and those of few gray levels (1-bit scans), become PNG;
    all else JPEG, which takes a tenth of the room for a photographed page.
    """
    buffer = io.BytesIO()
    image = Image.fromarray(pixels)
    if pixels.ndim == 2 and (lossless or _few_levels(pixels)):
        image.save(buffer, "PNG", compress_level=6)
        return buffer.getvalue(), "png"
    image.save(buffer, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return buffer.getvalue(), "jpg"


def thumbnail(pixels: np.ndarray, side_px: int = 400) -> bytes:
    """Return a WebP image of the page whose longer side is at most side_px."""
    height, width = pixels.shape[:2]
    scale = min(1.0, side_px / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA) if scale < 1 else pixels
    return _webp(small, THUMBNAIL_QUALITY)


def encode_crop(crop: np.ndarray) -> bytes:
    """Return a WebP image of a line crop, for showing; about 5 kB."""
    return _webp(crop, CROP_QUALITY)


def encode_line(crop: np.ndarray) -> bytes:
    """Return a gray PNG image of a line crop, for data sets: nothing is lost but its colour."""
    gray = crop if crop.ndim == 2 else cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
    buffer = io.BytesIO()
    Image.fromarray(gray).save(buffer, "PNG", compress_level=6)
    return buffer.getvalue()


def _webp(pixels: np.ndarray, quality: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, "WEBP", quality=quality, method=3)
    return buffer.getvalue()


def _few_levels(pixels: np.ndarray) -> bool:
    histogram = cv2.calcHist([pixels], [0], None, [256], [0, 256])
    return int(np.count_nonzero(histogram)) <= FEW_LEVELS
