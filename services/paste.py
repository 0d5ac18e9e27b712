"""A transcription pasted onto a page: cut into its lines, shown, written as corrections, undone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import storage
from exchange import align_text

SURE = 0.6  # a text at least so much like the reading is taken unless a person says otherwise


@dataclass(frozen=True)
class PastedLine:
    """What a pasted transcription has for a line of the page.

    text: "" where it has nothing. likeness: to what the line shows, 0-1. chosen: whether it would
    be taken: people's own texts and doubtful matches are not, unless somebody says so.
    """

    shown: storage.LineText
    text: str
    likeness: float
    chosen: bool


@dataclass(frozen=True)
class Pasted:
    """A transcription laid onto a page. left_over: its parts that fit no line, in their order."""

    lines: tuple[PastedLine, ...]
    left_over: tuple[str, ...]


def lay_on(store: storage.Store, page_id: int, transcription: str) -> Pasted:
    """Return how a transcription fits the lines of a page; nothing is written.

    Raises: NotFound, ExchangeError for more text than a page has, StorageError without lines.
    """
    page = storage.page(store, page_id)
    lines = [line for line in storage.lines_of(store, page_id) if line.line.kind != storage.ASIDE]
    if not lines:
        raise storage.StorageError(
            f"Page “{page.name}” has no lines yet. Wait until it was read, or draw them."
        )
    found = align_text([line.text for line in lines], transcription)
    pasted = tuple(
        PastedLine(line, new.text, new.likeness, _is_chosen(line, new.text, new.likeness))
        for line, new in zip(lines, found.lines, strict=True)
    )
    return Pasted(pasted, found.left_over)


def take_texts(
    store: storage.Store,
    page_id: int,
    texts: Mapping[int, tuple[str, int | None]],
    author: str,
) -> list[storage.Revision]:
    """Return the new revisions of lines, "corrected", all of them or none.

    texts: text, and the revision that was there when it was laid on, by line.

    Raises: RevisionConflict where somebody has changed a line since; StorageError for a line of
    another page or a text that cannot be stored.
    """
    with storage.write(store):
        present = {*storage.line_order(store, page_id)}
        if not texts.keys() <= present:
            raise storage.StorageError("The lines of this page have changed. Paste the text again.")
        return [
            storage.correct_line(store, line_id, text, "corrected", author, parent_id)
            for line_id, (text, parent_id) in texts.items()
        ]


def untake_texts(store: storage.Store, revisions: Sequence[tuple[int, int]], author: str) -> int:
    """Return how many lines show again what they showed before; later changes stay.

    revisions: (line, revision) as `take_texts` made them.
    """
    return len(storage.take_back_texts(store, dict(revisions), author))


def _is_chosen(line: storage.LineText, text: str, likeness: float) -> bool:
    return bool(text) and line.status == "machine" and likeness >= SURE
