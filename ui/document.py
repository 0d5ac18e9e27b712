"""One document: its pages with their progress, more pages, its title, its exports."""

from __future__ import annotations

import gradio as gr

import storage
from services.services import Services
from ui.answers import Answer, answers, number, string
from ui.arranging import arranging_functions
from ui.describing import describing_functions, document_view, page_status
from ui.exports import export_functions
from ui.imports import import_functions
from ui.place import place
from ui.queue import queue_functions
from ui.read_by import read_by_view, read_with_current_function
from ui.reading import progress_view, read_again_function
from ui.static_files import static_text
from ui.turning import turning_functions


def document(services: Services) -> gr.HTML:
    """Return the document's component; to be called inside the blocks of the app."""
    store = services.store

    @answers
    def open_document(data: dict) -> Answer:
        opened = storage.document(store, number(data, "document"))
        summaries = storage.pages_of(store, opened.id)
        running = {run.page_id: run for run in storage.runs(store, "read", ["running"], opened.id)}
        read_by = read_by_view(services, opened.id)
        pages = [
            _page(summary, index + 1, running.get(summary.page.id), read_by)
            for index, summary in enumerate(summaries)
        ]
        return {
            "document": document_view(opened),
            "model": read_by["current"],
            "with_language": read_by["language"],
            "pages": pages,
            "paused": storage.is_reading_paused(store),
            "left_s": services.reader.time_left_s(
                sum(page["state"] == "waiting" for page in pages)
            ),
        }

    @answers
    def rename_document(data: dict) -> Answer:
        renamed = storage.rename_document(store, number(data, "document"), string(data, "title"))
        return {"document": {"id": renamed.id, "title": renamed.title}}

    return place(
        static_text("document.html"),
        static_text("arrange.js", "details.js", "crop.js", "status_filter.js", "document.js"),
        [
            open_document,
            rename_document,
            read_again_function(services),
            read_with_current_function(services),
            *arranging_functions(services),
            *describing_functions(services),
            *turning_functions(services),
            *queue_functions(services),
            *export_functions(services),
            *import_functions(services),
        ],
    )


def _page(
    summary: storage.PageSummary, place: int, run: storage.Run | None, read_by: Answer
) -> Answer:
    page = summary.page
    return {
        "id": page.id,
        "number": place,
        "name": page.name,
        "state": page.state,
        "status": page_status(summary),
        "note": page.note,
        "message": page.message,
        **progress_view(run),
        "read": read_by["pages"].get(page.id),
        "thumbnail": f"files/pages/{page.id}/thumbnail?{page.sha256[:12]}",
        "image": f"files/pages/{page.id}/{page.sha256[:12]}/image",
        "width": page.width_px,
        "height": page.height_px,
        "lines": summary.lines,
        "machine": summary.machine,
        "corrected": summary.corrected,
        "confirmed": summary.confirmed,
    }
