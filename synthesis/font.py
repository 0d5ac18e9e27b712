"""The vendored handwriting fonts: what each can write, and how large its letters are."""

from __future__ import annotations

import struct
import unicodedata
import zlib
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

FOLDER = Path(__file__).parent / "fonts"
MEASURE_PX = 200  # size at which a font is measured; large, so that rounding does not matter
WOFF_HEADER_BYTES = 44
WOFF_ENTRY_BYTES = 20


class SynthesisError(Exception):
    """Something that cannot be drawn; the message says what to change."""


@dataclass(frozen=True)
class Metrics:
    """Sizes of a font's letters in units of its font size (1.0 = the size asked for).

    x_height: height of x; ascent, descent: reach of b, d, h, l above and of g, p, q, y below the
    baseline; pen: usual thickness of a stroke.
    """

    x_height: float
    ascent: float
    descent: float
    pen: float


@dataclass(frozen=True)
class Font:
    """A handwriting font in `synthesis/fonts`; name is its file name without ending."""

    name: str

    @property
    def path(self) -> Path:
        """The font file."""
        return FOLDER / f"{self.name}.woff"

    @property
    def licence_path(self) -> Path:
        """The licence that the font came with."""
        return FOLDER / f"{self.name}.OFL.txt"

    @property
    def metrics(self) -> Metrics:
        """Sizes of the letters, measured on the drawn glyphs."""
        return _measure(self.name)

    def covers(self, text: str) -> bool:
        """True if the font has a glyph for every character of the text, white space aside."""
        return all(c.isspace() or c in _characters(self.name) for c in text)

    def spelled(self, word: str) -> str:
        """The word as this font can write it: itself, else without accents, else nothing."""
        if self.covers(word):
            return word
        plain = "".join(
            c for c in unicodedata.normalize("NFD", word) if not unicodedata.combining(c)
        )
        plain = plain.replace("œ", "oe").replace("Œ", "OE")
        return plain if self.covers(plain) else ""

    def at(self, size_px: float) -> ImageFont.FreeTypeFont:
        """The font at a size for Pillow, laid out without Raqm, whose presence varies."""
        return _sized(self.name, round(size_px * 4) / 4)


@cache
def fonts() -> tuple[Font, ...]:
    """All vendored fonts, ordered by name."""
    return tuple(Font(path.stem) for path in sorted(FOLDER.glob("*.woff")))


def font_named(name: str) -> Font:
    """The font of this name.

    Raises: SynthesisError if there is none.
    """
    for font in fonts():
        if font.name == name:
            return font
    known = ", ".join(font.name for font in fonts())
    raise SynthesisError(f"No handwriting font is called {name!r}. Choose one of: {known}.")


def fonts_covering(text: str) -> tuple[Font, ...]:
    """The fonts that can write every character of the text; may be empty."""
    return tuple(font for font in fonts() if font.covers(text))


@lru_cache(maxsize=64)
def _sized(name: str, size_px: float) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(
        str(FOLDER / f"{name}.woff"), size_px, layout_engine=ImageFont.Layout.BASIC
    )


@cache
def _measure(name: str) -> Metrics:
    face = _sized(name, MEASURE_PX)

    def box(letter: str) -> tuple[float, float, float, float]:
        return face.getbbox(letter, anchor="ls")

    canvas = Image.new("L", (4 * MEASURE_PX, 2 * MEASURE_PX), 0)
    ImageDraw.Draw(canvas).text((MEASURE_PX, MEASURE_PX), "nuil", font=face, fill=255, anchor="ls")
    depth = cv2.distanceTransform((np.asarray(canvas) > 127).astype(np.uint8), cv2.DIST_L2, 3)
    return Metrics(
        x_height=float(np.median([-box(c)[1] for c in "xuvnm"])) / MEASURE_PX,
        ascent=float(np.median([-box(c)[1] for c in "bdhl"])) / MEASURE_PX,
        descent=float(np.median([box(c)[3] for c in "gpqy"])) / MEASURE_PX,
        # a stroke's inner points lie up to half its thickness deep
        pen=2.0 * float(np.percentile(depth[depth > 0], 90)) / MEASURE_PX,
    )


@cache
def _characters(name: str) -> frozenset[str]:
    """The characters in the font's own map (WOFF 1, `cmap` format 4), white space left out."""
    table = _woff_table((FOLDER / f"{name}.woff").read_bytes(), b"cmap")
    found: set[str] = set()
    for index in range(struct.unpack_from(">H", table, 2)[0]):
        platform, _, offset = struct.unpack_from(">HHI", table, 4 + 8 * index)
        if platform in (0, 3) and struct.unpack_from(">H", table, offset)[0] == 4:
            found.update(_format_4(table[offset:]))
    return frozenset(c for c in found if not c.isspace())


def _woff_table(data: bytes, wanted: bytes) -> bytes:
    """The uncompressed table. Source: W3C, WOFF File Format 1.0, sections 3 and 4."""
    if data[:4] != b"wOFF":
        raise SynthesisError("A handwriting font is not a WOFF 1 file. Restore synthesis/fonts.")
    for index in range(struct.unpack_from(">H", data, 12)[0]):
        entry = WOFF_HEADER_BYTES + WOFF_ENTRY_BYTES * index
        tag, offset, packed, size = struct.unpack_from(">4sIII", data, entry)
        if tag == wanted:
            table = data[offset : offset + packed]
            return zlib.decompress(table) if packed < size else table
    raise SynthesisError(f"A handwriting font has no {wanted.decode()} table.")


def _format_4(table: bytes) -> set[str]:
    """Characters with a glyph. Source: OpenType specification, cmap, format 4."""
    doubled = struct.unpack_from(">H", table, 6)[0]
    count = doubled // 2
    ends = struct.unpack_from(f">{count}H", table, 14)
    starts = struct.unpack_from(f">{count}H", table, 16 + doubled)
    deltas = struct.unpack_from(f">{count}H", table, 16 + 2 * doubled)
    ranges_at = 16 + 3 * doubled
    found: set[str] = set()
    for i in range(count):
        shift = struct.unpack_from(">H", table, ranges_at + 2 * i)[0]
        for code in range(starts[i], ends[i] + 1):
            glyph = code
            if shift:
                glyph_at = ranges_at + 2 * i + shift + 2 * (code - starts[i])
                glyph = struct.unpack_from(">H", table, glyph_at)[0]
            if code != 0xFFFF and glyph and (glyph + deltas[i]) % 65536:
                found.add(chr(code))
    return found
