"""Selected pages -> one file: a text, an XML file, or an archive of several with their images."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import IO

from exchange import (
    PageDocument,
    to_csv,
    to_jsonl,
    to_markdown,
    to_txt,
    write_docx,
    write_hocr,
    write_tei,
)
from exchange.bundle import LAYOUTS, add_bundle, add_image
from exchange.file_names import safe_stem, unused
from exchange.line_set import KINDS, write_line_set
from exchange.pdf import write_pdf
from exchange.zip_output import file_info
from services.export_lines import set_lines
from services.export_order import ExportOrder
from services.export_pages import DocumentPages, ExportPage, Selection

IMAGES_FOLDER = "images"
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
    if order.format in KINDS:
        lines = (
            line for document in selection.documents for line in set_lines(document, order.format)
        )
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
        _WRITERS[order.format](target, noting, title, now)
    for name, path in images:
        add_image(archive, f"{folder}{IMAGES_FOLDER}/{name}", path, now)


def _write_document(
    out: IO[bytes], order: ExportOrder, document: DocumentPages, title: str, now: datetime
) -> None:
    if order.kind.per_page:
        layout = LAYOUTS[_LAYOUTS[order.format]]
        out.writelines(layout(page.written, now) for page in document)
    else:
        _WRITERS[order.format](out, document.__iter__, title, now)


Pages = Callable[[], Iterator[ExportPage]]  # may be called again, for the pages once more
Writer = Callable[[IO[bytes], Pages, str, datetime], None]


def _written(pages: Pages) -> Iterator[PageDocument]:
    return (page.written for page in pages())


def _texts(pieces: Callable[[Iterator[PageDocument], str], Iterable[str]]) -> Writer:
    """Return the writer of a format that is text, piece by piece."""

    def write(out: IO[bytes], pages: Pages, title: str, now: datetime) -> None:
        out.writelines(piece.encode() for piece in pieces(_written(pages), title))

    return write


def _docx(form: str) -> Writer:
    def write(out: IO[bytes], pages: Pages, title: str, now: datetime) -> None:
        out.write(write_docx(_written(pages), title, now, form))

    return write


def _tei(out: IO[bytes], pages: Pages, title: str, now: datetime) -> None:
    out.write(write_tei(list(_written(pages)), title, now))


def _hocr(out: IO[bytes], pages: Pages, title: str, now: datetime) -> None:
    out.write(write_hocr(list(_written(pages)), title))


def _pdf(out: IO[bytes], pages: Pages, title: str, now: datetime) -> None:
    write_pdf(out, ((page.written, page.image) for page in pages()), title, now, _plain_image)


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
