"""The search over everything: lines as images with the found words lit."""

from __future__ import annotations

from collections.abc import Sequence

import gradio as gr

import storage
from services.search import Found, Hit
from services.services import Services
from ui.answers import Answer, answers, optional_number, string
from ui.line_view import line_view
from ui.place import place
from ui.static_files import static_text

SHOWN_WORDS = 12  # of those that may be misread; the rest is looked for as well


def search_place(services: Services) -> gr.HTML:
    """Return the component of the search; to be called inside the blocks of the app."""

    @answers
    def find(data: dict) -> Answer:
        document_id = optional_number(data, "document")
        named = None if document_id is None else storage.document(services.store, document_id)
        after = optional_number(data, "after") or 0
        similar = data.get("similar") is True
        found = services.search.find(string(data, "text"), document_id, after, similar)
        return {
            **found_view(found),
            "notes": [] if similar or after or named else _notes(services, string(data, "text")),
            "document": {"id": named.id, "title": named.title} if named else None,
            "due": services.search.lines_due(),
        }

    return place(
        static_text("search/search.html"),
        static_text("search/search.js"),
        [find],
    )


def _notes(services: Services, text: str) -> list[Answer]:
    """Return the documents and pages that were found by what is noted of them."""
    found = storage.find_notes(services.store, storage.question_of(text))
    return [
        {"document": one.document_id, "title": one.title, "page": one.page_id, "text": one.text}
        for one in found
    ]


def found_view(found: Found) -> Answer:
    """Return for the browser what a search has found."""
    return {
        "hits": [_hit_view(hit) for hit in found.hits],
        "count": found.count,
        "more": found.more,
        "after": found.after,
        "words": list(found.words[:SHOWN_WORDS]),
    }


def _hit_view(hit: Hit) -> Answer:
    shown = line_view(hit.shown)
    return {
        "id": hit.place.line_id,
        "number": hit.place.number,
        "page": hit.place.page_id,
        "page_number": hit.place.page_number,
        "document": {"id": hit.place.document_id, "title": hit.place.title},
        "crop": shown["crop"],
        "aspect": shown["aspect"],
        "status": shown["status"],
        "pieces": _pieces(hit.shown.text, hit.spans),
        "lit": [[round(start, 4), round(end, 4)] for start, end in hit.lit],
    }


def _pieces(text: str, spans: Sequence[tuple[int, int]]) -> list[tuple[str, bool]]:
    """Return the text in pieces: its characters, and whether they were found."""
    pieces: list[tuple[str, bool]] = []
    done = 0
    for start, end in spans:
        pieces += [(text[done:start], False), (text[start:end], True)]
        done = end
    return [piece for piece in [*pieces, (text[done:], False)] if piece[0]]
