"""A page segmented anew: what people corrected stays, and the change can be undone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import storage
from segmentation.lines import Line
from segmentation.order import reading_order
from services.line_geometry import covered_share

COVERED = 0.5  # of its baseline: a detection that runs along a kept line for longer is that line
NEAR = 0.5  # of the kept line's spacing: how far from it a detection still runs along it
OVERLAPS = "overlaps a corrected line"  # flag: a person has to say which of the two is right


def put_lines(
    store: storage.Store,
    page: storage.Page,
    found: Sequence[storage.NewLine],
    model_id: int,
    author: str,
) -> int:
    """Return how many lines the page has, now that those found anew were put onto it.

    The first lines of a page are simply there. Later ones replace those that no person has
    touched, neither their text nor their geometry, as one change of the layout; a detection that
    runs along a line that stays is left out, one that covers it and more is flagged.

    To be called inside a transaction, if it belongs together with something else.
    """
    with storage.write(store):
        present = storage.lines_of(store, page.id)
        known_id = storage.layout_steps(store, page.id).newest_id
        if not present and not known_id:
            return len(storage.replace_lines(store, page.id, found, model_id))
        kept = [shown.line for shown in present if _is_touched(shown)]
        edits = [
            storage.LineEdit(shown.line.id, replaced=True)
            for shown in present
            if not _is_touched(shown)
        ]
        ordered = _in_order([*kept, *_beside(found, kept)], page)
        edits += [_edit(line, position) for position, line in enumerate(ordered)]
        change = storage.change_layout(store, page.id, edits, "segment", author, known_id)
        made = [line.line_id for line in change.lines if line.before is None] if change else []
        new = [line for line in ordered if isinstance(line, storage.NewLine)]
        readings = zip(made, (line.reading for line in new), strict=True)
        storage.add_readings(store, model_id, {n: reading for n, reading in readings if reading})
        return len(ordered)


def segmented(line: storage.Line | storage.NewLine) -> Line:
    """Return a stored line as segmentation knows it."""
    return Line(line.baseline, line.polygon, line.spacing_px, line.kind, line.flags)


def _is_touched(shown: storage.LineText) -> bool:
    return shown.revision is not None or shown.line.reshaped is not None


def _beside(
    found: Sequence[storage.NewLine], kept: Sequence[storage.Line]
) -> list[storage.NewLine]:
    """Return the detections that do not run along a line that stays."""
    near = [(line.baseline, NEAR * line.spacing_px) for line in kept]
    new = []
    for line in found:
        if covered_share(line.baseline, near) > COVERED:
            continue
        own = [(line.baseline, NEAR * line.spacing_px)]
        if any(covered_share(baseline, own) > COVERED for baseline, _ in near):
            line = replace(line, flags=(*line.flags, OVERLAPS))
        new.append(line)
    return new


def _in_order(
    lines: list[storage.Line | storage.NewLine], page: storage.Page
) -> list[storage.Line | storage.NewLine]:
    if all(isinstance(line, storage.NewLine) for line in lines):
        return lines  # as they were found: segmentation has put them in order
    order = reading_order([segmented(line) for line in lines], page.width_px, page.height_px)
    return [lines[k] for k in order]


def _edit(line: storage.Line | storage.NewLine, position: int) -> storage.LineEdit:
    if isinstance(line, storage.Line):
        return storage.LineEdit(line.id, position=position)
    return storage.LineEdit(
        None, line.baseline, line.polygon, line.spacing_px, line.kind, line.flags, position
    )
