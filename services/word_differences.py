"""Two readings of one line, word by word: what they share and where they differ."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher

MAX_WORDS = 400  # of a line; comparing takes the square of it, and no line has so many


@dataclass(frozen=True)
class Words:
    """Some words of a line, with single spaces between them.

    differs: the other text has something else here; then `text` may be empty.
    """

    text: str
    differs: bool


def word_differences(before: str, after: str) -> tuple[list[Words], list[Words]]:
    """Return both texts in pieces, in their order; pieces that differ stand at the same places.

    Runs of white space count as one space, as in error rates.
    """
    old, new = before.split(), after.split()
    if max(len(old), len(new)) > MAX_WORDS:
        same = old == new
        return [Words(" ".join(old), not same)], [Words(" ".join(new), not same)]
    steps = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    return (
        [Words(" ".join(old[a:b]), kind != "equal") for kind, a, b, _, _ in steps],
        [Words(" ".join(new[a:b]), kind != "equal") for kind, _, _, a, b in steps],
    )
