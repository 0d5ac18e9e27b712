"""What desk and document both show and ask of the reading of pages."""

from __future__ import annotations

from collections.abc import Callable

import storage
from services.services import Services
from ui.answers import Answer, answers, number


def read_again_function(services: Services) -> Callable[[dict], Answer]:
    """Return the server function that queues a page to be read once more."""

    @answers
    def read_again(data: dict) -> Answer:
        services.read_again(number(data, "page"))
        return {"waiting": True}

    return read_again


def progress_view(run: storage.Run | None) -> Answer:
    """Return what a page's reading is at and how far (0-1); nothing while it is not read."""
    return {"phase": run.phase if run else "", "progress": run.progress if run else 0.0}
