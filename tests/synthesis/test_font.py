from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from synthesis.font import FOLDER, Font, SynthesisError, font_named, fonts, fonts_covering

ACCENTS = "àâäçéèêëîïôöùûüÀÇÉÈÊÄÖÜßñÑáíóú"
UNWRITABLE = "\u4e66"


def picture(font: Font, character: str) -> np.ndarray:
    canvas = Image.new("L", (160, 160), 0)
    draw = ImageDraw.Draw(canvas)
    font.at(60).draw(draw, (60, 100), character)
    return np.asarray(canvas)


def test_there_are_six_to_nine_fonts() -> None:
    assert 6 <= len(fonts()) <= 9


def test_every_font_has_its_open_licence_beside_it() -> None:
    for font in fonts():
        licence = font.licence_path.read_text("utf-8")
        assert "SIL OPEN FONT LICENSE Version 1.1" in licence, font.name
        assert licence.lstrip().startswith("Copyright"), font.name


def test_every_font_is_named_in_the_readme_with_its_source() -> None:
    readme = (FOLDER / "README.md").read_text("utf-8")
    for font in fonts():
        assert f"@fontsource/{font.name}" in readme


def test_fonts_weigh_at_most_3_mb() -> None:
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) <= 3_000_000


@pytest.mark.parametrize("font", fonts(), ids=lambda font: font.name)
def test_every_character_that_a_font_covers_leaves_ink_and_is_no_box(font: Font) -> None:
    box = picture(font, UNWRITABLE)
    for character in map(chr, range(33, 0x180)):
        if character.isspace() or character in "\xad" or not font.covers(character):
            continue
        drawn = picture(font, character)
        assert drawn.max() > 60, f"{font.name} draws nothing for {character!r}"
        assert not np.array_equal(drawn, box), f"{font.name} draws a box for {character!r}"


@pytest.mark.parametrize("font", fonts(), ids=lambda font: font.name)
def test_every_font_writes_french_german_and_spanish_accents(font: Font) -> None:
    assert font.covers(ACCENTS)


def test_font_without_a_character_does_not_cover_it() -> None:
    assert not font_named("kristi").covers("cœur")
    assert font_named("la-belle-aurore").covers("cœur")
    assert not any(font.covers(UNWRITABLE) for font in fonts())
    assert font_named("kristi") not in fonts_covering("cœur")


def test_word_is_spelled_without_what_the_font_lacks() -> None:
    kristi = font_named("kristi")
    assert kristi.spelled("cœur") == "coeur"
    assert kristi.spelled("garçon") == "garçon"
    assert kristi.spelled("ŷs") == "ys"
    assert kristi.spelled(UNWRITABLE) == ""


def test_unknown_font_is_named_with_the_known_ones() -> None:
    with pytest.raises(SynthesisError, match="called 'arial'.*la-belle-aurore"):
        font_named("arial")


@pytest.mark.parametrize("font", fonts(), ids=lambda font: font.name)
def test_metrics_are_in_natural_order(font: Font) -> None:
    metrics = font.metrics
    assert 0.0 < metrics.pen < metrics.x_height < metrics.ascent < 1.0
    assert 0.1 < metrics.descent < 0.9
