from __future__ import annotations

import pytest

from tests.training.corrected_lines import corrected
from training.suspicion import suspicions

LINES = [
    "Les rapports de la situation",
    "que vous nous annoncez dans la lettre",
    "du premier de ce mois ont été remis",
    "au comité qui les examinera demain",
    "et vous en rendra compte aussitôt",
]


def kinds(lines) -> list[tuple[int, str]]:
    return [(found.line_id, found.kind) for found in suspicions(lines)]


def page(texts: list[str], readings: list[str], confidence: float = 0.9):
    return [
        corrected(n, text, reading=reading, confidence=confidence)
        for n, (text, reading) in enumerate(zip(texts, readings, strict=True), start=1)
    ]


def test_lines_that_are_read_as_corrected_are_not_suspicious() -> None:
    assert kinds(page(LINES, [line.replace("s", "f") for line in LINES])) == []


def test_a_line_without_text_is_empty() -> None:
    found = suspicions([corrected(5, " \u00a0 ", position=13)])
    assert [(one.line_id, one.kind, one.number) for one in found] == [(5, "empty", 14)]
    assert found[0].why.startswith("It has no text")


def test_a_text_far_too_long_for_its_line_is_told() -> None:
    lines = [corrected(n, text) for n, text in enumerate(LINES, start=1)]
    lines[2] = corrected(3, " ".join(LINES[2:5]), width_px=300)
    found = suspicions(lines)
    assert [(one.line_id, one.kind) for one in found] == [(3, "too long")]
    assert "104 characters are too many for so short a line" in found[0].why


def test_a_small_hand_does_not_make_all_of_its_lines_suspicious() -> None:
    # 9 characters a spacing, more than most hands write, but all lines are alike
    assert kinds([corrected(n, f"{n}" * 72, width_px=400) for n in range(1, 10)]) == []


def test_texts_that_slipped_by_a_line_are_told() -> None:
    slipped = ["Monsieur le ministre, agréez", *LINES[:-1]]
    found = suspicions(page(slipped, LINES, confidence=0.4))
    assert [(one.line_id, one.kind) for one in found] == [(n, "shifted") for n in (2, 3, 4, 5)]
    assert "fits the line above much better than itself" in found[0].why


def test_a_text_pasted_twice_is_told() -> None:
    lines = [corrected(1, LINES[0]), corrected(2, LINES[0]), corrected(3, LINES[1])]
    assert kinds(lines) == [(1, "duplicate"), (2, "duplicate")]


def test_a_short_word_may_well_stand_on_two_lines() -> None:
    assert kinds([corrected(1, "idem"), corrected(2, "idem")]) == []


def test_lines_of_different_pages_are_no_neighbours() -> None:
    assert kinds([corrected(1, LINES[0]), corrected(2, LINES[0], page_id=2)]) == []


def test_a_text_unlike_a_confident_reading_is_told() -> None:
    found = suspicions(page([LINES[0]], ["quelques bonnes nouvelles hier"], confidence=0.9))
    assert [one.kind for one in found] == ["disagrees"]
    assert '"quelques bonnes nouvelles hier"' in found[0].why


@pytest.mark.parametrize("reading, confidence", [("quelques bonnes nouvelles", 0.3), ("", 0.9)])
def test_a_doubtful_or_empty_reading_accuses_nobody(reading: str, confidence: float) -> None:
    assert kinds(page([LINES[0]], [reading], confidence)) == []


def test_a_line_without_length_is_told_rather_than_divided_by() -> None:
    assert kinds([corrected(1, "some words", width_px=0.0)]) == [(1, "too long")]
