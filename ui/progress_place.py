"""The Progress place: lines decided a day, how well the machine reads, what typing it saves."""

from __future__ import annotations

from collections.abc import Mapping

import gradio as gr

import storage
from services.progress import Progress, Tally
from services.services import Services
from ui.answers import Answer, RequestError, answers
from ui.place import place
from ui.static_files import static_text


def progress_place(services: Services) -> gr.HTML:
    """Return the component of the progress; to be called inside the blocks of the app."""

    @answers
    def progress(data: dict) -> Answer:
        return progress_view(services, services.progress.progress(_offset_min(data)))

    return place(
        static_text("progress/progress.html"),
        static_text("progress/bars.js", "progress/progress.js"),
        [progress],
    )


def progress_view(services: Services, progress: Progress) -> Answer:
    """Return for the browser how the work goes on, and how many lines are left to check."""
    models = storage.models(services.store, with_removed=True)
    names = {model.id: model.name for model in models}
    counts = storage.line_counts(services.store)
    return {
        "total": tally_view(progress.total),
        "days": [{"day": day.isoformat(), **tally_view(one)} for day, one in progress.days],
        "models": [
            {"model": model_id, "name": names[model_id], **tally_view(one)}
            for model_id, one in progress.models
        ],
        "left": counts.machine + counts.doubtful,
    }


def tally_view(tally: Tally) -> Answer:
    """Return sums for the browser; cer is 0-1 or null."""
    return {
        "lines": tally.lines,
        "confirmed": tally.confirmed,
        "measured": tally.measured,
        "characters": tally.characters,
        "cer": tally.cer,
        "typed": tally.typed,
        "saved": tally.saved,
    }


def _offset_min(data: object) -> int:
    """Return the minutes that the browser's clock is ahead of UTC."""
    value = data.get("offset_min") if isinstance(data, Mapping) else None
    if isinstance(value, bool) or not isinstance(value, int):
        raise RequestError("The request names no time zone. Reload this page.")
    return value
