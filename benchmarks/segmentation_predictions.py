"""Segment the pages of a zip and write what was found, for the scorer of baselines.

python -m benchmarks.segmentation_predictions PAGES.zip OUT.jsonl --method opencv|network

Lines that were set aside are rows of their own, "aside", which the scorer leaves out.
"""

from __future__ import annotations

import argparse
import json
import time
import zipfile
from pathlib import Path

import cv2
import numpy as np

from segmentation import METHODS, Line, decode_page, segment
from segmentation.lines import ASIDE


def main() -> None:
    """Segment every page of PAGES.zip, write one row a page, print the seconds a page."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("pages", type=Path, metavar="PAGES.zip")
    parser.add_argument("predictions", type=Path, metavar="OUT.jsonl")
    parser.add_argument("--method", choices=METHODS, default="auto")
    parser.add_argument("--scale", type=float, default=1.0, help="resize the pages beforehand")
    parser.add_argument("--limit", type=int, help="only so many pages")
    arguments = parser.parse_args()

    seconds = []
    with zipfile.ZipFile(arguments.pages) as archive, arguments.predictions.open("w") as out:
        truth = archive.read("pages.jsonl").decode("utf-8").splitlines()
        names = [json.loads(row)["file"] for row in truth][: arguments.limit]
        for name in names:
            page = _scaled(decode_page(archive.read(name)), arguments.scale)
            start = time.perf_counter()
            lines = segment(page, arguments.method)
            seconds.append(time.perf_counter() - start)
            own = [_row(line, arguments.scale) for line in lines if line.kind != ASIDE]
            aside = [_row(line, arguments.scale) for line in lines if line.kind == ASIDE]
            out.write(json.dumps({"file": name, "lines": own, "aside": aside}) + "\n")
    print(
        f"{arguments.method}: {len(seconds)} pages, {np.mean(seconds):.3f} s a page "
        f"(longest {max(seconds):.3f} s)"
    )


def _row(line: Line, scale: float) -> dict:
    baseline = [[x / scale, y / scale] for x, y in line.baseline]
    return {"baseline": baseline, "spacing": line.spacing_px / scale}


def _scaled(page: np.ndarray, scale: float) -> np.ndarray:
    if scale == 1.0:
        return page
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return cv2.resize(page, None, fx=scale, fy=scale, interpolation=way)


if __name__ == "__main__":
    main()
