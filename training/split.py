"""Which corrected lines teach the model and which test it: by page, never by line.

Lines of one page share a hand, a pen and a scan; a model tested on the page that it learned from
looks better than it is. Pages whose images are the same file count as one page.

The choice depends on the pages alone: they are asked in the order of their images' SHA-256, so
that the same corrections are split alike on every computer, and a page that tested an ancestor of
the model tests again before any other is asked.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

SplitKind = Literal["pages", "block", "none"]

TEST_SHARE = 0.2  # of the lines; the usual fifth: more would take from a small set what it learns
MOST_TEST_SHARE = 0.5  # earlier test pages are kept up to this share, not beyond
MIN_LINES = 8  # below it, a test of two or three lines would prove nothing and cost a third
MIN_BLOCK_LINES = 3


class PagedLine(Protocol):
    """What the split asks of a line; `storage.TrainingLine` has it."""

    @property
    def line_id(self) -> int:
        """The number of the line."""

    @property
    def page_id(self) -> int:
        """The number of its page."""

    @property
    def position(self) -> int:
        """Its place in the reading order of the page."""

    @property
    def image_sha256(self) -> str:
        """The content of the page's image."""


@dataclass(frozen=True)
class Split:
    """Which lines teach and which test, by their numbers, in the order given.

    kind: "pages": whole pages test; "block": the last lines of the only page do; "none": no line.
    explanation: the same in plain words. warnings: what makes the test worth less, in plain words.
    """

    train_ids: tuple[int, ...]
    test_ids: tuple[int, ...]
    kind: SplitKind
    train_pages: tuple[int, ...]
    test_pages: tuple[int, ...]
    explanation: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Sheet:
    """A page image with its lines; `pin` is what the user wants: test, teach, or nothing."""

    sha256: str
    line_ids: tuple[int, ...]
    pin: bool | None

    @property
    def lines(self) -> int:
        return len(self.line_ids)


def split_by_page(
    lines: Sequence[PagedLine],
    pinned: Mapping[int, bool],
    trained_images: Collection[str] = (),
    tested_images: Collection[str] = (),
    trained_lines: Collection[int] = (),
) -> Split:
    """Return which lines teach and which test: about a fifth of them, on whole pages.

    pinned: by page number, True: it tests, False: it teaches. Pins are always obeyed; once a page
        is pinned to test, only pinned pages do.
    trained_images, tested_images: SHA-256 of the pages that taught or tested the current model
        or one of its ancestors. A page that taught tests only where there is no other.
    trained_lines: the lines that did; asked only where a single page both teaches and tests.
    """
    sheets = _sheets(lines, pinned)
    trained, tested = frozenset(trained_images), frozenset(tested_images)
    if len(sheets) == 1 and sheets[0].pin is None and len(lines) >= MIN_LINES:
        # Numbers of lines mean nothing on a page that taught in another data folder only.
        known = frozenset(trained_lines if sheets[0].sha256 in frozenset(trained_images) else ())
        return _block(lines, known)
    chosen = _chosen_sheets(sheets, len(lines), trained, tested)
    test_ids = {line_id for sheet in chosen for line_id in sheet.line_ids}
    seen = sum(sheet.sha256 in trained for sheet in chosen)
    warnings = _seen_before(seen, len(chosen), "page")
    return _split(lines, test_ids, "pages" if test_ids else "none", warnings)


def _sheets(lines: Sequence[PagedLine], pinned: Mapping[int, bool]) -> list[_Sheet]:
    """Return the page images in the order of their SHA-256."""
    line_ids: dict[str, list[int]] = {}
    pins: dict[str, set[bool]] = {}
    for line in lines:
        line_ids.setdefault(line.image_sha256, []).append(line.line_id)
        if line.page_id in pinned:
            pins.setdefault(line.image_sha256, set()).add(pinned[line.page_id])
    return [
        # Of two uploads of one image pinned to either side, the test wins: nothing leaks.
        _Sheet(sha256, tuple(ids), max(pins[sha256]) if sha256 in pins else None)
        for sha256, ids in sorted(line_ids.items())
    ]


def _chosen_sheets(
    sheets: Sequence[_Sheet], lines: int, trained: frozenset[str], tested: frozenset[str]
) -> list[_Sheet]:
    """Return the sheets that test."""
    pinned = [sheet for sheet in sheets if sheet.pin is True]
    if pinned:
        return pinned
    free = [sheet for sheet in sheets if sheet.pin is None]
    if lines < MIN_LINES or not free or len(sheets) < 2:
        return []
    fresh = [sheet for sheet in free if sheet.sha256 not in trained]
    candidates = fresh or free
    must_teach = len(sheets) == len(candidates)  # then one of them has to be left for teaching
    chosen: list[_Sheet] = []
    held = 0
    for sheet in sorted(candidates, key=lambda one: one.sha256 not in tested):
        if must_teach and len(chosen) == len(candidates) - 1:
            break
        with_it = held + sheet.lines
        again = sheet.sha256 in tested and with_it <= MOST_TEST_SHARE * lines
        if again or abs(with_it - TEST_SHARE * lines) < abs(held - TEST_SHARE * lines):
            chosen.append(sheet)
            held = with_it
    if not chosen:  # all pages are large: the one that comes closest to a fifth
        chosen = [min(candidates, key=lambda one: abs(one.lines - TEST_SHARE * lines))]
    return chosen


def _block(lines: Sequence[PagedLine], trained: frozenset[int]) -> Split:
    ordered = sorted(lines, key=lambda line: (line.page_id, line.position, line.line_id))
    size = max(MIN_BLOCK_LINES, round(TEST_SHARE * len(lines)))
    test_ids = {line.line_id for line in ordered[-size:]}
    warnings = _seen_before(len(test_ids & trained), len(test_ids), "line")
    return _split(lines, test_ids, "block", warnings)


def _seen_before(seen: int, count: int, noun: str) -> tuple[str, ...]:
    if not seen:
        return ()
    which = f"The {noun} that tests" if count == 1 else f"{seen} of the {count} {noun}s that test"
    has = "has" if count == 1 or seen == 1 else "have"
    return (
        f"{which} the model {has} taught an earlier version of it: the current model knows "
        "by heart what it is asked, and the comparison says less. Correct a page that no model "
        "has learned from; it will test the next one.",
    )


def _split(
    lines: Sequence[PagedLine], test_ids: set[int], kind: SplitKind, warnings: tuple[str, ...]
) -> Split:
    train = [line for line in lines if line.line_id not in test_ids]
    test = [line for line in lines if line.line_id in test_ids]
    return Split(
        train_ids=tuple(line.line_id for line in train),
        test_ids=tuple(line.line_id for line in test),
        kind=kind,
        train_pages=tuple(dict.fromkeys(line.page_id for line in train)),
        test_pages=tuple(dict.fromkeys(line.page_id for line in test)),
        explanation=_explanation(train, test, kind),
        warnings=warnings,
    )


def _explanation(train: Sequence[PagedLine], test: Sequence[PagedLine], kind: SplitKind) -> str:
    if not train and not test:
        return "No line is corrected yet."
    if not train:
        return (
            "All corrected pages are held out for testing, so there is nothing to learn from. "
            "Release a page, or correct another one."
        )
    if kind == "none" and len(train) < MIN_LINES:
        return (
            f"{_all_of(len(train), 'line')} will teach the model and none will test it: fewer than "
            f"{MIN_LINES} lines are too few to prove anything."
        )
    if kind == "none":
        return (
            "All pages are set to teach, so none will test the model and nothing can be proven. "
            "Hold a page out to have it tested."
        )
    if kind == "block":
        return (
            f"Only one page is corrected: its first {len(train)} lines will teach the model, its "
            f"last {len(test)} will test it. They are alike, so expect a little less on other "
            "pages; a second corrected page gives a fairer test."
        )
    taught = len({line.image_sha256 for line in train})
    held = len({line.image_sha256 for line in test})
    return (
        f"{taught} {_plural(taught, 'page')} will teach the model, {held} {_plural(held, 'page')} "
        f"({len(test)} {_plural(len(test), 'line')}) will test it."
    )


def _all_of(count: int, noun: str) -> str:
    return f"The only {noun}" if count == 1 else f"All {count} {noun}s"


def _plural(count: int, noun: str) -> str:
    return noun if count == 1 else f"{noun}s"
