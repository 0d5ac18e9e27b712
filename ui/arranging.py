"""Pages put into another order, into another document, or into the bin, and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import storage
from services.services import Services
from ui.answers import Answer, RequestError, answers, number, optional_number, string


def arranging_functions(services: Services) -> list[Callable[..., Answer]]:
    """Return what the browser may do with pages: place, put back, remove, restore, documents."""
    store = services.store

    @answers
    def place_pages(data: dict) -> Answer:
        document_id = wanted = optional_number(data, "document")
        with storage.write(store):
            if document_id is None:
                document_id = storage.add_document(store, string(data, "title")).id
            before = optional_number(data, "before")
            former = storage.place_pages(store, numbers(data, "pages"), document_id, before)
        target = storage.document(store, document_id)
        return {
            "document": {"id": target.id, "title": target.title},
            "made": target.id if wanted is None else None,
            "former": [[one.page_id, one.document_id, one.position] for one in former],
        }

    @answers
    def restore_places(data: dict) -> Answer:
        made = optional_number(data, "made")
        with storage.write(store):
            storage.restore_places(store, _places(data))
            if made is not None and not storage.pages_of(store, made):
                storage.remove_document(store, made)  # it was made for these pages
        return {"restored": True}

    @answers
    def remove_pages(data: dict) -> Answer:
        with storage.write(store):
            for page_id in numbers(data, "pages"):
                storage.remove_page(store, page_id)
        return {"removed": True}

    @answers
    def restore_pages(data: dict) -> Answer:
        with storage.write(store):
            for page_id in numbers(data, "pages"):
                storage.restore_page(store, page_id)
        return {"removed": False}

    @answers
    def other_documents(data: dict) -> Answer:
        shown = [summary.document for summary in storage.documents(store)]
        return {
            "documents": [
                {"id": one.id, "title": one.title, "project": one.project} for one in shown
            ]
        }

    return [place_pages, restore_places, remove_pages, restore_pages, other_documents]


def numbers(data: object, name: str) -> list[int]:
    """Return the whole numbers that the browser sent under `name`, at least one.

    Raises: RequestError if there are none.
    """
    found = data.get(name) if isinstance(data, Mapping) else None
    if not isinstance(found, list) or not found:
        raise RequestError(f"The request names no {name}. Reload this page.")
    return [number({name: one}, name) for one in found]


def _places(data: object) -> list[storage.PagePlace]:
    found = data.get("former") if isinstance(data, Mapping) else None
    if not isinstance(found, list):
        raise RequestError("The request names no places. Reload this page.")
    return [storage.PagePlace(*numbers({"place": one}, "place")) for one in found if len(one) == 3]
