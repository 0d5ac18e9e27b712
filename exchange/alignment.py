"""A transcription that somebody has elsewhere -> its text for each line of a page.

The machine's reading, however poor, says what stands in which line. Where the transcription keeps
the lines of the page, whole lines are matched; where it does not, its words are matched to the
words that were read, and the lines are cut where the page's lines end.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from exchange.errors import ExchangeError

MAX_TEXT_CHARACTERS = 200_000  # a page has some thousand
LIKENESS = 0.3  # least likeness of two lines or words that are taken for the same
SURE = 0.5  # a page whose lines are this much alike kept them
MAX_CELLS = 40_000  # of a table of words that is filled in; a larger gap is shared out evenly
HYPHENS = "-=¬⸗\u00ad\u2010"
_BLANKS = re.compile(r"\s+")


@dataclass(frozen=True)
class AlignedLine:
    """What the transcription has for one line of the page.

    likeness: of the text to the machine's reading, 0-1; a person should look at the low ones.
    """

    text: str
    likeness: float


@dataclass(frozen=True)
class Alignment:
    """One `AlignedLine` for each line of the page, in its order.

    left_over: pieces of the transcription for which the page has no line, in their order.
    kept_lines: whether the transcription has the lines of the page.
    """

    lines: tuple[AlignedLine, ...]
    left_over: tuple[str, ...]
    kept_lines: bool


def align_text(readings: Sequence[str], transcription: str) -> Alignment:
    """Return the transcription cut into the lines of the page.

    readings: what a machine read on each line, in reading order.

    Raises: ExchangeError for a transcription that is longer than any page.
    """
    if len(transcription) > MAX_TEXT_CHARACTERS:
        raise ExchangeError(
            f"The transcription has {len(transcription):,} characters; a page may have "
            f"{MAX_TEXT_CHARACTERS:,}. Paste the text of this page only."
        )
    pasted = [_BLANKS.sub(" ", line).strip() for line in transcription.splitlines()]
    pasted = [line for line in pasted if line]
    by_lines = _aligned_lines(readings, pasted)
    if _quality(by_lines) >= SURE:
        return by_lines
    by_words = _aligned_words(readings, " ".join(pasted).split())
    return by_words if _quality(by_words) > _quality(by_lines) else by_lines


def likeness(one: str, other: str) -> float:
    """Return how alike two texts are, 0-1: the share of their pairs of letters, without case.

    Source: L. R. Dice 1945, "Measures of the amount of ecologic association between species".
    """
    return _likeness(_pairs(one), _pairs(other))


def _pairs(text: str) -> Counter[str]:
    padded = f" {_BLANKS.sub(' ', text).strip().casefold()} "
    return Counter(padded[at : at + 2] for at in range(len(padded) - 1))


def _likeness(one: Counter[str], other: Counter[str]) -> float:
    total = one.total() + other.total()
    return 2 * (one & other).total() / total if total else 0.0


def _quality(alignment: Alignment) -> float:
    """Return the mean likeness over the lines of the page."""
    lines = alignment.lines
    return sum(line.likeness for line in lines) / len(lines) if lines else 0.0


def _matches(left: Sequence[str], right: Sequence[str]) -> list[tuple[int, int]]:
    """Return the pairs of items that are the same, in the order of both, with most likeness."""
    pairs_left, pairs_right = [_pairs(item) for item in left], [_pairs(item) for item in right]
    best = [[0.0] * (len(right) + 1) for _ in range(len(left) + 1)]
    gain = [[0.0] * len(right) for _ in left]
    for i, one in enumerate(pairs_left):
        for j, other in enumerate(pairs_right):
            gain[i][j] = _likeness(one, other) - LIKENESS
            best[i + 1][j + 1] = max(best[i][j + 1], best[i + 1][j], best[i][j] + gain[i][j])
    found = []
    i, j = len(left), len(right)
    while i and j:
        if best[i][j] == best[i - 1][j]:
            i -= 1
        elif best[i][j] == best[i][j - 1]:
            j -= 1
        else:
            i, j = i - 1, j - 1
            found.append((i, j))
    return found[::-1]


def _aligned_lines(readings: Sequence[str], pasted: Sequence[str]) -> Alignment:
    """Return whole lines matched to lines; between two matches, as many lines as there are."""
    if len(readings) * len(pasted) > MAX_CELLS:
        return Alignment(tuple(AlignedLine("", 0.0) for _ in readings), tuple(pasted), True)
    partner = dict(_matches(readings, pasted))
    ends = [(-1, -1), *sorted(partner.items()), (len(readings), len(pasted))]
    for (i, j), (next_i, next_j) in zip(ends, ends[1:], strict=False):
        if next_i - i == next_j - j:  # the machine misread them, but nothing else can be there
            partner.update(zip(range(i + 1, next_i), range(j + 1, next_j), strict=True))
    lines = []
    for number, reading in enumerate(readings):
        text = pasted[partner[number]] if number in partner else ""
        lines.append(AlignedLine(text, likeness(reading, text) if text else 0.0))
    used = set(partner.values())
    left_over = tuple(line for number, line in enumerate(pasted) if number not in used)
    return Alignment(tuple(lines), left_over, True)


@dataclass(frozen=True)
class _Read:
    """A word that was read; one that a hyphen parts ends in the next line: `first` is in `line`."""

    text: str
    line: int
    first: str = ""


def _aligned_words(readings: Sequence[str], words: Sequence[str]) -> Alignment:
    """Return the words matched to those that were read, each in the line of its match."""
    read = _words_read(readings)
    partner = _word_matches([word.text for word in read], words)
    texts: list[list[str]] = [[] for _ in readings]
    left_over: list[str] = []
    ends = [(-1, -1), *partner, (len(read), len(words))]
    for (i, j), (next_i, next_j) in zip(ends, ends[1:], strict=False):
        between = list(words[j + 1 : next_j])
        places = [read[at].line for at in range(i + 1, next_i)]
        if between and len(between) > 2 * len(places) + 3:
            left_over.append(" ".join(between))
        elif between:
            around = [read[at].line for at in (i, next_i) if 0 <= at < len(read)]
            places = places or around[:1]
            for number, word in enumerate(between):
                if places:
                    texts[places[number * len(places) // len(between)]].append(word)
                else:
                    left_over.append(word)
        if next_j < len(words) and next_i < len(read):
            _place(texts, read[next_i], words[next_j])
    joined = [" ".join(line) for line in texts]
    lines = tuple(
        AlignedLine(text, likeness(reading, text) if text else 0.0)
        for reading, text in zip(readings, joined, strict=True)
    )
    return Alignment(lines, tuple(left_over), False)


def _place(texts: list[list[str]], read: _Read, word: str) -> None:
    """Put a word into the line of what was read there; parted, if a hyphen parted that."""
    at = len(read.first) - 1
    if read.first and 0 < at < len(word) and word[at : at + 1] not in HYPHENS:
        texts[read.line].append(word[:at] + read.first[-1])
        texts[read.line + 1].append(word[at:])
    else:
        texts[read.line].append(word)


def _words_read(readings: Sequence[str]) -> list[_Read]:
    """Return the words of the readings in order, those that a hyphen parts as one."""
    read: list[_Read] = []
    for line, reading in enumerate(readings):
        words = reading.split()
        if words and read and read[-1].line == line - 1 and read[-1].text[-1] in HYPHENS:
            first = read.pop().text
            if len(first) > 1:
                read.append(_Read(first[:-1] + words.pop(0), line - 1, first))
        read += [_Read(word, line) for word in words]
    return read


def _word_matches(read: Sequence[str], words: Sequence[str]) -> list[tuple[int, int]]:
    """Return the pairs of words that belong together, in order: equal ones, then those between."""
    matcher = SequenceMatcher(
        None,
        [word.casefold() for word in read],
        [word.casefold() for word in words],
        autojunk=False,
    )
    found: list[tuple[int, int]] = []
    for what, first, last, start, end in matcher.get_opcodes():
        if what == "equal":
            found += zip(range(first, last), range(start, end), strict=True)
        elif what == "replace":
            if (last - first) * (end - start) <= MAX_CELLS:
                inner = _matches(read[first:last], words[start:end])
                found += [(first + i, start + j) for i, j in inner]
    return found
