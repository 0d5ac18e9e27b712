"""The queue of pages to read, as library and document show it: pause, go on, try again."""

from __future__ import annotations

from collections.abc import Callable

import storage
from services.services import Services
from ui.answers import Answer, answers, number


def queue_functions(services: Services) -> list[Callable[..., Answer]]:
    """Return what the browser may ask of the queue: pause, go on, try failed pages again."""

    @answers
    def pause_reading(data: dict) -> Answer:
        storage.pause_reading(services.store)
        return {"queue": queue_view(services)}

    @answers
    def go_on_reading(data: dict) -> Answer:
        services.go_on_reading()
        return {"queue": queue_view(services)}

    @answers
    def read_failed(data: dict) -> Answer:
        return {"pages": len(services.read_failed(number(data, "document")))}

    return [pause_reading, go_on_reading, read_failed]


def queue_view(services: Services) -> Answer:
    """Return what waits in all documents, how long it will take, and whether it is paused."""
    pages = storage.pages_to_read(services.store)
    return {
        "pages": pages,
        "left_s": services.reader.time_left_s(pages),
        "paused": storage.is_reading_paused(services.store),
    }
