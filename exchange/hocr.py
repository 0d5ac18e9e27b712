"""Pages -> one hOCR file: HTML that shows the text and says where each line and word stands.

Source: T. Breuel, "hOCR - OCR Workflow and Output embedded in HTML", version 1.2.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import IO

from lxml import etree

from exchange.outlines import outline_of
from exchange.points import bounds, whole_points
from exchange.records import PageDocument, Points, TextLine
from exchange.xml_input import Element
from exchange.xml_output import PROGRAM, Identifiers, add, check_writable, outer, xml_text

NAMESPACE = "http://www.w3.org/1999/xhtml"
CAPABILITIES = "ocr_page ocr_carea ocr_par ocr_line ocrx_word ocrp_wconf"


def write_hocr(pages: Sequence[PageDocument], title: str) -> bytes:
    """Return the pages as one hOCR file; see `stream_hocr`."""
    out = io.BytesIO()
    stream_hocr(out, pages, len(pages), title)
    return out.getvalue()


def stream_hocr(
    out: IO[bytes], pages: Iterable[PageDocument], count: int, title: str, folder: str = ""
) -> None:
    """Write the pages into one hOCR file, XHTML in UTF-8; confidences are in percent there.

    One page is in memory at a time. count: how many there are. folder: of their images, with a
    slash at its end.

    Raises: ExchangeError for a page that is not measured in pixels.
    """
    root = etree.Element(f"{{{NAMESPACE}}}html", nsmap={None: NAMESPACE})
    head = add(root, "head")
    add(head, "title", title)
    add(head, "meta", charset="utf-8")
    add(head, "meta", name="ocr-system", content=PROGRAM)
    add(head, "meta", name="ocr-capabilities", content=CAPABILITIES)
    add(head, "meta", name="ocr-langs", content="unknown")
    add(head, "meta", name="ocr-number-of-pages", content=count)
    with etree.xmlfile(out, encoding="UTF-8") as file:
        file.write_declaration()
        file.write_doctype("<!DOCTYPE html>")
        with outer(file, root):
            file.write(head)
            with outer(file, root, "body"):
                for number, page in enumerate(pages):
                    check_writable(page)
                    body = add(root, "body")
                    _write_page(body, page, number + 1, folder)
                    file.write(body[0])
                    root.remove(body)


def _write_page(body: Element, page: PageDocument, number: int, folder: str) -> None:
    name = folder + page.image_name.replace("\\", "_").replace(
        '"', "'"
    )  # what ends the name in hOCR
    element = add(body, "div", id=f"page_{number}")
    ids = Identifiers()  # of this page; its number in them keeps those of others apart
    element.set("class", "ocr_page")
    size = f"bbox 0 0 {round(page.width)} {round(page.height)}"
    element.set("title", f'image "{_one_line(name)}"; {size}; ppageno {number - 1}')
    for _, group in groupby(page.lines, lambda line: line.region_id):
        lines = list(group)
        box = _bbox([point for line in lines for point in _outline(line)], page)
        area = add(element, "div", id=ids.new(f"area_{number}"), title=box)
        area.set("class", "ocr_carea")
        paragraph = add(area, "p", id=ids.new(f"paragraph_{number}"), title=box)
        paragraph.set("class", "ocr_par")
        for line in lines:
            _write_line(paragraph, line, page, number, ids)
            add(paragraph, "br").tail = "\n"


def _write_line(
    paragraph: Element, line: TextLine, page: PageDocument, number: int, ids: Identifiers
) -> None:
    element = add(paragraph, "span", id=ids.new(f"line_{number}"))
    element.set("class", "ocr_line")
    outline = _outline(line)
    title = f"{_bbox(outline, page)}; {_baseline(line.baseline, outline)}"
    if line.confidence is not None:
        title += f"; x_wconf {_percent(line.confidence)}"
    element.set("title", title)
    if " ".join(word.text for word in line.words) != line.text or not line.text:
        element.text = xml_text(line.text)
        return
    for position, word in enumerate(line.words):
        shown = add(element, "span", word.text, id=ids.new(f"word_{number}"))
        shown.set("class", "ocrx_word")
        title = _bbox(word.polygon or outline, page)
        if word.confidence is not None:
            title += f"; x_wconf {_percent(word.confidence)}"
        shown.set("title", title)
        if position < len(line.words) - 1:
            shown.tail = " "


def _outline(line: TextLine) -> Points:
    return outline_of(line.polygon, line.baseline, line.spacing_px) or line.baseline


def _bbox(points: Sequence[tuple[float, float]], page: PageDocument) -> str:
    box = bounds(whole_points(points, page.width, page.height)) or (0, 0, 0, 0)
    return "bbox " + " ".join(f"{value:.0f}" for value in box)


def _baseline(baseline: Points, outline: Points) -> str:
    """Return the baseline as hOCR has it: slope, and height over the lower left of the box."""
    (x0, y0), (x1, y1) = baseline[0], baseline[-1]
    left, _, _, bottom = bounds(outline) or (0.0, 0.0, 0.0, 0.0)
    slope = (y1 - y0) / (x1 - x0) if abs(x1 - x0) > 1 else 0.0
    return f"baseline {slope:.4f} {y0 + slope * (left - x0) - bottom:.1f}"


def _percent(confidence: float) -> int:
    return round(100 * min(1.0, max(0.0, confidence)))


def _one_line(text: str) -> str:
    return " ".join(text.split())
