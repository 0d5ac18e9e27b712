"""The lines of pages as data sets have them: cut from their pages, each with its text."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from exchange.line_set import SetLine
from segmentation.lines import MAX_CROP_WIDTH_PX, SegmentationError
from services.export_pages import DocumentPages

LOG = logging.getLogger("htr.export")
# format -> height and greatest width of the images; our own as the network reads them
OWN_SIZE_PX = (64, MAX_CROP_WIDTH_PX)
OTHER_SIZE_PX = (128, 2048)  # networks elsewhere take up to 128 px


def set_lines(document: DocumentPages, kind: str) -> Iterator[SetLine]:
    """Yield the lines of a document that have a text, in order; one page is in memory at a time.

    A line that cannot be cut out of its page is left out, and the log says so.

    kind: of `exchange.line_set.KINDS`.

    Raises: StorageError where an image is missing; SegmentationError where it is damaged.
    """
    from segmentation.crops import crop_line
    from segmentation.images import decode_page, encode_line

    height_px, max_width_px = OWN_SIZE_PX if kind == "labels" else OTHER_SIZE_PX
    for page in document:
        written = [line for line in page.written.lines if line.text.strip()]
        if not written:
            continue
        pixels = decode_page(page.image.read_bytes())
        for line in written:
            try:
                crop = crop_line(
                    pixels, line.baseline, line.spacing_px or 0.0, height_px, max_width_px
                )
            except SegmentationError as error:
                LOG.warning("%s of page %s was left out: %s", line.id, page.page.id, error)
                continue
            yield SetLine(
                image=encode_line(crop),
                text=line.text,
                page=f"{page.page.id}",
                source=document.document.title,
                held_out=page.page.held_out is True,
            )
