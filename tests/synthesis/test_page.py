from __future__ import annotations

import time
from dataclasses import replace

import cv2
import numpy as np
import pytest

from synthesis.font import SynthesisError, fonts
from synthesis.letter import sample_letter
from synthesis.page import DrawnPage, draw_page
from synthesis.settings import PageSettings, sample_settings

SMALL = PageSettings(width_px=520, height_px=300, spacing_px=40.0)
# flat paper and even ink, so that everything darker than the paper is ink
CLEAN = replace(SMALL, wear=0.0, ink_variation=0.0, fading=0.0)
FEET = "un homme aux mains nues a vu une rue sans maisons au mois de mars"


def ink_of(page: DrawnPage, settings: PageSettings) -> np.ndarray:
    paper = np.array(settings.paper, dtype=int)
    return (paper - page.pixels.astype(int)).max(axis=2) > 40


@pytest.mark.parametrize("seed", [0, 7])
def test_same_seed_draws_the_same_page(seed: int) -> None:
    one, other = draw_page(seed, settings=SMALL), draw_page(seed, settings=SMALL)
    assert np.array_equal(one.pixels, other.pixels)
    assert one.lines == other.lines and one.title == other.title


def test_generator_draws_as_its_seed_does() -> None:
    one, other = draw_page(3, settings=SMALL), draw_page(np.random.default_rng(3), settings=SMALL)
    assert np.array_equal(one.pixels, other.pixels)


def test_other_seed_draws_another_page() -> None:
    one, other = draw_page(1, "Paris", SMALL), draw_page(2, "Paris", SMALL)
    assert not np.array_equal(one.pixels, other.pixels)


def test_page_has_the_size_asked_for() -> None:
    page = draw_page(1, settings=SMALL)
    assert page.pixels.shape == (300, 520, 3) and page.pixels.dtype == np.uint8
    assert draw_page(1, settings=replace(SMALL, line_count=2, letter=False)).lines[2:] == ()


def test_text_given_is_the_text_of_the_lines() -> None:
    text = "Mon cher ami, voilà bientôt trois semaines que nous sommes ici.\nBien à vous"
    page = draw_page(4, text, replace(SMALL, height_px=500))
    assert " ".join(line.text for line in page.lines) == text.replace("\n", " ")
    assert page.lines[-1].text == "Bien à vous"


def test_letter_keeps_the_order_of_its_parts() -> None:
    letter = sample_letter(np.random.default_rng(1), "en", 150)
    page = draw_page(1, letter, PageSettings(width_px=800, height_px=900))
    texts = [line.text for line in page.lines]
    assert texts[0] == letter.date and texts[1] == letter.greeting
    assert " ".join(texts[2:-2]) == " ".join(letter.paragraphs)
    assert texts[-2:] == [letter.farewell, letter.signature]
    assert page.title == letter.date


@pytest.mark.parametrize("font", fonts(), ids=lambda font: font.name)
def test_lines_say_only_what_the_font_can_write(font) -> None:
    text = "Le cœur \u4e66 d'un garçon ŷ señor Größe"
    page = draw_page(2, text, replace(SMALL, font=font.name))
    drawn = " ".join(line.text for line in page.lines)
    assert font.covers(drawn) and "\u4e66" not in drawn
    assert drawn.startswith("Le cœur" if font.covers("œ") else "Le coeur")


def test_font_that_can_write_the_text_is_chosen() -> None:
    for seed in range(12):
        page = draw_page(seed, "Un cœur", replace(SMALL, line_count=1, height_px=120))
        assert page.lines[0].text == "Un cœur"


@pytest.mark.parametrize("font", fonts(), ids=lambda font: font.name)
def test_all_ink_lies_within_the_polygons(font) -> None:
    settings = replace(CLEAN, font=font.name, skew_deg=2.0, curl=0.4, wave=0.2, jitter=0.8)
    page = draw_page(5, settings=replace(settings, language="fr"))
    covered = np.zeros(page.pixels.shape[:2], np.uint8)
    for line in page.lines:
        cv2.fillPoly(covered, [np.round(line.polygon).astype(np.int32)], 1)
    ink = ink_of(page, settings)
    assert ink.sum() > 2000
    assert (ink & (covered == 0)).sum() == 0


def test_every_polygon_holds_ink() -> None:
    page = draw_page(6, settings=replace(CLEAN, margin_note=True, letter=False))
    ink = ink_of(page, CLEAN)
    for line in page.lines:
        inside = np.zeros(ink.shape, np.uint8)
        cv2.fillPoly(inside, [np.round(line.polygon).astype(np.int32)], 1)
        assert (ink & (inside == 1)).sum() > 20


@pytest.mark.parametrize("font", fonts(), ids=lambda font: font.name)
@pytest.mark.parametrize("skew_deg", [-3.0, 2.0])
def test_baseline_runs_along_the_feet_of_the_letters(font, skew_deg: float) -> None:
    settings = replace(
        CLEAN, font=font.name, skew_deg=skew_deg, wave=0.2, curl=0.3, jitter=0.8, spacing_px=60.0
    )
    page = draw_page(8, FEET, settings)
    ink = ink_of(page, settings)
    away: list[float] = []
    for line in page.lines:
        inside = np.zeros(ink.shape, np.uint8)
        cv2.fillPoly(inside, [np.round(line.polygon).astype(np.int32)], 1)
        own = ink & (inside == 1)
        x, y = np.array(line.baseline).T
        for start in range(int(x[0]), int(x[-1]) - 12, 12):
            rows = np.flatnonzero(own[:, start : start + 12].any(axis=1))
            if rows.size:
                away.append(rows[-1] - np.interp(start + 6, x, y))
    assert len(away) > 30
    # round letters and strokes reach a little below, gaps between letters stay above
    assert abs(float(np.median(away))) < 0.07 * settings.spacing_px
    assert np.mean(np.abs(away) < 0.15 * settings.spacing_px) > 0.8


def test_baselines_run_to_the_right_within_the_page() -> None:
    for seed in range(4):
        settings = sample_settings(np.random.default_rng(seed), 600)
        page = draw_page(seed, settings=settings)
        for line in page.lines:
            points = np.array(line.baseline)
            assert (np.diff(points[:, 0]) > 0).all()
            assert (points >= 0).all()
            assert (points < (settings.width_px, settings.height_px)).all()


def test_lines_are_one_spacing_apart() -> None:
    page = draw_page(1, settings=replace(CLEAN, wave=0.0, curl=0.0, skew_deg=0.0, letter=False))
    feet = [np.mean([y for _, y in line.baseline]) for line in page.lines]
    assert np.allclose(np.diff(feet), 40.0, atol=2.0)
    assert all(line.spacing_px == 40.0 for line in page.lines)


def test_second_column_is_read_after_the_first() -> None:
    settings = replace(SMALL, width_px=900, columns=2, letter=False)
    page = draw_page(1, settings=settings)
    starts = [line.baseline[0][0] for line in page.lines]
    turn = next(i for i, start in enumerate(starts) if start > 450)
    assert max(starts[:turn]) < 300 and min(starts[turn:]) > 450


def test_margin_note_is_small_and_left_of_the_body() -> None:
    settings = replace(SMALL, width_px=900, height_px=500, margin_note=True)
    page = draw_page(1, settings=settings)
    notes = [line for line in page.lines if line.spacing_px < 40.0]
    body = [line for line in page.lines if line.spacing_px == 40.0]
    assert notes and body
    assert max(line.baseline[-1][0] for line in notes) < min(p[0] for b in body for p in b.baseline)


def test_rules_and_bleed_through_and_wear_darken_the_paper() -> None:
    plain = draw_page(1, "Paris", CLEAN).pixels.mean()
    for change in ({"ruled": True}, {"bleed_through": 0.5}, {"wear": 1.0}):
        assert draw_page(1, "Paris", replace(CLEAN, **change)).pixels.mean() < plain


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"width_px": 10}, "10 x 300 px cannot be drawn; both sides must be 32 to 8000 px"),
        ({"spacing_px": 2.0}, "spacing of 2 px cannot be drawn; choose at least 8 px"),
        ({"skew_deg": 30.0}, "skew of 30 degrees is too much; the limit is 5 degrees"),
        ({"columns": 0}, "1 column or more, not 0"),
        ({"font": "arial"}, "No handwriting font is called 'arial'"),
    ],
)
def test_impossible_settings_are_refused(change: dict[str, float], message: str) -> None:
    with pytest.raises(SynthesisError, match=message):
        draw_page(0, "Paris", replace(SMALL, **change))


@pytest.mark.parametrize("text", ["", " \n ", "\u4e66"])
def test_text_that_cannot_be_written_is_refused(text: str) -> None:
    with pytest.raises(SynthesisError, match="Nothing can be written on a page of 520 x 300 px"):
        draw_page(0, text, SMALL)


def test_small_page_is_quick() -> None:
    def seconds() -> float:
        start = time.process_time()
        draw_page(1, settings=SMALL)
        return time.process_time() - start

    # 0.05 s where it was measured; the limit leaves room for slow and busy machines
    assert min(seconds() for _ in range(3)) < 0.4
