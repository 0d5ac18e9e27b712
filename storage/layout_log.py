"""The history of a page's lines: what was done, and what can be undone and redone."""

from __future__ import annotations

from typing import Any

from storage.errors import NotFound
from storage.records import LAYOUT_CHANGES, LayoutChange, LayoutSteps, LineChange
from storage.rows import MAX_NUMBER, Row
from storage.store import Store, select

_KINDS: dict[str, type | tuple[type, ...]] = {
    "baseline": list,
    "polygon": list,
    "spacing_px": (int, float),
    "kind": str,
    "flags": list,
    "position": int,
    "removed": bool,
    "replaced": bool,
    "reshaped": (str, type(None)),
}
# What a change did (its number), and what an undo took back together with that undo's number.
Stacks = tuple[list[int], list[tuple[int, int]]]


def layout_history(store: Store, page_id: int) -> list[LayoutChange]:
    """Return all changes to the lines of a page, oldest first."""
    rows = select(
        store, "SELECT * FROM layout_change WHERE page_id = :id ORDER BY id", {"id": page_id}
    )
    return [from_row(Row("layout_change", values)) for values in rows]


def layout_steps(store: Store, page_id: int) -> LayoutSteps:
    """Return where the page stands: its newest change, and what can be undone and redone."""
    rows = _steps(store, page_id)
    done, undone = _fold(rows)
    names = {row.integer("id"): row.choice("what", LAYOUT_CHANGES) for row in rows}
    return LayoutSteps(
        newest_id=max(names, default=0),
        undo=names[done[-1]] if done else None,
        redo=names[undone[-1][0]] if undone else None,
    )


def layout_change(store: Store, change_id: int) -> LayoutChange:
    """Return one change.

    Raises:
        NotFound: there is none with this number.
    """
    rows = select(store, "SELECT * FROM layout_change WHERE id = :id", {"id": change_id})
    if not rows:
        raise NotFound(f"There is no change {change_id} of lines. Reload the page.")
    return from_row(Row("layout_change", rows[0]))


def stacks(store: Store, page_id: int) -> Stacks:
    """Return what can be undone, the next last, and what can be redone, the next last.

    A change that follows an undo comes on top of it: first the changes that were undone, then
    their undos, then the change. So everything that ever was on the page can be reached by undo.
    """
    return _fold(_steps(store, page_id))


def from_row(row: Row) -> LayoutChange:
    """Return the change in a row of the database."""
    return LayoutChange(
        id=row.integer("id"),
        page_id=row.integer("page_id"),
        what=row.choice("what", LAYOUT_CHANGES),
        lines=tuple(
            LineChange(_number(row, line_id), _state(row, before), _state(row, after) or {})
            for line_id, before, after in _lists(row, "lines", 3)
        ),
        revisions=tuple(
            (_number(row, line_id), _number(row, revision_id))
            for line_id, revision_id in _lists(row, "revisions", 2)
        ),
        author=row.text("author"),
        created=row.time("created"),
        undoes_id=row.optional_integer("undoes_id"),
        redoes_id=row.optional_integer("redoes_id"),
    )


def _steps(store: Store, page_id: int) -> list[Row]:
    rows = select(
        store,
        """SELECT id, undoes_id, redoes_id, what FROM layout_change
        WHERE page_id = :id ORDER BY id""",
        {"id": page_id},
    )
    return [Row("layout_change", values) for values in rows]


def _fold(rows: list[Row]) -> Stacks:
    done: list[int] = []
    undone: list[tuple[int, int]] = []
    for row in rows:
        change_id = row.integer("id")
        if row.get("what") == "turn":  # another image: what was done on the one before is past
            done.clear()
            undone.clear()
            continue
        undoes_id, redoes_id = (row.optional_integer(n) for n in ("undoes_id", "redoes_id"))
        if undoes_id is not None:
            if not done or done.pop() != undoes_id:
                row.refuse("undoes_id", "the change before it that was in force")
            undone.append((undoes_id, change_id))
        elif redoes_id is not None:
            if not undone or undone.pop()[0] != redoes_id:
                row.refuse("redoes_id", "the change that was undone last")
            done.append(change_id)
        else:
            done += [original for original, _ in reversed(undone)]
            done += [undo for _, undo in undone]
            done.append(change_id)
            undone.clear()
    return done, undone


def _lists(row: Row, column: str, length: int) -> list[Any]:
    expected = f"a JSON list of lists of {length}"
    found = row.json(column, expected)
    if not isinstance(found, list) or not all(
        isinstance(item, list) and len(item) == length for item in found
    ):
        row.refuse(column, expected)
    return found


def _number(row: Row, value: Any) -> int:
    if type(value) is not int:
        row.refuse("lines", "numbers of lines")
    return int(value)


def _state(row: Row, state: Any) -> dict[str, Any] | None:
    """Return the fields of a line that a change names, checked: undo writes them into lines."""
    if state is None:
        return None
    good = isinstance(state, dict) and all(
        name in _KINDS and isinstance(value, _KINDS[name]) for name, value in state.items()
    )
    if not good or not all(
        _is_point(point) for name in ("baseline", "polygon") for point in state.get(name, ())
    ):
        row.refuse("lines", "fields of lines")
    if not all(isinstance(flag, str) for flag in state.get("flags", ())):
        row.refuse("lines", "flags that are texts")
    return dict(state)


def _is_point(point: Any) -> bool:
    return (
        isinstance(point, list)
        and len(point) == 2
        and all(type(n) in (int, float) and -MAX_NUMBER < n < MAX_NUMBER for n in point)
    )
