"""The search as people use it: lines with the found words lit in text and image."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

import storage

LOG = logging.getLogger("htr.search")
AT_ONCE = 20  # lines shown before somebody asks for more
IDLE_S = 3.0  # how long the index waits for news before it looks again
PAUSE_S = 0.01  # between two portions: whoever saves a correction goes first
AT_A_SEARCH = 400  # lines indexed before an answer: some 20 ms, more than anybody just wrote

Span = tuple[float, float]


@dataclass(frozen=True)
class Hit:
    """A line that was found.

    spans: of the words in its text, [start, end) in characters. lit: the same words in the line's
    image, as shares (0-1) of its width.
    """

    shown: storage.LineText
    place: storage.LinePlace
    spans: tuple[tuple[int, int], ...]
    lit: tuple[Span, ...]


@dataclass(frozen=True)
class Found:
    """Some of the lines that answer, and how many there are; `more`: above the limit of counting.

    after: what to name to get the next ones; None: these were the last.
    words: the words beside those asked for that were looked for as well.
    """

    hits: tuple[Hit, ...]
    count: int
    more: bool
    after: int | None
    words: tuple[str, ...] = ()


class LineSearch:
    """Finds lines, and keeps their index up to date in a thread of its own."""

    def __init__(self, store: storage.Store) -> None:
        """Search in `store`; nothing runs before `start`."""
        self._store = store
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to index what is due and what will be."""
        self._thread = threading.Thread(target=self._work, name="search-index", daemon=True)
        self._thread.start()

    def stop(self, limit_s: float = 5.0) -> None:
        """Finish the portion in hand; the rest stays due."""
        self._stop.set()
        if self._thread:
            self._thread.join(limit_s)

    def find(
        self,
        text: str,
        document_id: int | None = None,
        after: int = 0,
        similar: bool = False,
        most: int = AT_ONCE,
    ) -> Found:
        """Return the lines that answer what a person typed.

        similar: instead those where the machine may have misread one of the words.
        """
        storage.index_lines(self._store, AT_A_SEARCH)
        parts = storage.question_of(text)
        question = (
            storage.with_similar(self._store, parts) if similar else storage.Question(parts, {})
        )
        found = storage.find_lines(self._store, question, document_id, after, most)
        lines = storage.line_texts(self._store, found.line_ids)
        places = storage.line_places(self._store, found.line_ids)
        hits = [_hit(question, shown, places[shown.line.id]) for shown in lines]
        last = found.line_ids[-1] if len(found.line_ids) == most else None
        words = tuple(dict.fromkeys(w for alike in question.similar.values() for w in alike))
        return Found(tuple(hits), found.count, found.more, last, words)

    def lines_due(self) -> int:
        """Return how many lines are not in the index yet."""
        return storage.lines_due(self._store)

    def _work(self) -> None:
        while not self._stop.is_set():
            try:
                indexed = storage.index_lines(self._store)
            except storage.StorageError:
                LOG.exception("the index of the search could not be brought up to date")
                indexed = 0
            self._stop.wait(PAUSE_S if indexed else IDLE_S)


def lit_shares(
    text: str, spans: Sequence[tuple[int, int]], reading: storage.Reading | None
) -> tuple[Span, ...]:
    """Return where words of a line's text lie in its image, as shares (0-1) of the width.

    The machine's characters say where the ink is; a text that a person corrected is laid beside
    what the machine read. A line that no machine has read is divided evenly.
    """
    if reading is None or not reading.characters or not reading.crop_width_px:
        return tuple((a / len(text), b / len(text)) for a, b in spans)
    characters = reading.characters
    edges = _edges(text, "".join(c.text[:1] or " " for c in characters))
    width_px = reading.crop_width_px
    lit = []
    for start, end in spans:
        first = min(edges[start], len(characters) - 1)
        last = min(max(edges[end] - 1, first), len(characters) - 1)
        share = (characters[first].start_px / width_px, characters[last].end_px / width_px)
        lit.append((max(0.0, min(share)), min(1.0, max(share))))
    return tuple(lit)


def _edges(text: str, read: str) -> list[int]:
    """Return for each edge between characters of `text` the edge in `read` that it lies at."""
    if text == read:
        return list(range(len(text) + 1))
    edges = [0] * (len(text) + 1)
    for _, a, b, c, d in SequenceMatcher(None, text, read, autojunk=False).get_opcodes():
        for edge in range(a, b + 1):
            edges[edge] = c + round((d - c) * (edge - a) / (b - a)) if b > a else d
    return edges


def _hit(question: storage.Question, shown: storage.LineText, place: storage.LinePlace) -> Hit:
    spans = tuple(storage.matching_spans(question, shown.text))
    return Hit(shown, place, spans, lit_shares(shown.text, spans, shown.reading))
