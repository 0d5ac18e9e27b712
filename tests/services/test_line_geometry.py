"""Baselines cut, joined and compared, on exact values."""

from __future__ import annotations

import pytest

from segmentation.lines import Line
from services.line_geometry import (
    covered_share,
    estimated_spacing_px,
    joined_baselines,
    place_in_order,
    split_baseline,
)


def line(*points: tuple[float, float], spacing_px: float = 20.0) -> Line:
    return Line(tuple(points), (), spacing_px)


def test_baseline_is_cut_at_the_nearest_point_of_it() -> None:
    parts = split_baseline(((0, 10), (100, 10), (100, 60)), (40, 13))
    assert parts == (((0, 10), (40, 10)), ((40, 10), (100, 10), (100, 60)))


def test_cut_at_a_point_of_the_baseline_repeats_no_point() -> None:
    parts = split_baseline(((0, 0), (50, 0), (100, 0)), (50, 0))
    assert parts == (((0, 0), (50, 0)), ((50, 0), (100, 0)))


@pytest.mark.parametrize("at", [(-5.0, 0.0), (1.0, 0.0), (101.0, 3.0)])
def test_cut_that_leaves_a_part_without_length_is_none(at: tuple[float, float]) -> None:
    assert split_baseline(((0, 0), (100, 0)), at) is None


def test_pieces_are_joined_along_the_line_whatever_their_order() -> None:
    right, left = ((60, 2), (100, 0)), ((0, 0), (50, 1))
    assert joined_baselines([right, left]) == (((0, 0), (50, 1), (60, 2), (100, 0)), [1, 0])


def test_piece_that_runs_the_other_way_is_turned() -> None:
    joined, order = joined_baselines([((0, 0), (80, 0)), ((120, 0), (90, 0))])
    assert (joined, order) == (((0, 0), (80, 0), (90, 0), (120, 0)), [0, 1])


def test_overlapping_pieces_never_run_back() -> None:
    joined, _ = joined_baselines([((0, 0), (60, 0)), ((40, 5), (50, 5), (100, 5))])
    assert joined == ((0, 0), (60, 0), (100, 5))


def test_covered_share_counts_what_is_near_enough() -> None:
    half = [(((0.0, 4.0), (50.0, 4.0)), 5.0)]
    assert covered_share(((0, 0), (100, 0)), half) == pytest.approx(0.53, abs=0.03)
    assert covered_share(((0, 0), (100, 0)), [(((0.0, 6.0), (50.0, 6.0)), 5.0)]) == 0.0
    assert covered_share(((0, 0), (100, 0)), []) == 0.0


def test_drawn_line_takes_the_spacing_of_neighbours_in_its_direction() -> None:
    lines = [line((0, y), (100, y), spacing_px=20 + y / 100) for y in (20, 40, 60, 400)]
    lines += [line((50, y), (50, y + 90), spacing_px=90) for y in (0, 1, 2)]
    assert estimated_spacing_px(((0, 50), (100, 50)), lines, 900) == 20.5
    assert estimated_spacing_px(((0, 50), (100, 50)), lines[4:], 900) == 90
    assert estimated_spacing_px(((0, 50), (100, 50)), [], 900) == 30.0


def test_drawn_line_is_put_where_it_is_read() -> None:
    lines = [line((0, y), (100, y)) for y in (20, 40, 80)]
    assert place_in_order(line((0, 60), (100, 60)), lines, 200, 200) == 2
    assert place_in_order(line((0, 5), (100, 5)), lines, 200, 200) == 0
    assert place_in_order(line((0, 150), (100, 150)), lines, 200, 200) == 3
    assert place_in_order(line((0, 150), (100, 150)), [], 200, 200) == 0
    assert place_in_order(line((0, 60), (100, 60)), lines[::-1], 200, 200) == 2
