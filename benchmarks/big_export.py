"""A large project out in every kind of file: how long, how large, how much memory.

`python -m benchmarks.big_export --pages 1000` makes a data folder of drawn pages and exports it by
the command line. Each export is a process of its own, whose peak memory the system tells.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import storage
from synthesis.example import encode_jpeg
from synthesis.page import draw_page
from synthesis.settings import PageSettings

WIDTH, HEIGHT, LINES = 1500, 2100, 30
FORMATS = ("txt", "docx", "tei", "page", "pdf", "hocr", "alto")
TEXT = "the quick brown fox jumps over the lazy dog and goes on its way"


def main(arguments: list[str] | None = None) -> int:
    """Return 0 after printing a row a format."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pages", type=int, default=1000)
    parser.add_argument("--formats", default=",".join(FORMATS))
    parser.add_argument("--folder", type=Path, help="where to work (a temporary folder)")
    options = parser.parse_args(arguments)
    print("| format | seconds | MB written | peak MB |\n|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory(dir=options.folder) as made:
        folder = Path(made)
        fill(folder / "data", options.pages)
        for name in options.formats.split(","):
            out = folder / "out"
            seconds, peak_mb = export(folder / "data", name, out)
            size_mb = out.stat().st_size / 1e6
            print(f"| {name} | {seconds:.0f} | {size_mb:.0f} | {peak_mb:.0f} |", flush=True)
            out.unlink()
    return 0


def fill(data_dir: Path, pages: int) -> None:
    """Make a data folder with one document of pages that share an image, all lines read."""
    drawn = draw_page(3, settings=PageSettings(width_px=WIDTH, height_px=HEIGHT, line_count=12))
    image = encode_jpeg(drawn.pixels)
    step = (WIDTH - 200) / len(TEXT)
    characters = tuple(
        storage.ReadCharacter(character, 0.9, number * step, (number + 1) * step)
        for number, character in enumerate(TEXT)
    )
    reading = storage.NewReading(TEXT, 0.9, characters, WIDTH - 200.0)
    lines = [
        storage.NewLine(((100.0, y), (WIDTH / 2, y + 5), (WIDTH - 100.0, y)), (), 60.0,
                        reading=reading)
        for y in (100.0 + 65 * number for number in range(LINES))
    ]  # fmt: skip
    with storage.open_store(data_dir) as store:
        model = storage.register_model(store, b"no weights", "drawn", sorted(set(TEXT)))
        document = storage.add_document(store, "Large")
        with storage.write(store):  # one transaction: a disk's sync a page would take minutes
            for number in range(pages):
                name = f"page {number + 1}.jpg"
                page = storage.add_page(store, document.id, name, image, "jpg", WIDTH, HEIGHT)
                storage.replace_lines(store, page.id, lines, model.id)


def export(data_dir: Path, name: str, out: Path) -> tuple[float, float]:
    """Return the seconds and the peak memory in MB of one export."""
    command = [sys.executable, "-m", "htr", "export", "--data", str(data_dir), "--format", name]
    images = ["--images"] if name in ("page", "alto") else []
    started_s = time.monotonic()
    process = subprocess.Popen([*command, *images, "--out", str(out)], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"the export of {name} failed")
    return time.monotonic() - started_s, usage.ru_maxrss / 1000


if __name__ == "__main__":
    sys.exit(main())
