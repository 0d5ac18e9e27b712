"""A page becomes lines with transcripts; no line is lost on the way."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from htr_lines import FakeRecognizer, drawn_line

from htr import pipeline
from htr.decode import EMPTY_TRANSCRIPT
from htr.pipeline import read_lines, read_page
from segmentation import Line, SegmentationError
from segmentation.crops import crop_line

PAGE = np.full((400, 600), 230, np.uint8)


def line(*baseline: tuple[float, float], flags: tuple[str, ...] = ()) -> Line:
    return Line(baseline, ((0, 0), (9, 0), (9, 9)), spacing_px=50.0, flags=flags)


FIRST = line((50, 100), (250, 100))
LONGER = line((50, 200), (550, 200))
POINT = line((50, 300), (50, 300))


def test_each_line_is_read_from_its_own_crop() -> None:
    read = read_lines(PAGE, [FIRST, LONGER], FakeRecognizer())
    widths = [crop_line(PAGE, each.baseline, 50.0).shape[1] for each in (FIRST, LONGER)]
    assert [each.line for each in read] == [FIRST, LONGER]
    assert [each.crop_width_px for each in read] == widths
    assert [each.transcript.text for each in read] == [str(width) for width in widths]


def test_line_that_cannot_be_cropped_is_kept_and_flagged() -> None:
    recognizer = FakeRecognizer()
    read = read_lines(PAGE, [FIRST, POINT, LONGER], recognizer)
    assert [each.line.baseline for each in read] == [
        FIRST.baseline, POINT.baseline, LONGER.baseline,
    ]  # fmt: skip
    assert read[1].line.flags == ("no-crop",)
    assert (read[1].transcript, read[1].crop_width_px) == (EMPTY_TRANSCRIPT, 0)
    assert read[0].line.flags == read[2].line.flags == ()
    assert read[2].transcript.text != ""


def test_flag_goes_once_the_line_was_drawn_anew_and_others_stay() -> None:
    mended = line((50, 100), (250, 100), flags=("no-crop", "vertical"))
    (read,) = read_lines(PAGE, [mended], FakeRecognizer())
    assert read.line.flags == ("vertical",)


def test_colour_pages_are_cropped_in_colour() -> None:
    recognizer = FakeRecognizer()
    read_lines(np.dstack([PAGE] * 3), [FIRST], recognizer)
    assert recognizer.seen[0].shape[2] == 3


def test_page_is_segmented_by_the_method_asked_for(monkeypatch) -> None:
    asked = []

    def segment(page: np.ndarray, method: str) -> list[Line]:
        asked.append(method)
        return [LONGER, FIRST]

    monkeypatch.setattr(pipeline, "segment", segment)
    shares: list[float] = []
    read = read_page(PAGE, FakeRecognizer(), "opencv", shares.append)
    assert (asked, shares) == (["opencv"], [1.0])
    assert [each.line for each in read] == [LONGER, FIRST]


def test_line_set_aside_is_kept_in_its_place_and_not_read(monkeypatch) -> None:
    aside = replace(LONGER, kind="aside", flags=("facing page",))
    monkeypatch.setattr(pipeline, "segment", lambda page, method: [FIRST, aside, LONGER])
    read = read_page(PAGE, FakeRecognizer())
    assert [each.line for each in read] == [FIRST, aside, LONGER]
    assert (read[1].transcript, read[1].crop_width_px) == (EMPTY_TRANSCRIPT, 0)
    assert read[0].transcript.text != "" and read[2].transcript.text != ""


def test_page_without_lines_gives_none(monkeypatch) -> None:
    monkeypatch.setattr(pipeline, "segment", lambda page, method: [])
    assert read_page(PAGE, FakeRecognizer()) == []


def test_unknown_method_is_the_segmenters_error() -> None:
    with pytest.raises(SegmentationError, match="magic"):
        read_page(PAGE, FakeRecognizer(), "magic")


def test_writing_on_a_page_is_found_and_cropped() -> None:
    pytest.importorskip("segmentation.opencv")
    page = np.full((500, 900), 235, np.uint8)
    for row, text in enumerate(("received with thanks", "your letter of the", "third of march")):
        strip = drawn_line(text)
        page[60 + 120 * row : 124 + 120 * row, 60 : 60 + strip.shape[1]] = strip
    read = read_page(page, FakeRecognizer(), "opencv")
    assert len(read) == 3
    heights = [each.line.baseline[0][1] for each in read]
    assert heights == sorted(heights)
