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
from exchange.zip_output import file_info
from services.export_lines import set_lines
from services.export_order import ExportOrder
from services.export_pages import DocumentPages, Selection

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

    def noting() -> Iterator[PageDocument]:
        images.clear()  # some formats look at the pages twice
        for page in document:
            images.append((page.written.image_name, page.image))
            yield page.written

    entry = file_info(f"{folder}{stem}{order.kind.suffix}", now)
    with archive.open(entry, "w", force_zip64=True) as target:
        _WRITERS[order.format](target, noting, title, now)
    if order.with_images:
        for name, path in images:
            add_image(archive, f"{folder}{IMAGES_FOLDER}/{name}", path, now)


def _write_document(
    out: IO[bytes], order: ExportOrder, document: DocumentPages, title: str, now: datetime
) -> None:
    if order.kind.per_page:
        layout = LAYOUTS[_LAYOUTS[order.format]]
        out.writelines(layout(page, now) for page in document.written())
    else:
        _WRITERS[order.format](out, document.written, title, now)


Pages = Callable[[], Iterator[PageDocument]]


def _write_texts(out: IO[bytes], texts: Iterable[str]) -> None:
    out.writelines(text.encode() for text in texts)


def _docx(out: IO[bytes], pages: Pages, title: str, now: datetime, form: str) -> None:
    out.write(write_docx(pages(), title, now, form))


def _tei(out: IO[bytes], pages: Pages, title: str, now: datetime) -> None:
    out.write(write_tei(list(pages()), title, now))


def _hocr(out: IO[bytes], pages: Pages, title: str, now: datetime) -> None:
    out.write(write_hocr(list(pages()), title))


_WRITERS: dict[str, Callable[[IO[bytes], Pages, str, datetime], None]] = {
    "txt": lambda out, pages, title, now: _write_texts(out, to_txt(pages())),
    "md": lambda out, pages, title, now: _write_texts(out, to_markdown(pages(), title)),
    "csv": lambda out, pages, title, now: _write_texts(out, to_csv(pages())),
    "jsonl": lambda out, pages, title, now: _write_texts(out, to_jsonl(pages())),
    "docx": lambda out, pages, title, now: _docx(out, pages, title, now, "lines"),
    "docx-text": lambda out, pages, title, now: _docx(out, pages, title, now, "paragraphs"),
    "tei": _tei,
    "hocr": _hocr,
}
