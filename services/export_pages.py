"""The pages that an export takes along, read from the database one at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import storage
from exchange import ExchangeError, PageDocument, page_document
from exchange.bundle import image_name
from services.export_order import ExportOrder


@dataclass(frozen=True)
class ExportPage:
    """One page: as storage keeps it and as the formats say it."""

    store: storage.Store
    page: storage.Page
    written: PageDocument

    @property
    def image(self) -> Path:
        """The file of its image; StorageError where it is missing."""
        return storage.page_image_path(self.store, self.page)


class DocumentPages:
    """The pages of one document; each iteration reads them anew, so that none stays in memory."""

    def __init__(
        self,
        store: storage.Store,
        order: ExportOrder,
        document: storage.Document,
        page_ids: Sequence[int],
        page_done: Callable[[], None],
    ) -> None:
        """Return the pages with these numbers; `page_done` is called after each."""
        self.document = document
        self.page_ids = tuple(page_ids)
        self._store = store
        self._order = order
        self._page_done = page_done

    def __len__(self) -> int:
        """Return how many pages there are."""
        return len(self.page_ids)

    def __iter__(self) -> Iterator[ExportPage]:
        """Yield the pages in their order; those with images get names unlike each other."""
        taken: set[str] = {"mets"}
        for page_id in self.page_ids:
            page = storage.page(self._store, page_id)
            written = page_document(
                page,
                list(self._lines(page_id)),
                self._order.text,
                with_words=self._order.kind.places,
                origin=storage.page_origin(self._store, page_id),
            )
            if self._order.with_images:
                name = "".join(image_name(page.name, page.suffix, taken))
                written = replace(written, image_name=name)
            yield ExportPage(self._store, page, written)
            self._page_done()

    def _lines(self, page_id: int) -> Iterator[storage.LineText]:
        kind, scope = self._order.kind, self._order.scope
        for line in storage.lines_of(self._store, page_id):
            if scope == "line" and line.line.id != self._order.number:
                continue
            is_aside = line.line.kind == storage.ASIDE and line.status == "machine"
            if (is_aside and not kind.keeps_aside) or (
                line.status == "ignored" and not kind.keeps_ignored
            ):
                continue
            if kind.teaches and not _teaches(line, self._order.text):
                continue
            yield line


@dataclass(frozen=True)
class Selection:
    """All that an order takes along. title: what it is called, for files and headings."""

    title: str
    documents: tuple[DocumentPages, ...]

    @property
    def pages(self) -> int:
        """How many pages there are."""
        return sum(len(document) for document in self.documents)


def select_pages(
    store: storage.Store, order: ExportOrder, page_done: Callable[[], None] = lambda: None
) -> Selection:
    """Return the pages that the order names.

    Raises: StorageError for what is not there, ExchangeError where there is no page to export.
    """

    def pages(document: storage.Document, page_ids: Sequence[int]) -> DocumentPages:
        return DocumentPages(store, order, document, page_ids, page_done)

    if order.scope in ("line", "page"):
        page_id = order.number
        if order.scope == "line":
            page_id = storage.line_text(store, order.number).line.page_id
        document = storage.document(store, storage.page(store, page_id).document_id)
        place = storage.page_neighbours(store, page_id)[2]
        title = f"{document.title}, page {place}"
        if order.scope == "line":
            line_order = storage.line_order(store, page_id)
            if order.number not in line_order:
                raise ExchangeError(f"Line {order.number} was removed; it cannot be exported.")
            title += f", line {line_order.index(order.number) + 1}"
        return Selection(title, (pages(document, [page_id]),))
    if order.scope == "document":
        documents = [storage.document(store, order.number)]
        title = documents[0].title
    else:
        documents = sorted(
            (summary.document for summary in storage.documents(store)), key=lambda one: one.id
        )
        title = "Library"
    if order.scope == "project":
        documents = [document for document in documents if document.project == order.project]
        title = order.project
    found = [
        pages(document, [summary.page.id for summary in storage.pages_of(store, document.id)])
        for document in documents
    ]
    filled = tuple(document for document in found if len(document))
    if not filled:
        raise ExchangeError(f"There is no page to export in “{title}”. Add pages first.")
    return Selection(title, filled)


def _teaches(line: storage.LineText, text: str) -> bool:
    """Return whether a line is one to learn from: a person vouches for it, or nobody has to."""
    by_person = line.status in ("corrected", "confirmed")
    return by_person if text == "human" else bool(line.text.strip())
