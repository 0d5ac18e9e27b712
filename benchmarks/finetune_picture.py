"""The picture of the fine-tuning benchmark: error rate over lines learned, a curve a hand."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

WIDTH_PX, HEIGHT_PX = 960, 560
LEFT, RIGHT, TOP, BOTTOM = 90, 210, 84, 80  # margins in px
DRAWN_AT = 2  # drawn larger and reduced, which smooths the edges
COLOURS = ("#1f6f8b", "#c2571a", "#5b7f2b", "#8b5a9f", "#a13d3d", "#4a5a6a")
MEAN_COLOUR = "#222222"
MEAN = "mean"


def draw_curves(curves: Mapping[str, Sequence[tuple[int, float]]], path: Path, title: str) -> None:
    """Write a PNG of the curves: name -> (lines learned, CER 0-1), in order of lines.

    Lines are on a logarithmic scale that begins at 0; CER is shown in percent. The curve named
    "mean" is drawn black and thick.
    """
    sizes = sorted({lines for points in curves.values() for lines, _ in points})
    top = max(cer for points in curves.values() for _, cer in points)
    highest = max(0.1, math.ceil(top * 10) / 10)
    image = Image.new("RGB", (WIDTH_PX * DRAWN_AT, HEIGHT_PX * DRAWN_AT), "white")
    pen = ImageDraw.Draw(image)

    def across(lines: int) -> float:
        share = math.log2(1 + lines / 4) / max(1e-9, math.log2(1 + sizes[-1] / 4))
        return (LEFT + share * (WIDTH_PX - LEFT - RIGHT)) * DRAWN_AT

    def down(cer: float) -> float:
        return (HEIGHT_PX - BOTTOM - cer / highest * (HEIGHT_PX - TOP - BOTTOM)) * DRAWN_AT

    _draw_axes(pen, sizes, highest, across, down)
    _write(pen, LEFT * DRAWN_AT, 18 * DRAWN_AT, title, 20)
    ends: list[tuple[float, str, str]] = []
    for number, (name, points) in enumerate(sorted(curves.items(), key=lambda c: c[0] == MEAN)):
        mean = name == MEAN
        colour = MEAN_COLOUR if mean else COLOURS[number % len(COLOURS)]
        places = [(across(lines), down(cer)) for lines, cer in points]
        pen.line(places, fill=colour, width=(5 if mean else 3) * DRAWN_AT, joint="curve")
        for x, y in places:
            reach = (6 if mean else 4) * DRAWN_AT
            pen.ellipse((x - reach, y - reach, x + reach, y + reach), fill=colour)
        first, last = points[0][1], points[-1][1]
        change = f" ({(last / first - 1) * 100:+.0f} %)" if first else ""
        ends.append((places[-1][1], f"{name}{change}", colour))
    _name_curves(pen, ends)
    image.resize((WIDTH_PX, HEIGHT_PX), Image.Resampling.LANCZOS).save(path, optimize=True)


def _draw_axes(
    pen: ImageDraw.ImageDraw,
    sizes: Sequence[int],
    highest: float,
    across: Callable[[int], float],
    down: Callable[[float], float],
) -> None:
    grey = "#dddddd"
    for tenth in range(round(highest * 10) + 1):
        y = down(tenth / 10)
        pen.line((across(0), y, across(sizes[-1]), y), fill=grey, width=DRAWN_AT)
        _write(pen, (LEFT - 52) * DRAWN_AT, y - 9 * DRAWN_AT, f"{tenth * 10} %", 15)
    for lines in sizes:
        x = across(lines)
        pen.line((x, down(0), x, down(0) + 6 * DRAWN_AT), fill="#888888", width=DRAWN_AT)
        _write(pen, x - 5 * len(str(lines)) * DRAWN_AT, down(0) + 10 * DRAWN_AT, str(lines), 15)
    _write(pen, LEFT * DRAWN_AT, down(0) + 38 * DRAWN_AT, "corrected lines learned", 16)
    _write(pen, (LEFT - 70) * DRAWN_AT, (TOP - 34) * DRAWN_AT, "CER on held-out pages", 15)


def _name_curves(pen: ImageDraw.ImageDraw, ends: list[tuple[float, str, str]]) -> None:
    """Write each curve's name beside its end, far enough apart to be read."""
    lowest = -math.inf
    for y, name, colour in sorted(ends):
        y = max(y, lowest + 22 * DRAWN_AT)
        lowest = y
        x = (WIDTH_PX - RIGHT + 14) * DRAWN_AT
        _write(pen, x, y - 9 * DRAWN_AT, name, 16, colour)


def _write(
    pen: ImageDraw.ImageDraw, x: float, y: float, text: str, size: int, colour: str = "#333333"
) -> None:
    pen.text((x, y), text, fill=colour, font=ImageFont.load_default(size * DRAWN_AT))
