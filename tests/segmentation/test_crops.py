"""Line crops: geometry on drawn pages, and likeness to packed strips of real ones."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from segmentation.crops import crop_line
from segmentation.encoding import decode_page
from segmentation.lines import MAX_CROP_WIDTH_PX, SegmentationError


def ruled_page(height: int = 300, width: int = 600) -> np.ndarray:
    """A white page with a dark bar from y = 140 to 150, over x = 100 to 500."""
    page = np.full((height, width), 255, np.uint8)
    page[140:150, 100:500] = 0
    return page


def test_crop_reaches_from_080_above_to_036_below_the_baseline() -> None:
    # whole numbers are the middles of pixels, so the bar's edges lie at halves
    crop = crop_line(ruled_page(), [(99.5, 149.5), (499.5, 149.5)], 100.0, height_px=116)
    assert crop.shape == (116, 450)  # 400 px and a quarter spacing beyond both ends, scale 1
    dark = np.flatnonzero(crop[:, 225] < 128)
    assert (dark[0], dark[-1]) == (70, 79)  # the bar ends at the baseline, 80 px from the top
    columns = np.flatnonzero(crop[75] < 128)
    assert (columns[0], columns[-1]) == (25, 424)


@pytest.mark.parametrize("angle", [-20.0, -7.0, 12.0, 90.0, 180.0])
def test_slanted_line_is_straightened(angle: float) -> None:
    page = np.full((700, 700), 255, np.uint8)
    page[346:350, 150:550] = 0
    turn = cv2.getRotationMatrix2D((350, 350), -angle, 1.0)
    turned = cv2.warpAffine(page, turn, (700, 700), borderValue=255)
    baseline = [tuple(turn @ (x, 350, 1)) for x in (150, 300, 550)]
    straight = crop_line(page, [(150, 350), (550, 350)], 64.0)
    assert np.abs(crop_line(turned, baseline, 64.0).astype(int) - straight).mean() < 3


def test_curved_line_is_straightened() -> None:
    page = np.full((300, 800), 255, np.uint8)
    x = np.arange(50, 751, 10)
    y = 150 + 30 * np.sin(x / 120)
    points = np.stack([x, y], axis=1)
    cv2.polylines(page, [np.rint(points * 16).astype(np.int32)], False, 0, 3, cv2.LINE_AA, 4)
    crop = crop_line(page, points.tolist(), 60.0)
    ink = 255.0 - crop[:, 40:-40]
    rows = (ink * np.arange(64)[:, None]).sum(axis=0) / ink.sum(axis=0)
    assert np.abs(rows - (64 * 0.8 / 1.16 - 0.5)).max() < 0.6


def test_colour_stays_colour_and_size_is_scaled() -> None:
    page = np.dstack([ruled_page()] * 3)
    page[..., 0] = 200
    crop = crop_line(page, [(100, 150), (500, 150)], 50.0, height_px=64, max_width_px=768)
    assert crop.shape == (64, round(425 * 64 / 58), 3)
    assert (crop[..., 0] == 200).all()


def test_long_line_is_squeezed_and_short_one_is_not() -> None:
    line = [(10, 150), (590, 150)]
    assert crop_line(ruled_page(), line, 20.0).shape == (64, 1628)
    assert crop_line(ruled_page(), line, 20.0, max_width_px=768).shape == (64, 768)
    assert crop_line(ruled_page(), line, 5.0).shape == (64, MAX_CROP_WIDTH_PX)
    assert crop_line(ruled_page(), [(10, 150), (14, 150)], 20.0).shape == (64, 39)


def test_edge_of_the_page_is_repeated_outside() -> None:
    page = np.full((100, 300), 180, np.uint8)
    page[0] = 90
    crop = crop_line(page, [(0, 20), (299, 20)], 60.0)
    assert set(np.unique(crop[:10])) == {90}  # 28 px above the page
    assert crop[-1, 0] == 180


def test_huge_region_is_averaged_not_skipped() -> None:
    page = np.tile(np.array([[0, 255], [255, 0]], np.uint8), (1500, 2500))  # one-pixel chequers
    crop = crop_line(page, [(100, 2400), (4900, 2400)], 2400.0)
    assert abs(float(crop.mean()) - 127.5) < 3 and crop.std() < 12


@pytest.mark.parametrize(
    ("baseline", "spacing_px", "found"),
    [
        ([(10, 10)], 30.0, "1 points"),
        ([], 30.0, "0 points"),
        ([(10, 10), (10, 10)], 30.0, "0.0 px long"),
        ([(10, 10), (float("nan"), 10)], 30.0, "finite|below"),
        ([(0, 0), (1e300, 0)], 30.0, "below"),
        ([(10, 10), (90, 10)], 0.0, "spacing is 0 px"),
        ([(10, 10), (90, 10)], float("nan"), "spacing is nan px"),
        ([(2000, 10), (2900, 10)], 30.0, "outside the page"),
    ],
)
def test_degenerate_baseline_has_no_crop(
    baseline: list[tuple[float, float]], spacing_px: float, found: str
) -> None:
    with pytest.raises(SegmentationError, match=rf"^no-crop: .*({found})"):
        crop_line(ruled_page(), baseline, spacing_px)


def test_crops_match_the_packed_strips(shared: Path) -> None:
    """The strips were cut from pages before these were scaled down: a little blur differs."""
    strips: dict[str, list[dict]] = {}
    likeness, widths = [], []
    with (
        zipfile.ZipFile(shared / "data" / "lines-test.zip") as lines,
        zipfile.ZipFile(shared / "data" / "pages-test.zip") as pages,
    ):
        for row in map(json.loads, lines.read("labels.jsonl").decode().splitlines()):
            strips.setdefault(row["page"], []).append(row)
        for page in list(map(json.loads, pages.read("pages.jsonl").decode().splitlines()))[::6]:
            rows = strips.get(page["file"].removesuffix(".webp"), [])
            if not rows:
                continue
            pixels = _gray(decode_page(pages.read(page["file"])))
            by_text = {line["text"]: line for line in page["lines"]}
            for row in [row for row in rows if row["text"] in by_text][:6]:
                line = by_text[row["text"]]
                baseline = sorted(line["baseline"])  # some are drawn from right to left
                crop = crop_line(pixels, baseline, line["spacing"], max_width_px=768)
                strip = _gray(decode_page(lines.read(row["file"])))
                widths.append(abs(crop.shape[1] - strip.shape[1]))
                strip = cv2.resize(strip, crop.shape[::-1])
                likeness.append(float(np.corrcoef(crop.ravel(), strip.ravel())[0, 1]))
    assert len(likeness) >= 50
    assert np.mean(np.array(widths) <= 1) > 0.95  # spacings are rounded in the truth
    assert np.median(likeness) > 0.92 and np.percentile(likeness, 10) > 0.85


def _gray(pixels: np.ndarray) -> np.ndarray:
    return pixels if pixels.ndim == 2 else pixels[..., 0]
