from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from synthesis.example import encode_jpeg, encode_png, example_page
from synthesis.page import DrawnPage


@pytest.fixture(scope="module")
def page() -> DrawnPage:
    return example_page()


def test_example_is_a_letter_of_about_twenty_lines(page: DrawnPage) -> None:
    assert 18 <= len(page.lines) <= 26
    assert page.pixels.shape == (1750, 1240, 3)
    assert page.lines[0].text == "Rouen, le 14 mars 1847"
    assert page.lines[-1].text == "Émile Charron"
    assert page.title == "Letter from Rouen, 1847"


def test_example_is_always_the_same(page: DrawnPage) -> None:
    again = example_page()
    assert np.array_equal(again.pixels, page.pixels) and again.lines == page.lines


def test_png_keeps_every_pixel(page: DrawnPage) -> None:
    with Image.open(io.BytesIO(encode_png(page.pixels))) as image:
        assert image.format == "PNG"
        assert np.array_equal(np.asarray(image), page.pixels)


def test_jpeg_is_small_and_close(page: DrawnPage) -> None:
    data = encode_jpeg(page.pixels)
    assert len(data) < 700_000
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == "JPEG"
        assert np.abs(np.asarray(image).astype(int) - page.pixels).mean() < 4
