"""Corrected lines that look wrong: empty, too long for their ink, or the text of another line.

The limits were set on 998 lines of eleven hands, read by the shipped model (CER 45 % on the worst
hand): with correct texts "disagrees" is said of 9 lines and "shifted" of none; with every text
moved down by a line, of 79 % and 82 %.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from htr.metrics import error_rate, line_errors, normalise
from storage.records import TrainingLine

SuspicionKind = Literal["empty", "too long", "shifted", "duplicate", "disagrees"]

MAX_DENSITY = 8.0  # characters in a length as long as the line spacing; real lines have 3-6
MAX_DENSITY_TO_MEDIAN = 2.2  # a small hand raises the limit for all of its lines
MIN_DENSE_CHARACTERS = 4  # a short word on a short baseline says nothing

WILD_CER = 0.7
WILD_CONFIDENCE = 0.6  # 0-1; about the middle of what the shipped model says on hands new to it
MIN_COMPARED_CHARACTERS = 6

SHIFTED_CER = 0.5  # against the line's own reading, at least
SHIFTED_NEIGHBOUR_CER = 0.6  # against the reading of the line above or below, at most
SHIFTED_GAIN = 0.2  # and so much less than against its own
MIN_SHIFTED_CHARACTERS = 8
MIN_DUPLICATE_CHARACTERS = 12  # "idem" may well stand on two lines

SHOWN_CHARACTERS = 60


@dataclass(frozen=True)
class Suspicion:
    """A line that looks wrong. number: its place on the page from 1. why: in plain words."""

    line_id: int
    page_id: int
    document_id: int
    number: int
    kind: SuspicionKind
    why: str


@dataclass(frozen=True)
class _Neighbour:
    where: Literal["above", "below"]
    line: TrainingLine


def suspicions(lines: Sequence[TrainingLine]) -> list[Suspicion]:
    """Return the lines that look wrong, in the order given, each with the plainest reason.

    lines: all corrected lines, page by page in reading order; neighbours are looked for among them.
    """
    limit = _density_limit(lines)
    found = []
    for index, line in enumerate(lines):
        neighbours = _neighbours(lines, index)
        reason = _reason(line, neighbours, limit)
        if reason is not None:
            kind, why = reason
            found.append(
                Suspicion(
                    line.line_id, line.page_id, line.document_id, line.position + 1, kind, why
                )
            )
    return found


def density(line: TrainingLine) -> float:
    """Return the characters of the line in a length as long as its spacing; inf without length."""
    points = line.baseline
    length_px = sum(
        ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5
        for (x0, y0), (x1, y1) in zip(points, points[1:], strict=False)
    )
    if not length_px > 0 or not line.spacing_px > 0:
        return float("inf")
    return len(normalise(line.text)) * line.spacing_px / length_px


def _density_limit(lines: Sequence[TrainingLine]) -> float:
    densities = [density(line) for line in lines if normalise(line.text)]
    if not densities:
        return MAX_DENSITY
    # The median, not the mean: the lines that are looked for must not move the limit.
    return max(MAX_DENSITY, MAX_DENSITY_TO_MEDIAN * min(statistics.median(densities), MAX_DENSITY))


def _neighbours(lines: Sequence[TrainingLine], index: int) -> list[_Neighbour]:
    line = lines[index]
    found: list[_Neighbour] = []
    if index > 0 and lines[index - 1].page_id == line.page_id:
        found.append(_Neighbour("above", lines[index - 1]))
    if index + 1 < len(lines) and lines[index + 1].page_id == line.page_id:
        found.append(_Neighbour("below", lines[index + 1]))
    return found


def _reason(
    line: TrainingLine, neighbours: Sequence[_Neighbour], density_limit: float
) -> tuple[SuspicionKind, str] | None:
    text = normalise(line.text)
    if not text:
        return "empty", (
            "It has no text, so it teaches nothing and is left out. If there is writing, type it; "
            "if there is none, mark the line as ignored."
        )
    if len(text) >= MIN_DENSE_CHARACTERS and density(line) > density_limit:
        return "too long", (
            f"{len(text)} characters are too many for so short a line. Is it the text of more than "
            "one line, or does the baseline stop too early?"
        )
    return _shifted(line, text, neighbours) or _disagrees(line, text)


def _shifted(
    line: TrainingLine, text: str, neighbours: Sequence[_Neighbour]
) -> tuple[SuspicionKind, str] | None:
    """Return the reason if the text belongs to the line above or below, or repeats its text."""
    own = _cer(text, line.reading_text)
    for neighbour in neighbours:
        other = _cer(text, neighbour.line.reading_text)
        if (
            len(text) >= MIN_SHIFTED_CHARACTERS
            and own is not None
            and other is not None
            and own >= SHIFTED_CER
            and other <= min(SHIFTED_NEIGHBOUR_CER, own - SHIFTED_GAIN)
        ):
            return "shifted", (
                f"Its text fits the line {neighbour.where} much better than itself. Have the texts "
                "slipped by a line?"
            )
    for neighbour in neighbours:
        if len(text) >= MIN_DUPLICATE_CHARACTERS and text == normalise(neighbour.line.text):
            return "duplicate", (
                f"It has the same text as the line {neighbour.where}. Was it pasted twice?"
            )
    return None


def _disagrees(line: TrainingLine, text: str) -> tuple[SuspicionKind, str] | None:
    cer = _cer(text, line.reading_text)
    if (
        cer is None
        or line.reading_confidence is None
        or cer < WILD_CER
        or line.reading_confidence < WILD_CONFIDENCE
        or len(text) < MIN_COMPARED_CHARACTERS
    ):
        return None
    return "disagrees", (
        f'The model is fairly sure of "{_shown(line.reading_text)}", which has next to nothing in '
        "common with the text. "
        "Is it the text of another line?"
    )


def _cer(text: str, reading: str | None) -> float | None:
    """Return the reading's error rate against the text; None where nothing was read."""
    if reading is None or not normalise(reading):
        return None
    errors = line_errors(text, reading)
    return error_rate(errors.character_edits, errors.characters)


def _shown(text: str | None) -> str:
    shown = normalise(text or "")
    return shown if len(shown) <= SHOWN_CHARACTERS else shown[: SHOWN_CHARACTERS - 3] + "..."
