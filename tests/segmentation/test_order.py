"""Reading order on drawn layouts."""

from __future__ import annotations

import random

import pytest

from segmentation.lines import Line
from segmentation.order import reading_order


def line(left: float, y: float, right: float, rise: float = 0.0) -> Line:
    return Line(baseline=((left, y), (right, y + rise)), polygon=(), spacing_px=30.0)


ONE_COLUMN = [line(100, 100 + 30 * k, 900) for k in range(8)]
HEADED_COLUMNS = (
    [line(100, 50, 900)]
    + [line(100, 100 + 30 * k, 480) for k in range(6)]
    + [line(520, 107 + 30 * k, 900) for k in range(6)]
    + [line(100, 320, 900)]
)
MARGIN_FIRST = [line(20, 210 + 20 * k, 180) for k in range(4)]


@pytest.mark.parametrize("layout", [ONE_COLUMN, HEADED_COLUMNS])
def test_columns_are_read_one_after_the_other(layout: list[Line]) -> None:
    shuffled = list(enumerate(layout))
    random.Random(3).shuffle(shuffled)
    order = reading_order([one for _, one in shuffled], 1000, 700)
    assert [shuffled[k][0] for k in order] == list(range(len(layout)))


def test_slanted_lines_are_compared_where_they_overlap() -> None:
    # the lower line starts left of the upper one and rises: its middle is the higher of the two
    upper, lower = line(500, 130, 900), line(100, 190, 700, rise=-50)
    assert reading_order([lower, upper], 1000, 300) == [1, 0]


def test_second_piece_of_a_row_follows_the_first() -> None:
    text = [line(100, 100, 900), line(100, 130, 450), line(500, 129, 900), line(100, 160, 900)]
    assert reading_order(text[::-1], 1000, 300) == [3, 2, 1, 0]


def test_margin_stays_together() -> None:
    layout = MARGIN_FIRST + [line(220, 100 + 30 * k, 900) for k in range(10)]
    order = reading_order(layout, 1000, 500)
    at = [order.index(k) for k in range(4)]
    assert at == list(range(at[0], at[0] + 4))


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_turned_page_is_read_as_if_upright(turns: int) -> None:
    def turned(one: Line) -> Line:
        points = one.baseline
        width, height = 1000.0, 700.0
        for _ in range(turns):  # a quarter clockwise: what was up is now at the right
            points = tuple((height - y, x) for x, y in points)
            width, height = height, width
        return Line(baseline=points, polygon=(), spacing_px=30.0)

    size = (700, 1000) if turns % 2 else (1000, 700)
    layout = [turned(one) for one in HEADED_COLUMNS]
    assert reading_order(layout, *size) == list(range(len(layout)))


def test_every_line_is_read_once_even_in_a_ring() -> None:
    dice = random.Random(5)
    tangle = [
        line(x := dice.uniform(0, 800), dice.uniform(0, 200), x + 200, dice.uniform(-150, 150))
        for _ in range(60)
    ]
    assert sorted(reading_order(tangle, 1000, 300)) == list(range(60))
    assert reading_order([], 10, 10) == [] and reading_order(ONE_COLUMN[:1], 10, 10) == [0]


def test_notes_along_the_sides_come_after_the_text() -> None:
    up = Line(((30, 400), (30, 100)), (), 30.0)
    beside = Line(((60, 400), (60, 100)), (), 30.0)
    down = Line(((960, 100), (960, 400)), (), 30.0)
    body = [line(100, 100 + 30 * k, 900) for k in range(8)]
    assert reading_order([down, beside, up, *body], 1000, 700) == [*range(3, 11), 2, 1, 0]


def test_date_on_the_right_is_read_before_the_salutation_below_it_on_the_left() -> None:
    date, address, salutation = line(600, 60, 900), line(620, 95, 900), line(60, 150, 400)
    body = [line(100, 200 + 30 * k, 900) for k in range(4)]
    assert reading_order([salutation, *body, address, date], 1000, 700) == [6, 5, 0, 1, 2, 3, 4]


def test_right_column_that_begins_higher_is_still_read_after_the_left_one() -> None:
    left = [line(100, 200 + 30 * k, 480) for k in range(4)]
    right = [line(520, 100 + 30 * k, 900) for k in range(8)]
    assert reading_order([*right, *left], 1000, 700) == [*range(8, 12), *range(8)]
