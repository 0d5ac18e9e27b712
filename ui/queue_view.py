"""Queues of the desk: which lines wait in a document, and which were looked at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import storage
from services.services import Services
from ui.answers import Answer, RequestError, answers, number, string


def queue_functions(services: Services) -> list[Callable[..., Any]]:
    """Return the server functions of the queues."""
    store = services.store

    @answers
    def work_queue(data: dict) -> Answer:
        lines = storage.work_queue(
            store, number(data, "document"), string(data, "kind"), string(data, "word")
        )
        return {"lines": [[line.line_id, line.page_id] for line in lines]}

    @answers
    def see_lines(data: dict) -> Answer:
        seen = data.get("lines")
        if not isinstance(seen, list) or not all(type(line) is int for line in seen):
            raise RequestError("The request names no lines. Reload this page.")
        storage.mark_seen(store, seen)
        return {"seen": len(seen)}

    return [work_queue, see_lines]
