"""A drawn page: its picture and the true geometry and text of its lines."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from synthesis.font import Font, SynthesisError, font_named, fonts, fonts_covering
from synthesis.hand import Hand, write, x_height_for
from synthesis.layout import (
    NOTE_SIZE,
    Block,
    Placed,
    body_blocks,
    note_block,
    place_letter,
    place_prose,
    spelled,
    wrap,
)
from synthesis.letter import Letter, sample_letter
from synthesis.paper import RULE_INK, absorbed, bled_through, draw_paper, lay_ink
from synthesis.settings import PageSettings, check_settings
from synthesis.sheet import lay_strip
from synthesis.text import sample_language, sample_text, sample_words
from synthesis.warp import SheetWarp, draw_wave

Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class DrawnLine:
    """A line of a drawn page in pixels of the page: what is written and where its ink is."""

    text: str
    baseline: Points
    polygon: Points
    spacing_px: float


@dataclass(frozen=True)
class DrawnPage:
    """A drawn page: uint8 (H, W, 3) RGB, its lines in reading order, a title for people."""

    pixels: np.ndarray
    lines: tuple[DrawnLine, ...]
    title: str


def draw_page(
    seed: int | np.random.Generator,
    text: str | Letter | None = None,
    settings: PageSettings | None = None,
) -> DrawnPage:
    """A page written by hand; the same seed, text and settings give the same page.

    text: paragraphs divided by newlines, or a letter; None lets the seed choose. The text of the
    lines is what is drawn: what finds no room, or what no font can write, is left out of both.
    Raises: SynthesisError for settings that leave no room, an unknown font or language.
    """
    rng = np.random.default_rng(seed)
    chosen = settings or PageSettings()
    check_settings(chosen)
    content = _content(rng, text, chosen)
    note = sample_words(rng, _language(content, chosen), 9) if chosen.margin_note else ""
    hand = _hand(rng, content, chosen)
    blocks = body_blocks(
        chosen.width_px,
        chosen.height_px,
        chosen.spacing_px,
        chosen.columns,
        chosen.margin_note,
        chosen.skew_deg,
    )
    placed = _placed(content, hand, blocks, chosen)
    if not placed:
        raise SynthesisError(
            f"Nothing can be written on a page of {chosen.width_px} x {chosen.height_px} px with a "
            f"line spacing of {chosen.spacing_px:g} px: the text is blank, no font has its "
            "characters, or there is no room. Give other text, a larger page or a smaller spacing."
        )
    lines = [(place, hand) for place in placed]
    if note:
        lines += _note_lines(note, hand, note_block(blocks[0], rng))
    return _drawn(rng, lines, blocks, chosen, _title(content, placed))


def _content(
    rng: np.random.Generator, text: str | Letter | None, settings: PageSettings
) -> str | Letter:
    """What to write: the text given, or enough of one drawn by the seed to fill the page."""
    if text is not None:
        return text
    language = settings.language or sample_language(rng)
    rows = settings.line_count or int(settings.height_px / settings.spacing_px) * settings.columns
    # a letter of a usual hand is about a sixth of the spacing wide; more is cut off at the end
    characters = int(rows * settings.width_px / settings.columns / settings.spacing_px * 5) + 40
    if settings.letter and settings.columns == 1:
        return sample_letter(rng, language, characters)
    return sample_text(rng, language, characters)


def _language(content: str | Letter, settings: PageSettings) -> str | None:
    return content.language if isinstance(content, Letter) else settings.language


def _whole(content: str | Letter) -> str:
    """All characters of the content, to find a font that can write them."""
    if isinstance(content, str):
        return content
    return "\n".join(
        (content.date, content.greeting, *content.paragraphs, content.farewell, content.signature)
    )


def _hand(rng: np.random.Generator, content: str | Letter, settings: PageSettings) -> Hand:
    """The writer: a font that can write all of the content if there is one."""
    able = fonts_covering(_whole(content)) or fonts()
    font: Font = able[int(rng.integers(len(able)))]
    if settings.font is not None:
        font = font_named(settings.font)
    return Hand(
        font=font,
        x_height_px=x_height_for(font, settings.spacing_px, settings.size),
        slant=settings.slant,
        stretch=float(1.0 + settings.jitter * rng.uniform(-0.1, 0.1)),
        gap=float(rng.uniform(0.95, 1.3)),
        jitter=settings.jitter,
        pen=settings.pen,
        fading=settings.fading,
    )


def _placed(
    content: str | Letter, hand: Hand, blocks: tuple[Block, ...], settings: PageSettings
) -> list[Placed]:
    rows = sum(block.rows for block in blocks)
    limit = rows if settings.line_count is None else min(rows, settings.line_count)
    if isinstance(content, Letter):
        return place_letter(content, hand, blocks[0], limit)
    paragraphs = tuple(spelled(paragraph, hand.font) for paragraph in content.split("\n"))
    return place_prose(paragraphs, hand, blocks, limit)


def _note_lines(note: str, hand: Hand, block: Block) -> list[tuple[Placed, Hand]]:
    small = replace(hand, x_height_px=hand.x_height_px * NOTE_SIZE)
    texts = wrap(spelled(note, hand.font), small, block.width_px)[: block.rows]
    return [
        (
            Placed(text, block.left_px, block.first_px + row * block.spacing_px, block.spacing_px),
            small,
        )
        for row, text in enumerate(texts)
    ]


def _title(content: str | Letter, placed: list[Placed]) -> str:
    return content.date if isinstance(content, Letter) else placed[0].text


def _drawn(
    rng: np.random.Generator,
    lines: list[tuple[Placed, Hand]],
    blocks: tuple[Block, ...],
    settings: PageSettings,
    title: str,
) -> DrawnPage:
    """The page with these lines: ink first, then the sheet's bend, then paper and colour."""
    shape = (settings.height_px, settings.width_px)
    warp = SheetWarp(
        width_px=settings.width_px,
        height_px=settings.height_px,
        skew_deg=settings.skew_deg,
        keystone=settings.keystone,
        curl_px=settings.curl * settings.spacing_px,
        curl_phase=float(rng.uniform(0, 2 * np.pi)),
    )
    ink = np.zeros(shape, np.uint8)
    drawn: list[DrawnLine] = []
    dip = 1.0
    for place, hand in lines:
        strip = write(place.text, hand, rng, dip)
        dip = strip.dip
        wave = draw_wave(rng, settings.wave * place.spacing_px, strip.width_px)
        baseline, polygon = lay_strip(ink, strip, place.x, place.y, wave, hand, rng)
        corners = _inside(warp.forward(polygon), settings)
        drawn.append(
            DrawnLine(
                place.text, _inside(warp.forward(baseline), settings), corners, place.spacing_px
            )
        )
    ink = warp.bend(ink)
    sheet = draw_paper(rng, *shape, colour=settings.paper, wear=settings.wear)
    if settings.ruled:
        lay_ink(sheet, warp.bend(_rules(shape, blocks)), RULE_INK)
    if settings.bleed_through > 0:
        lay_ink(sheet, bled_through(rng, ink, settings.bleed_through), settings.ink)
    lay_ink(sheet, absorbed(rng, ink, settings.ink_variation), settings.ink)
    pixels = np.clip(sheet + 0.5, 0, 255).astype(np.uint8)
    return DrawnPage(pixels, tuple(drawn), title)


def _rules(shape: tuple[int, int], blocks: tuple[Block, ...]) -> np.ndarray:
    """Printed rules a little below the baselines, across the sheet; uint8 (H, W)."""
    layer = np.zeros(shape, np.uint8)
    block = blocks[0]
    thickness = max(1, round(block.spacing_px / 45))
    for row in range(-1, block.rows + 1):
        y = round(block.first_px + row * block.spacing_px + 0.05 * block.spacing_px)
        cv2.line(layer, (0, y), (shape[1] - 1, y), 190, thickness)
    return cv2.GaussianBlur(layer, (3, 3), 0.7)


def _inside(points: np.ndarray, settings: PageSettings) -> Points:
    """The points as pairs of floats, none outside the page."""
    limits = (settings.width_px - 1, settings.height_px - 1)
    kept = np.clip(points, 0, limits)
    return tuple((round(float(x), 2), round(float(y), 2)) for x, y in kept)
