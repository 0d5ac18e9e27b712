"""Selected pages -> one file: a text, an XML file, or an archive of several with their images."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

from exchange import (
    PageDocument,
    to_csv,
    to_jsonl,
    to_markdown,
    to_txt,
)
from exchange.bundle import LAYOUTS, add_bundle, add_image
from exchange.docx import stream_docx
from exchange.file_names import safe_stem, unused
from exchange.hocr import stream_hocr
from exchange.line_set import KINDS, write_line_set
from exchange.parquet_output import write_parquet_set
from exchange.pdf import write_pdf
from exchange.tei import stream_tei
from exchange.zip_output import file_info
from services.export_lines import set_lines
from services.export_order import ExportOrder
from services.export_pages import DocumentPages, ExportPage, Selection

IMAGES_FOLDER = "images"
PARQUET = "parquet"
_LAYOUTS = {"page": "page", "alto": "alto", "kraken": "page"}  # format -> of `exchange.LAYOUTS`


def is_archive(order: ExportOrder, selection: Selection) -> bool:
    """Return whether the export is a zip archive, for it holds several files."""
    several = len(selection.documents) > 1 or (order.kind.per_page and selection.pages > 1)
    return order.with_images or several or order.kind.suffix == ".zip"


def file_name(order: ExportOrder, selection: Selection) -> str:
    """Return a name for the file, safe everywhere."""
    suffix = ".zip" if is_archive(order, selection) else order.kind.suffix
    return safe_stem(selection.title, "export") + suffix


def write_export(out: IO[bytes], order: ExportOrder, selection: Selection, now: datetime) -> None:
    """Write what the order names; whatever the pages' `page_done` raises comes through.

    Raises: ExchangeError, StorageError, or OSError where the file or an image fails.
    """
    if order.format in KINDS or order.format == PARQUET:
        lines = (
            line for document in selection.documents for line in set_lines(document, order.format)
        )
        if order.format == PARQUET:
            write_parquet_set(out, lines, now)
        else:
            write_line_set(out, lines, order.format, now)
    elif not is_archive(order, selection):
        _write_document(out, order, selection.documents[0], selection.title, now)
    else:
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            folders: set[str] = set()
            for document in selection.documents:
                several = len(selection.documents) > 1
                title = document.document.title if several else selection.title
                stem = unused(safe_stem(title, "document"), folders)
                _add_document(archive, f"{stem}/" if several else "", stem, order, document, now)


def _add_document(
    archive: zipfile.ZipFile,
    folder: str,
    stem: str,
    order: ExportOrder,
    document: DocumentPages,
    now: datetime,
) -> None:
    """Put a document into an archive: its file or files, and its images if they come along."""
    title = document.document.title
    if order.kind.per_page:
        pages = ((page.written, page.image if order.with_images else None) for page in document)
        add_bundle(archive, folder, pages, title, now, [_LAYOUTS[order.format]])
        return
    images: list[tuple[str, Path]] = []

    def noting() -> Iterator[ExportPage]:
        images.clear()  # some formats look at the pages twice
        for page in document:
            if order.with_images:
                images.append((page.written.image_name, page.image))
            yield page

    entry = file_info(f"{folder}{stem}{order.kind.suffix}", now)
    with archive.open(entry, "w", force_zip64=True) as target:
        folder_of_images = f"{IMAGES_FOLDER}/" if order.with_images else ""
        job = _Job(noting, len(document), title, now, folder_of_images)
        _WRITERS[order.format](target, job)
    for name, path in images:
        add_image(archive, f"{folder}{IMAGES_FOLDER}/{name}", path, now)


def _write_document(
    out: IO[bytes], order: ExportOrder, document: DocumentPages, title: str, now: datetime
) -> None:
    if order.kind.per_page:
        layout = LAYOUTS[_LAYOUTS[order.format]]
        out.writelines(layout(page.written, now) for page in document)
    else:
        _WRITERS[order.format](out, _Job(document.__iter__, len(document), title, now))


Pages = Callable[[], Iterator[ExportPage]]  # may be called again, for the pages once more


@dataclass(frozen=True)
class _Job:
    """What a writer needs to know: the pages and how many, their title, where their images lie."""

    pages: Pages
    count: int
    title: str
    now: datetime
    folder: str = ""

    def written(self) -> Iterator[PageDocument]:
        """Yield the pages as the formats say them."""
        return (page.written for page in self.pages())


Writer = Callable[[IO[bytes], _Job], None]


def _texts(pieces: Callable[[Iterator[PageDocument], str], Iterable[str]]) -> Writer:
    """Return the writer of a format that is text, piece by piece."""

    def write(out: IO[bytes], job: _Job) -> None:
        out.writelines(piece.encode() for piece in pieces(job.written(), job.title))

    return write


def _docx(form: str) -> Writer:
    def write(out: IO[bytes], job: _Job) -> None:
        stream_docx(out, job.written(), job.title, job.now, form)

    return write


def _tei(out: IO[bytes], job: _Job) -> None:
    stream_tei(out, job.written, job.count, job.title, job.now, folder=job.folder)


def _hocr(out: IO[bytes], job: _Job) -> None:
    stream_hocr(out, job.written(), job.count, job.title, job.folder)


def _pdf(out: IO[bytes], job: _Job) -> None:
    pages = ((page.written, page.image) for page in job.pages())
    write_pdf(out, pages, job.title, job.now, _plain_image)


def _plain_image(path: Path) -> bytes:
    """Return an image that a PDF can take: gray without loss, colour as a JPEG."""
    from segmentation.encoding import encode_page
    from segmentation.images import decode_page

    return encode_page(decode_page(path.read_bytes()), lossless=True)[0]


_WRITERS: dict[str, Writer] = {
    "txt": _texts(lambda pages, title: to_txt(pages)),
    "md": _texts(to_markdown),
    "csv": _texts(lambda pages, title: to_csv(pages)),
    "jsonl": _texts(lambda pages, title: to_jsonl(pages)),
    "docx": _docx("lines"),
    "docx-text": _docx("paragraphs"),
    "tei": _tei,
    "hocr": _hocr,
    "pdf": _pdf,
}
