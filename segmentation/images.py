"""Uploaded files -> page images: checked, upright, 8 bits, one by one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from segmentation.encoding import decode_page, encode_crop, encode_line, encode_page, thumbnail
from segmentation.filetypes import extension_note, file_type
from segmentation.limits import ImageLimits, base_name, shown_name
from segmentation.lines import SegmentationError
from segmentation.pdf import read_pdf
from segmentation.raster import Frame, read_raster

__all__ = [
    "ImageLimits",
    "PageImage",
    "decode_page",
    "encode_crop",
    "encode_line",
    "read_pages",
    "thumbnail",
]

_SUFFIXES = {"jpeg": "jpg", "png": "png", "webp": "webp"}


@dataclass(frozen=True, eq=False)
class PageImage:
    """One page of an uploaded file.

    pixels: uint8 (H, W) gray or (H, W, 3) RGB, upright; exactly what `decode_page(encoded)` gives.
    encoded: the image file to keep. A JPEG, PNG or WebP that shows these pixels anyway keeps its
    own bytes, untouched; all else is encoded anew (see `encode_page`).
    suffix: "jpg", "png" or "webp".
    source_name: name of the uploaded file, without folders.
    index, total: position of the page in the file, from 0, and how many it has; a TIFF may hold
    fewer pages than `total` says, as previews beside the pages are passed over.
    notes: remarks for the person, such as a wrong extension.
    """

    pixels: np.ndarray
    encoded: bytes
    suffix: str
    source_name: str
    index: int
    total: int = 1
    notes: tuple[str, ...] = ()


def read_pages(data: bytes, name: str, limits: ImageLimits | None = None) -> Iterator[PageImage]:
    """Return an iterator over the pages of an uploaded JPEG, PNG, WebP, TIFF or PDF.

    The content decides what the file is, not its name. Every page is decoded when it is asked
    for, so a PDF of 500 pages takes the memory of one. What is wrong with the whole file is
    raised by this call; a damaged page raises when the iterator comes to it, after the pages
    before it were given, and ends the iteration. The caller keeps or drops those.

    Raises: SegmentationError with one line that names the file or page and says what to do.
    """
    limits = limits or ImageLimits()
    if len(data) > limits.max_file_bytes:
        raise SegmentationError(
            f"{shown_name(name)} has {len(data) / 1e6:,.0f} MB; the limit is "
            f"{limits.max_file_bytes / 1e6:,.0f}. Split it, or scan it at 300 dpi."
        )
    kind = file_type(data, name)
    frames = (
        read_pdf(data, name, limits) if kind == "pdf" else read_raster(data, kind, name, limits)
    )
    first = next(frames, None)
    if first is None:
        raise SegmentationError(
            f"{shown_name(name)} holds no page. Open it in an image viewer and export it again."
        )
    return _pages(first, frames, data, kind, name)


def _pages(
    first: Frame, rest: Iterator[Frame], data: bytes, kind: str, name: str
) -> Iterator[PageImage]:
    note = extension_note(kind, name)
    frame: Frame | None = first
    del first  # a page may take half a gigabyte
    index = 0
    while frame is not None:
        pixels, encoded, suffix = frame.pixels, data, _SUFFIXES.get(kind, "")
        if not frame.plain:
            encoded, suffix = encode_page(pixels, frame.lossless)
            if suffix != "png":
                pixels = decode_page(encoded)  # what is read now must be what is read again later
        notes = frame.notes + ((note,) if note and index == 0 else ())
        yield PageImage(pixels, encoded, suffix, base_name(name), index, frame.total, notes)
        index += 1
        frame = next(rest, None)
