"""Values of a report as the HTML page takes them: whatever the file holds, escaped or a number."""

from __future__ import annotations

import html
import math
import unicodedata
from collections.abc import Mapping
from typing import Any

MAX_ROWS = 200  # of any list of a report, whatever its file says
MAX_NUMBER = 1e15
MAX_CHARACTER_PARTS = 20


def escaped(value: object) -> str:
    """Return the value as HTML text, also within quotes; "" for None."""
    return html.escape(str(value if value is not None else ""))


def shown_character(value: object) -> str:
    """Return a character, escaped, so that it can be seen by itself: a space, a mark alone."""
    shown = "\N{OPEN BOX}" if value == " " else str(value if value is not None else "")
    if shown and unicodedata.combining(shown[0]):
        shown = f"\N{DOTTED CIRCLE}{shown}"
    return escaped(shown[:MAX_CHARACTER_PARTS])


def number(values: Mapping[str, Any], name: str) -> float:
    """Return the entry as a finite number; 0 where it is none."""
    return _finite(values.get(name))


def whole(values: Mapping[str, Any], name: str) -> str:
    """Return the entry as a whole number to be read; "0" where it is no number."""
    return f"{round(number(values, name)):,}"


def pair(values: Mapping[str, Any], name: str) -> tuple[float, float]:
    """Return the two numbers of the entry; zeros where it has not two."""
    found = values.get(name)
    if not isinstance(found, list) or len(found) != 2:
        return 0.0, 0.0
    return _finite(found[0]), _finite(found[1])


def section(values: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return the entry as an object; an empty one where it is none."""
    found = values.get(name)
    return found if isinstance(found, Mapping) else {}


def rows_of(values: Mapping[str, Any], name: str, limit: int = MAX_ROWS) -> list[Mapping[str, Any]]:
    """Return the objects in the list that the entry is, at most so many."""
    found = values.get(name)
    rows = found[:limit] if isinstance(found, list) else []
    return [row for row in rows if isinstance(row, Mapping)]


def texts(values: Mapping[str, Any], name: str) -> list[str]:
    """Return the texts in the list that the entry is."""
    found = values.get(name)
    rows = found[:MAX_ROWS] if isinstance(found, list) else []
    return [row for row in rows if isinstance(row, str)]


def _finite(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0.0
    return float(value) if abs(value) < MAX_NUMBER and math.isfinite(value) else 0.0
