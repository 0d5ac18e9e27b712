"""Changing many texts of a document at once: found first, shown, then written as one step."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import storage
from storage.errors import StorageError

UNCHECKED = "doubtful"  # status of a changed line that nobody has checked: it must not teach


@dataclass(frozen=True)
class Finding:
    """A line that would change. parent_id: its newest revision, as `correct_line` asks for it."""

    line_id: int
    page_id: int
    page_number: int
    line_number: int
    before: str
    after: str
    status: str
    parent_id: int | None


def replacer(find: str, put: str, match_case: bool, whole_words: bool) -> Callable[[str], str]:
    """Return the function that replaces every `find` in a text by `put`.

    Raises: StorageError where there is nothing to look for.
    """
    wanted = unicodedata.normalize("NFC", find)
    if not wanted:
        raise StorageError("Type what shall be found.")
    pattern = re.escape(wanted)
    if whole_words:
        pattern = rf"(?<!\w){pattern}(?!\w)"
    compiled = re.compile(pattern, 0 if match_case else re.IGNORECASE)
    return lambda text: unicodedata.normalize("NFC", compiled.sub(lambda _: put, text))


def findings(
    store: storage.Store,
    document_id: int,
    change: Callable[[str], str],
    with_unchecked: bool,
    only: Sequence[int] | None = None,
) -> list[Finding]:
    """Return the lines of a document whose text `change` would change, in reading order.

    with_unchecked: also lines that no person has decided. Lines that are no text are left out.
    only: only these lines.
    """
    wanted = None if only is None else set(only)
    found = []
    for page_number, summary in enumerate(storage.pages_of(store, document_id), start=1):
        for line_number, shown in enumerate(storage.lines_of(store, summary.page.id), start=1):
            decided = shown.status not in ("machine", "ignored")
            unchecked = shown.status == "machine" and shown.line.kind != storage.ASIDE
            if not (decided or (unchecked and with_unchecked)):
                continue
            if wanted is not None and shown.line.id not in wanted:
                continue
            after = change(shown.text)
            if after != shown.text:
                found.append(
                    Finding(
                        shown.line.id, summary.page.id, page_number, line_number,
                        shown.text, after, shown.status, shown.parent_id,
                    )
                )  # fmt: skip
    return found


def write_findings(
    store: storage.Store,
    document_id: int,
    change: Callable[[str], str],
    seen: dict[int, int | None],
    author: str,
) -> tuple[list[storage.Revision], list[int]]:
    """Return the revisions that the change makes of the lines, as one step, and those left alone.

    seen: the lines that were shown, with the newest revision of each then; a line that was changed
    since is left alone. Corrected and confirmed lines become corrected, others doubtful.
    """
    texts = {}
    for one in findings(store, document_id, change, with_unchecked=True, only=list(seen)):
        status = "corrected" if one.status in ("corrected", "confirmed") else UNCHECKED
        texts[one.line_id] = (one.after, status, seen[one.line_id])
    gone = [line_id for line_id in seen if line_id not in texts]
    written, changed = storage.change_texts(store, texts, author)
    return written, [*changed, *gone]
