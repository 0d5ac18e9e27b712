"""Geometry of another size, unit or orientation than the image's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from exchange import (
    Character,
    ExchangeError,
    PageDocument,
    Region,
    TextLine,
    Word,
    fit_to_image,
    read_page,
)

FILES = Path(__file__).parent / "files"
BOX = ((100.0, 200.0), (800.0, 200.0), (800.0, 280.0), (100.0, 280.0))
WORD = Word("a", BOX, 0.5, (Character("a", BOX),))
BASELINE = ((100.0, 260.0), (800.0, 264.0))
LINE = TextLine("l", BASELINE, BOX, "a", words=(WORD,), spacing_px=80.0)
PAGE = PageDocument("a.png", 1000, 1500, (LINE,), (Region("r", BOX),))


def lying(*baseline: tuple[float, float]) -> PageDocument:
    """The page with width and height swapped, and a line at this place."""
    return replace(PAGE, width=1500, height=1000, lines=(replace(LINE, baseline=baseline),))


def test_page_of_the_same_size_is_left_alone() -> None:
    assert fit_to_image(PAGE, 1000, 1500) is PAGE


def test_all_geometry_is_scaled_to_the_image() -> None:
    fitted = fit_to_image(PAGE, 500, 750)
    half = tuple((x / 2, y / 2) for x, y in BOX)
    line = fitted.lines[0]
    assert (fitted.width, fitted.height) == (500, 750)
    assert line.baseline == ((50, 130), (400, 132))
    assert line.polygon == line.words[0].polygon == line.words[0].characters[0].polygon == half
    assert fitted.regions[0].polygon == half
    assert line.spacing_px == 40
    assert fitted.notes == ("Coordinates were scaled from 1000 x 1500 pixel to 500 x 750 pixels.",)


def test_tenths_of_millimetres_become_pixels() -> None:
    page = read_page((FILES / "alto-library-2.xml").read_bytes(), "x")
    fitted = fit_to_image(page, 2000, 3000)
    assert fitted.unit == "pixel"
    assert fitted.lines[1].baseline == ((200, 280), (1800, 280))


def test_other_proportions_are_scaled_and_told() -> None:
    fitted = fit_to_image(PAGE, 1000, 3000)
    assert fitted.lines[0].baseline == ((100, 520), (800, 528))
    assert "other proportions. Check that it is the same image." in fitted.notes[0]


def test_swapped_width_and_height_are_put_right() -> None:
    fitted = fit_to_image(lying((9, 1400), (99, 1400)), 500, 750)
    assert fitted.lines[0].baseline == ((4.5, 700), (49.5, 700))
    assert fitted.notes[0] == (
        "Width and height were swapped in the file (1500 x 1000 for an image of 500 x 750 pixels);"
        " they were put right."
    )  # fmt: skip


def test_swap_that_the_points_do_not_prove_is_for_a_person_to_check() -> None:
    fitted = fit_to_image(replace(PAGE, width=1500, height=1000), 1000, 1500)
    assert fitted.lines == PAGE.lines
    assert fitted.notes[0].endswith("Check the lines: the image may have been turned instead.")


def test_page_of_a_turned_image_is_refused() -> None:
    with pytest.raises(ExchangeError, match="described as 1500 x 1000, but this image has 1000 x"):
        fit_to_image(lying((9, 99), (1400, 99)), 1000, 1500)


def test_page_without_a_size_is_taken_in_pixels_but_not_in_millimetres() -> None:
    assert fit_to_image(replace(PAGE, width=0), 500, 700).lines == PAGE.lines
    with pytest.raises(ExchangeError, match="measured in mm10, and its file does not say how"):
        fit_to_image(replace(PAGE, width=0, unit="mm10"), 500, 700)


def test_lines_outside_of_the_image_are_told() -> None:
    away = replace(LINE, id="m", baseline=((-50.0, 10.0), (-10.0, 10.0)))
    fitted = fit_to_image(replace(PAGE, lines=(LINE, away)), 1000, 1500)
    assert fitted.notes == (
        "1 of 2 lines lie outside of the image. Check that it is the image that the file was made "
        "for.",
    )
