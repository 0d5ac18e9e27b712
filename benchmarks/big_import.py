"""A large project in, out, and in again: how long, how much memory, and what is lost.

`python -m benchmarks.big_import --pages 1000` draws a project, imports it by the command line,
exports it, imports that into another data folder and compares both. Each step is a process of its
own, whose peak memory the system tells.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np

import storage
from exchange import PageDocument, Region, TextLine, page_document, write_bundle

WIDTH, HEIGHT = 1500, 2100
LINES = 30


@dataclass(frozen=True)
class Step:
    """What one command took. peak_mb: its largest resident memory."""

    name: str
    seconds: float
    peak_mb: float


def main(arguments: list[str] | None = None) -> int:
    """Return 0 if nothing was lost on the way."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pages", type=int, default=1000)
    parser.add_argument("--layout", choices=("page", "alto"), default="page")
    parser.add_argument("--folder", type=Path, help="where to work (a temporary folder)")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(dir=options.folder) as made:
        folder = Path(made)
        project = folder / "project.zip"
        draw_project(project, options.pages, options.layout)
        size_mb = project.stat().st_size / 1e6
        one, two, out = folder / "one", folder / "two", folder / "out.zip"
        wish = ["--text-by", "human", "--no-reading"]
        steps = [
            run("import", ["import", str(project), "--data", str(one), *wish]),
            run("export", ["export", "--data", str(one), "--document", "1", "--format",
                           options.layout, "--images", "--out", str(out)]),
            run("import again", ["import", str(out), "--data", str(two), *wish]),
            run("backup", ["backup", str(folder / "all.zip"), "--data", str(one)]),
            run("restore", ["restore", str(folder / "all.zip"), "--data", str(folder / "three")]),
        ]  # fmt: skip
        lost = differences(one, two)
    print(f"{options.pages:,} pages with {LINES} lines, {options.layout}, {size_mb:,.0f} MB zip")
    for step in steps:
        print(f"{step.name:<14} {step.seconds:8.1f} s  peak {step.peak_mb:6,.0f} MB")
    print(f"differences after the way out and in again: {lost}")
    return 1 if lost else 0


def draw_project(target: Path, pages: int, layout: str) -> None:
    """Write a project of pages with noise for images, each another."""
    with tempfile.TemporaryDirectory(dir=target.parent) as folder, target.open("wb") as out:
        image = Path(folder) / "image.jpg"

        def described() -> object:
            rng = np.random.default_rng(1)
            for number in range(1, pages + 1):
                small = rng.integers(190, 255, (HEIGHT // 10, WIDTH // 10), np.uint8)
                cv2.imwrite(str(image), cv2.resize(small, (WIDTH, HEIGHT)))
                yield _page(number), image

        write_bundle(out, described(), "A large project", datetime.now(UTC), (layout,))  # type: ignore[arg-type]


def run(name: str, arguments: list[str]) -> Step:
    """Return what a command of the app took."""
    before = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "htr", *arguments], stdout=subprocess.DEVNULL, env={**os.environ}
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{name} failed")
    kilobytes = usage.ru_maxrss if sys.platform != "darwin" else usage.ru_maxrss / 1024
    assert isinstance(usage, resource.struct_rusage)
    return Step(name, time.monotonic() - before, kilobytes / 1000)


def differences(one: Path, two: Path) -> int:
    """Return on how many pages two data folders differ in image, layout or text."""
    with storage.open_store(one) as left, storage.open_store(two) as right:
        pages = [_pages(store) for store in (left, right)]
        found = abs(len(pages[0]) - len(pages[1]))
        for first, second in zip(*pages, strict=False):
            same = first.sha256 == second.sha256 and _said(left, first) == _said(right, second)
            found += not same
    return found


def _pages(store: storage.Store) -> list[storage.Page]:
    return [
        page.page
        for document in storage.documents(store)
        for page in storage.pages_of(store, document.document.id)
    ]


def _said(store: storage.Store, page: storage.Page) -> tuple[object, ...]:
    document = page_document(
        page, storage.lines_of(store, page.id), origin=storage.page_origin(store, page.id)
    )
    return document.regions, document.lines


def _page(number: int) -> PageDocument:
    corners = ((50.0, 50.0), (WIDTH - 50.0, 50.0), (WIDTH - 50.0, HEIGHT - 50.0),
               (50.0, HEIGHT - 50.0))  # fmt: skip
    lines = []
    for index in range(LINES):
        y = 100.0 + 65 * index
        outline = ((60.0, y - 45), (1440.0, y - 40), (1440.0, y + 18), (60.0, y + 15))
        text = f"page {number} line {index} of a letter about œuvres, 1692"
        lines.append(TextLine(f"l{index}", ((60.0, y), (700.0, y + 2), (1440.0, y + 4)), outline,
                              text, kind="DefaultLine", region_id="r"))  # fmt: skip
    return PageDocument(
        f"scan {number:04}.jpg", WIDTH, HEIGHT, tuple(lines), (Region("r", corners, "MainZone"),)
    )


if __name__ == "__main__":
    sys.exit(main())
