"""One file of a batch: its pages are read, and each is written whole or not at all."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from exchange import ExchangeError, PageDocument, TextLine, to_jsonl, to_txt, write_alto
from exchange.mapping import type_of
from exchange.page_xml_output import write_page_xml
from exchange.spans import Span, placed_words
from segmentation.images import PageImage, read_pages
from segmentation.limits import ImageLimits
from segmentation.lines import ASIDE, SegmentationError
from services.batch_errors import BatchError
from services.batch_source import PageFile, read_bytes
from services.export_formats import FORMATS

if TYPE_CHECKING:
    from htr.pipeline import ReadLine
    from htr.recognizer import Recognizer

BATCH_FORMATS = ("page", "alto", "jsonl", "txt")
LONGEST_REASON = 500  # characters
PART = ".htr-part"  # ends the name of a file that is being written


@dataclass(frozen=True)
class Failure:
    """A page, or a whole file, that could not be read. page: from 1; None: the file."""

    file: str
    page: int | None
    reason: str


@dataclass(frozen=True)
class FileResult:
    """What came of a file. outputs: paths within the output folder; read: pages read just now."""

    file: str
    outputs: tuple[str, ...] = ()
    pages: int = 0
    lines: int = 0
    seconds: float = 0.0
    failures: tuple[Failure, ...] = ()


@dataclass(frozen=True)
class PageOutput:
    """Where and how pages are written. method: of `segmentation.segment`."""

    folder: Path
    form: str = "page"
    method: str = "auto"

    def name_of(self, file: PageFile, page: PageImage) -> str:
        """Return the output of a page: named after the file, numbered if it has several pages.

        The file's whole name stays, since will.jpg and will.pdf may lie side by side; ".." and the
        like in a list cannot lead out of the folder.
        """
        parts = [part for part in PurePosixPath(file.name).parts if part not in ("/", "..", ".")]
        stem = "/".join(parts).replace("\\", "_").replace(":", "_") or "page"
        number = f"-{page.index + 1:04d}" if page.total > 1 else ""
        return f"{stem}{number}{FORMATS[self.form].suffix}"


def read_file(file: PageFile, output: PageOutput, recognizer: Recognizer) -> FileResult:
    """Return what came of the file after writing what could be read of it.

    A page whose output is there already is not read again.
    """
    from htr.errors import RecognitionError

    start = time.perf_counter()
    outputs: list[str] = []
    failures: list[Failure] = []
    pages = lines = 0
    limits = ImageLimits()
    number: int | None = None
    try:
        for page in read_pages(read_bytes(file, limits.max_file_bytes), file.name, limits):
            number = page.index + 1
            name = output.name_of(file, page)
            if not (output.folder / name).exists():
                try:
                    lines += _read_page(page, output, name, recognizer)
                    pages += 1
                except (SegmentationError, RecognitionError, ExchangeError) as error:
                    failures.append(Failure(file.name, number, _reason(error)))
                    continue
            outputs.append(name)
            number = None  # what fails now is the file, which does not give its next page
    except (OSError, SegmentationError, BatchError) as error:
        failures.append(Failure(file.name, number, _reason(error)))
    seconds = time.perf_counter() - start
    return FileResult(file.name, tuple(outputs), pages, lines, seconds, tuple(failures))


def page_document(page: PageImage, read: Sequence[ReadLine]) -> PageDocument:
    """Return a page that was read as the formats say it, lines set aside left out."""
    height_px, width_px = page.pixels.shape[:2]
    own = (one for one in read if one.line.kind != ASIDE)
    return PageDocument(
        image_name=page.source_name,
        width=width_px,
        height=height_px,
        lines=tuple(_text_line(number, one) for number, one in enumerate(own, start=1)),
    )


def _read_page(page: PageImage, output: PageOutput, name: str, recognizer: Recognizer) -> int:
    """Return how many lines were read on the page, which is now written."""
    from htr.pipeline import read_page

    document = page_document(page, read_page(page.pixels, recognizer, output.method))
    _write_whole(output.folder / name, _content(document, output.form))
    return len(document.lines)


def _content(document: PageDocument, form: str) -> bytes:
    if form == "page":
        return write_page_xml(document, datetime.now(UTC))
    if form == "alto":
        return write_alto(document, datetime.now(UTC))
    rows = to_jsonl([document]) if form == "jsonl" else to_txt([document])
    return "".join(rows).encode()


def _text_line(number: int, read: ReadLine) -> TextLine:
    line, transcript = read.line, read.transcript
    spans = [Span(c.text, c.confidence, c.start_px, c.end_px) for c in transcript.characters]
    return TextLine(
        id=f"line_{number}",
        baseline=line.baseline,
        polygon=line.polygon,
        text=transcript.text,
        confidence=transcript.confidence if transcript.text else None,
        kind=type_of(line.kind),
        words=placed_words(
            transcript.text, spans, read.crop_width_px, line.baseline, line.spacing_px
        ),
        spacing_px=line.spacing_px,
        status="machine",
        flags=line.flags,
    )


def _write_whole(path: Path, data: bytes) -> None:
    """Write the file so that it is there whole or not at all, whenever the process dies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}{PART}")
    try:
        with fresh.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, path)
    finally:
        fresh.unlink(missing_ok=True)


def _reason(error: Exception) -> str:
    words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return words[:LONGEST_REASON] or type(error).__name__
