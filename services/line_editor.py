"""The line editor: what people do to the lines of a page, each step one undoable change.

A change is on the disk before its lines are read: `read_changed` then reads them at once, and does
so later where the program was stopped in between.
"""

from __future__ import annotations

import statistics
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

import storage
from segmentation.lines import Point
from services.line_geometry import (
    Baseline,
    estimated_spacing_px,
    joined_baselines,
    place_in_order,
    split_baseline,
)
from services.line_shapes import PageShapes, checked_baseline, checked_point
from services.reader import PageReader, new_reading
from services.resegment import segmented

READ_AT_ONCE = 16  # lines: whoever changed hundreds sees the first ones read soon
DECIDED = ("corrected", "confirmed")
WRITTEN = (*DECIDED, "doubtful")


@dataclass(frozen=True)
class Asked:
    """Who asks for a change and what they know, see `storage.change_layout`."""

    author: str
    known_id: int
    token: str = ""


class LineEditor:
    """Changes the lines of pages for people, and has changed lines read again."""

    def __init__(
        self,
        store: storage.Store,
        reader: PageReader,
        pixels_of: Callable[[storage.Page], np.ndarray],
    ) -> None:
        """Edit the lines in `store`; `pixels_of` gives the decoded image of a page."""
        self._store = store
        self._reader = reader
        self._pixels_of = pixels_of
        self._reading = threading.Lock()

    def move(
        self, page_id: int, baselines: Mapping[int, Sequence[Point]], asked: Asked
    ) -> storage.LayoutChange | None:
        """Return the change after giving lines of a page new baselines, with outlines to match.

        All methods raise LayoutConflict for one who does not know the page's newest change,
        NotFound for lines of another page, StorageError for geometry that makes no sense; and
        return None where the lines are like that already.
        """

        def edits(shapes: PageShapes) -> list[storage.LineEdit]:
            wanted = {
                line_id: checked_baseline(points, shapes.page, f"Line {line_id}")
                for line_id, points in baselines.items()
            }
            return shapes.reshaped(wanted)

        return self._change(page_id, "move", edits, asked, list(baselines))

    def reverse(
        self, page_id: int, line_ids: Sequence[int], asked: Asked
    ) -> storage.LayoutChange | None:
        """Return the change after turning the direction of writing of lines."""

        def edits(shapes: PageShapes) -> list[storage.LineEdit]:
            wanted = {line_id: shapes.lines[line_id].baseline[::-1] for line_id in line_ids}
            return shapes.reshaped(wanted)

        return self._change(page_id, "reverse", edits, asked, line_ids)

    def delete(
        self, page_id: int, line_ids: Sequence[int], asked: Asked
    ) -> storage.LayoutChange | None:
        """Return the change after taking lines away; undo brings them back with their texts."""

        def edits(shapes: PageShapes) -> list[storage.LineEdit]:
            return [storage.LineEdit(line_id, removed=True) for line_id in line_ids]

        return self._change(page_id, "delete", edits, asked, line_ids)

    def take_in(
        self, page_id: int, line_ids: Sequence[int], asked: Asked
    ) -> storage.LayoutChange | None:
        """Return the change after making lines that were set aside text of the page, to be read."""

        def edits(shapes: PageShapes) -> list[storage.LineEdit]:
            aside = [n for n in line_ids if shapes.lines[n].kind == storage.ASIDE]
            return [storage.LineEdit(n, kind="text", flags=shapes.flags_of(n)) for n in aside]

        return self._change(page_id, "take", edits, asked, line_ids)

    def set_aside(
        self, page_id: int, line_ids: Sequence[int], asked: Asked
    ) -> storage.LayoutChange | None:
        """Return the change after setting lines aside: they stay, but count no longer as text."""

        def edits(shapes: PageShapes) -> list[storage.LineEdit]:
            return [storage.LineEdit(line_id, kind=storage.ASIDE) for line_id in line_ids]

        return self._change(page_id, "aside", edits, asked, line_ids)

    def draw(
        self, page_id: int, baseline: Sequence[Point], asked: Asked
    ) -> storage.LayoutChange | None:
        """Return the change after drawing a new line; it takes its spacing from its neighbours."""

        def edits(shapes: PageShapes) -> list[storage.LineEdit]:
            points = checked_baseline(baseline, shapes.page, "The new line")
            present = [segmented(line) for line in shapes.lines.values()]
            spacing_px = estimated_spacing_px(points, present, shapes.page.height_px)
            edit = shapes.drawn(points, spacing_px, "text")
            new = storage.NewLine(points, (), spacing_px)
            at = place_in_order(
                segmented(new), present, shapes.page.width_px, shapes.page.height_px
            )
            order: list[storage.LineEdit] = [storage.LineEdit(line_id) for line_id in shapes.lines]
            order.insert(at, edit)
            return _numbered(order)

        return self._change(page_id, "draw", edits, asked)

    def split(
        self, page_id: int, line_id: int, at: Point, asked: Asked
    ) -> storage.LayoutChange | None:
        """Return the change after cutting a line in two.

        The first part keeps the number of the line and all text that a person gave it.
        """

        def edits(shapes: PageShapes) -> list[storage.LineEdit]:
            line = shapes.lines[line_id]
            parts = split_baseline(line.baseline, checked_point(at, shapes.page, "The cut"))
            if parts is None:
                raise storage.StorageError(
                    f"Line {line_id} cannot be cut there: one part would have no length. Cut it "
                    "further from its end."
                )
            first, second = parts
            ids = list(shapes.lines)
            order = [storage.LineEdit(other) for other in ids]
            order[ids.index(line_id)] = shapes.reshaped({line_id: first})[0]
            order.insert(
                ids.index(line_id) + 1,
                shapes.drawn(second, line.spacing_px, _own_kind(line), without=[line_id]),
            )
            return _numbered(order)

        return self._change(page_id, "split", edits, asked, [line_id])

    def merge(
        self, page_id: int, line_ids: Sequence[int], asked: Asked
    ) -> storage.LayoutChange | None:
        """Return the change after joining lines into the first of them in reading order.

        Where a person decided any of the texts, the joined text becomes a revision: "corrected"
        if all of them were decided, else "doubtful", with the machine's words for the rest.
        """
        if len(set(line_ids)) < 2:
            raise storage.StorageError("Choose at least two lines to join them.")

        def parts_of(shapes: PageShapes) -> tuple[list[int], Baseline, list[int]]:
            parts = [line_id for line_id in shapes.lines if line_id in set(line_ids)]
            baseline, along = joined_baselines([shapes.lines[part].baseline for part in parts])
            return parts, baseline, [parts[k] for k in along]

        def edits(shapes: PageShapes) -> list[storage.LineEdit]:
            parts, baseline, _ = parts_of(shapes)
            spacing_px = statistics.median(shapes.lines[part].spacing_px for part in parts)
            return [
                *shapes.reshaped({parts[0]: baseline}, spacing_px, without=parts),
                *(storage.LineEdit(part, removed=True) for part in parts[1:]),
            ]

        def texts(shapes: PageShapes) -> dict[int, tuple[str, str]]:
            parts, _, along = parts_of(shapes)
            joined = _joined_text([storage.line_text(self._store, part) for part in along])
            return {parts[0]: joined} if joined else {}

        return self._change(page_id, "merge", edits, asked, line_ids, texts)

    def reorder(
        self, page_id: int, line_ids: Sequence[int], asked: Asked
    ) -> storage.LayoutChange | None:
        """Return the change after putting the lines of the page into the given order, all named."""

        def edits(shapes: PageShapes) -> list[storage.LineEdit]:
            if sorted(line_ids) != sorted(shapes.lines):
                raise storage.StorageError(
                    f"The order names {len(line_ids)} lines and the page has {len(shapes.lines)}. "
                    "Reload the page."
                )
            return _numbered([storage.LineEdit(line_id) for line_id in line_ids])

        return self._change(page_id, "reorder", edits, asked, line_ids)

    def order(self, page_id: int, asked: Asked) -> storage.LayoutChange | None:
        """Return the change after putting the lines of the page into automatic reading order."""
        from segmentation.order import reading_order

        def edits(shapes: PageShapes) -> list[storage.LineEdit]:
            ids = list(shapes.lines)
            present = [segmented(line) for line in shapes.lines.values()]
            found = reading_order(present, shapes.page.width_px, shapes.page.height_px)
            return _numbered([storage.LineEdit(ids[k]) for k in found])

        return self._change(page_id, "order", edits, asked)

    def read_changed(self, page_id: int) -> list[int]:
        """Return the lines of a page that had changed and were now read, READ_AT_ONCE at most.

        To be called until none is left. A line that changes once more while it is read stays one
        of those to read.

        Raises: RecognitionError or StorageError where the model cannot be used.
        """
        with self._reading:  # two tabs asking at once read the lines once
            page = storage.page(self._store, page_id)
            unread = storage.line_order(self._store, page_id, unread=True)[:READ_AT_ONCE]
            if not unread:
                return []
            lines = [storage.line_text(self._store, line_id).line for line_id in unread]
            read, model_id = self._reader.read_lines(
                self._pixels_of(page), [segmented(line) for line in lines]
            )
            with storage.write(self._store):
                readings = {
                    line.id: new_reading(result)
                    for line, result in zip(lines, read, strict=True)
                    if _shape(storage.line_text(self._store, line.id).line) == _shape(line)
                }
                storage.add_readings(self._store, model_id, readings)
            return list(readings)

    def _change(
        self,
        page_id: int,
        what: str,
        edits: Callable[[PageShapes], list[storage.LineEdit]],
        asked: Asked,
        line_ids: Sequence[int] = (),
        texts: Callable[[PageShapes], dict[int, tuple[str, str]]] = lambda _: {},
    ) -> storage.LayoutChange | None:
        """Return the change that `edits` makes of the page; `line_ids` must be on it.

        texts: revisions to write with it, worked out when nobody can write another one.
        """
        repeated = storage.known_layout(self._store, page_id, asked.known_id, asked.token)
        if repeated is not None:
            return repeated
        page = storage.page(self._store, page_id)
        lines = {shown.line.id: shown.line for shown in storage.lines_of(self._store, page_id)}
        for line_id in line_ids:
            if line_id not in lines:
                raise storage.NotFound(
                    f"There is no line {line_id} on page {page_id}. Reload the page."
                )
        shapes = PageShapes(page, lines, lambda: self._pixels_of(page))
        wanted = edits(shapes)
        with storage.write(self._store):
            return storage.change_layout(
                self._store, page_id, wanted, what, asked.author, asked.known_id, texts(shapes),
                asked.token,
            )  # fmt: skip


def _joined_text(parts: Sequence[storage.LineText]) -> tuple[str, str] | None:
    """Return text and status of parts that become one line; None where no person wrote any."""
    if not any(part.status in WRITTEN for part in parts):
        return None
    text = " ".join(part.text.strip() for part in parts if part.text.strip())
    return text, "corrected" if all(part.status in DECIDED for part in parts) else "doubtful"


def _own_kind(line: storage.Line) -> str:
    """Return the kind of the second part of a line that a person has cut in two."""
    return "text" if line.kind == storage.ASIDE else line.kind


def _numbered(edits: Sequence[storage.LineEdit]) -> list[storage.LineEdit]:
    """Return the edits with positions in their order."""
    return [replace(edit, position=position) for position, edit in enumerate(edits)]


def _shape(line: storage.Line) -> tuple[Baseline, float]:
    return line.baseline, line.spacing_px
