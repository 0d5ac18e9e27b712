"""Memory of the app while it reads: what it takes at most, and whether it grows from page to page.

The app runs in a process of its own over a data folder in which drawn pages wait. Its memory is
looked at whenever another tenth of them is read (Linux).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import storage
from benchmarks.app_process import free_port, start_app
from segmentation.images import encode_page, thumbnail
from synthesis.page import draw_page
from synthesis.settings import PageSettings

DRAWN = 5  # different pages, which come again and again
LOOK_S = 0.5
MB = 1e6


@dataclass(frozen=True)
class Look:
    """The app after so many pages. now_mb: its memory; peak_mb: the most it had; cpu_s: so far."""

    pages: int
    now_mb: float
    peak_mb: float
    cpu_s: float


def prepare(data_dir: Path, pages: int, lines: int, width_px: int, height_px: int) -> None:
    """Fill a data folder with pages that wait to be read."""
    settings = PageSettings(width_px=width_px, height_px=height_px, line_count=lines, letter=False)
    drawn = [draw_page(seed, settings=settings).pixels for seed in range(min(DRAWN, pages))]
    files = [(encode_page(pixels, lossless=False), thumbnail(pixels)) for pixels in drawn]
    with storage.open_store(data_dir) as store:
        document = storage.add_document(store, "Pages to read")
        for number in range(pages):
            (data, suffix), small = files[number % len(files)]
            with storage.write(store):
                page = storage.add_page(
                    store,
                    document.id,
                    f"{number}.{suffix}",
                    data,
                    suffix,
                    width_px,
                    height_px,
                    small,
                )
                storage.queue_reading(store, page.id)


def watch(data_dir: Path, pid: int, pages: int, limit_s: float) -> list[Look]:
    """Return the looks at the app, the first before it reads, the last when all is read.

    Raises SystemExit where a page fails, or where nothing was read for so long.
    """
    looks = [look(pid, 0)]
    heard_s = time.monotonic()
    last = 0
    with storage.open_store(data_dir, check=False) as store:
        while last < pages:
            time.sleep(LOOK_S)
            done = storage.documents(store)[0]
            if done.pages_failed:
                raise SystemExit(f"{done.pages_failed} pages could not be read.")
            read = done.pages - done.pages_waiting
            if read > last:
                last, heard_s = read, time.monotonic()
            if read * 10 // pages > looks[-1].pages * 10 // pages:
                looks.append(look(pid, read))
            if time.monotonic() - heard_s > limit_s:
                raise SystemExit(f"No page was read for {limit_s:.0f} s; {read} were.")
    return looks


def look(pid: int, pages: int) -> Look:
    """Return what the system says of a process now."""
    rows = (row.split(":") for row in Path(f"/proc/{pid}/status").read_text().splitlines())
    status = {name: value.split() for name, value in (row[:2] for row in rows)}
    times = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    ticks = int(times[11]) + int(times[12])
    now_mb, peak_mb = (int(status[name][0]) * 1024 / MB for name in ("VmRSS", "VmHWM"))
    return Look(pages, now_mb, peak_mb, ticks / os.sysconf("SC_CLK_TCK"))


def table(looks: Sequence[Look]) -> str:
    """Return the looks as a table."""
    rows = ["| pages read | MB | MB at most | CPU s a page |", "|---|---|---|---|"]
    before = looks[0]
    for one in looks:
        pages = one.pages - before.pages
        cpu = f"{(one.cpu_s - before.cpu_s) / pages:.2f}" if pages else "-"
        rows.append(f"| {one.pages:,} | {one.now_mb:,.0f} | {one.peak_mb:,.0f} | {cpu} |")
        before = one
    return "\n".join(rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table and write the figures; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__)
    parser.add_argument("--pages", type=int, default=100, help="to read (100)")
    parser.add_argument("--lines", type=int, default=30, help="of a page (30)")
    parser.add_argument("--width", type=int, default=1700, help="of a page in px (1700)")
    parser.add_argument("--height", type=int, default=2400, help="of a page in px (2400)")
    parser.add_argument("--limit", type=float, default=600.0, help="seconds without a page (600)")
    parser.add_argument("--out", type=Path, help="folder for the figures as JSON")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        data_dir = Path(folder) / "data"
        prepare(data_dir, options.pages, options.lines, options.width, options.height)
        app = start_app(data_dir, free_port(), Path(folder) / "app.log")
        try:
            looks = watch(data_dir, app.pid, options.pages, options.limit)
        finally:
            app.terminate()
            app.wait()
    print(table(looks))
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        values = [asdict(one) for one in looks]
        (options.out / f"{options.pages}.json").write_text(json.dumps(values), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
