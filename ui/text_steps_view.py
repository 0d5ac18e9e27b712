"""Undo and redo of texts, as the desk asks for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

import storage
from services.services import Services
from ui.answers import Answer, answers, author_of, number


def text_step_functions(services: Services) -> list[Callable[..., Any]]:
    """Return the server functions that take back and do again what a person wrote."""
    store = services.store

    @answers
    def undo_text(data: dict, request: gr.Request) -> Answer:
        author = author_of(request, services.settings.author)
        return changed_lines(store, storage.undo_text(store, number(data, "document"), author))

    @answers
    def redo_text(data: dict, request: gr.Request) -> Answer:
        author = author_of(request, services.settings.author)
        return changed_lines(store, storage.redo_text(store, number(data, "document"), author))

    return [undo_text, redo_text]


def changed_lines(store: storage.Store, revisions: Sequence[storage.Revision]) -> Answer:
    """Return what the browser has to know of revisions that were written on any page."""
    return {
        "lines": [
            {
                "line": revision.line_id,
                "page": storage.line_text(store, revision.line_id).line.page_id,
                "revision": revision.id,
                "text": storage.line_text(store, revision.line_id).text,
                "status": revision.status,
            }
            for revision in revisions
        ]
    }
