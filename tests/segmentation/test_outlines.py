"""Polygons around drawn lines."""

from __future__ import annotations

import cv2
import numpy as np

from segmentation.outlines import outline_lines

SPACING_PX = 60.0


def written_page() -> tuple[np.ndarray, list[list[tuple[float, float]]]]:
    """Three lines of blocks 24 px high; the second has a descender that hangs into the third."""
    page = np.full((320, 700), 235, np.uint8)
    baselines = [[(60.0, y), (640.0, y)] for y in (100.0, 160.0, 220.0)]
    for line in baselines:
        for x in range(60, 630, 40):
            cv2.rectangle(page, (x, int(line[0][1]) - 24), (x + 26, int(line[0][1])), 40, 4)
    cv2.line(page, (327, 160), (327, 189), 40, 4)
    return page, baselines


def filled(polygon: tuple[tuple[float, float], ...], shape: tuple[int, int]) -> np.ndarray:
    canvas = np.zeros(shape, np.uint8)
    cv2.fillPoly(canvas, [np.rint(polygon).astype(np.int32)], 1)
    return canvas.astype(bool)


def test_polygon_holds_the_line_and_not_its_neighbours() -> None:
    page, baselines = written_page()
    inked = page < 100
    regions = [filled(p, page.shape) for p in outline_lines(page, baselines, [SPACING_PX] * 3)]
    for k, y in enumerate((100, 160, 220)):
        own = inked.copy()
        own[: y - 28], own[y + 5 :] = False, False
        own[:, 325:330] = False
        assert regions[k][own].mean() > 0.97
    assert not (regions[0] & regions[2]).any()
    assert (regions[0] & regions[1]).mean() < 0.005


def test_descender_belongs_to_its_own_line() -> None:
    page, baselines = written_page()
    _, second, third = (filled(p, page.shape) for p in outline_lines(page, baselines, [60.0] * 3))
    assert second[165:189, 327].all()
    assert not third[165:187, 327].any()


def test_polygon_is_tighter_than_a_box_and_simple() -> None:
    page, baselines = written_page()
    polygons = outline_lines(page, baselines, [SPACING_PX] * 3)
    for polygon in polygons:
        assert 4 <= len(polygon) < 60
        assert polygon[0] != polygon[-1]
        x, y = np.array(polygon).T
        assert x.min() >= 0 and y.min() >= 0 and x.max() <= 699 and y.max() <= 319
    assert filled(polygons[0], page.shape).sum() < 600 * 45


def test_baseline_without_a_crop_has_an_empty_polygon() -> None:
    page, baselines = written_page()
    polygons = outline_lines(
        page, [[(5.0, 5.0)], baselines[0], [(9e3, 9e3), (9.5e3, 9e3)]], [60.0] * 3
    )
    assert polygons[0] == () and polygons[2] == () and len(polygons[1]) >= 4
    assert outline_lines(page, [], []) == []


def test_scale_of_the_page_does_not_matter() -> None:
    page, baselines = written_page()
    double = cv2.resize(page, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC)
    small = filled(outline_lines(page, baselines, [SPACING_PX] * 3)[1], page.shape)
    points = [[(3 * x + 1, 3 * y + 1) for x, y in line] for line in baselines]
    polygon = outline_lines(np.dstack([double] * 3), points, [3 * SPACING_PX] * 3)[1]
    large = filled(tuple((x / 3, y / 3) for x, y in polygon), page.shape)
    assert (small & large).sum() / (small | large).sum() > 0.9
