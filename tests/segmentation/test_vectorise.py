"""Maps drawn from known lines are turned back into these lines."""

from __future__ import annotations

import numpy as np
import pytest

from segmentation.maps import PageMaps, draw_targets
from segmentation.vectorise import FoundLine, median_spacing, vectorise

HEIGHT, WIDTH = 640, 960
SPACING = 40.0


def straight(x0: float, y0: float, x1: float, y1: float) -> np.ndarray:
    return np.linspace((x0, y0), (x1, y1), 12)


def maps_of(
    lines: list[np.ndarray], spacing: float = SPACING, height: int = HEIGHT, width: int = WIDTH
) -> PageMaps:
    targets = draw_targets(lines, [spacing] * len(lines), height, width)
    coarse = targets.coarse.copy()
    coarse[0][targets.known == 0] = np.log2(spacing)
    return PageMaps(targets.fine.astype(np.float32), coarse, 1.0, 1.0)


def by_height(found: list[FoundLine]) -> list[FoundLine]:
    return sorted(found, key=lambda line: float(line.points[:, 1].mean()))


def farthest(found: FoundLine, truth: np.ndarray) -> float:
    """Largest distance of a found point from the true polyline, densely sampled."""
    dense = np.concatenate([np.linspace(a, b, 200) for a, b in zip(truth, truth[1:], strict=False)])
    return float(max(np.hypot(*(dense - point).T).min() for point in found.points))


def test_straight_lines_come_back_within_two_pixels() -> None:
    truth = [straight(80, y, 880, y) for y in range(80, 600, 40)]
    found = by_height(vectorise(maps_of(truth)))
    assert len(found) == 13
    for line, points in zip(found, truth, strict=True):
        assert np.abs(line.points[0] - points[0]).max() < 6
        assert np.abs(line.points[-1] - points[-1]).max() < 6
        assert farthest(line, points) < 2.5
        assert line.quarter_turns == 0


def test_spacing_of_a_line_is_the_one_drawn() -> None:
    (line,) = vectorise(maps_of([straight(100, 300, 800, 300)], spacing=52.0))
    assert line.spacing_px == pytest.approx(52.0, rel=0.03)


def test_slanted_and_curved_lines_are_followed() -> None:
    x = np.linspace(100, 860, 40)
    curved = np.stack([x, 200 + 40 * np.sin(x / 180)], 1)
    slanted = straight(100, 330, 860, 480)
    found = by_height(vectorise(maps_of([curved, slanted])))
    assert len(found) == 2
    assert farthest(found[0], curved) < 3
    assert farthest(found[1], slanted) < 3


def test_columns_stay_apart() -> None:
    truth = [straight(60, y, 460, y) for y in (200, 240, 280)]
    truth += [straight(490, y, 900, y) for y in (200, 240, 280)]
    assert len(vectorise(maps_of(truth))) == 6


def test_cells_that_touch_are_cut_where_one_ends_and_the_next_begins() -> None:
    found = vectorise(maps_of([straight(100, 300, 400, 300), straight(404, 300, 800, 300)]))
    assert len(found) == 2
    left, right = sorted(found, key=lambda line: float(line.points[0, 0]))
    assert abs(left.points[-1, 0] - 400) < 10
    assert abs(right.points[0, 0] - 404) < 10


def test_gap_in_which_nothing_ends_is_bridged() -> None:
    maps = maps_of([straight(100, 300, 800, 300)])
    maps.fine[:, :, 210:225] = 0  # 30 px of the page, as under a blot
    (line,) = vectorise(maps)
    assert abs(line.points[0, 0] - 100) < 6
    assert abs(line.points[-1, 0] - 800) < 6


def test_touching_strokes_of_two_lines_stay_two_lines() -> None:
    truth = [straight(100, 300, 800, 300), straight(100, 320, 800, 311)]
    assert len(vectorise(maps_of(truth, spacing=40))) == 2


def test_short_line_is_kept() -> None:
    (line,) = vectorise(maps_of([np.array([[300.0, 300.0], [330.0, 300.0]])]))
    assert abs(line.points[-1, 0] - line.points[0, 0] - 30) < 8


@pytest.mark.parametrize("quarter", [0, 1, 2, 3])
def test_turned_writing_runs_in_its_reading_direction(quarter: int) -> None:
    side = 640
    upright = straight(100, 250, 500, 262)
    turn = {
        0: lambda p: p,
        1: lambda p: np.stack([side - p[:, 1], p[:, 0]], 1),
        2: lambda p: side - p,
        3: lambda p: np.stack([p[:, 1], side - p[:, 0]], 1),
    }[quarter]
    (line,) = vectorise(maps_of([turn(upright)], height=side, width=side))
    assert line.quarter_turns == quarter
    assert np.abs(line.points[0] - turn(upright)[0]).max() < 6
    assert np.abs(line.points[-1] - turn(upright)[-1]).max() < 6


def test_points_are_in_pixels_of_the_page_not_of_the_maps() -> None:
    maps = maps_of([straight(100, 300, 800, 300)])
    (line,) = vectorise(PageMaps(maps.fine, maps.coarse, 0.5, 0.5))
    assert line.spacing_px == pytest.approx(80, rel=0.03)
    assert abs(line.points[0, 0] - 200) < 12
    assert abs(line.points[0, 1] - 600) < 5


def test_blank_maps_have_no_lines() -> None:
    maps = maps_of([])
    assert vectorise(maps) == []
    assert median_spacing(maps) is None


def test_median_spacing_counts_lines_not_ink() -> None:
    targets = draw_targets(
        [straight(100, 60 + 30 * k, 800, 60 + 30 * k) for k in range(6)]
        + [straight(100, 300 + 90 * k, 800, 300 + 90 * k) for k in range(3)],
        [30.0] * 6 + [90.0] * 3,
        HEIGHT,
        WIDTH,
    )
    maps = PageMaps(targets.fine.astype(np.float32), targets.coarse, 1.0, 1.0)
    spacing = median_spacing(maps)
    assert spacing is not None
    assert spacing == pytest.approx(30, rel=0.02)


def test_noise_in_all_maps_ends_in_bounded_time() -> None:
    rng = np.random.default_rng(0)
    fine = rng.random((3, 256, 256)).astype(np.float32)
    coarse = rng.normal(0, 3, (3, 128, 128)).astype(np.float32)
    found = vectorise(PageMaps(fine, coarse, 1.0, 1.0))
    assert all(np.isfinite(line.points).all() and line.spacing_px > 0 for line in found)
