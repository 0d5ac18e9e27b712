"""Handwriting fonts: what each can write, and how large its letters are.

Nine are part of the project; more can be fetched (see `synthesis/fetch_fonts.py`). A fetched font
is made of several files, one for each part of Unicode, as the registry has it.
"""

from __future__ import annotations

import struct
import unicodedata
import zlib
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw

from synthesis.face import Face, face_of

FOLDER = Path(__file__).parent / "fonts"
MEASURE_PX = 200  # size at which a font is measured; large, so that rounding does not matter
PLAIN_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,"
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
    """A handwriting font. paths: its WOFF files; the first one holds the plain letters."""

    name: str
    paths: tuple[Path, ...]

    @property
    def licence_path(self) -> Path:
        """The licence that the font came with."""
        return self.paths[0].parent / f"{self.name}.OFL.txt"

    @property
    def metrics(self) -> Metrics:
        """Sizes of the letters, measured on the drawn glyphs."""
        return _measure(self)

    def covers(self, text: str) -> bool:
        """True if the font has a glyph for every character of the text, white space aside."""
        return all(c.isspace() or any(c in _characters(p) for p in self.paths) for c in text)

    def spelled(self, word: str) -> str:
        """The word as this font can write it: itself, else without accents, else nothing."""
        if self.covers(word):
            return word
        plain = "".join(
            c for c in unicodedata.normalize("NFD", word) if not unicodedata.combining(c)
        )
        plain = plain.replace("œ", "oe").replace("Œ", "OE")
        return plain if self.covers(plain) else ""

    def at(self, size_px: float) -> Face:
        """The font at a size, ready to draw."""
        return face_of(self.paths, _characters, round(size_px * 4) / 4)


@cache
def fonts() -> tuple[Font, ...]:
    """All fonts of the project, ordered by name."""
    return tuple(Font(path.stem, (path,)) for path in sorted(FOLDER.glob("*.woff")))


@lru_cache(maxsize=4)
def fonts_in(folder: Path) -> tuple[Font, ...]:
    """The fonts that were fetched into the folder, ordered by name; none if it is not there.

    Those that cannot be read as far as that, or lack plain letters, are left out.
    """
    found = []
    for home in sorted(path for path in folder.glob("*") if path.is_dir()):
        # "latin" before "latin-ext" and "vietnamese": the plain letters stand in the first file
        paths = tuple(sorted(home.glob("*.woff"), key=lambda path: (len(path.stem), path.stem)))
        try:
            if paths and Font(home.name, paths).covers(PLAIN_LETTERS):
                found.append(Font(home.name, paths))
        except (SynthesisError, OSError, struct.error, zlib.error):
            continue
    return tuple(found)


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


@cache
def _measure(font: Font) -> Metrics:
    face = font.at(MEASURE_PX)

    def box(letter: str) -> tuple[float, float, float, float]:
        return face.box(letter)

    canvas = Image.new("L", (4 * MEASURE_PX, 2 * MEASURE_PX), 0)
    face.draw(ImageDraw.Draw(canvas), (MEASURE_PX, MEASURE_PX), "nuil")
    depth = cv2.distanceTransform((np.asarray(canvas) > 127).astype(np.uint8), cv2.DIST_L2, 3)
    return Metrics(
        x_height=float(np.median([-box(c)[1] for c in "xuvnm"])) / MEASURE_PX,
        ascent=float(np.median([-box(c)[1] for c in "bdhl"])) / MEASURE_PX,
        descent=float(np.median([box(c)[3] for c in "gpqy"])) / MEASURE_PX,
        # a stroke's inner points lie up to half its thickness deep
        pen=2.0 * float(np.percentile(depth[depth > 0], 90)) / MEASURE_PX,
    )


@cache
def _characters(path: Path) -> frozenset[str]:
    """The characters in the font's own map (WOFF 1, `cmap` format 4), white space left out."""
    table = _woff_table(path.read_bytes(), b"cmap")
    found: set[str] = set()
    for index in range(struct.unpack_from(">H", table, 2)[0]):
        platform, _, offset = struct.unpack_from(">HHI", table, 4 + 8 * index)
        if platform in (0, 3) and struct.unpack_from(">H", table, offset)[0] == 4:
            found.update(_format_4(table[offset:]))
    return frozenset(c for c in found if not c.isspace())


def _woff_table(data: bytes, wanted: bytes) -> bytes:
    """The uncompressed table. Source: W3C, WOFF File Format 1.0, sections 3 and 4."""
    if data[:4] != b"wOFF":
        raise SynthesisError("A handwriting font is not a WOFF 1 file. Fetch or restore it.")
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
