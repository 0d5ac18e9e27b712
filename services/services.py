"""What the screens ask of the app beyond the database: files in, line images out."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import storage
from segmentation import METHODS
from segmentation.lines import SegmentationError
from services.exporter import Exporter
from services.importer import Importer
from services.language_model import LanguageModel
from services.line_editor import LineEditor
from services.model_comparison import ModelComparer
from services.model_shelf import ModelShelf
from services.page_turner import turned_page
from services.progress import ProgressBook
from services.reader import PageReader
from services.rereading import queue_rereading
from services.search import LineSearch
from services.settings import Settings
from services.shipped_model import ready_model
from services.trainer import Trainer

CROP_HEIGHT_PX = 128  # twice the network's height: sharp on the desk, where the line is enlarged
CROP_MAX_WIDTH_PX = 2048
PAGES_IN_MEMORY = 3  # decoded pages kept for cutting line images: the open one and its neighbours
CROPS_IN_MEMORY = 1500


@dataclass(frozen=True)
class Upload:
    """What became of one uploaded file: the pages that are in, and what to say of the rest."""

    pages: tuple[storage.Page, ...]
    message: str


class Services:
    """The app without its screens: settings, database, the reader of waiting pages."""

    def __init__(self, settings: Settings, store: storage.Store) -> None:
        """Serve `store`; `open_services` also readies the model and starts the reader."""
        self.settings = settings
        self.store = store
        self.search = LineSearch(store)
        self.progress = ProgressBook(store)
        self.language = LanguageModel(store)
        self.reader = PageReader(settings, store, self.language)
        self.language.follow_models(lambda: self.build_language(use_if_it_helps=True))
        self._pages: OrderedDict[str, np.ndarray] = OrderedDict()
        self._crops: OrderedDict[tuple[int, str], bytes] = OrderedDict()
        self._lock = threading.Lock()
        self.line_editor = LineEditor(store, self.reader, self._pixels_of)
        self.model_shelf = ModelShelf(store)
        self.trainer = Trainer(settings, store, self.reader.wake)
        self.comparer = ModelComparer(settings, store, self.reader.turns, self._pixels_of)
        self.exporter = Exporter(store)
        self.importer = Importer(settings, store, self.reader.wake)

    def add_file(self, document_id: int, name: str, data: bytes) -> Upload:
        """Return the pages of an uploaded file, stored and waiting to be read.

        A damaged file gives the pages before the damage, and a message. Nothing is raised for a
        bad file; StorageError is, where the pages cannot be kept.
        """
        from segmentation.images import ImageLimits, read_pages, thumbnail

        limits = ImageLimits(max_file_bytes=self.settings.max_upload_mb * 1_000_000)
        pages: list[storage.Page] = []
        try:
            for image in read_pages(data, name, limits):
                page = storage.add_page(
                    self.store,
                    document_id,
                    image.source_name,
                    image.encoded,
                    image.suffix,
                    image.pixels.shape[1],
                    image.pixels.shape[0],
                    thumbnail(image.pixels),
                )
                storage.queue_reading(self.store, page.id)
                self.reader.wake()
                pages.append(page)
        except SegmentationError as error:
            return Upload(tuple(pages), str(error))
        return Upload(tuple(pages), "")

    def add_example(self) -> storage.Page:
        """Return the example's page, drawn by the app itself, in a document of its own."""
        from synthesis.example import encode_jpeg, example_page

        drawn = example_page()
        document = storage.add_document(self.store, drawn.title)
        upload = self.add_file(document.id, "example letter.jpg", encode_jpeg(drawn.pixels))
        return upload.pages[0]

    def read_again(self, page_id: int) -> None:
        """Queue a page to be segmented and read once more; what people wrote on it stays."""
        storage.queue_reading(self.store, page_id)
        self.reader.wake()

    def read_with_current(self, page_ids: Sequence[int]) -> list[int]:
        """Return the pages whose lines the model in use will read again.

        Lines and texts of people stay. Pages that wait to be read anyway are left out.
        """
        queued = queue_rereading(self.store, page_ids)
        self.reader.wake()
        return queued

    def go_on_reading(self) -> None:
        """Read on what waits, after a pause."""
        storage.go_on_reading(self.store)
        self.reader.wake()

    def read_failed(self, document_id: int) -> list[int]:
        """Return the pages of a document that could not be read and are tried once more.

        Those that have lines keep them.
        """
        failed = storage.failed_pages(self.store, document_id)
        with storage.write(self.store):  # all of them, or none
            for page_id in failed:
                if storage.line_order(self.store, page_id):
                    queue_rereading(self.store, [page_id])
                else:
                    storage.queue_reading(self.store, page_id)
        self.reader.wake()
        return failed

    def turn_pages(self, page_ids: Sequence[int], quarters: int, author: str) -> list[int]:
        """Return the pages, turned by quarters clockwise; lines nobody touched are found anew.

        Raises: StorageError, see `storage.turn_page`; the pages before that one are turned.
        """
        for page_id in page_ids:
            page = storage.page(self.store, page_id)
            turned_page(self.store, page, self._pixels_of(page), quarters, None, author)
            self.read_again(page_id)
        return list(page_ids)

    def cut_page(self, page_id: int, frame: tuple[int, int, int, int], author: str) -> None:
        """Cut the page down to the frame: left, top, right, bottom in pixels of its image.

        Raises: StorageError, see `storage.turn_page`.
        """
        page = storage.page(self.store, page_id)
        turned_page(self.store, page, self._pixels_of(page), 0, frame, author)

    def undo_turns(self, page_ids: Sequence[int], author: str) -> None:
        """Give pages the image back that they had before their last turn or cut.

        Raises: StorageError, see `storage.undo_turn`.
        """
        for page_id in page_ids:
            before = storage.page(self.store, page_id)
            after = storage.undo_turn(self.store, page_id, author)
            if before.state == "waiting" or before.width_px == after.height_px:
                self.read_again(page_id)  # its lines were, or would be, found on the turned image

    def build_language(self, use_if_it_helps: bool = False) -> None:
        """Begin to build the language model from what is corrected now.

        use_if_it_helps: see `LanguageModel.build`.

        Raises: StorageError where it is being built already.
        """
        self.language.build(self.reader, self._pixels_of, use_if_it_helps=use_if_it_helps)

    def read_with_language(self, on: bool) -> None:
        """Read with the language model from now on, or no more.

        Where there is none, or another model was in use or fewer lines corrected when it was built,
        it is built first, and then read with unless it was measured not to help.

        Raises: StorageError where it is being built already.
        """
        if on and not self.language.is_up_to_date():
            self.build_language(use_if_it_helps=True)
        else:
            self.language.switch(on)

    def segment_again(self, page_ids: Sequence[int], method: str, author: str) -> None:
        """Queue pages whose lines are to be found anew; what people corrected on them stays.

        method: of `segmentation.segment`.

        Raises: SegmentationError for a method that there is not.
        """
        if method not in METHODS:
            raise SegmentationError(
                f'There is no segmentation method "{method}"; choose one of {", ".join(METHODS)}.'
            )
        with storage.write(self.store):  # all of them, or none
            for page_id in page_ids:
                wish = {"segmentation": method, "author": author}
                storage.queue_reading(self.store, page_id, wish)
        self.reader.wake()

    def line_image(self, line: storage.Line) -> bytes:
        """Return the WebP image of a line, straightened, CROP_HEIGHT_PX high.

        Raises: SegmentationError where the line has no ink that can be cut out.
        """
        key = (line.id, line_version(line))
        with self._lock:
            if key in self._crops:
                self._crops.move_to_end(key)
                return self._crops[key]
        from segmentation.crops import crop_line
        from segmentation.images import encode_crop

        page = storage.page(self.store, line.page_id)
        crop = crop_line(
            self._pixels_of(page),
            line.baseline,
            line.spacing_px,
            height_px=CROP_HEIGHT_PX,
            max_width_px=CROP_MAX_WIDTH_PX,
        )
        image = encode_crop(crop)
        with self._lock:
            self._crops[key] = image
            while len(self._crops) > CROPS_IN_MEMORY:
                self._crops.popitem(last=False)
        return image

    def close(self) -> None:
        """Stop the reader and close the database."""
        self.exporter.stop()
        self.importer.stop()
        self.search.stop()
        self.comparer.stop()
        self.reader.stop()
        self.store.close()

    def _pixels_of(self, page: storage.Page) -> np.ndarray:
        return self._pixels(storage.page_image_path(self.store, page))

    def _pixels(self, path: Path) -> np.ndarray:
        from segmentation.images import decode_page

        with self._lock:  # held while decoding: thirty line images of a page decode it once
            if path.name not in self._pages:
                self._pages[path.name] = decode_page(path.read_bytes())
            self._pages.move_to_end(path.name)
            while len(self._pages) > PAGES_IN_MEMORY:
                self._pages.popitem(last=False)
            return self._pages[path.name]


def open_services(settings: Settings) -> Services:
    """Return the services over the data folder, with a model in place and the reader at work.

    Raises: StorageError where the folder or its database cannot be used.
    """
    store = storage.open_store(settings.data_dir)
    storage.remove_orphans(store)
    ready_model(store)
    services = Services(settings, store)
    services.reader.start()
    services.trainer.recover()
    services.comparer.start()
    services.exporter.start()
    services.importer.start()
    services.search.start()
    return services


def line_version(line: storage.Line) -> str:
    """Return a short name of the line's geometry: its image may be kept as long as this stays."""
    geometry = repr((line.baseline, line.spacing_px)).encode()
    return hashlib.blake2b(geometry, digest_size=6).hexdigest()
