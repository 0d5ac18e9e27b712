"""PDF -> the pixels of its pages, drawn by PDFium."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from segmentation.limits import ImageLimits, check_pages, page_label, shown_name
from segmentation.lines import SegmentationError
from segmentation.raster import Frame

POINTS_AN_INCH = 72.0
SCAN_SHARE = 0.5  # of the page: an image that covers more is a scan, drawn at its own resolution
MIN_LONG_SIDE_PX = 1600  # a page is not drawn smaller, though its scan may be
MAX_OBJECTS = 200  # looked at in search of the scan
GRAY_DIFFERENCE = 12  # levels between channels that still count as gray

_pdfium_lock = threading.Lock()  # PDFium works in one thread at a time


def read_pdf(data: bytes, name: str, limits: ImageLimits) -> Iterator[Frame]:
    """Yield the pages of a PDF, each drawn when it is asked for, on white.

    A page that is one scan is drawn at the scan's own resolution, others at `limits.pdf_dpi`, and
    all within `limits.pdf_max_pixels`.

    Raises: SegmentationError for a file that PDFium cannot open or that wants a password, and at
    the page that cannot be drawn; those before it were given.
    """
    with _pdfium_lock:
        document = _opened(data, name)
    try:
        with _pdfium_lock:
            total = len(document)
        check_pages(total, name, limits)
        for number in range(1, total + 1):
            label = page_label(name, number, total)
            with _pdfium_lock, _translated(label):
                pixels = _drawn_page(document, number - 1, label, limits)
            yield Frame(_gray_if_gray(pixels), plain=False, lossless=False, total=total)
    finally:
        with _pdfium_lock:
            document.close()


def _opened(data: bytes, name: str) -> pdfium.PdfDocument:
    try:
        return pdfium.PdfDocument(data)
    except pdfium.PdfiumError as error:
        if getattr(error, "err_code", None) == pdfium_c.FPDF_ERR_PASSWORD:
            raise SegmentationError(
                f"{shown_name(name)} is protected by a password. Save a copy without one and "
                "upload that."
            ) from error
        if getattr(error, "err_code", None) == pdfium_c.FPDF_ERR_SECURITY:
            raise SegmentationError(
                f"{shown_name(name)} is encrypted in a way that cannot be read. Save a copy "
                "without protection and upload that."
            ) from error
        raise SegmentationError(
            f"{shown_name(name)} cannot be opened: the PDF is cut off, damaged, or has no pages. "
            "Open it in a PDF viewer and save it again."
        ) from error


def _drawn_page(
    document: pdfium.PdfDocument, index: int, label: str, limits: ImageLimits
) -> np.ndarray:
    """Return one page as uint8 (H, W, 3) RGB."""
    page = document[index]
    try:
        width_pt, height_pt = page.get_size()
        if not (0 < width_pt < 1e6 and 0 < height_pt < 1e6):
            raise SegmentationError(
                f"{label} declares a size of {width_pt:g} x {height_pt:g} points: the PDF is "
                "damaged. Open it in a PDF viewer and save it again."
            )
        scale = _scale(page, width_pt, height_pt, limits)
        size = (max(1, math.ceil(width_pt * scale)), max(1, math.ceil(height_pt * scale)))
        bitmap = pdfium.PdfBitmap.new_native(*size, format=pdfium_c.FPDFBitmap_BGR)
        try:
            bitmap.fill_rect((255, 255, 255, 255), 0, 0, *size)
            _draw(page, bitmap, size, label, limits.pdf_page_limit_s)
            return bitmap.to_numpy()[..., ::-1].copy()
        finally:
            bitmap.close()
    finally:
        page.close()


def _scale(page: pdfium.PdfPage, width_pt: float, height_pt: float, limits: ImageLimits) -> float:
    """Return how many pixels a point of the page gets."""
    scale = limits.pdf_dpi / POINTS_AN_INCH
    density = _scan_density(page, width_pt * height_pt)
    if density:
        scale = min(scale, max(density, MIN_LONG_SIDE_PX / max(width_pt, height_pt)))
    most = (limits.max_side_px - 1) / max(width_pt, height_pt)
    return min(scale, most, math.sqrt(limits.pdf_max_pixels / (width_pt * height_pt)))


def _scan_density(page: pdfium.PdfPage, page_area: float) -> float | None:
    """Return the pixels a point of the finest image that covers the page, None without one."""
    densities = []
    for count, item in enumerate(page.get_objects(max_depth=3)):
        if count >= MAX_OBJECTS:
            break
        if not isinstance(item, pdfium.PdfImage) or item.level > 0:
            continue
        left, bottom, right, top = item.get_bounds()
        width_px, height_px = item.get_px_size()
        area = (right - left) * (top - bottom)
        if area > SCAN_SHARE * page_area and width_px > 0 and height_px > 0:
            densities.append(math.sqrt(width_px * height_px / area))
    return max(densities, default=None)


def _draw(
    page: pdfium.PdfPage,
    bitmap: pdfium.PdfBitmap,
    size: tuple[int, int],
    label: str,
    limit_s: float,
) -> None:
    """Draw the page, and give up at the time limit: a small file can ask for hours of drawing."""
    deadline = time.monotonic() + limit_s
    pause = pdfium_c.IFSDK_PAUSE(version=1)
    callback = type(pause.NeedToPauseNow)(lambda _: time.monotonic() > deadline)
    pause.NeedToPauseNow = callback
    status = pdfium_c.FPDF_RenderPageBitmap_Start(
        bitmap, page, 0, 0, *size, 0, pdfium_c.FPDF_ANNOT, pause
    )
    pdfium_c.FPDF_RenderPage_Close(page)
    if status == pdfium_c.FPDF_RENDER_TOBECONTINUED:
        raise SegmentationError(
            f"{label} takes more than {limit_s:g} s to draw. Print it to a new PDF, or scan it, "
            "and upload that."
        )
    if status != pdfium_c.FPDF_RENDER_DONE:
        raise _damaged(label)


def _gray_if_gray(pixels: np.ndarray) -> np.ndarray:
    """Return the page as (H, W) gray where nothing on it has a colour."""
    step = max(1, math.isqrt(pixels.shape[0] * pixels.shape[1] // 250_000))
    some = pixels[::step, ::step].astype(np.int16)
    if (np.ptp(some, axis=2) > GRAY_DIFFERENCE).any():
        return pixels
    return np.ascontiguousarray(pixels[..., 1])


@contextmanager
def _translated(label: str) -> Iterator[None]:
    try:
        yield
    except (pdfium.PdfiumError, ValueError, MemoryError) as error:
        raise _damaged(label) from error


def _damaged(label: str) -> SegmentationError:
    return SegmentationError(
        f"{label} cannot be drawn: the PDF is damaged there. Open it in a PDF viewer and save it "
        "again."
    )
