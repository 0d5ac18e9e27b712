"""Page files on disk -> a text and a JSON file for every page: `python -m htr recognize`."""

from __future__ import annotations

import errno
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from htr.errors import RecognitionError
from htr.pipeline import ReadLine, read_page
from segmentation import SegmentationError
from segmentation.images import PageImage, read_pages
from segmentation.limits import ImageLimits

if TYPE_CHECKING:
    from htr.recognizer import Recognizer


def read_files(
    paths: Sequence[Path],
    folder: Path,
    recognizer: Recognizer,
    method: str,
    tell: Callable[[str], None],
    fail: Callable[[str], None],
) -> int:
    """Return how many files and pages failed, after writing what could be read to `folder`.

    Every page gives NAME.txt and NAME.json; the pages of a file with several are numbered, as in
    NAME-0001.txt. tell, fail: called with one message for a finished page and for a failure.

    Raises RecognitionError when the folder cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RecognitionError(
            f"The folder {folder} cannot be made: {error.strerror or error}. Choose another."
        ) from error
    failures = 0
    used: set[str] = set()
    for path in paths:
        stem = _free_name(path.stem, used)
        try:
            for name, page in _named_pages(path, stem):
                failures += not _read_one(path, name, page, folder, recognizer, method, tell, fail)
        except (OSError, SegmentationError) as error:
            reason = (error.strerror if isinstance(error, OSError) else None) or error
            fail(f"{path}: {reason}")
            failures += 1
    return failures


def page_json(page: PageImage, lines: Sequence[ReadLine], model: str) -> dict[str, Any]:
    """Return a read page as JSON values: geometry in px of the page image, spans of the crop."""
    height_px, width_px = page.pixels.shape[:2]
    return {
        "source": page.source_name,
        "index": page.index,
        "width_px": width_px,
        "height_px": height_px,
        "model": model,
        "lines": [
            {
                **asdict(read.line),
                "text": read.transcript.text,
                "confidence": round(read.transcript.confidence, 4),
                "crop_width_px": read.crop_width_px,
                "characters": [
                    {
                        "text": character.text,
                        "confidence": round(character.confidence, 4),
                        "start_px": round(character.start_px, 1),
                        "end_px": round(character.end_px, 1),
                    }
                    for character in read.transcript.characters
                ],
            }
            for read in lines
        ],
    }


def _read_one(
    path: Path,
    name: str,
    page: PageImage,
    folder: Path,
    recognizer: Recognizer,
    method: str,
    tell: Callable[[str], None],
    fail: Callable[[str], None],
) -> bool:
    """Return whether the page could be read and written."""
    start = time.perf_counter()
    try:
        lines = read_page(page.pixels, recognizer, method)
        text = "".join(read.transcript.text + "\n" for read in lines)
        described = page_json(page, lines, recognizer.name)
        (folder / f"{name}.txt").write_text(text, encoding="utf-8")
        (folder / f"{name}.json").write_text(
            json.dumps(described, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
        )
    except (OSError, SegmentationError, RecognitionError) as error:
        fail(f"{path}, page {page.index + 1}: {error}")
        return False
    seconds = time.perf_counter() - start
    tell(f"{path}, page {page.index + 1}: {len(lines)} lines in {seconds:.1f} s -> {name}.txt")
    for note in page.notes:
        tell(f"{path}, page {page.index + 1}: {note}")
    return True


def _named_pages(path: Path, stem: str) -> Iterator[tuple[str, PageImage]]:
    """Yield the pages of a file with the name of their output, one page in memory at a time."""
    if not path.is_file():
        raise FileNotFoundError(errno.ENOENT, "no such file")
    limits = ImageLimits()
    with path.open("rb") as file:
        data = file.read(limits.max_file_bytes + 1)  # enough for the message on its size
    for page in read_pages(data, path.name, limits):
        yield (f"{stem}-{page.index + 1:04d}" if page.total > 1 else stem), page


def _free_name(stem: str, used: set[str]) -> str:
    """Return the stem, numbered if files of that name were given before from other folders."""
    name, number = stem, 1
    while name.casefold() in used:
        number += 1
        name = f"{stem}_{number}"
    used.add(name.casefold())
    return name
