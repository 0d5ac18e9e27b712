"""What is on a page, as any format of the field says it: frozen values without a file or database.

Every reader makes a `PageDocument`, every writer takes one, so that each format is written once.
"""

from __future__ import annotations

from dataclasses import dataclass

Point = tuple[float, float]
Points = tuple[Point, ...]

UNITS = ("pixel", "mm10", "inch1200")  # mm10: tenths of a millimetre; inch1200: 1/1200 inch
CONTENTS = (
    "text", "image", "linedrawing", "graphic", "table", "chart", "separator", "map", "maths",
    "chem", "music", "advert", "noise", "unknown", "custom",
)  # fmt: skip
BASELINE_DERIVED = "baseline-derived"  # flag: the file had none; it follows the outline


@dataclass(frozen=True)
class Tag:
    """A mark on a line or region, such as a person or an abbreviation, with what is said of it.

    values: (key, value); "offset" and "length", where given, count characters of the line's text.
    """

    name: str
    values: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Character:
    """One character of a word. confidence: 0-1; None: nobody has said."""

    text: str
    polygon: Points = ()
    confidence: float | None = None


@dataclass(frozen=True)
class Word:
    """One word of a line, with the place where it is written.

    full_text: the whole of it, where the page shows a part of a word or an abbreviation.
    hyphen_part: 1: the part before a hyphen at the end of a line; 2: the rest; 0: no part.
    """

    text: str
    polygon: Points = ()
    confidence: float | None = None
    characters: tuple[Character, ...] = ()
    full_text: str = ""
    hyphen_part: int = 0


@dataclass(frozen=True)
class TextLine:
    """One line of writing.

    baseline: at least two points in reading direction.
    polygon: outline, its first point not repeated; empty if the file has none.
    text: what counts; `words` may cover less, or be missing.
    kind: the type of the line in the words of its file, "" for none.
    region_id: the innermost region that holds it; "": none.
    spacing_px: distance to the neighbouring baselines, where a file says it.
    status: one of the statuses of storage, "" if unknown.
    flags: reasons for a person to look at the line.
    """

    id: str
    baseline: Points
    polygon: Points = ()
    text: str = ""
    confidence: float | None = None
    kind: str = ""
    region_id: str = ""
    tags: tuple[Tag, ...] = ()
    words: tuple[Word, ...] = ()
    spacing_px: float | None = None
    status: str = ""
    flags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Region:
    """A part of the page. kind: its type in the words of its file; content: one of CONTENTS."""

    id: str
    polygon: Points = ()
    kind: str = ""
    content: str = "text"
    parent_id: str = ""
    tags: tuple[Tag, ...] = ()


@dataclass(frozen=True)
class PageDocument:
    """One page: its image, its regions, and its lines in reading order.

    width, height: of the image that the geometry belongs to, in `unit`; 0: the file does not say.
    notes: what was guessed or mended. losses: what could not be taken over; a person must agree.
    source_format: "PAGE" or "ALTO" for a page that was read from a file.
    """

    image_name: str
    width: float
    height: float
    lines: tuple[TextLine, ...] = ()
    regions: tuple[Region, ...] = ()
    unit: str = "pixel"
    notes: tuple[str, ...] = ()
    losses: tuple[str, ...] = ()
    source_format: str = ""
