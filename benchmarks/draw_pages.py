"""Draw what was found and what is true on the worst pages, to be looked at.

python -m benchmarks.draw_pages PAGES.zip FOUND.jsonl FOLDER [--count 10] [--score f1on]

FOUND.jsonl is what `benchmarks.segmentation --out` or `benchmarks.segmentation_predictions`
wrote. True baselines are green, missed ones thick and orange; found ones blue, spurious ones
thick and red, each with its number in reading order; those set aside are violet. Look at the
pictures, don't publish them.
"""

from __future__ import annotations

import argparse
import json
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from benchmarks.pages import BenchmarkError, TruePage, read_truth
from benchmarks.segmentation_score import HALF, PageScore, Polyline, overlap_of, score_page
from segmentation.encoding import decode_page

TRUE, MISSED, FOUND, SPURIOUS = (40, 150, 40), (240, 140, 0), (40, 80, 230), (220, 20, 20)  # RGB
SET_ASIDE = (160, 60, 200)
LONG_SIDE_PX = 1600


@dataclass(frozen=True)
class ScoredPage:
    """A page with what was found on it."""

    page: TruePage
    found: tuple[Polyline, ...]
    score: PageScore
    aside: tuple[Polyline, ...] = ()


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw the worst pages and list them; returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pages", type=Path, metavar="PAGES.zip")
    parser.add_argument("found", type=Path, metavar="FOUND.jsonl")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=10)
    parser.add_argument("--score", choices=("f1", "f1on", "recall", "precision"), default="f1on")
    options = parser.parse_args(arguments)
    try:
        worst = worst_pages(read_truth(options.pages), read_found(options.found), options.score)
    except BenchmarkError as error:
        print(error, file=sys.stderr)
        return 1
    options.folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(options.pages) as images:
        for rank, scored in enumerate(worst[: options.count], start=1):
            page, score = scored.page, scored.score
            picture = drawn(decode_page(images.read(page.file)), scored)
            name = f"{rank:02d}-{Path(page.file).with_suffix('.png').as_posix().replace('/', '-')}"
            cv2.imwrite(str(options.folder / name), picture[:, :, ::-1])
            print(
                f"{name}: F1 {score.f1:.3f}, F1on {score.f1on:.3f}, {score.lines} lines, "
                f"{score.found} found, {score.missed} missed, {score.spurious} spurious, "
                f"{score.split} split, {score.merged} merged"
            )
    return 0


def read_found(path: Path) -> dict[str, tuple[tuple[Polyline, ...], tuple[Polyline, ...]]]:
    """Return the baselines found on each page and those set aside there, by its file.

    Raises: BenchmarkError for a file that holds no such rows.
    """
    try:
        rows = [json.loads(row) for row in path.read_text(encoding="utf-8").splitlines()]
        return {
            row["file"]: (
                tuple(line["baseline"] for line in row["lines"]),
                tuple(line["baseline"] for line in row.get("aside", ())),
            )
            for row in rows
        }
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise BenchmarkError(
            f"{path} holds no found lines ({error!r}). Expected rows "
            "{file, lines: [{baseline}]} as `benchmarks.segmentation --out` writes them."
        ) from error


def worst_pages(
    pages: Sequence[TruePage],
    found: dict[str, tuple[tuple[Polyline, ...], tuple[Polyline, ...]]],
    by: str,
) -> list[ScoredPage]:
    """Return the pages that were segmented, the lowest of that score first."""
    scored = []
    for page in pages:
        if page.file in found:
            own, aside = found[page.file]
            scored.append(ScoredPage(page, own, score_page(page.lines, own), aside))
    return sorted(scored, key=lambda item: getattr(item.score, by))


def drawn(pixels: np.ndarray, scored: ScoredPage) -> np.ndarray:
    """Return the page in colour with its lines, uint8 (H, W, 3), at most LONG_SIDE_PX long."""
    scale = min(1.0, LONG_SIDE_PX / max(pixels.shape[:2]))
    picture = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    if picture.ndim == 2:
        picture = cv2.cvtColor(picture, cv2.COLOR_GRAY2RGB)
    missed, spurious = _faults(scored)
    for line, fault in zip(scored.page.lines, missed, strict=True):
        _draw(picture, line.baseline, scale, MISSED if fault else TRUE, 5 if fault else 2)
    for number, (points, fault) in enumerate(zip(scored.found, spurious, strict=True), start=1):
        colour = SPURIOUS if fault else FOUND
        _draw(picture, points, scale, colour, 4 if fault else 2)
        x, y = (round(float(value) * scale) for value in points[0])
        cv2.putText(picture, str(number), (x, y - 4), cv2.FONT_HERSHEY_SIMPLEX, 0.5, colour, 1)
    for points in scored.aside:
        _draw(picture, points, scale, SET_ASIDE, 2)
    return picture


def _faults(scored: ScoredPage) -> tuple[list[bool], list[bool]]:
    """Return which true lines are missed and which found ones spurious."""
    if not scored.page.lines or not scored.found:
        return [True] * len(scored.page.lines), [True] * len(scored.found)
    overlap = overlap_of(scored.page.lines, scored.found)
    return (overlap.union < HALF).tolist(), (overlap.on_any < HALF).tolist()


def _draw(
    picture: np.ndarray, points: Polyline, scale: float, colour: tuple[int, int, int], width: int
) -> None:
    path = np.round(np.asarray(points, float) * scale).astype(np.int32)
    cv2.polylines(picture, [path[:, None]], False, colour, width, cv2.LINE_AA)
    for end in (path[0], path[-1]):
        cv2.circle(picture, (int(end[0]), int(end[1])), 4, colour, -1, cv2.LINE_AA)


if __name__ == "__main__":
    sys.exit(main())
