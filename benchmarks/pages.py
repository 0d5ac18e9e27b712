"""Archives of pages with true lines: a zip of images and `pages.jsonl`, as the benchmarks read it.

A row of `pages.jsonl`: {file, source, lines: [{baseline: [[x, y], ...], spacing, text}]}, in
pixels of the image `file`, lines in reading order.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROWS = "pages.jsonl"


class BenchmarkError(Exception):
    """Something that a benchmark cannot measure with; the message says what to do."""


@dataclass(frozen=True)
class TrueLine:
    """A line as a person drew it: baseline in px, spacing, and text ("" if not transcribed)."""

    baseline: tuple[tuple[float, float], ...]
    spacing_px: float
    text: str = ""


@dataclass(frozen=True)
class TruePage:
    """A page of an archive: the name of its image in there, its source and its lines."""

    file: str
    source: str
    lines: tuple[TrueLine, ...]


def read_truth(archive: Path) -> list[TruePage]:
    """Return the pages of the archive in its order, without their images.

    Raises: BenchmarkError for a file that is no such archive.
    """
    try:
        with zipfile.ZipFile(archive) as members:
            rows = members.read(ROWS).decode("utf-8").splitlines()
        return [_page(json.loads(row)) for row in rows if row.strip()]
    except (OSError, zipfile.BadZipFile, KeyError, TypeError, ValueError) as error:
        raise BenchmarkError(
            f"{archive} is no archive of pages ({error!r}). Expected a zip with {ROWS}, one "
            "{file, source, lines: [{baseline, spacing, text}]} a row. See benchmarks/README.md."
        ) from error


def spread(pages: Sequence[TruePage], count: int | None) -> list[TruePage]:
    """Return `count` of the pages, spread evenly over the archive; all of them for None.

    Archives are sorted by source, so the first pages would be of one source.
    """
    if count is None or count >= len(pages):
        return list(pages)
    return [pages[(2 * k + 1) * len(pages) // (2 * count)] for k in range(count)]


def _page(row: dict) -> TruePage:
    lines = tuple(
        TrueLine(
            tuple((float(x), float(y)) for x, y in line["baseline"]),
            float(line["spacing"]),
            str(line.get("text") or ""),
        )
        for line in row["lines"]
    )
    return TruePage(str(row["file"]), str(row.get("source", "")), lines)
