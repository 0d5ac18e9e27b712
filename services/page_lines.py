"""Pages with PAGE or ALTO beside their images -> a set of their lines, to train on."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from exchange import ExchangeError, fit_to_image, new_texts, plan_import, read_page
from exchange.line_set import SetLine, write_line_set
from exchange.pairing import Pair
from exchange.upload import Upload
from exchange.xml_input import MAX_BYTES, base_name
from segmentation.lines import SegmentationError
from services.export_lines import OWN_SIZE_PX
from services.import_work import files_of
from training.errors import TrainingError
from training.pretrain_lines import source_facts

MAX_IMAGE_BYTES = 500_000_000
# Archives say when their files were written; a set of the same pages is the same to the byte.
WRITTEN = datetime(1980, 1, 1, tzinfo=UTC)
LEARNED = ("corrected", "confirmed")  # states of lines; none in the files of others
LABELS = "labels.jsonl"
IMAGES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff")


def line_set_of(source: Path, folder: Path, tell: Callable[[str], None]) -> Path:
    """Return the source; in place of pages with their layouts the set of their lines.

    folder: where the lines are cut out into, once for the same pages. tell: called with one
    sentence now and then.

    Raises: TrainingError where the source is not there or no line of its pages can be used.
    """
    if not holds_pages(source):
        return source
    digest = str(source_facts([source])[0]["sha256"])
    target = folder / f"{source.stem}-{digest[:12]}.zip"
    if target.exists():
        return target
    tell(f"cutting the lines of {source.name} out of their pages")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lines = cut_pages(source, target, tell)
    except (ExchangeError, OSError) as error:
        raise TrainingError(str(error)) from error
    tell(f"{lines:,} lines are in {target}")
    return target


def holds_pages(source: Path) -> bool:
    """Return whether a folder or zip archive is one of pages with their layouts, not of lines.

    It has XML files, and neither labels.jsonl nor images with a text beside them.
    """
    names = _names(source)
    if not any(name.lower().endswith(".xml") for name in names):
        return False
    if any(base_name(name) == LABELS for name in names):
        return False
    texts = {name.partition(".")[0] for name in names if name.lower().endswith(".txt")}
    images = {name.partition(".")[0] for name in names if name.lower().endswith(IMAGES)}
    return not texts & images


def cut_pages(source: Path, target: Path, tell: Callable[[str], None]) -> int:
    """Return how many lines with text were cut out of the pages of a source into a line set.

    Lines are cut as the app cuts them, and only those with text. target: the zip archive to
    write, whole or not at all. tell: called for what cannot be used, and why.

    Raises: ExchangeError where the source holds no line with text, OSError.
    """
    fresh = target.with_name(target.name + ".part")
    try:
        with Upload(files_of([source]), source.name) as upload:
            found = plan_import(upload)
            for problem in found.problems:
                tell(problem)
            pairs = [pair for pair in found.pages if pair.layout]
            with fresh.open("wb") as out:
                count = write_line_set(out, _lines(upload, pairs, tell), "labels", WRITTEN)
        if not count:
            raise ExchangeError(
                f"None of the {len(pairs):,} pages with a layout in {source.name} has a line "
                "with text that could be cut out."
            )
        os.replace(fresh, target)
    finally:
        fresh.unlink(missing_ok=True)
    return count


def _lines(upload: Upload, pairs: list[Pair], tell: Callable[[str], None]) -> Iterator[SetLine]:
    """Yield the lines of pages in order; one page is in memory at a time."""
    for pair in pairs:
        try:
            yield from _lines_of_page(upload, pair, tell)
        except (ExchangeError, SegmentationError) as error:
            tell(f"{pair.layout}: {error}")


def _lines_of_page(upload: Upload, pair: Pair, tell: Callable[[str], None]) -> Iterator[SetLine]:
    from segmentation.crops import crop_line
    from segmentation.images import ImageLimits, encode_line, read_pages

    if not pair.image:
        raise ExchangeError("its image is not there. Put it beside the file.")
    layout = read_page(upload.read(pair.layout, MAX_BYTES), pair.layout)
    if not any(line.text.strip() for line in layout.lines):
        return
    limits = ImageLimits(max_file_bytes=MAX_IMAGE_BYTES)
    pixels = next(read_pages(upload.read(pair.image, MAX_IMAGE_BYTES), pair.image, limits)).pixels
    fitted = fit_to_image(layout, pixels.shape[1], pixels.shape[0])
    for number, new in enumerate(new_texts(fitted, "human"), start=1):
        if new.text is None or new.status not in LEARNED:
            continue
        try:
            crop = crop_line(pixels, new.line.baseline, new.line.spacing_px, *OWN_SIZE_PX)
        except SegmentationError as error:
            tell(f"{pair.layout}, line {number}: {error}")
            continue
        yield SetLine(encode_line(crop), new.text, pair.image, upload.name)


def _names(source: Path) -> list[str]:
    if source.is_dir():
        return [name for name, _ in files_of([source])]
    if source.suffix.lower() == ".zip" and zipfile.is_zipfile(source):
        with zipfile.ZipFile(source) as archive:
            return archive.namelist()
    return []
