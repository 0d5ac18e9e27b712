"""The history of a line: what people made of it, and what models read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import storage
from services.services import Services
from ui.answers import Answer, answers, number


def line_history_function(services: Services) -> Callable[..., Any]:
    """Return the server function that tells the versions of a line, the newest first."""
    store = services.store

    @answers
    def line_history(data: dict) -> Answer:
        line_id = number(data, "line")
        line = storage.line_text(store, line_id).line
        names = {model.id: model.name for model in storage.models(store, with_removed=True)}
        readings = []
        for model_id in storage.models_of_page(store, line.page_id):
            reading = storage.line_text(store, line_id, model_id).reading
            if reading is not None and reading.model_id == model_id:
                readings.append({"by": names[model_id], "text": reading.text})
        return {
            "revisions": [_view(one) for one in reversed(storage.revisions_of(store, line_id))],
            "readings": readings,
        }

    return line_history


def _view(revision: storage.Revision) -> Answer:
    return {
        "revision": revision.id,
        "text": revision.text,
        "status": revision.status,
        "author": revision.author,
        "created": revision.created.isoformat(),
        "undo": revision.undoes_id is not None,
    }
