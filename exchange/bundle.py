"""Pages with their images -> one zip archive that other programs take in, page after page.

Images stand beside the first kind of layout, as kraken and eScriptorium want it, or each kind of
layout in a folder of its own, as Transkribus does; a `mets.xml` says what belongs together. Each
layout names its image as it is called in the archive. One page is in memory at a time.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import IO

from exchange.alto_output import write_alto
from exchange.errors import ExchangeError
from exchange.file_names import safe_stem, split_ending, unused
from exchange.mets import write_mets
from exchange.page_xml_output import write_page_xml
from exchange.records import PageDocument
from exchange.zip_output import add_file, file_info

LAYOUTS = {"page": write_page_xml, "alto": write_alto}


def write_bundle(
    out: IO[bytes],
    pages: Iterable[tuple[PageDocument, Path | None]],
    title: str,
    now: datetime,
    layouts: Sequence[str] = ("page",),
    in_folders: bool = False,
    proceed: Callable[[int], bool] = lambda done: True,
) -> int:
    """Return how many pages were written into a zip archive.

    pages: each with the file of its image, None to leave the image out. layouts: of LAYOUTS.
    in_folders: whether the first kind of layout, too, stands in a folder of its own.
    proceed: called with the number of pages done after each; False stops, and the archive holds
    what was done so far.

    Raises: ExchangeError for an unknown layout, an image that cannot be read, or a page that is
    not measured in pixels.
    """
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        return add_bundle(archive, "", pages, title, now, layouts, in_folders, proceed)


def add_bundle(
    archive: zipfile.ZipFile,
    folder: str,
    pages: Iterable[tuple[PageDocument, Path | None]],
    title: str,
    now: datetime,
    layouts: Sequence[str] = ("page",),
    in_folders: bool = False,
    proceed: Callable[[int], bool] = lambda done: True,
) -> int:
    """Return how many pages were put into a folder of an archive; as `write_bundle` for the rest.

    folder: with a slash at its end, "" for none.
    """
    unknown = [layout for layout in layouts if layout not in LAYOUTS]
    if unknown:
        raise ExchangeError(f"There is no layout {unknown[0]!r}; choose of {', '.join(LAYOUTS)}.")
    listed: list[tuple[str, list[str]]] = []
    taken = {"mets"}
    for page, image in pages:
        stem, ending = image_name(page.image_name, image.suffix.lstrip(".") if image else "", taken)
        named = replace(page, image_name=stem + ending)
        files = []
        if image is not None:
            files.append(stem + ending)
            add_image(archive, folder + files[-1], image, now)
        for layout in layouts:
            inner = f"{layout}/" if in_folders or layout != layouts[0] else ""
            files.append(f"{inner}{stem}.xml")
            add_file(archive, folder + files[-1], LAYOUTS[layout](named, now), now)
        listed.append((page.image_name, files))
        if not proceed(len(listed)):
            break
    add_file(archive, f"{folder}mets.xml", write_mets(title, listed, now), now)
    return len(listed)


def image_name(name: str, suffix: str, taken: set[str]) -> tuple[str, str]:
    """Return stem and ending for a page's files, unlike those of all pages before.

    suffix: what the image file is, whatever it was called; "" where there is no file.
    """
    stem, ending = split_ending(name)
    ending = suffix or ending
    return unused(safe_stem(stem), taken), f".{ending}" if ending else ""


def add_image(archive: zipfile.ZipFile, name: str, image: Path, now: datetime) -> None:
    """Copy an image, piece by piece; it is compressed already."""
    try:
        with image.open("rb") as source:
            info = file_info(name, now, zipfile.ZIP_STORED)
            info.file_size = image.stat().st_size  # so that a large one gets the large format
            with archive.open(info, "w") as target:
                while piece := source.read(1 << 20):
                    target.write(piece)
    except OSError as error:
        raise ExchangeError(f"The image for {name} cannot be read: {error}.") from error
