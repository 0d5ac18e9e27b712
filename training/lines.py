"""A line to learn from or to be tested on: its image, its text, and where it comes from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class TrainLine:
    """One transcribed line.

    key: names the line within its run. image: uint8 gray (64, W), black ink on light paper, as cut
    from the page (not yet contrast-normalised). text: what it says, NFC. page: the page it was cut
    from; splits and intervals go by it. group: the hand, document or purpose; "" if unknown.
    """

    key: str
    image: np.ndarray
    text: str
    page: str
    group: str = ""


def thinned(lines: Sequence[T], limit: int | None) -> list[T]:
    """Return at most so many of the lines, spread evenly over them; all of them for None."""
    if limit is None or len(lines) <= limit:
        return list(lines)
    return [lines[i] for i in np.linspace(0, len(lines) - 1, limit).astype(int)]
