"""Reading order, from what files say of lines and regions."""

from __future__ import annotations

import pytest

from exchange import Region, TextLine
from exchange.order import grouped, nested, ordered_lines

BASELINE = ((0.0, 0.0), (1.0, 0.0))
LINES = tuple(
    TextLine(name, BASELINE, region_id=region)
    for name, region in (("a", "r"), ("b", "r"), ("c", "inner"), ("d", ""), ("e", "s"))
)
REGIONS = (Region("r"), Region("s"), Region("inner", parent_id="r"))


@pytest.mark.parametrize(
    ("references", "order"),
    [
        ([], "abcde"),
        (["s", "r"], "eabcd"),
        (["inner", "r"], "cabde"),
        (["r", "a"], "bcade"),  # a line that is named comes where it is named, not with its region
        (["d", "b"], "dbace"),
        (["b", "b", "nothing", "b"], "bacde"),
    ],
)
def test_references_stand_for_lines_and_for_regions(references: list[str], order: str) -> None:
    assert "".join(line.id for line in ordered_lines(LINES, REGIONS, references)) == order


def test_regions_follow_their_parents() -> None:
    regions = (Region("x", parent_id="r"), *REGIONS, Region("y", parent_id="inner"))
    assert [one.id for one in nested(regions)] == ["r", "x", "inner", "y", "s"]
    circle = (Region("p", parent_id="q"), Region("q", parent_id="p"), Region("z", parent_id="?"))
    assert [one.id for one in nested(circle)] == ["z", "p", "q"]


def test_lines_are_grouped_as_files_nest_them() -> None:
    assert "".join(line.id for line in grouped(LINES, REGIONS)) == "abecd"
