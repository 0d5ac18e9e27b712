"""The desk: one page, its image beside its lines, each line's text under its own image."""

from __future__ import annotations

from collections.abc import Callable

import gradio as gr

import storage
from services.services import Services
from ui.answers import Answer, RequestError, answers, author_of, number, optional_number, string
from ui.exports import export_functions
from ui.history_view import line_history_function
from ui.line_tools import layout_view, line_functions, segmentation_methods
from ui.line_view import line_view
from ui.paste import paste_functions
from ui.place import place
from ui.queue_view import queue_functions
from ui.read_by import read_by_view, read_with_current_function
from ui.reading import progress_view, read_again_function
from ui.replace_view import replace_functions, tidied_text
from ui.static_files import static_text
from ui.text_steps_view import text_step_functions

SCRIPTS = (
    "desk/saving.js",
    "desk/picture.js",
    "desk/places.js",
    "desk/row_text.js",
    "desk/row.js",
    "desk/row_tools.js",
    "desk/keymap.js",
    "desk/marks.js",
    "desk/alternatives.js",
    "desk/queue.js",
    "desk/history.js",
    "desk/palette.js",
    "desk/replace.js",
    "desk/geometry.js",
    "desk/kept_changes.js",
    "desk/line_changes.js",
    "desk/line_overlay.js",
    "desk/line_tools.js",
    "desk/line_pointer.js",
    "desk/line_keys.js",
    "desk/segment_dialog.js",
    "desk/paste_dialog.js",
    "desk/read_by.js",
    "desk/layout.js",
    "desk/counter.js",
    "desk/page_bar.js",
    "desk/moving.js",
    "desk/editing.js",
    "desk/drafts.js",
    "desk/desk.js",
)


def desk(services: Services) -> gr.HTML:
    """Return the desk's component; to be called inside the blocks of the app."""

    @answers
    def open_page(data: dict) -> Answer:
        return _page(services, number(data, "page"))

    return place(
        static_text("desk/desk.html"),
        static_text(*SCRIPTS),
        [
            open_page,
            save_line_function(services),
            read_again_function(services),
            read_with_current_function(services),
            *line_functions(services),
            *paste_functions(services),
            *export_functions(services),
            *text_step_functions(services),
            *queue_functions(services),
            line_history_function(services),
            *replace_functions(services),
        ],
    )


def save_line_function(services: Services) -> Callable[[dict, gr.Request], Answer]:
    """Return the function that saves a line's text and says whether the line is still there."""

    @answers
    def save_line(data: dict, request: gr.Request) -> Answer:
        author = author_of(request, services.settings.author)
        line_id, text = number(data, "line"), string(data, "text")
        if data.get("tidy") is True:  # a person is done with the line
            text = tidied_text(services.store, line_id, text)
        try:
            revision = storage.correct_line(
                services.store,
                line_id,
                text,
                string(data, "status"),
                author,
                optional_number(data, "parent"),
            )
        except storage.RevisionConflict as conflict:
            return _conflict(conflict.newest)
        line = storage.line_text(services.store, revision.line_id).line
        gone = line.removed is not None or line.replaced is not None
        return {**_revision(revision), "gone": gone}

    return save_line


def _page(services: Services, page_id: int) -> Answer:
    store = services.store
    page = storage.page(store, page_id)
    document = storage.document(store, page.document_id)
    previous, following, place, total = storage.page_neighbours(store, page.id)
    running = storage.runs(store, "read", ["running"], page.document_id)
    run = next((run for run in running if run.page_id == page.id), None)
    read_by = read_by_view(services, document.id, page.id)
    return {
        "id": page.id,
        "name": page.name,
        "version": page.sha256[:12],
        "state": page.state,
        "message": page.message,
        **progress_view(run),
        "model": read_by["current"],
        "with_language": read_by["language"],
        "read": read_by["pages"].get(page.id),
        "width": page.width_px,
        "height": page.height_px,
        "image": f"files/pages/{page.id}/{page.sha256[:12]}/image",
        "document": {"id": document.id, "title": document.title},
        "number": place,
        "total": total,
        "previous": previous,
        "next": following,
        "methods": segmentation_methods(),
        **layout_view(services, page.id),
        "lines": [line_view(line) for line in storage.lines_of(store, page.id)],
    }


def _conflict(newest: storage.Revision | None) -> Answer:
    if newest is None:  # the browser names a revision of a line that has none
        raise RequestError("This page was replaced on the server. Reload it; your text is kept.")
    return {"conflict": _revision(newest)}


def _revision(revision: storage.Revision) -> Answer:
    return {
        "revision": revision.id,
        "text": revision.text,
        "status": revision.status,
        "author": revision.author,
        "created": revision.created.isoformat(),
    }
