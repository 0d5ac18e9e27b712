"""What an uploaded file may measure, and how its name and pages are called in messages."""

from __future__ import annotations

from dataclasses import dataclass

from segmentation.lines import SegmentationError

SHOWN_NAME_LENGTH = 60
_UNSAFE = dict.fromkeys(map(ord, "<>&\"'`"), "_")  # messages are shown in web pages


@dataclass(frozen=True)
class ImageLimits:
    """Bounds on a file and on each of its pages, checked before anything is decoded.

    max_file_bytes: a book of 500 good scans is below it.
    max_side_px: a sheet of 1.6 m at 300 dpi; also keeps coordinates within OpenCV's bounds.
    max_pixels: an A2 sheet at 600 dpi; takes about a gigabyte while it is decoded in colour.
    max_pages: of one PDF or TIFF.
    pdf_dpi, pdf_max_pixels: how PDF pages are drawn; a larger sheet is drawn at fewer dpi.
    pdf_page_limit_s: how long the drawing of one PDF page may take.
    """

    max_file_bytes: int = 1_000_000_000
    max_side_px: int = 20_000
    max_pixels: int = 150_000_000
    max_pages: int = 2_000
    pdf_dpi: int = 300
    pdf_max_pixels: int = 25_000_000
    pdf_page_limit_s: float = 60.0


def base_name(name: str) -> str:
    """Return the last part of a path-like name, without control characters."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(c for c in last if c.isprintable()).strip()[:200] or "unnamed"


def shown_name(name: str) -> str:
    """Return the name in quotes as messages show it: one line, short, harmless in a web page."""
    clean = base_name(name).translate(_UNSAFE)
    if len(clean) > SHOWN_NAME_LENGTH:
        clean = clean[: SHOWN_NAME_LENGTH - 12] + "..." + clean[-9:]
    return f'"{clean}"'


def page_label(name: str, number: int, total: int) -> str:
    """Return what messages call a page, such as `Page 12 of "will.pdf"`; numbers start at 1."""
    return shown_name(name) if total <= 1 else f"Page {number:,} of {shown_name(name)}"


def check_size(width_px: int, height_px: int, label: str, limits: ImageLimits) -> None:
    """Check the size that an image declares before it is decoded.

    Raises: SegmentationError for a side or an area above the limits, or without pixels.
    """
    if width_px < 1 or height_px < 1:
        raise SegmentationError(
            f"{label} declares a size of {width_px} x {height_px} px: the file is damaged. "
            "Scan or export it again."
        )
    for side, size in (("wide", width_px), ("high", height_px)):
        if size > limits.max_side_px:
            raise SegmentationError(
                f"{label} is {size:,} px {side}; the limit is {limits.max_side_px:,}. "
                "Scan it at 300 dpi."
            )
    if width_px * height_px > limits.max_pixels:
        raise SegmentationError(
            f"{label} has {width_px:,} x {height_px:,} px, {width_px * height_px / 1e6:,.0f} "
            f"megapixels; the limit is {limits.max_pixels / 1e6:,.0f}. Scan it at 300 dpi."
        )


def check_pages(pages: int, name: str, limits: ImageLimits) -> None:
    """Check the number of pages of a file.

    Raises: SegmentationError if there are more than the limits allow.
    """
    if pages > limits.max_pages:
        raise SegmentationError(
            f"{shown_name(name)} has {pages:,} pages; the limit is {limits.max_pages:,}. "
            "Split it and upload the parts."
        )
