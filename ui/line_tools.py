"""What the browser may ask of the lines of a page: change, undo, read again, find anew."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import gradio as gr

import storage
from segmentation import METHODS, has_network
from services.line_editor import Asked
from services.services import Services
from ui.answers import Answer, RequestError, answers, author_of, number, string
from ui.line_view import line_view

MAX_LINES = 10_000  # of one request
MAX_POINTS = 1000  # of one baseline

Point = tuple[float, float]


def line_functions(services: Services) -> list[Callable[..., Answer]]:
    """Return the server functions of the line editor, to be given to the desk's component."""
    store = services.store

    @answers
    def change_lines(data: dict, request: gr.Request) -> Answer:
        page_id = number(data, "page")
        what = string(data, "what")
        if what not in _CHANGES:
            raise RequestError(f"There is no change of lines named {what[:40]!r}.")
        try:
            change = _CHANGES[what](services, page_id, data, _asked(services, data, request))
        except storage.LayoutConflict as conflict:
            return _conflict(services, page_id, conflict)
        return {**layout_view(services, page_id), "lines": _changed(services, change)}

    @answers
    def read_lines(data: dict) -> Answer:
        # "lines": those that the browser shows as unread; another tab may have had them read.
        from htr.errors import RecognitionError

        page_id = number(data, "page")
        try:
            line_ids = services.line_editor.read_changed(page_id)
        except RecognitionError as error:
            raise RequestError(str(error)) from error
        asked = {*line_ids, *_lines(data, at_least=0)} & {*storage.line_order(store, page_id)}
        return {
            "lines": [line_view(storage.line_text(store, line_id)) for line_id in sorted(asked)],
            "read": len(line_ids),
            "left": len(storage.line_order(store, page_id, unread=True)),
        }

    @answers
    def segment_again(data: dict, request: gr.Request) -> Answer:
        page = storage.page(store, number(data, "page"))
        page_ids = [page.id]
        if string(data, "scope") == "document":
            page_ids = [summary.page.id for summary in storage.pages_of(store, page.document_id)]
        author = author_of(request, services.settings.author)
        services.segment_again(page_ids, string(data, "method"), author)
        return {"pages": len(page_ids)}

    return [change_lines, read_lines, segment_again]


def layout_view(services: Services, page_id: int) -> Answer:
    """Return where the page stands: the number of its newest change, what undo and redo do."""
    steps = storage.layout_steps(services.store, page_id)
    return {
        "layout": steps.newest_id,
        "undo": steps.undo,
        "redo": steps.redo,
        "order": storage.line_order(services.store, page_id),
    }


def segmentation_methods() -> list[str]:
    """Return the methods that can find lines in this installation."""
    return [method for method in METHODS if method != "network" or has_network()]


def _changed(services: Services, change: storage.LayoutChange | None) -> list[Answer]:
    """Return the lines on the page that look different after the change."""
    if change is None:
        return []
    texts = [line_id for line_id, _ in change.revisions]
    changed = [line.line_id for line in change.lines if line.after.keys() - {"position"}]
    shown = (storage.line_text(services.store, n) for n in dict.fromkeys([*changed, *texts]))
    return [
        line_view(line) for line in shown if line.line.removed is None and not line.line.replaced
    ]


def _conflict(services: Services, page_id: int, conflict: storage.LayoutConflict) -> Answer:
    lines = storage.lines_of(services.store, page_id)
    author = conflict.newest.author if conflict.newest else ""
    return {
        **layout_view(services, page_id),
        "conflict": author,
        "lines": [line_view(shown) for shown in lines],
    }


def _asked(services: Services, data: Mapping[str, Any], request: gr.Request) -> Asked:
    known = data.get("known")
    if isinstance(known, bool) or not isinstance(known, int) or not 0 <= known < 2**62:
        raise RequestError("The request does not say what it knows. Reload this page.")
    author = author_of(request, services.settings.author)
    return Asked(author, known, string(data, "token"))


def _undo(services: Services, page_id: int, data: object, asked: Asked) -> storage.LayoutChange:
    return storage.undo_layout(services.store, page_id, asked.author, asked.known_id, asked.token)


def _redo(services: Services, page_id: int, data: object, asked: Asked) -> storage.LayoutChange:
    return storage.redo_layout(services.store, page_id, asked.author, asked.known_id, asked.token)


# One for each name that the browser may give, so that no other method can be called.
_CHANGES: dict[str, Callable[[Services, int, Any, Asked], storage.LayoutChange | None]] = {
    "move": lambda s, page, data, asked: s.line_editor.move(page, _baselines(data), asked),
    "draw": lambda s, page, data, asked: s.line_editor.draw(page, _points(data, "points"), asked),
    "split": lambda s, page, data, asked: s.line_editor.split(
        page, number(data, "line"), _point(data.get("at")), asked
    ),
    "merge": lambda s, page, data, asked: s.line_editor.merge(page, _lines(data), asked),
    "take": lambda s, page, data, asked: s.line_editor.take_in(page, _lines(data), asked),
    "aside": lambda s, page, data, asked: s.line_editor.set_aside(page, _lines(data), asked),
    "delete": lambda s, page, data, asked: s.line_editor.delete(page, _lines(data), asked),
    "reverse": lambda s, page, data, asked: s.line_editor.reverse(page, _lines(data), asked),
    "reorder": lambda s, page, data, asked: s.line_editor.reorder(page, _lines(data), asked),
    "order": lambda s, page, data, asked: s.line_editor.order(page, asked),
    "undo": _undo,
    "redo": _redo,
}


def _lines(data: Mapping[str, Any], at_least: int = 1) -> list[int]:
    """Return the numbers of lines under "lines", each once."""
    value = data.get("lines")
    if not isinstance(value, list) or not at_least <= len(value) <= MAX_LINES:
        raise RequestError(f"The request names no lines, or more than {MAX_LINES:,}.")
    found = [number({"line": line_id}, "line") for line_id in value]
    return list(dict.fromkeys(found))


def _baselines(data: Mapping[str, Any]) -> dict[int, list[Point]]:
    """Return the baselines under "baselines": a list of {line, points}."""
    value = data.get("baselines")
    if not isinstance(value, list) or not 0 < len(value) <= MAX_LINES:
        raise RequestError(f"The request has no baselines, or more than {MAX_LINES:,}.")
    return {number(item, "line"): _points(item, "points") for item in value}


def _points(data: Mapping[str, Any], name: str) -> list[Point]:
    value = data.get(name)
    if not isinstance(value, list) or len(value) > MAX_POINTS:
        found = f"{len(value):,}" if isinstance(value, list) else "no"
        raise RequestError(f"A baseline has {found} points; it may have {MAX_POINTS:,}.")
    return [_point(point) for point in value]


def _point(value: object) -> Point:
    if (
        not isinstance(value, list)
        or len(value) != 2
        or not all(type(n) in (int, float) and abs(n) < 1e9 for n in value)
    ):
        raise RequestError("A point of the request is no pair of numbers. Reload this page.")
    return float(value[0]), float(value[1])
