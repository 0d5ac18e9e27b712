"""Places of characters on the page, from the columns of a crop."""

from __future__ import annotations

import math

import numpy as np
import pytest

import exchange.outlines
from exchange import spans
from exchange.spans import Span, aligned, placed_words
from segmentation import crops
from segmentation.paths import extended_path

BASELINE = ((100.0, 200.0), (500.0, 200.0))


def read(text: str, width: float = 10.0) -> list[Span]:
    return [Span(c, 0.9, width * n, width * (n + 1)) for n, c in enumerate(text)]


def test_geometry_is_that_of_the_crops_that_are_read() -> None:
    assert exchange.outlines.ABOVE_BASELINE == crops.ABOVE_BASELINE
    assert exchange.outlines.BELOW_BASELINE == crops.BELOW_BASELINE
    assert spans.BEYOND_ENDS == crops.BEYOND_ENDS


def test_words_stand_where_the_crop_was_cut_from_the_page() -> None:
    # 400 px of baseline and 10 px beyond each end, in a crop of 210 columns: 2 px a column
    first, second = placed_words("ab cd", read("ab cd"), 210, BASELINE, 40)
    assert (first.text, second.text) == ("ab", "cd")
    assert first.polygon == ((90, 168), (130, 168), (130, 214.4), (90, 214.4))
    assert second.polygon[0] == (150, 168)
    assert [character.polygon[0][0] for character in first.characters] == [90, 110]
    assert first.confidence == pytest.approx(0.9)


@pytest.mark.parametrize(
    "baseline",
    [
        ((100.0, 200.0), (500.0, 260.0)),
        ((500.0, 200.0), (100.0, 220.0)),
        ((100.0, 900.0), (110.0, 300.0)),
        ((100.0, 200.0), (300.0, 230.0), (500.0, 200.0)),
    ],
)
def test_places_agree_with_the_path_that_crops_are_cut_along(
    baseline: tuple[tuple[float, float], ...],
) -> None:
    spacing = 40.0
    path = extended_path(np.array(baseline), spacing, crops.BEYOND_ENDS * spacing)
    width = 300.0
    word = placed_words("a", [Span("a", 0.5, 60.0, 90.0)], width, baseline, spacing)[0]
    for corner, column, offset in zip(
        word.polygon, (60, 90, 90, 60), (-0.8, -0.8, 0.36, 0.36), strict=True
    ):
        at = column / width * (path.at_px[-1] - path.at_px[0]) + path.at_px[0]
        x, y, dx, dy = (float(value) for value in path.at(np.array(at)))
        expected = (x - dy * offset * spacing, y + dx * offset * spacing)
        assert math.dist(corner, expected) < 1.5


def test_corrected_characters_share_the_place_of_those_they_replace() -> None:
    found = aligned("hxyllo", read("hello"))
    assert [(span.text, span.start, span.end, span.confidence) for span in found[:4]] == [
        ("h", 0, 10, 0.9),
        ("x", 10, 15, None),
        ("y", 15, 20, None),
        ("l", 20, 30, 0.9),
    ]


def test_inserted_characters_stand_between_their_neighbours() -> None:
    found = aligned("helo", read("heo"))
    assert (found[2].text, found[2].start, found[2].end) == ("l", 15, 25)
    assert [span.start for span in aligned("xab", read("ab"))] == [0, 0, 10]
    assert aligned("abx", read("ab"))[2] == Span("x", None, 15, 20)


def test_every_character_of_the_text_has_a_place_in_order() -> None:
    for text in ("", "wholly different", "heo wrld", "  ", "ooooooooo"):
        found = aligned(text, read("hello world"))
        assert "".join(span.text for span in found) == text
        assert all(a.start <= b.end for a, b in zip(found, found[1:], strict=False))


def test_line_without_reading_or_length_has_no_words() -> None:
    assert placed_words("a", [], 100, BASELINE, 40) == ()
    assert placed_words("a", read("a"), 0, BASELINE, 40) == ()
    assert placed_words("a", read("a"), 100, ((5, 5), (5, 5)), 40) == ()
    assert placed_words(" ", read("a"), 100, BASELINE, 40) == ()


def test_rounding_of_any_length_leads_nowhere_beyond_the_line() -> None:
    rng = np.random.default_rng(1)
    for _ in range(2000):
        width, spacing_px = rng.uniform(20, 900), float(rng.uniform(5, 80))
        baseline = ((10.3, 50.7), (10.3 + width / 3, 51.2), (10.3 + width, 50.1))
        (word,) = placed_words("ab", read("ab"), 20, baseline, spacing_px)
        assert word.polygon[1][0] == pytest.approx(10.3 + width + 0.25 * spacing_px, abs=3)
