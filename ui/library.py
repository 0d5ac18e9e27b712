"""The library: every document with its cover, its progress and when it was last touched."""

from __future__ import annotations

import gradio as gr

import storage
from services.services import Services
from ui.answers import Answer, answers, number, string
from ui.describing import document_view
from ui.exports import export_functions
from ui.imports import import_functions
from ui.place import place
from ui.queue import queue_functions, queue_view
from ui.static_files import static_text


def library(services: Services) -> gr.HTML:
    """Return the library's component; to be called inside the blocks of the app."""
    store = services.store

    @answers
    def shelves(data: dict) -> Answer:
        return {
            "documents": [_shelved(summary) for summary in storage.documents(store)],
            "queue": queue_view(services),
            "binned": storage.binned_count(store),
        }

    @answers
    def add_document(data: dict) -> Answer:
        document = storage.add_document(store, string(data, "title"))
        return {"document": {"id": document.id, "title": document.title}}

    @answers
    def add_example(data: dict) -> Answer:
        return {"page": services.add_example().id}

    @answers
    def remove_document(data: dict) -> Answer:
        storage.remove_document(store, number(data, "document"))
        return {"removed": True}

    @answers
    def restore_document(data: dict) -> Answer:
        storage.restore_document(store, number(data, "document"))
        return {"removed": False}

    return place(
        static_text("library.html"),
        static_text("library.js"),
        [
            shelves,
            add_document,
            add_example,
            remove_document,
            restore_document,
            *queue_functions(services),
            *export_functions(services),
            *import_functions(services),
        ],
    )


def _shelved(summary: storage.DocumentSummary) -> Answer:
    document = summary.document
    cover = summary.cover_page_id
    return {
        **document_view(document),
        "changed": summary.changed.isoformat(),
        "pages": summary.pages,
        "waiting": summary.pages_waiting,
        "cover": f"files/pages/{cover}/thumbnail" if cover else None,
        "lines": summary.lines,
        "machine": summary.machine,
        "corrected": summary.corrected,
        "confirmed": summary.confirmed,
    }
