"""A font at a size: Pillow's font, or several where a font's files each hold a part of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from pathlib import Path

from PIL import ImageDraw, ImageFont

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Face:
    """Draws and measures text. parts: Pillow's fonts, each with the characters that it holds."""

    parts: tuple[tuple[frozenset[str], ImageFont.FreeTypeFont], ...]

    def width(self, text: str) -> float:
        """How far the pen moves over the text, in px."""
        return sum(font.getlength(run) for run, font in self._runs(text))

    def box(self, text: str) -> Box:
        """Left, top, right and bottom of the ink, in px from the start of the baseline."""
        boxes, x = [], 0.0
        for run, font in self._runs(text):
            left, top, right, bottom = font.getbbox(run, anchor="ls")
            boxes.append((left + x, top, right + x, bottom))
            x += font.getlength(run)
        if not boxes:
            return (0.0, 0.0, 0.0, 0.0)
        lefts, tops, rights, bottoms = zip(*boxes, strict=True)
        return (min(lefts), min(tops), max(rights), max(bottoms))

    def draw(
        self, canvas: ImageDraw.ImageDraw, start: tuple[float, float], text: str, stroke: float = 0
    ) -> None:
        """Draw the text in white from the start of its baseline; stroke: px added around it."""
        x = 0.0
        for run, font in self._runs(text):
            place = (start[0] + x, start[1]) if x else start
            canvas.text(place, run, font=font, fill=255, anchor="ls", stroke_width=stroke)
            x += font.getlength(run)

    def _runs(self, text: str) -> Iterator[tuple[str, ImageFont.FreeTypeFont]]:
        """Yield stretches of the text with the font that holds them; what none holds: the first."""
        if len(self.parts) == 1:
            if text:
                yield text, self.parts[0][1]
            return
        for number, group in groupby(text, self._part):
            yield "".join(group), self.parts[number][1]

    def _part(self, character: str) -> int:
        found = (n for n, (known, _) in enumerate(self.parts) if character in known)
        return next(found, 0)


def face_of(
    paths: tuple[Path, ...], characters: Callable[[Path], frozenset[str]], size_px: float
) -> Face:
    """Return the font of these files at a size."""
    return Face(tuple((characters(path), _sized(path, size_px)) for path in paths))


@lru_cache(maxsize=128)
def _sized(path: Path, size_px: float) -> ImageFont.FreeTypeFont:
    # laid out without Raqm, whose presence varies
    return ImageFont.truetype(str(path), size_px, layout_engine=ImageFont.Layout.BASIC)
