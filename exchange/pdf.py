"""Pages -> a searchable PDF/A-2b: each page its image, under it its text at the right places.

The image files go in as they are. The text is invisible; where it is selected, searched or copied
it is the transcription. One page is in memory at a time.
"""

from __future__ import annotations

import hashlib
import io
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from exchange.errors import ExchangeError
from exchange.outlines import ABOVE_BASELINE, BELOW_BASELINE
from exchange.pdf_archival import srgb_profile, xmp_packet
from exchange.pdf_file import PdfFile, decimal, text_string
from exchange.pdf_font import EM, WIDTH, InvisibleFont
from exchange.pdf_image import PdfImage, pdf_image
from exchange.points import bounds, is_baseline
from exchange.records import PageDocument, TextLine
from exchange.spans import BaselinePath
from exchange.xml_output import PROGRAM, check_writable, time_text

POINTS_A_PX = 72 / 300  # nobody knows how large the page was; scans of 300 dpi come out right
MAX_SIDE_PT = 14_400.0  # what PDF allows
USUAL_SPACING_PX = 40.0  # for a line of which nothing says how high it is
NARROWEST_PT = 0.05  # of a word or a gap: some readers drop what has no width


@dataclass(frozen=True)
class _Placed:
    """A word and where it is written, in pixels along and beside its line."""

    text: str
    start: tuple[float, float]
    end: tuple[float, float]


def write_pdf(
    out: IO[bytes],
    pages: Iterable[tuple[PageDocument, Path]],
    title: str,
    now: datetime,
    other_image: Callable[[Path], bytes],
) -> int:
    """Return how many pages were written.

    pages: each with the file of its image. other_image: makes a JPEG or PNG file of an image that
    a PDF cannot take as it is; see `pdf_image`.

    Raises: ExchangeError for a page that is not measured in pixels, or an image that cannot be
    read.
    """
    file = PdfFile(out)
    catalog, tree, font_number = file.reserve(), file.reserve(), file.reserve()
    font = InvisibleFont()
    kids = []
    for page, path in pages:
        check_writable(page)
        kids.append(_put_page(file, page, path, other_image, tree, font_number, font))
    font.put(file, font_number)
    listed = " ".join(f"{kid} 0 R" for kid in kids)
    file.put(f"<< /Type /Pages /Count {len(kids)} /Kids [{listed}] >>", tree)
    profile = file.put_packed("/N 3", srgb_profile())
    intent = file.put(
        "<< /Type /OutputIntent /S /GTS_PDFA1 /OutputConditionIdentifier (sRGB IEC61966-2.1) "
        f"/Info (sRGB IEC61966-2.1) /DestOutputProfile {profile} 0 R >>"
    )
    packet = xmp_packet(title, now)  # unpacked, so that archives find it
    metadata = file.put_stream("/Type /Metadata /Subtype /XML", [packet], len(packet))
    file.put(
        f"<< /Type /Catalog /Pages {tree} 0 R /Metadata {metadata} 0 R "
        f"/OutputIntents [{intent} 0 R] /ViewerPreferences << /DisplayDocTitle true >> >>",
        catalog,
    )
    when = now.astimezone(UTC).strftime("(D:%Y%m%d%H%M%SZ)")
    program = text_string(PROGRAM)
    info = file.put(
        f"<< /Title {text_string(title)} /Creator {program} /Producer {program} "
        f"/CreationDate {when} /ModDate {when} >>"
    )
    seed = f"{title}\n{time_text(now)}\n{len(kids)}".encode("utf-8", "replace")
    name = hashlib.blake2b(seed, digest_size=16).hexdigest()
    file.close({"Root": f"{catalog} 0 R", "Info": f"{info} 0 R", "ID": f"[<{name}> <{name}>]"})
    return len(kids)


def _put_page(
    file: PdfFile,
    page: PageDocument,
    path: Path,
    other_image: Callable[[Path], bytes],
    tree: int,
    font_number: int,
    font: InvisibleFont,
) -> int:
    image = _put_image(file, page, path, other_image)
    scale = min(POINTS_A_PX, MAX_SIDE_PT / max(page.width, page.height))
    width, height = decimal(page.width * scale), decimal(page.height * scale)
    content = [f"q {width} 0 0 {height} 0 0 cm /Image Do Q"]
    content += _text(page, scale, font)
    contents = file.put_packed("", "\n".join(content).encode())
    return file.put(
        f"<< /Type /Page /Parent {tree} 0 R /MediaBox [0 0 {width} {height}] "
        f"/Contents {contents} 0 R /Resources << /XObject << /Image {image} 0 R >> "
        f"/Font << /Text {font_number} 0 R >> >> >>"
    )


def _put_image(
    file: PdfFile, page: PageDocument, path: Path, other_image: Callable[[Path], bytes]
) -> int:
    """Write the image of a page and return the number of its object."""
    try:
        with path.open("rb") as source:
            found = pdf_image(source)
            if found is not None and (found.width, found.height) == (page.width, page.height):
                return _put_image_stream(file, found, source)
        made = io.BytesIO(other_image(path))
        found = pdf_image(made)
        if found is None:
            raise ExchangeError(f"The image of {page.image_name!r} cannot be put into a PDF.")
        return _put_image_stream(file, found, made)
    except OSError as error:
        raise ExchangeError(f"The image of {page.image_name} cannot be read: {error}.") from error


def _put_image_stream(file: PdfFile, image: PdfImage, source: IO[bytes]) -> int:
    entries = f"/Type /XObject /Subtype /Image /Width {image.width} /Height {image.height} "
    return file.put_stream(entries + image.entries, image.pieces(source), image.length)


def _text(page: PageDocument, scale: float, font: InvisibleFont) -> Iterator[str]:
    """Yield the operators that write the page's text, invisibly."""
    yield "BT 3 Tr"
    for line in page.lines:
        if not line.text.strip():
            continue
        spacing_px = _spacing(line)
        size = spacing_px * scale
        yield f"/Text {decimal(size)} Tf"
        words = list(placed_along(line, spacing_px))
        for word, after in zip(words, [*words[1:], None], strict=True):
            across, down = (b - a for a, b in zip(word.start, word.end, strict=True))
            length = math.hypot(across, down) or 1.0
            cosine, sine = across / length, -down / length  # up is up in PDF
            x, y = word.start[0] * scale, (page.height - word.start[1]) * scale
            place = (cosine, sine, -sine, cosine, x, y)
            yield " ".join(decimal(value) for value in place) + " Tm"
            yield _stretched(font, word.text, length * scale, size)
            if after is not None:  # a space as wide as the gap, so that words stay apart
                yield _stretched(font, " ", math.dist(word.end, after.start) * scale, size)
    yield "ET"


def _stretched(font: InvisibleFont, text: str, width_pt: float, size_pt: float) -> str:
    """Return the operators that write a text just so wide."""
    natural = len(text) * size_pt * WIDTH / EM
    percent = 100 * max(width_pt, NARROWEST_PT) / natural
    return f"{decimal(percent)} Tz {font.codes(text)} Tj"


def placed_along(line: TextLine, spacing_px: float) -> Iterator[_Placed]:
    """Yield the words of a line with the stretch of the baseline that each takes.

    Where no places of words are known, or those of another text, every character takes as much of
    the baseline as the next.
    """
    baseline = line.baseline
    if not is_baseline(baseline):
        x, y = baseline[0] if baseline else (0.0, 0.0)
        baseline = ((x, y), (x + len(line.text) * spacing_px * WIDTH / EM, y))
    path = BaselinePath(baseline, spacing_px)
    texts = line.text.split()
    if [word.text for word in line.words] == texts and all(word.polygon for word in line.words):
        for word in line.words:
            along = [path.nearest(point) for point in word.polygon]
            yield _Placed(word.text, path.at(min(along)), path.at(max(along)))
        return
    step = path.length / len(" ".join(texts))
    at = 0
    for text in texts:
        yield _Placed(text, path.at(at * step), path.at((at + len(text)) * step))
        at += len(text) + 1


def _spacing(line: TextLine) -> float:
    """Return the line spacing in pixels: what is said, else what the outline's height tells."""
    if line.spacing_px:
        return line.spacing_px
    box = bounds(line.polygon)
    height = box[3] - box[1] if box is not None else 0.0
    return height / (ABOVE_BASELINE + BELOW_BASELINE) or USUAL_SPACING_PX
