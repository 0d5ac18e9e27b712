"""Planned pages put into the database, one after the other: each wholly or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Protocol

import storage
from exchange import ExchangeError, PageDocument, fit_to_image, new_texts, origin_of, read_page
from exchange.xml_input import MAX_BYTES, base_name
from segmentation.lines import SegmentationError
from services.import_plan import PlannedDocument, PlannedLine, PlannedPage
from services.rereading import KEEP_LINES

if TYPE_CHECKING:
    from segmentation.images import ImageLimits, PageImage

ABOVE, BELOW, BESIDE = 0.80, 0.36, 0.25  # of the line spacing, as lines are cut from pages


class Images(Protocol):
    """Where the images and layouts of a plan are read from."""

    def read(self, name: str, limit_bytes: int) -> bytes:
        """Return the bytes of a file; raise ExchangeError if unreadable or too large."""

    def table_lines(self, name: str, first: int) -> Iterator[tuple[bytes, str]]:
        """Yield image and text of the lines of a table, from the number `first` on."""


@dataclass
class Taken:
    """What became of one item of a plan, or of the next page of one.

    page_ids: new pages. known_ids: pages that were there and have other lines now. problems: what
    is missing in the data folder now. notes: what was guessed or mended. whole: whether the item
    is at its end with this.
    """

    page_ids: list[int] = field(default_factory=list)
    known_ids: list[int] = field(default_factory=list)
    lines: int = 0
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    whole: bool = True


@dataclass(frozen=True)
class ImportWish:
    """How a person wants the pages of an import to be taken in.

    by: who wrote the text, "human" or "machine"; files cannot tell. read: whether pages and lines
    without text are to be read by the model in use. author: who signs.
    """

    by: str
    read: bool
    author: str


class PageTaker:
    """Takes the items of a plan into a data folder."""

    def __init__(
        self, store: storage.Store, source: Images, wish: ImportWish, limits: ImageLimits
    ) -> None:
        """Take items from `source` as `wish` says; images within `limits`."""
        self._store = store
        self._source = source
        self._wish = wish
        self._limits = limits

    def take(
        self,
        document: PlannedDocument,
        document_id: int,
        first: int,
        images_in: int,
        done: Callable[[Taken], None],
    ) -> None:
        """Take in a document from its item `first` on; the earlier ones are in.

        images_in: how many pages of the file of that item are in. done: called for each page
        inside the transaction that stores it.
        """
        for page in document.pages[first:]:
            self._page(document_id, page, images_in, done)
            images_in = 0
        first = max(0, first - len(document.pages))
        for line in document.lines[first:]:
            self._line(document_id, line, partial(self._image, line.image), done)
        first = max(0, first - len(document.lines))
        for name, rows in document.tables:
            if first < rows:
                self._table(document_id, name, first, done)
            first = max(0, first - rows)

    def _page(
        self,
        document_id: int,
        planned: PlannedPage,
        images_in: int,
        done: Callable[[Taken], None],
    ) -> None:
        taken = Taken()
        # A layout is that of the first page of its file.
        layout = self._layout(planned, taken) if images_in == 0 else None
        if planned.page_id is not None:
            with storage.write(self._store):
                self._onto_known(planned, planned.page_id, layout, taken)
                done(taken)
            return
        problems: list[str] = []  # of the file
        images = self._images(planned.image, planned.name or base_name(planned.image), problems)
        image = next((one for one in images if one.index >= images_in), None)
        if image is None:
            with storage.write(self._store):
                taken.problems += problems
                done(taken)
        while image is not None:
            following = next(images, None)
            with storage.write(self._store):
                page = self._add_page(document_id, image)
                taken.page_ids.append(page.id)
                if layout is None or image.index > 0 or not self._put(page, layout, taken):
                    self._wait_or_rest(page)
                taken.whole = following is None
                taken.problems += problems
                done(taken)
            taken = Taken()
            image = following

    def _layout(self, planned: PlannedPage, taken: Taken) -> PageDocument | None:
        """Return the layout of a planned page; None where it has none that can be read."""
        if not planned.layout:
            return None
        try:
            layout = read_page(self._source.read(planned.layout, MAX_BYTES), planned.layout)
        except ExchangeError as error:
            taken.problems.append(str(error))
            return None
        taken.problems += [f"{planned.layout}: {loss}" for loss in layout.losses]
        return layout

    def _onto_known(
        self, planned: PlannedPage, page_id: int, layout: PageDocument | None, taken: Taken
    ) -> None:
        """Put a layout onto a page that is there already, unless somebody has worked on it."""
        page = storage.page(self._store, page_id)
        if layout is None:
            return
        if page.state in ("waiting", "reading"):
            taken.problems.append(
                f"{planned.layout}: page “{page.name}” is being read. Import it when that is done."
            )
        elif storage.is_touched(self._store, page_id):
            taken.problems.append(
                f"{planned.layout}: page “{page.name}” has lines that somebody corrected or drew, "
                "so it was left as it is. Import it into a new document."
            )
        elif self._put(page, layout, taken):
            taken.known_ids.append(page_id)

    def _put(self, page: storage.Page, layout: PageDocument, taken: Taken) -> bool:
        """Return whether the lines of a layout are on the page now; a problem says why not."""
        try:
            fitted = fit_to_image(layout, page.width_px, page.height_px)
            texts = new_texts(fitted, self._wish.by)
            with storage.write(self._store):
                line_ids = storage.put_imported(
                    self._store,
                    page.id,
                    [new.line for new in texts],
                    {
                        index: (new.text, new.status)
                        for index, new in enumerate(texts)
                        if new.text is not None
                    },
                    self._wish.author,
                )
                storage.put_origin(self._store, page.id, origin_of(fitted, line_ids))
        except (ExchangeError, storage.StorageError) as error:
            taken.problems.append(f"{page.name}: {error}")
            return False
        taken.lines += len(texts)
        taken.notes += [f"{page.name}: {note}" for note in fitted.notes]
        if self._wish.read and any(new.text is None and not new.line.reading for new in texts):
            storage.queue_reading(self._store, page.id, KEEP_LINES)
        return True

    def _images(self, name: str, shown: str, problems: list[str]) -> Iterator[PageImage]:
        """Yield the pages of an image file; what is wrong with it is put among the problems."""
        from segmentation.images import read_pages

        try:
            data = self._source.read(name, self._limits.max_file_bytes)
            yield from read_pages(data, shown, self._limits)
        except (ExchangeError, SegmentationError) as error:
            problems.append(str(error))

    def _add_page(self, document_id: int, image: PageImage) -> storage.Page:
        from segmentation.images import thumbnail

        return storage.add_page(
            self._store,
            document_id,
            image.source_name,
            image.encoded,
            image.suffix,
            image.pixels.shape[1],
            image.pixels.shape[0],
            thumbnail(image.pixels),
        )

    def _wait_or_rest(self, page: storage.Page) -> None:
        """Let a page without lines be read, if that is wanted; else it is ready as it is."""
        if self._wish.read:
            storage.queue_reading(self._store, page.id)
        else:
            storage.put_imported(self._store, page.id, [], {}, self._wish.author)

    def _image(self, name: str) -> bytes:
        return self._source.read(name, self._limits.max_file_bytes)

    def _table(
        self, document_id: int, name: str, first: int, done: Callable[[Taken], None]
    ) -> None:
        number = first
        for image, text in self._source.table_lines(name, first):
            number += 1
            line = PlannedLine(f"{base_name(name)} {number}", text, "", None)
            self._line(document_id, line, partial(bytes, image), done)

    def _line(
        self,
        document_id: int,
        line: PlannedLine,
        read: Callable[[], bytes],
        done: Callable[[Taken], None],
    ) -> None:
        """Take in the image of a line as a page with one line."""
        from segmentation.images import read_pages

        taken = Taken()
        image: PageImage | None = None
        try:
            image = next(read_pages(read(), base_name(line.image), self._limits))
        except (ExchangeError, SegmentationError) as error:
            taken.problems.append(str(error))
        with storage.write(self._store):
            if image is not None:
                page = self._add_page(document_id, image)
                taken.page_ids.append(page.id)
                if line.held_out is not None:
                    storage.pin_page(self._store, page.id, line.held_out)
                self._put_line(page, line, taken)
            done(taken)

    def _put_line(self, page: storage.Page, line: PlannedLine, taken: Taken) -> None:
        geometry = line_of_image(page.width_px, page.height_px)
        texts: dict[int, tuple[str, str]] = {}
        if line.text and self._wish.by == "human":
            texts = {0: (line.text, "corrected")}
        elif line.text:
            geometry = storage.NewLine(
                geometry.baseline,
                geometry.polygon,
                geometry.spacing_px,
                reading=storage.NewReading(line.text, 0.0),
            )
        try:
            storage.put_imported(self._store, page.id, [geometry], texts, self._wish.author)
        except storage.StorageError as error:
            taken.problems.append(f"{line.image}: its text cannot be kept: {error}")
            storage.put_imported(self._store, page.id, [geometry], {}, self._wish.author)
        taken.lines += 1


def line_of_image(width_px: int, height_px: int) -> storage.NewLine:
    """Return the line that fills an image, so that cutting it out gives the image again."""
    spacing_px = height_px / (ABOVE + BELOW)
    y = ABOVE * spacing_px - 0.5  # coordinates count from the middle of the first pixel
    left = BESIDE * spacing_px - 0.5
    right = width_px - 1 - left
    if right - left < 1:  # narrower than its margins
        left, right = 0.0, float(width_px)
    corners = ((0.0, 0.0), (float(width_px), 0.0),
               (float(width_px), float(height_px)), (0.0, float(height_px)))  # fmt: skip
    return storage.NewLine(((left, y), (right, y)), corners, spacing_px)


def take_back(store: storage.Store, taken: Taken, author: str) -> None:
    """Hide the pages that came in, and give pages that were there their earlier lines."""
    with storage.write(store):
        for page_id in taken.page_ids:
            storage.remove_page(store, page_id)
        for page_id in taken.known_ids:
            steps = storage.layout_steps(store, page_id)
            if steps.undo == "import":
                storage.undo_layout(store, page_id, author, steps.newest_id)
            else:
                for line_id in storage.line_order(store, page_id):
                    storage.remove_line(store, line_id)
