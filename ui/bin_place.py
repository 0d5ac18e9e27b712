"""The bin: documents and pages that were removed, each with the way back."""

from __future__ import annotations

import gradio as gr

import storage
from services.services import Services
from ui.answers import Answer, answers, number, optional_number
from ui.place import place
from ui.static_files import static_text


def bin_place(services: Services) -> gr.HTML:
    """Return the component of the bin; to be called inside the blocks of the app."""
    store = services.store

    @answers
    def look_into(data: dict) -> Answer:
        return {"things": [_view(one) for one in storage.binned(store)]}

    @answers
    def take_out(data: dict) -> Answer:
        page_id = optional_number(data, "page")
        if page_id is not None:
            storage.restore_page(store, page_id)
            return {"address": f"#/page/{page_id}"}
        document = storage.restore_document(store, number(data, "document"))
        services.reader.wake()
        return {"address": f"#/document/{document.id}"}

    return place(
        static_text("bin.html"),
        static_text("bin.js"),
        [look_into, take_out],
    )


def _view(one: storage.Binned) -> Answer:
    return {
        "document": one.document_id,
        "title": one.title,
        "page": one.page_id,
        "name": one.name,
        "removed": one.removed.isoformat(),
        "pages": one.pages,
        "written": one.written,
        "thumbnail": f"files/pages/{one.page_id}/thumbnail" if one.page_id else None,
    }
