from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from synthesis.font import SynthesisError
from synthesis.line import LineSettings, draw_line, sample_line_settings
from synthesis.text import passages


def test_same_seed_draws_the_same_strip() -> None:
    (one, text), (other, again) = draw_line(3), draw_line(3)
    assert np.array_equal(one, other) and text == again


def test_strip_is_gray_and_as_high_as_asked() -> None:
    pixels, text = draw_line(1, "Paris, le 14 mars", LineSettings(height_px=48))
    assert pixels.shape[0] == 48 and pixels.ndim == 2 and pixels.dtype == np.uint8
    assert text == "Paris, le 14 mars"
    assert pixels.shape[1] > 150


def test_text_is_what_the_font_wrote() -> None:
    _, text = draw_line(1, "le cœur", LineSettings(font="kristi"))
    assert text == "le coeur"


def test_sampled_strips_are_in_the_language_asked_for() -> None:
    words = {w for p in passages("de") for part in p.paragraphs for w in part.split()}
    for seed in range(10):
        settings = replace(sample_line_settings(np.random.default_rng(seed)), language="de")
        pixels, text = draw_line(seed, None, settings)
        assert set(text.split()) <= words
        assert pixels.min() < 120 < pixels.max()


def test_neighbours_intrude_at_the_strip_s_edges() -> None:
    quiet = LineSettings(wear=0.0, ink_variation=0.0, neighbours=False, font="meddon")
    busy = LineSettings(wear=0.0, ink_variation=0.0, neighbours=True, font="meddon")
    dark = {name: 0 for name in ("quiet", "busy")}
    for seed in range(6):
        for name, settings in (("quiet", quiet), ("busy", busy)):
            pixels, _ = draw_line(seed, "un mur nu", settings)
            dark[name] += int((pixels[-4:] < 150).sum() + (pixels[:4] < 150).sum())
    assert dark["quiet"] == 0
    assert dark["busy"] > 100


@pytest.mark.parametrize("text", ["", "\u4e66"])
def test_text_that_cannot_be_written_is_refused(text: str) -> None:
    with pytest.raises(SynthesisError, match="There is no text to write"):
        draw_line(1, text)


def test_tiny_strip_is_refused() -> None:
    with pytest.raises(SynthesisError, match="strip of 4 px cannot be drawn; use 16 px or more"):
        draw_line(1, "Paris", LineSettings(height_px=4))
