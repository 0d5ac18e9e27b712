"""Pages that `synthesis` draws, as pages of truth for the line segmenter: what real truth lacks.

Real archives leave vertical notes, insertions between lines and the cells of tables out now and
then; here every line that is drawn is known. So a part of the crops of training is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from synthesis.font import fonts
from synthesis.hand import Hand, write, x_height_for
from synthesis.layout import spelled, wrap
from synthesis.page import DrawnLine, draw_page
from synthesis.settings import PageSettings, sample_settings
from synthesis.sheet import lay_strip
from synthesis.text import sample_language, sample_words
from synthesis.warp import draw_wave
from training.segmentation_data import TruthPage, truth_page

TABLE_SHARE = 0.35  # of the pages: dense registers are where columns and rows run together
NOTE_SHARE = 0.5  # of the other pages have a vertical note
INSERTED_SHARE = 0.6  # of the other pages have insertions
INSERTED_SIZE = (0.5, 0.65)  # letters and spacing of an insertion against the line's
INSERTED_RISE = (0.42, 0.56)  # of the spacing, from the line's baseline up
NARROWEST_CELL = 2.0  # of the spacing


@dataclass
class _Sheet:
    """A page in the making: gray pixels (H, W) uint8, ink laid later, lines so far."""

    gray: np.ndarray
    ink: np.ndarray
    lines: list[tuple[np.ndarray, float]]


def drawn_pages(count: int, seed: int) -> list[TruthPage]:
    """Return so many drawn pages of source "drawn": prose and letters with notes, and tables."""
    seeds = np.random.SeedSequence(seed).spawn(count)
    return [_drawn_page(number, np.random.default_rng(s)) for number, s in enumerate(seeds)]


def _drawn_page(number: int, rng: np.random.Generator) -> TruthPage:
    settings = sample_settings(rng, int(rng.integers(900, 1300)))
    if rng.random() < TABLE_SHARE:
        sheet = _table(rng, settings)
    else:
        sheet = _prose(rng, settings)
    tone = float(np.median(sheet.gray)) * rng.uniform(0.1, 0.45)
    share = cv2.GaussianBlur(sheet.ink, (3, 3), 0.7).astype(np.float32) / 255
    gray = np.clip(sheet.gray + share * (tone - sheet.gray), 0, 255).astype(np.uint8)
    baselines = [baseline for baseline, _ in sheet.lines]
    return truth_page(f"drawn/{number}", "drawn", gray, baselines, [s for _, s in sheet.lines])


def _prose(rng: np.random.Generator, settings: PageSettings) -> _Sheet:
    """A written page; now and then with insertions between its lines and a note along its side."""
    page = draw_page(rng, settings=settings)
    gray = cv2.cvtColor(page.pixels, cv2.COLOR_RGB2GRAY)
    lines = [(np.array(line.baseline), line.spacing_px) for line in page.lines]
    sheet = _Sheet(gray, np.zeros_like(gray), lines)
    if rng.random() < INSERTED_SHARE:
        for k in np.flatnonzero(rng.random(len(page.lines)) < 0.25):
            _insert(sheet, page.lines[k], rng)
    if rng.random() < NOTE_SHARE:
        _note(sheet, settings, rng)
    return sheet


def _insert(sheet: _Sheet, line: DrawnLine, rng: np.random.Generator) -> None:
    """Write a few words above a line, as an afterthought."""
    spacing = line.spacing_px * rng.uniform(*INSERTED_SIZE)
    points = np.array(line.baseline)
    x = float(rng.uniform(points[0, 0], max(points[0, 0] + 1, points[-1, 0] - 3 * spacing)))
    y = float(np.interp(x, *points.T)) - line.spacing_px * rng.uniform(*INSERTED_RISE)
    room = min(float(points[-1, 0]), sheet.ink.shape[1] - 5.0) - x
    text = sample_words(rng, sample_language(rng), int(rng.integers(1, 4)))
    _write(sheet, text, x, y, room, spacing, _hand(rng, spacing), rng)


def _note(sheet: _Sheet, settings: PageSettings, rng: np.random.Generator) -> None:
    """Write one to three lines up or down the side of the page where there is most room."""
    left = min((points[:, 0].min() for points, _ in sheet.lines), default=0.0)
    right = max((points[:, 0].max() for points, _ in sheet.lines), default=0.0)
    height, width = sheet.ink.shape
    room = max(left, width - right)
    spacing = settings.spacing_px * rng.uniform(0.6, 0.9)
    rows = min(int(room / spacing - 0.6), int(rng.integers(1, 4)))
    if rows < 1:
        return
    turns = 1 if rng.random() < 0.75 else 3  # a page is mostly turned right to write along its side
    side = _Sheet(np.rot90(sheet.gray, -turns), np.zeros((width, height), np.uint8), [])
    # On the page turned so that the note is upright, the chosen margin is at the top or bottom.
    on_top = (left >= width - right) == (turns == 1)
    first = 0.9 * spacing if on_top else width - room + 0.9 * spacing
    x = float(rng.uniform(0.05, 0.5) * height)
    hand = _hand(rng, spacing)
    words = sample_words(rng, sample_language(rng), 12 * rows)
    length = float(rng.uniform(0.2, 0.5) * height)
    for row, text in enumerate(wrap(spelled(words, hand.font), hand, length)[:rows]):
        _write(side, text, x, first + row * spacing, height - x - 8, spacing, hand, rng)
    sheet.ink = np.maximum(sheet.ink, np.rot90(side.ink, turns))
    for points, size in side.lines:
        px, py = points.T
        turned = (py, height - px) if turns == 1 else (width - py, px)
        sheet.lines.append((np.stack(turned, axis=1), size))


def _table(rng: np.random.Generator, settings: PageSettings) -> _Sheet:
    """A register: ruled columns, a cell in most rows of each, some with two or three lines."""
    plain = replace(settings, line_count=1, letter=False, columns=1, margin_note=False, size=0.5)
    page = draw_page(rng, settings=plain)
    gray = cv2.cvtColor(page.pixels, cv2.COLOR_RGB2GRAY)
    height, width = gray.shape
    spacing = settings.spacing_px * rng.uniform(0.6, 0.9)
    top = max(points[1] for line in page.lines for points in line.baseline) + 1.5 * spacing
    sheet = _Sheet(gray, np.zeros_like(gray), [(np.array(page.lines[0].baseline), spacing)])
    posts = _posts(rng, width, spacing)
    hand = _hand(rng, spacing)
    rise = float(rng.normal(0, 0.008))  # of the whole table: sheets are photographed askew
    rows = int((height - top - spacing) / spacing)
    for left, right in zip(posts[:-1], posts[1:], strict=True):
        figures, full = rng.random() < 0.35, rng.uniform(0.4, 1.0)
        for row in range(rows):
            if rng.random() > full:
                continue
            text = _cell_text(rng, figures)
            x = left + spacing * (0.25 + (rng.uniform(0, 1.0) if figures else 0))
            y = top + row * spacing + rise * x
            _write(sheet, text, x, y, right - x - 0.15 * spacing, spacing, hand, rng)
    _rule(sheet, posts, top - 1.1 * spacing, spacing, rows, rise, rng)
    return sheet


def _posts(rng: np.random.Generator, width_px: int, spacing_px: float) -> list[float]:
    """Where the vertical rules of a table are, from left to right, all of it on the page."""
    posts = [float(rng.uniform(0.03, 0.1) * width_px)]
    while posts[-1] < 0.9 * width_px:
        wide = rng.choice([2.2, 3.0, 5.0, 9.0], p=[0.3, 0.25, 0.25, 0.2]) * rng.uniform(0.85, 1.3)
        posts.append(posts[-1] + max(NARROWEST_CELL, wide) * spacing_px)
    posts[-1] = min(posts[-1], 0.98 * width_px)
    return posts


def _rule(
    sheet: _Sheet,
    posts: Sequence[float],
    top: float,
    spacing_px: float,
    rows: int,
    rise: float,
    rng: np.random.Generator,
) -> None:
    """Draw the vertical rules and, on some sheets, the horizontal ones, faint to strong."""
    strength, thick = int(rng.integers(60, 220)), int(rng.integers(1, 3))
    bottom = top + (rows + 0.6) * spacing_px
    if rng.random() < 0.85:
        for x in posts:
            ends = (round(x), round(top)), (round(x), round(bottom))
            cv2.line(sheet.ink, *ends, strength, thick, cv2.LINE_AA)
    if rng.random() < 0.4:
        for row in range(rows + 1):
            y = top + (row + 0.25) * spacing_px
            ends = (round(posts[0]), round(y + rise * posts[0])), (
                round(posts[-1]), round(y + rise * posts[-1]))  # fmt: skip
            cv2.line(sheet.ink, *ends, strength, 1, cv2.LINE_AA)


def _cell_text(rng: np.random.Generator, figures: bool) -> str:
    if figures:
        return str(int(rng.integers(1, 10 ** int(rng.integers(1, 5)))))
    return sample_words(rng, sample_language(rng), int(rng.integers(1, 5)))


def _hand(rng: np.random.Generator, spacing_px: float) -> Hand:
    able = fonts()
    font = able[int(rng.integers(len(able)))]
    x_height = x_height_for(font, spacing_px, float(rng.uniform(0.85, 1.1)))
    jitter, pen = float(rng.uniform(0.2, 0.8)), float(rng.uniform(0.08, 0.17))
    slant = float(rng.normal(0.05, 0.1))
    return Hand(font, x_height, slant=slant, jitter=jitter, pen=pen)


def _write(
    sheet: _Sheet,
    text: str,
    x: float,
    y: float,
    room_px: float,
    spacing_px: float,
    hand: Hand,
    rng: np.random.Generator,
) -> None:
    """Write as much of the text as the room holds at (x, y) and note its baseline."""
    fitting = wrap(spelled(text, hand.font), hand, room_px)
    height, width = sheet.ink.shape
    if not fitting or not (0 < x < width and 0.5 * spacing_px < y < height - 2):
        return
    strip = write(fitting[0], hand, rng)
    wave = draw_wave(rng, float(rng.uniform(0.0, 0.06)) * spacing_px, strip.width_px)
    baseline, _ = lay_strip(sheet.ink, strip, x, y, wave, hand, rng)
    sheet.lines.append((baseline, spacing_px))
