"""Marks that transcribers write into the text of a line, in the Leiden conventions.

⟦struck out⟧, ⟨left out by the writer, supplied by the editor⟩, [...] illegible, word[?] unsure.
"""

from __future__ import annotations

import re

DELETED = re.compile(r"⟦([^⟦⟧]*)⟧")
SUPPLIED = re.compile(r"⟨([^⟨⟩]*)⟩")
GAP = re.compile(r"\[(?:\.\.\.|…)\]()")
UNCLEAR = re.compile(r"([^\s\[\]⟦⟧⟨⟩]+)\[\?\]")


def as_written(text: str) -> str | None:
    """Return the letters that stand on the paper, without the marks; None where some are unknown.

    A text with an illegible place teaches nothing: nobody has said what is written there.
    """
    if GAP.search(text):
        return None
    bare = SUPPLIED.sub("", text)
    bare = UNCLEAR.sub(r"\1", DELETED.sub(r"\1", bare))
    return bare if bare == text else " ".join(bare.split())
