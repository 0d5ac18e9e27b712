"""Notes along the sides of upright pages are found and read in their own direction."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from segmentation import crop_line
from segmentation.ink import gray_page
from segmentation.lines import ASIDE
from segmentation.network import WEIGHTS, segment_with_network
from segmentation.side_notes import bars, with_side_notes
from segmentation.vectorise import FoundLine, set_aside
from synthesis.page import DrawnLine, draw_page
from synthesis.settings import PageSettings

bundled = pytest.mark.skipif(not WEIGHTS.exists(), reason="the weights are not installed")
MARGIN_PX = 130


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def drawn(text: str, width: int, height: int, lines: int) -> tuple[np.ndarray, list[DrawnLine]]:
    settings = PageSettings(
        width_px=width, height_px=height, line_count=lines, letter=False, font="dancing-script"
    )
    page = draw_page(4, text, settings)
    return gray_page(page.pixels), list(page.lines)


def page_with_note(turns: int) -> tuple[np.ndarray, list[DrawnLine], np.ndarray]:
    """A page with a note in its left margin, written up (3) or down (1); its lines; the note."""
    text = "the letters that I wrote to you in the spring have not been answered yet " * 8
    page, lines = drawn(text, 900, 1000, 12)
    sheet, (own,) = drawn("see what I have said of this before", 700, 300, 1)
    x, y = np.array(own.baseline).T
    note = crop_line(sheet, own.baseline, own.spacing_px, 52)
    assert x[-1] > x[0] and y.max() < 300
    wide = cv2.copyMakeBorder(page, 0, 0, MARGIN_PX, 0, cv2.BORDER_REPLICATE)
    upright = np.rot90(note, -turns)
    part = wide[200 : 200 + len(upright), 40:92]
    part[:] = np.minimum(part, upright)
    return wide, lines, note


def upright_line(left: float, y: float, right: float) -> FoundLine:
    return FoundLine(np.array([[left, y], [right, y]]), 50.0, 0.9, 0)


def note_line(top: float, bottom: float, x: float) -> FoundLine:
    """As it is found in a picture that was turned upright."""
    return FoundLine(np.array([[top, x], [bottom, x]]), 60.0, 0.97, 0)


def page_with_bar() -> tuple[np.ndarray, list[FoundLine]]:
    """A page of eight lines, their ink, and a column of short strokes to the left of them."""
    page = np.full((600, 800), 230, np.uint8)
    lines = [upright_line(200, 100 + 50 * k, 750) for k in range(8)]
    for line in lines:
        (left, y), (right, _) = line.points.astype(int)
        for x in range(left, right, 12):
            cv2.line(page, (x, y), (x + 5, y - 18), 40, 2)
    for y in range(150, 450, 12):
        cv2.line(page, (60, y), (78, y + 5), 40, 2)
    return page, lines


@bundled
@pytest.mark.parametrize("turns", [1, 3])
def test_note_along_the_side_is_found_after_the_text_and_its_crop_is_upright(turns: int) -> None:
    page, lines, note = page_with_note(turns)
    found = [line for line in segment_with_network(page) if line.kind != ASIDE]
    assert [line.kind for line in found] == ["text"] * len(lines) + ["vertical"]
    (_, top), (_, end) = found[-1].baseline[0], found[-1].baseline[-1]
    assert (end > top) == (turns == 1)
    crop = crop_line(page, found[-1].baseline, found[-1].spacing_px, 52)
    assert likeness(crop, note) > 0.5 > likeness(crop[::-1, ::-1], note)


def likeness(crop: np.ndarray, note: np.ndarray) -> float:
    """Correlation of the ink where they fit best; the crop may be of another height."""
    best = -1.0
    for scale in np.linspace(0.6, 1.6, 21):
        other = cv2.resize(crop, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        middle = other[:, len(other[0]) // 4 : -len(other[0]) // 4]
        framed = cv2.copyMakeBorder(note, 60, 60, 20, 20, cv2.BORDER_REPLICATE)
        if middle.shape[0] <= framed.shape[0] and middle.shape[1] <= framed.shape[1]:
            best = max(best, float(cv2.matchTemplate(framed, middle, cv2.TM_CCOEFF_NORMED).max()))
    return best


@bundled
def test_page_without_a_note_has_none() -> None:
    page, lines = drawn("what was written here has no note beside it at all " * 8, 900, 1000, 12)
    assert [line.kind for line in segment_with_network(page)] == ["text"] * len(lines)


def test_ink_of_lines_is_not_looked_at_again() -> None:
    page, lines = page_with_bar()
    page[:, :150] = 230
    assert bars(page, lines, 50.0) == []


def test_bar_of_ink_beside_the_lines_is_looked_at() -> None:
    page, lines = page_with_bar()
    (bar,) = bars(page, lines, 50.0)
    assert bar.left < 60 and bar.right > 78 and bar.top < 150 and bar.bottom > 445
    assert bar.right - bar.left < 200


def test_long_rule_and_dark_border_are_no_bars() -> None:
    page, lines = page_with_bar()
    page[:, :150] = 230
    page[:, :30] = 10
    page[50:550, 100:103] = 10
    assert bars(page, lines, 50.0) == []


def test_way_that_the_network_is_surer_of_is_taken() -> None:
    page, lines = page_with_bar()
    looked: list[FoundLine] = []

    def look(part: np.ndarray) -> list[FoundLine]:
        confidence = 0.8 if looked else 0.99  # looked at as running up, then as running down
        looked.append(FoundLine(np.array([[60.0, 70], [360, 70]]), 60.0, confidence, 0))
        return looked[-1:]

    *same, note = with_side_notes(page, lines, look)
    assert len(looked) == 2
    assert same == lines
    assert note.quarter_turns == 3
    assert note.points[0, 1] > note.points[1, 1]
    assert note.spacing_px == 50.0  # not larger than the text's


def test_column_of_figures_is_no_note_and_doubtful_strokes_under_a_note_are_left_out() -> None:
    page, lines = page_with_bar()
    stroke = upright_line(60, 300, 80)
    found = [*lines, set_aside(stroke, "doubtful")]

    def look(part: np.ndarray) -> list[FoundLine]:
        return [note_line(60, 360, 70)]

    assert [line.kind for line in with_side_notes(page, found, look)] == ["text"] * 9
    assert with_side_notes(page, [*lines, stroke], look) == [*lines, stroke]


@pytest.mark.parametrize(("through", "notes"), [(2, 1), (8, 0)])
def test_first_letters_of_lines_are_no_note(through: int, notes: int) -> None:
    page, lines = page_with_bar()
    looked = []

    def look(part: np.ndarray) -> list[FoundLine]:
        looked.append(part)
        return [note_line(60, 360, 88)]  # to the right of the bar, where the long lines begin

    far = [upright_line(92, line.points[0, 1], 750) for line in lines[:through]]
    found = [*far, *lines[through:]]
    assert len(with_side_notes(page, found, look)) == 8 + notes
    assert looked


@pytest.mark.parametrize("confidence", [0.3, 0.97])
def test_note_has_to_be_sure_and_long(confidence: float) -> None:
    page, lines = page_with_bar()

    def look(part: np.ndarray) -> list[FoundLine]:
        long = confidence < 0.6
        return [
            FoundLine(np.array([[60.0, 70], [360.0 if long else 120, 70]]), 60.0, confidence, 0)
        ]

    assert with_side_notes(page, lines, look) == lines


def test_line_is_kept_as_it_is_where_nothing_stands_beside_it() -> None:
    page, lines = page_with_bar()

    def look(part: np.ndarray) -> list[FoundLine]:
        raise AssertionError("there is nothing to look at")

    assert with_side_notes(page, lines[:1], look) == lines[:1]
    page[:, :150] = 230
    assert with_side_notes(page, lines, look) == lines
