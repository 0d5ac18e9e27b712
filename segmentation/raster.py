"""JPEG, PNG, WebP and TIFF files -> the pixels of their pages, upright and on white."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFile

from segmentation.encoding import open_image, quiet_pillow
from segmentation.limits import ImageLimits, check_pages, check_size, page_label
from segmentation.lines import SegmentationError

ORIENTATION_TAG, PHOTOMETRIC_TAG, SUBFILE_TAG = 274, 262, 254
PREVIEW_OR_MASK = 0b101  # bits of SUBFILE_TAG: a smaller copy or a mask, not a page

# EXIF orientation -> quarter turns counter-clockwise, after mirroring left to right or not
_UPRIGHT = {2: (0, True), 3: (2, False), 4: (2, True), 5: (1, True)}
_UPRIGHT |= {6: (3, False), 7: (3, True), 8: (1, False)}


@dataclass(frozen=True, eq=False)
class Frame:
    """One decoded page of a file.

    pixels: uint8 (H, W) gray or (H, W, 3) RGB.
    plain: the file's own bytes show just these pixels in any browser.
    lossless: the pixels have not been through a lossy encoder.
    """

    pixels: np.ndarray
    plain: bool
    lossless: bool
    total: int = 1
    notes: tuple[str, ...] = ()


def read_raster(data: bytes, kind: str, name: str, limits: ImageLimits) -> Iterator[Frame]:
    """Yield the pages of an image file, each decoded when it is asked for.

    kind: "jpeg", "png", "webp" or "tiff".
    Raises: SegmentationError at the page that is damaged or too large; those before it were given.
    """
    if kind == "webp":
        check_size(*_webp_size(data, name), page_label(name, 1, 1), limits)
    total, cut_off = (1, None)
    if kind == "tiff":
        total, cut_off = _directories(data, limits.max_pages + 1)
    check_pages(total, name, limits)
    with _translated(name, 1, total), quiet_pillow():
        image = open_image(data, kind)
    with image:
        for number in range(1, total + 1):
            if number == cut_off:
                raise _damaged(name, number, total)
            with _translated(name, number, total):
                frame = _read_frame(image, kind, number, name, total, limits)
            if frame is not None:
                yield frame


def _read_frame(
    image: ImageFile.ImageFile, kind: str, number: int, name: str, total: int, limits: ImageLimits
) -> Frame | None:
    """Return one page, or None for a preview or a mask beside the pages of a TIFF."""
    with quiet_pillow():
        if kind == "tiff":
            image.seek(number - 1)
            tags = image.tag_v2  # type: ignore[attr-defined]
            subfile = tags.get(SUBFILE_TAG, 0)
            if number > 1 and isinstance(subfile, int) and subfile & PREVIEW_OR_MASK:
                return None
        check_size(*image.size, page_label(name, number, total), limits)
        white_is_zero = kind == "tiff" and tags.get(PHOTOMETRIC_TAG) == 0
        mode, info = image.mode, image.info
        # First of all: looking for a PNG's orientation decodes it, and would swallow its damage.
        pixels = _eight_bit(image, white_is_zero)
        orientation = _orientation(image) if kind != "tiff" else 1  # Pillow turns TIFF pages
    plain = (
        kind != "tiff"
        and mode in ("L", "RGB")
        and orientation == 1
        and "transparency" not in info
        and _usual_profile(info.get("icc_profile"))
    )
    notes: tuple[str, ...] = ()
    if kind != "tiff" and getattr(image, "n_frames", 1) > 1:
        notes = (f"{page_label(name, 1, 1)} is animated; only its first picture was taken.",)
        plain = False
    lossless = kind in ("png", "tiff") and info.get("compression") not in ("jpeg", "tiff_jpeg")
    return Frame(_upright(pixels, orientation), plain, lossless, total, notes)


def _eight_bit(image: Image.Image, white_is_zero: bool) -> np.ndarray:
    """Return the decoded image as uint8 gray or RGB, transparency laid on white."""
    image.load()
    mode = image.mode
    if mode in ("L", "RGB") and "transparency" not in image.info:
        return np.array(image)
    if mode.startswith("I") or mode == "F":
        return _scaled(np.array(image), white_is_zero)
    if mode == "1":
        return np.array(image.convert("L"))
    if mode == "LAB":
        return np.array(
            image.getchannel(0)
        )  # lightness; Pillow turns it to RGB with a profile only
    if mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        gray = mode in ("L", "LA", "La")
        layers = image.convert("RGBA")
        white = Image.new("RGBA", layers.size, (255, 255, 255, 255))
        return np.array(Image.alpha_composite(white, layers).convert("L" if gray else "RGB"))
    rgb = np.array(image.convert("RGB"))
    if mode == "P" and (rgb[..., :1] == rgb[..., 1:]).all():
        return np.ascontiguousarray(rgb[..., 0])
    return rgb


def _scaled(values: np.ndarray, white_is_zero: bool) -> np.ndarray:
    """Return deep gray values as uint8.

    Whole numbers are scaled by the least depth that holds them all (12-bit scanners write 12 bits
    into 16), from 8 bits on; others from their least to their greatest value.
    """
    if values.dtype.kind == "f":
        finite = values[np.isfinite(values)]
        low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
        values = np.nan_to_num(values, nan=high, posinf=high, neginf=low)
    else:
        low = min(0.0, float(values.min()))
        bits = max(8, int(values.max()).bit_length())
        high = float(2**bits - 1)
    scale = 255.0 / (high - low) if high > low else 1.0
    gray = np.empty(values.shape, np.uint8)
    for top in range(0, len(values), 512):  # floats of a whole page would take four times the room
        rows = values[top : top + 512].astype(np.float64)
        gray[top : top + 512] = np.clip(np.rint((rows - low) * scale), 0, 255).astype(np.uint8)
    return 255 - gray if white_is_zero else gray


def _orientation(image: ImageFile.ImageFile) -> int:
    """Return the EXIF orientation, 1 (upright) if there is none or it cannot be read."""
    try:
        value = image.getexif().get(ORIENTATION_TAG, 1)
    except (SyntaxError, ValueError, KeyError, TypeError, OSError, struct.error):
        return 1  # a damaged EXIF block says nothing of the picture
    return value if isinstance(value, int) and value in _UPRIGHT else 1


def _upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    turns, mirrored = _UPRIGHT.get(orientation, (0, False))
    if mirrored:
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(np.rot90(pixels, turns))


def _usual_profile(profile: object) -> bool:
    """Return whether browsers show the pixels about as they are stored under this ICC profile."""
    if not profile:
        return True
    plain = bytes(profile).replace(b"\0", b"") if isinstance(profile, bytes) else b""
    return any(mark in plain for mark in (b"sRGB", b"GRAY", b"Gray", b"Dot Gain"))


def _webp_size(data: bytes, name: str) -> tuple[int, int]:
    """Return width and height from a WebP's header: libwebp would make room for them at once."""
    chunk = data[12:16]
    if chunk == b"VP8X" and len(data) >= 30:
        return (
            1 + int.from_bytes(data[24:27], "little"),
            1 + int.from_bytes(data[27:30], "little"),
        )
    if chunk == b"VP8L" and len(data) >= 25:
        bits = int.from_bytes(data[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if chunk == b"VP8 " and len(data) >= 30:
        width, height = struct.unpack("<HH", data[26:30])
        return width & 0x3FFF, height & 0x3FFF
    raise _damaged(name, 1, 1)


def _directories(data: bytes, most: int) -> tuple[int, int | None]:
    """Return how many image directories a TIFF links, at most `most`, and which is cut off.

    The latter is a page number or None. libtiff passes over such a directory and decodes
    another page in its place, so it must not be asked for it.
    """
    order = "<" if data[:2] == b"II" else ">"
    big = data[2:4] in (b"+\0", b"\0+")
    start, word, entry, head = (8, "Q", 20, "Q") if big else (4, "I", 12, "H")
    word_size, head_size = struct.calcsize(word), struct.calcsize(head)
    seen: set[int] = set()
    if len(data) < start + word_size:
        return 1, 1
    (offset,) = struct.unpack_from(order + word, data, start)
    while offset and offset not in seen and len(seen) < most:
        seen.add(offset)
        if offset + head_size > len(data):
            return len(seen), len(seen)
        (entries,) = struct.unpack_from(order + head, data, offset)
        end = offset + head_size + entries * entry
        if end + word_size > len(data):
            return len(seen), len(seen)
        (offset,) = struct.unpack_from(order + word, data, end)
    return (len(seen), None) if seen else (1, 1)


@contextmanager
def _translated(name: str, number: int, total: int) -> Iterator[None]:
    """Turn whatever Pillow raises on a damaged page into one SegmentationError about it."""
    try:
        yield
    except SegmentationError:
        raise
    except Exception as error:  # readers of damaged files raise nearly every exception there is
        raise _damaged(name, number, total) from error


def _damaged(name: str, number: int, total: int) -> SegmentationError:
    return SegmentationError(
        f"{page_label(name, number, total)} cannot be decoded: the file is cut off, damaged, or "
        "uses a rare kind of compression. Copy or export it again."
    )
