"""How many characters that a model lacked are read, once it has learned them."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from htr.alphabet import Alphabet
from training.alignment import align
from training.lines import TrainLine


def new_character_recall(
    alphabet: Alphabet, lines: Sequence[TrainLine], readings: Sequence[str]
) -> tuple[int, int]:
    """Return how many of the characters that the alphabet lacks were read in place, and how many
    there are.

    Texts are taken apart first, so that a tilde counts whether it stands alone or on a letter; a
    character that the alphabet has in composed form only counts as known.
    """
    known = set("".join(alphabet.characters))
    known |= set(unicodedata.normalize("NFD", "".join(known)))
    found = written = 0
    for line, reading in zip(lines, readings, strict=True):
        for true, read in apart_pairs(line.text, reading):
            if true not in known:
                written += 1
                found += true == read
    return found, written


def apart_pairs(text: str, reading: str) -> list[tuple[str, str]]:
    """Return each piece of the text, letter or mark, with the piece read in its place, or "".

    A private character stands for each kind of mark, so that aligning does not compose them.
    """
    marks: dict[int, str] = {}
    for mark in unicodedata.normalize("NFD", text + reading):
        if unicodedata.combining(mark):
            marks.setdefault(ord(mark), chr(0xE000 + len(marks)))
    back = {ord(private): chr(mark) for mark, private in marks.items()}
    true, read = (
        unicodedata.normalize("NFD", content).translate(marks) for content in (text, reading)
    )
    return [
        (step.true.translate(back), step.read.translate(back))
        for step in align(true, read)
        if step.true
    ]
