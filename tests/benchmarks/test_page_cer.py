from __future__ import annotations

import json
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.page_cer import (
    TRUE_BASELINES,
    PageErrors,
    errors_of,
    measure,
    plain,
    rate_of,
    table,
    true_lines,
)
from benchmarks.pages import TrueLine, TruePage, read_truth
from segmentation import Line

SPACING_PX = 60.0


def straight(x0: float, x1: float, y: float) -> tuple[tuple[float, float], ...]:
    return ((x0, y), (x1, y))


def found(*baselines: tuple[tuple[float, float], ...]) -> list[Line]:
    return [Line(baseline, (), SPACING_PX) for baseline in baselines]


TRUTH = [
    TrueLine(straight(100, 500, 100), SPACING_PX, "first line"),
    TrueLine(straight(100, 500, 160), SPACING_PX, "second"),
]


def test_lines_found_and_read_well_have_no_errors() -> None:
    lines = found(straight(102, 498, 103), straight(100, 500, 158))
    assert errors_of(TRUTH, lines, ["first line", "second"]) == PageErrors(16, 0, 0, 0, 0)


def test_order_of_lines_does_not_matter() -> None:
    lines = found(straight(100, 500, 160), straight(100, 500, 100))
    assert errors_of(TRUTH, lines, ["second", "first line"]).edits == 0


def test_misread_characters_count_within_the_pair() -> None:
    lines = found(*(line.baseline for line in TRUTH))
    assert errors_of(TRUTH, lines, ["frst lime", "second"]) == PageErrors(16, 2, 0, 0, 0)


def test_line_that_was_not_found_counts_as_deleted() -> None:
    errors = errors_of(TRUTH, found(straight(100, 500, 100)), ["first line"])
    assert errors == PageErrors(16, 0, 6, 0, 0)
    assert errors_of(TRUTH, [], []) == PageErrors(16, 0, 16, 0, 0)


def test_text_read_where_there_is_none_is_inserted_and_spurious() -> None:
    lines = found(*(line.baseline for line in TRUTH), straight(100, 500, 700))
    errors = errors_of(TRUTH, lines, ["first line", "second", "stamp"])
    assert errors == PageErrors(16, 0, 0, 5, 5)
    assert errors_of([], found(straight(0, 9, 9)), ["stamp"]) == PageErrors(0, 0, 0, 5, 5)


def test_line_in_two_pieces_pays_for_both_but_is_not_spurious() -> None:
    lines = found(straight(100, 350, 100), straight(360, 500, 100), straight(100, 500, 160))
    errors = errors_of(TRUTH, lines, ["first", "line", "second"])
    assert errors == PageErrors(16, 5, 0, 4, 0)


def test_found_line_serves_only_the_true_line_that_it_covers_best() -> None:
    columns = [
        TrueLine(straight(0, 400, 100), SPACING_PX, "left"),
        TrueLine(straight(450, 800, 100), SPACING_PX, "right"),
    ]
    errors = errors_of(columns, found(straight(0, 780, 100)), ["left right"])
    assert errors == PageErrors(9, len(" right"), len("right"), 0, 0)


def test_line_that_barely_touches_another_is_no_partner() -> None:
    errors = errors_of(TRUTH[:1], found(straight(490, 900, 100)), ["margin"])
    assert errors == PageErrors(10, 0, 10, 6, 6)


def test_line_without_transcription_and_its_partner_do_not_count() -> None:
    truth = [*TRUTH, TrueLine(straight(100, 500, 220), SPACING_PX, "")]
    lines = found(*(line.baseline for line in truth))
    assert errors_of(truth, lines, ["first line", "second", "anything"]).edits == 0


def test_marks_of_editors_are_dropped_and_text_is_composed() -> None:
    assert plain("elle >passe< M^r  ⟦un⟧") == "elle passe Mr un"
    assert plain("e\u0301te\u0301 >< ") == "\u00e9t\u00e9"


def test_rate_is_edits_over_characters_with_and_without_spurious_text() -> None:
    rate = rate_of([PageErrors(60, 6, 4, 5, 5), PageErrors(40, 0, 0, 5, 0)])
    assert rate.cer == pytest.approx(0.20)
    assert rate.cer_on == pytest.approx(0.15)
    assert (rate.paired, rate.deleted, rate.inserted) == pytest.approx((0.06, 0.04, 0.10))


TEXTS = ("one long line of text", "and another one", "a third for good", "the last of them")
TOP_PX, STEP_PX = 200, 80


def drawn_archive(folder: Path) -> Path:
    """A zip with one page of four lines, drawn here."""
    page = np.full((700, 1000), 235, np.uint8)
    lines = []
    for row, text in enumerate(TEXTS):
        y = TOP_PX + STEP_PX * row
        (width_px, _), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_COMPLEX, 1.6, 4)
        cv2.putText(page, text, (100, y), cv2.FONT_HERSHEY_COMPLEX, 1.6, 30, 4)
        baseline = [[100, y], [100 + width_px, y]]
        lines.append({"baseline": baseline, "spacing": STEP_PX, "text": text})
    row = {"file": "drawn/1.png", "source": "drawn", "lines": lines}
    with zipfile.ZipFile(folder / "pages.zip", "w") as archive:
        archive.writestr("drawn/1.png", cv2.imencode(".png", page)[1].tobytes())
        archive.writestr("pages.jsonl", json.dumps(row) + "\n")
    return folder / "pages.zip"


def read_by_place(pixels: np.ndarray, lines: list[Line]) -> list[str]:
    """A recogniser that knows what stands where."""
    assert pixels.shape[:2] == (700, 1000)
    rows = [round((line.baseline[0][1] - TOP_PX) / STEP_PX) for line in lines]
    return [TEXTS[row] if row < len(TEXTS) else "speck" for row in rows]


def upper_three_lines(pixels: np.ndarray) -> list[Line]:
    """A segmenter that overlooks the last line and takes a speck at the bottom for one."""
    rows = [straight(100, 600, TOP_PX + STEP_PX * row) for row in range(3)]
    return [Line(row, (), STEP_PX) for row in [*rows, straight(400, 450, 680)]]


def test_drawn_page_is_measured_for_true_baselines_and_each_method(tmp_path: Path) -> None:
    archive = drawn_archive(tmp_path)
    pages = read_truth(archive)
    errors = measure(archive, pages, {"overlooking": upper_three_lines}, read_by_place)
    characters = sum(map(len, TEXTS))
    last, speck = len(TEXTS[3]), len("speck")
    assert errors[TRUE_BASELINES] == [PageErrors(characters, 0, 0, 0, 0)]
    assert errors["overlooking"] == [PageErrors(characters, 0, last, speck, speck)]


def test_table_tells_what_segmentation_costs_by_source() -> None:
    pages = [TruePage("1", "letters", ()), TruePage("2", "registers", ())]
    errors = {
        TRUE_BASELINES: [PageErrors(50, 5, 0, 0, 0), PageErrors(50, 5, 0, 0, 0)],
        "network": [PageErrors(50, 5, 0, 0, 0), PageErrors(50, 5, 2, 3, 3)],
    }
    rows = table(pages, errors).splitlines()
    assert rows[3] == "| registers | 1 | 0.100 / 0.100 | 0.140 / 0.200 |"
    assert rows[4] == "| all | 2 | 0.100 / 0.100 | 0.120 / 0.150 |"
    assert rows[5] == "| points more than true baselines | 2 | +0.0 / +0.0 | +2.0 / +5.0 |"
    assert rows[6].endswith("| 0.100 / 0.000 / 0.000 | 0.100 / 0.020 / 0.030 |")


def test_true_lines_can_be_cropped_like_found_ones() -> None:
    page = TruePage("1", "letters", tuple(TRUTH))
    assert true_lines(page)[1] == Line(straight(100, 500, 160), (), SPACING_PX)
