"""A line of a page as the browser gets it."""

from __future__ import annotations

import math

import storage
from services.services import line_version
from ui.answers import Answer


def line_view(shown: storage.LineText) -> Answer:
    """Return a line for the browser; spans of characters as shares (0-1) of the image's width.

    aside: the line is none of the page's text, until a person says so.
    reread: the machine has read another text since the line was given another shape; a person had
    decided its text before, and is asked.
    """
    line, reading = shown.line, shown.reading
    width_px = (reading.crop_width_px if reading else 0) or 1.0
    characters = reading.characters if reading else ()
    return {
        "id": line.id,
        "baseline": line.baseline,
        "polygon": line.polygon,
        "flags": line.flags,
        "aside": line.kind == storage.ASIDE,
        "text": shown.text,
        "status": shown.status,
        "parent": shown.parent_id,
        "reading": reading.text if reading else "",
        "unread": line.unread,
        "reread": _is_reread(shown),
        "characters": [
            [
                c.text,
                round(c.confidence, 3),
                round(c.start_px / width_px, 4),
                round(c.end_px / width_px, 4),
                c.others,
            ]
            for c in characters
        ],
        "crop": _crop_address(line),
        "aspect": _aspect(line),
        "spacing": line.spacing_px,
    }


def _is_reread(shown: storage.LineText) -> bool:
    line, reading, revision = shown.line, shown.reading, shown.revision
    return (
        reading is not None
        and revision is not None
        and revision.status != "machine"
        and line.reshaped is not None
        and line.reshaped >= revision.created
        and not line.unread
        and reading.text != revision.text
    )


def _crop_address(line: storage.Line) -> str | None:
    if "no-crop" in line.flags:
        return None
    return f"files/lines/{line.id}/{line_version(line)}.webp"


def _aspect(line: storage.Line) -> float:
    """Return width / height of the line's image, known before the image is cut."""
    length_px = sum(math.dist(a, b) for a, b in zip(line.baseline, line.baseline[1:], strict=False))
    spacing_px = max(1.0, line.spacing_px)
    return round(max(0.3, (length_px + 0.5 * spacing_px) / (1.16 * spacing_px)), 3)
