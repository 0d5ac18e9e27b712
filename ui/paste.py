"""Pasting a transcription onto a page: what the desk's dialog asks of the server."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import gradio as gr

import storage
from services.paste import PastedLine, lay_on, take_texts, untake_texts
from services.services import Services
from ui.answers import Answer, RequestError, answers, author_of, number, optional_number, string
from ui.line_view import line_view

MAX_LINES = 10_000  # of one request


def paste_functions(services: Services) -> list[Callable[..., Answer]]:
    """Return the server functions of pasting, to be given to the desk's component."""
    store = services.store

    @answers
    def lay_text(data: dict) -> Answer:
        pasted = lay_on(store, number(data, "page"), string(data, "text"))
        return {"lines": [_view(line) for line in pasted.lines], "left_over": pasted.left_over}

    @answers
    def take_pasted(data: dict, request: gr.Request) -> Answer:
        texts = {
            number(row, "line"): (string(row, "text"), optional_number(row, "parent"))
            for row in _rows(data)
        }
        author = author_of(request, services.settings.author)
        try:
            made = take_texts(store, number(data, "page"), texts, author)
        except storage.RevisionConflict as conflict:
            raise RequestError(f"{conflict} Paste the text again.") from conflict
        return {"taken": [{"line": revision.line_id, "revision": revision.id} for revision in made]}

    @answers
    def undo_pasted(data: dict, request: gr.Request) -> Answer:
        revisions = [(number(row, "line"), number(row, "revision")) for row in _rows(data)]
        author = author_of(request, services.settings.author)
        return {"lines": untake_texts(store, revisions, author)}

    return [lay_text, take_pasted, undo_pasted]


def _view(line: PastedLine) -> Answer:
    shown = line_view(line.shown)
    return {
        "line": shown["id"],
        "crop": shown["crop"],
        "shown": shown["text"],
        "status": shown["status"],
        "parent": shown["parent"],
        "text": line.text,
        "likeness": round(line.likeness, 3),
        "chosen": line.chosen,
    }


def _rows(data: Mapping[str, Any]) -> list[Any]:
    rows = data.get("lines")
    if not isinstance(rows, list) or not 0 < len(rows) <= MAX_LINES:
        raise RequestError(f"The request names no lines, or more than {MAX_LINES:,}.")
    return rows
