"""Segment the pages of a zip and write what was found, for the scorer of baselines.

python -m benchmarks.segmentation_predictions PAGES.zip OUT.jsonl --method opencv|network
python -m benchmarks.segmentation_predictions PAGES.zip OUT.jsonl --weights OTHER.safetensors

Lines that were set aside are rows of their own, "aside", which the scorer leaves out.
"""

from __future__ import annotations

import argparse
import json
import time
import zipfile
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from segmentation import METHODS, Line, decode_page, segment
from segmentation.lines import ASIDE
from segmentation.network import segment_with_network
from segmentation.unet import load_segmenter


def main() -> None:
    """Segment every page of PAGES.zip, write one row a page, print the seconds a page."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("pages", type=Path, metavar="PAGES.zip")
    parser.add_argument("predictions", type=Path, metavar="OUT.jsonl")
    parser.add_argument("--method", choices=METHODS, default="auto")
    parser.add_argument("--scale", type=float, default=1.0, help="resize the pages beforehand")
    parser.add_argument("--limit", type=int, help="only so many pages")
    parser.add_argument("--source", action="append", help="only pages of this source; repeatable")
    parser.add_argument("--weights", type=Path, help="other weights of the network")
    arguments = parser.parse_args()
    if arguments.weights:
        find = partial(segment_with_network, network=load_segmenter(arguments.weights))
    else:
        find = partial(segment, method=arguments.method)

    seconds = []
    with zipfile.ZipFile(arguments.pages) as archive, arguments.predictions.open("w") as out:
        truth = archive.read("pages.jsonl").decode("utf-8").splitlines()
        pages = [json.loads(row) for row in truth][: arguments.limit]
        chosen = arguments.source or {page["source"] for page in pages}
        names = [page["file"] for page in pages if page["source"] in chosen]
        for name in names:
            page = _scaled(decode_page(archive.read(name)), arguments.scale)
            start = time.perf_counter()
            lines = find(page)
            seconds.append(time.perf_counter() - start)
            own = [_row(line, arguments.scale) for line in lines if line.kind != ASIDE]
            aside = [_row(line, arguments.scale) for line in lines if line.kind == ASIDE]
            out.write(json.dumps({"file": name, "lines": own, "aside": aside}) + "\n")
    print(
        f"{arguments.weights or arguments.method}: {len(seconds)} pages, "
        f"{np.mean(seconds):.3f} s a page (longest {max(seconds):.3f} s)"
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
