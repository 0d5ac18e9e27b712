from __future__ import annotations

import importlib.util
import math

import numpy as np
import pytest

from benchmarks.pages import TrueLine
from benchmarks.segmentation_score import (
    mean_score,
    overlap_of,
    pair_greedily,
    resample,
    score_page,
)

SPACING_PX = 60.0


def page_of_ten() -> list[TrueLine]:
    lines = [((100.0, y), (400.0, y + 4.0), (900.0, y)) for y in range(100, 700, 60)]
    return [TrueLine(line, SPACING_PX) for line in lines]


def baselines(lines: list[TrueLine]) -> list:
    return [line.baseline for line in lines]


def lowered(line: TrueLine, by_px: float) -> list[tuple[float, float]]:
    return [(x, y + by_px) for x, y in line.baseline]


def straight(x0: float, x1: float, y: float) -> tuple[tuple[float, float], ...]:
    return ((x0, y), (x1, y))


def test_the_truth_itself_scores_one_everywhere() -> None:
    score = score_page(page_of_ten(), baselines(page_of_ten()))
    assert (score.precision, score.recall, score.f1, score.f1on) == pytest.approx((1, 1, 1, 1))
    assert (score.missed, score.spurious, score.split, score.merged) == (0, 0, 0, 0)
    assert (score.next, score.tau) == (1, 1)


@pytest.mark.parametrize(
    ("by_px", "weight"), [(0, 1.0), (15, 1.0), (18, 0.8), (22.5, 0.5), (27, 0.2), (30, 0.0)]
)
def test_a_lowered_line_weighs_less_from_a_quarter_of_the_spacing_on(
    by_px: float, weight: float
) -> None:
    line = TrueLine(straight(0, 500, 100), SPACING_PX)
    score = score_page([line], [lowered(line, by_px)])
    assert score.precision == pytest.approx(weight)
    assert score.recall == pytest.approx(weight)
    assert score.f1 == pytest.approx(weight)


def test_a_line_between_two_text_lines_earns_nothing() -> None:
    lines = page_of_ten()
    score = score_page(lines, [lowered(line, 30) for line in lines])
    assert score.f1 < 0.01
    assert (score.missed, score.spurious) == (10, 10)


def test_a_line_left_out_costs_its_share_of_recall_only() -> None:
    lines = page_of_ten()
    score = score_page(lines, baselines(lines[1:]))
    assert score.recall == pytest.approx(0.9)
    assert score.precision == 1
    assert score.missed == 1


def test_a_line_that_lies_on_no_text_costs_precision_but_not_f1on() -> None:
    lines = page_of_ten()
    score = score_page(lines, [*baselines(lines), straight(100, 900, 900)])
    assert score.precision == pytest.approx(10 / 11)
    assert score.f1on == pytest.approx(1)
    assert score.spurious == 1


def test_a_line_in_two_pieces_is_split_and_costs_precision() -> None:
    line = TrueLine(straight(0, 500, 100), SPACING_PX)
    score = score_page([line], [straight(0, 245, 100), straight(255, 500, 100)])
    assert score.split == 1
    assert score.precision == pytest.approx(0.5)
    assert score.recall == 1
    assert score.spurious == 0


def test_two_columns_run_together_are_merged() -> None:
    lines = [TrueLine(straight(0, 400, 0), 60.0), TrueLine(straight(450, 850, 0), 60.0)]
    score = score_page(lines, [straight(0, 850, 0)])
    assert score.merged == 1
    assert score.recall == 1
    assert score.precision < 0.6


def test_two_stacked_lines_found_as_one_are_missed() -> None:
    lines = page_of_ten()
    score = score_page(lines, [lowered(lines[0], 30), *baselines(lines[2:])])
    assert score.missed == 2
    assert score.recall == pytest.approx(0.8, abs=0.01)


def test_reading_order_is_judged_on_paired_lines() -> None:
    lines = page_of_ten()
    reversed_score = score_page(lines, baselines(lines)[::-1])
    assert (reversed_score.tau, reversed_score.next) == (-1, 0)
    columns = baselines(lines)[5:] + baselines(lines)[:5]
    swapped = score_page(lines, columns)
    assert swapped.next == pytest.approx(8 / 9)
    assert swapped.tau == pytest.approx((45 - 2 * 25) / 45)


def test_a_blank_page_is_right_only_without_lines() -> None:
    assert score_page([], []).f1 == 1
    assert score_page(page_of_ten(), []).f1 == 0
    assert score_page([], [straight(0, 100, 10)]).f1 == 0
    assert score_page(page_of_ten(), []).missed == 10
    assert math.isnan(score_page([], []).tau)


def test_pages_count_alike_and_counts_add_up() -> None:
    lines = page_of_ten()
    mean = mean_score([score_page(lines, baselines(lines)), score_page(lines, [])])
    assert mean.f1 == pytest.approx(0.5)
    assert (mean.pages, mean.lines, mean.found, mean.missed) == (2, 20, 10, 10)
    assert mean.tau == 1  # the page without an order has no say
    assert math.isnan(mean_score([]).f1)


def test_points_are_at_most_five_pixels_apart_with_both_ends() -> None:
    assert resample([(0, 0), (12, 0)]).tolist() == [[0, 0], [4, 0], [8, 0], [12, 0]]
    assert resample([(7, 7)]).tolist() == [[7, 7]]


def test_overlap_tells_a_piece_from_the_whole() -> None:
    whole, piece = straight(0, 400, 50), straight(0, 100, 50)
    overlap = overlap_of([TrueLine(whole, 40.0)], [piece])
    assert overlap.inside[0, 0] == 1
    assert 0.25 < overlap.cover[0, 0] < 0.30
    assert overlap.union[0] == overlap.cover[0, 0]


def test_the_worthiest_pair_is_taken_first_and_nothing_worthless() -> None:
    worth = np.array([[0.9, 0.8, 0.0], [0.95, 0.2, 0.0], [0.0, 0.0, 0.0]])
    assert pair_greedily(worth) == [(1, 0), (0, 1)]


def test_score_agrees_with_the_scorer_beside_the_project(shared) -> None:
    path = shared / "tools" / "score_segmentation.py"
    spec = importlib.util.spec_from_file_location("score_segmentation", path)
    assert spec and spec.loader
    other = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(other)
    lines = page_of_ten()
    found = [
        lowered(lines[3], 17),
        straight(100, 480, 100),
        straight(520, 900, 102),
        straight(0, 500, 800),
        *baselines(lines)[4:],
    ]
    theirs = other.score_page(baselines(lines), [SPACING_PX] * len(lines), found)
    ours = score_page(lines, found)
    for key in ("precision", "recall", "f1", "f1on", "missed", "spurious", "split", "merged"):
        assert getattr(ours, key) == pytest.approx(theirs[key]), key
    assert (ours.next, ours.tau) == pytest.approx((theirs["next"], theirs["tau"]))
