"""What people note of a document and its pages, as the browser shows and sends it."""

from __future__ import annotations

from collections.abc import Callable

import storage
from services.services import Services
from ui.answers import Answer, answers, number, string


def describing_functions(services: Services) -> list[Callable[..., Answer]]:
    """Return the server functions that describe a document and note something on a page."""
    store = services.store

    @answers
    def describe_document(data: dict) -> Answer:
        facts = {name: string(data, name) for name in storage.FACTS}
        described = storage.describe_document(
            store, number(data, "document"), string(data, "project"), facts, string(data, "notes")
        )
        return {"document": document_view(described)}

    @answers
    def note_page(data: dict) -> Answer:
        return {"note": storage.note_page(store, number(data, "page"), string(data, "note")).note}

    @answers
    def projects(data: dict) -> Answer:
        named = {summary.document.project for summary in storage.documents(store)}
        return {"projects": sorted(named - {""})}

    return [describe_document, note_page, projects]


def document_view(document: storage.Document) -> Answer:
    """Return a document's title, project, facts and notes; nothing is missing, but may be empty."""
    facts = {name: str(document.metadata.get(name, "")) for name in (*storage.FACTS, "notes")}
    return {"id": document.id, "title": document.title, "project": document.project, **facts}


def page_status(summary: storage.PageSummary) -> str:
    """Return how far a page is: waiting, reading, failed, empty, unseen, begun or done."""
    if summary.page.state != "ready":
        return summary.page.state
    if not summary.lines:
        return "empty"
    left = summary.machine + summary.doubtful
    if not left:
        return "done"
    return "unseen" if summary.machine == summary.lines else "begun"
