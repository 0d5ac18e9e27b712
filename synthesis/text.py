"""Passages to write: public-domain prose and letters of our own, in four languages."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from synthesis.font import SynthesisError

FOLDER = Path(__file__).parent / "texts"
LANGUAGES = ("de", "en", "es", "fr")
HEADER = "=== "


@dataclass(frozen=True)
class Passage:
    """A passage with its source. author "own" marks text written for this project."""

    author: str
    work: str
    year: str
    language: str
    paragraphs: tuple[str, ...]


@cache
def passages(language: str) -> tuple[Passage, ...]:
    """All passages of a language ("de", "en", "es", "fr") in the order of their file.

    Raises: SynthesisError if there is no text in that language.
    """
    if language not in LANGUAGES:
        known = ", ".join(LANGUAGES)
        raise SynthesisError(f"There is no text in the language {language!r}. Choose: {known}.")
    found: list[Passage] = []
    for block in (FOLDER / f"{language}.txt").read_text("utf-8").split("\n" + HEADER)[1:]:
        header, body = block.split("\n", 1)
        author, work, year = (field.strip() for field in header.split("|"))
        paragraphs = tuple(" ".join(p.split()) for p in body.split("\n\n") if p.strip())
        found.append(Passage(author, work, year, language, paragraphs))
    return tuple(found)


def sample_language(rng: np.random.Generator) -> str:
    """One of the languages that there is text in."""
    return LANGUAGES[int(rng.integers(len(LANGUAGES)))]


def sample_text(
    rng: np.random.Generator, language: str | None = None, characters: int = 600
) -> str:
    """About so many characters of running prose, whole words, paragraphs divided by newlines.

    Starts with a random paragraph and goes on from there, round again at the end.
    """
    chosen = language or sample_language(rng)
    pool = [paragraph for passage in passages(chosen) for paragraph in passage.paragraphs]
    at = int(rng.integers(len(pool)))
    taken: list[str] = []
    left = characters
    while left > 0:
        paragraph = pool[at % len(pool)]
        if len(paragraph) > left:
            paragraph = (
                paragraph[: paragraph.rfind(" ", 0, left + 1)].strip()
                or (paragraph.split(" ", 1)[0])
            )
            left = 0
        taken.append(paragraph)
        left -= len(paragraph)
        at += 1
    return "\n".join(taken)


def sample_words(rng: np.random.Generator, language: str | None = None, count: int = 8) -> str:
    """So many consecutive words from anywhere in the passages, in one line."""
    chosen = language or sample_language(rng)
    words = [w for passage in passages(chosen) for p in passage.paragraphs for w in p.split()]
    start = int(rng.integers(max(1, len(words) - count)))
    return " ".join(words[start : start + count])
