"""The state of a line as the history of the layout keeps it: read, checked, compared, written."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from sqlite_utils import Database

from storage.errors import NotFound, StorageError
from storage.records import ASIDE, LineChange, LineEdit
from storage.rows import MAX_NUMBER, MAX_POINTS, Row, to_json
from storage.store import Store, select

_POINTS = ("baseline", "polygon")
_GEOMETRY = ("baseline", "spacing_px")  # what the machine's view of a line depends on


def put_edit(
    store: Store, db: Database, page_id: int, edit: LineEdit, now: str, by_hand: bool
) -> LineChange | None:
    """Return what the edit changed on the page, now written; None where nothing differed.

    by_hand: a person asks for it, who is noted as the last one to have changed the geometry.

    Raises:
        NotFound: the line is not on this page. StorageError: geometry that cannot be stored.
    """
    wanted = _wanted(edit)
    if edit.line_id is not None:
        if by_hand and any(name in wanted for name in _GEOMETRY):
            wanted["reshaped"] = now
        return put_state(store, db, page_id, edit.line_id, wanted, now)
    if not {"baseline", "spacing_px"} <= wanted.keys():
        raise StorageError("A new line has no baseline or no spacing. Draw it again.")
    state = {
        "polygon": [], "kind": "text", "flags": [], "position": 0, **wanted,
        "removed": False, "replaced": False, "reshaped": now if by_hand else None,
    }  # fmt: skip
    unread = int(by_hand or state["kind"] != ASIDE)
    values = {**_columns(state, now), "page_id": page_id, "created": now, "unread": unread}
    line_id = int(db.table("line").insert(values).last_rowid or 0)
    return LineChange(line_id, None, state)


def put_state(
    store: Store, db: Database, page_id: int, line_id: int, wanted: Mapping[str, Any], now: str
) -> LineChange | None:
    """Return what a line's wanted fields changed, now written; None where nothing differed.

    `reshaped` alone is no difference: it goes with the geometry.

    Raises:
        NotFound: the line is not on this page. StorageError: geometry that cannot be stored.
    """
    _check_state(wanted, f"Line {line_id}")
    before = _state(store, page_id, line_id)
    after = {name: value for name, value in wanted.items() if before[name] != value}
    reshaped = any(name in after for name in _GEOMETRY)
    if not reshaped:
        after.pop("reshaped", None)
    if not after:
        return None
    values = _columns(after, now)
    taken_in = before["kind"] == ASIDE and after.get("kind", ASIDE) != ASIDE
    if reshaped or taken_in:
        values["unread"] = 1
    elif after.get("kind") == ASIDE:
        values["unread"] = 0
    db.table("line").update(line_id, values)
    return LineChange(line_id, {name: before[name] for name in after}, after)


def _state(store: Store, page_id: int, line_id: int) -> dict[str, Any]:
    rows = select(store, "SELECT * FROM line WHERE id = :id", {"id": line_id})
    if not rows or rows[0]["page_id"] != page_id:
        raise NotFound(f"There is no line {line_id} on page {page_id}. Reload the page.")
    row = Row("line", rows[0])
    return {
        "baseline": [list(point) for point in row.points("baseline")],
        "polygon": [list(point) for point in row.points("polygon")],
        "spacing_px": row.number("spacing_px"),
        "kind": row.text("kind"),
        "flags": list(row.texts("flags")),
        "position": row.integer("position"),
        "removed": row.get("removed") is not None,
        "replaced": row.get("replaced") is not None,
        "reshaped": row.optional_text("reshaped"),
    }


def _columns(state: Mapping[str, Any], now: str) -> dict[str, Any]:
    """Return the fields of a line as its columns hold them."""
    values = dict(state)
    for name in ("baseline", "polygon", "flags"):
        if name in values:
            values[name] = to_json(values[name], f"The {name} of a line")
    for name in ("removed", "replaced"):
        if name in values:
            values[name] = now if values[name] else None
    return values


def _wanted(edit: LineEdit) -> dict[str, Any]:
    """Return the fields that the edit sets, as JSON says them."""
    fields = {name: value for name, value in asdict(edit).items() if value is not None}
    line_id = fields.pop("line_id", None)
    what = "A new line" if line_id is None else f"Line {line_id}"
    for name in _POINTS:
        if name in fields:
            fields[name] = _points(fields[name], what, 2 if name == "baseline" else 0)
    if "spacing_px" in fields:
        fields["spacing_px"] = float(fields["spacing_px"])
    if "flags" in fields:
        fields["flags"] = [str(flag) for flag in fields["flags"]]
    _check_state(fields, what)
    return fields


def _points(points: Any, what: str, fewest: int) -> list[list[float]]:
    if not fewest <= len(points) <= MAX_POINTS:
        raise StorageError(
            f"{what} has {len(points):,} points; at least {fewest} and at most {MAX_POINTS:,} can "
            "be stored. Draw it again."
        )
    # float(): NumPy's numbers are welcome, and JSON knows only Python's.
    return [[float(x), float(y)] for x, y in points]


def _check_state(state: Mapping[str, Any], what: str) -> None:
    """Refuse what no line can be, be it asked for now or found in the history."""
    numbers = [number for name in _POINTS for point in state.get(name, ()) for number in point]
    if not all(abs(number) < MAX_NUMBER for number in numbers):  # NaN is not below it either
        raise StorageError(f"{what} has a point that lies nowhere. Draw it again.")
    spacing_px = state.get("spacing_px", 1.0)
    if not (math.isfinite(spacing_px) and 0 < spacing_px < MAX_NUMBER):
        raise StorageError(
            f"{what} has a spacing of {spacing_px} px; it must be above 0. Draw it again."
        )
