"""Where the lines of a page go: margins, paragraphs, columns, the parts of a letter."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

import numpy as np

from synthesis.font import Font
from synthesis.hand import Hand
from synthesis.letter import Letter

NOTE_SIZE = 0.68  # letters and spacing of a margin note against the page's
ROOMY_ROWS = 12  # pages with so many rows leave one free below the date
SLACK = 1.03  # a written word may come out a little wider than measured


@dataclass(frozen=True)
class Block:
    """The room for a column of lines in px: its left, its width, baselines from first to last."""

    left_px: float
    width_px: float
    first_px: float
    last_px: float
    spacing_px: float

    @property
    def rows(self) -> int:
        """How many lines fit."""
        return max(0, int((self.last_px - self.first_px) / self.spacing_px + 1e-6) + 1)


@dataclass(frozen=True)
class Placed:
    """A line of text with the start of its baseline on the flat page, in px."""

    text: str
    x: float
    y: float
    spacing_px: float


def body_blocks(
    width_px: int, height_px: int, spacing_px: float, columns: int, note: bool, skew_deg: float
) -> tuple[Block, ...]:
    """The columns of a page, left to right, with room for its skew."""
    lean = abs(float(np.sin(np.radians(skew_deg))))
    side, head = lean * height_px / 2, lean * width_px / 2
    left = width_px * (0.235 if note else 0.10) + side
    right = width_px * 0.94 - side
    gap = 1.4 * spacing_px
    wide = (right - left - gap * (columns - 1)) / columns
    first = max(1.5 * spacing_px, 0.06 * height_px) + head
    last = height_px - max(0.75 * spacing_px, 0.045 * height_px) - head
    return tuple(
        Block(left + i * (wide + gap), wide, first, last, spacing_px) for i in range(columns)
    )


def note_block(body: Block, rng: np.random.Generator) -> Block:
    """The room for a margin note to the left of the body, at a random height."""
    left = body.left_px * 0.16
    spacing = body.spacing_px * NOTE_SIZE
    reach = max(body.spacing_px, body.last_px - body.first_px)
    first = body.first_px + rng.uniform(0.1, 0.6) * reach
    last = min(body.last_px, first + 5.2 * spacing)
    return Block(left, body.left_px * 0.94 - left, first, last, spacing)


def spelled(text: str, font: Font) -> str:
    """The text as the font can write it, NFC: words that it cannot write at all are left out."""
    words = (font.spelled(word) for word in unicodedata.normalize("NFC", text).split())
    return " ".join(word for word in words if word)


def wrap(text: str, hand: Hand, width_px: float, indent_px: float = 0.0) -> list[str]:
    """The text in lines no wider than width_px; a word wider than that is left out."""
    lines: list[str] = []
    line: list[str] = []
    used = indent_px
    gap = hand.gap * hand.x_height_px * (1.0 + 0.12 * hand.jitter)
    for word in text.split():
        needed = hand.width_px(word) * SLACK
        if needed > width_px - indent_px:
            continue
        if line and used + needed > width_px:
            lines.append(" ".join(line))
            line, used = [], 0.0
        line.append(word)
        used += needed + gap
    return [*lines, " ".join(line)] if line else lines


def place_prose(
    paragraphs: tuple[str, ...], hand: Hand, blocks: tuple[Block, ...], limit: int
) -> list[Placed]:
    """The paragraphs in lines from block to block, at most `limit` lines; the rest is left out."""
    rows = [
        (block, block.first_px + row * block.spacing_px)
        for block in blocks
        for row in range(block.rows)
    ][:limit]
    placed: list[Placed] = []
    indent = 1.2 * blocks[0].spacing_px
    for paragraph in paragraphs:
        lines = wrap(paragraph, hand, blocks[0].width_px, indent)
        for number, text in enumerate(lines):
            if len(placed) == len(rows):
                return placed
            block, y = rows[len(placed)]
            x = block.left_px + (indent if number == 0 else 0.0)
            placed.append(Placed(text, x, y, block.spacing_px))
    return placed


def place_letter(letter: Letter, hand: Hand, block: Block, limit: int) -> list[Placed]:
    """The letter in lines: date to the right, greeting, body, farewell and signature below."""
    font, step = hand.font, block.spacing_px
    rows = min(block.rows, limit)
    if rows < 6:
        return place_prose(_spell(letter.paragraphs, font), hand, (block,), limit)

    def line(text: str, share: float, row: int) -> list[Placed]:
        fit = wrap(spelled(text, font), hand, block.width_px)
        if not fit:
            return []
        room = block.width_px - hand.width_px(fit[0]) * SLACK - step / 2
        return [
            Placed(fit[0], block.left_px + max(0, room) * share, block.first_px + row * step, step)
        ]

    greeting = 2 if rows >= ROOMY_ROWS else 1
    head = line(letter.date, 1.0, 0) + line(letter.greeting, 0.12, greeting)
    start = block.first_px + (greeting + 1) * step
    middle = Block(block.left_px, block.width_px, start, block.last_px, step)
    body = place_prose(_spell(letter.paragraphs, font), hand, (middle,), rows - greeting - 3)
    end = greeting + 1 + len(body)
    return head + body + line(letter.farewell, 0.55, end) + line(letter.signature, 0.9, end + 1)


def _spell(paragraphs: tuple[str, ...], font: Font) -> tuple[str, ...]:
    return tuple(spelled(paragraph, font) for paragraph in paragraphs)
