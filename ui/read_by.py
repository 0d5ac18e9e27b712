"""Which model read a page, as desk and document show it, and reading it again by the one in use."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import storage
from services.services import Services
from ui.answers import Answer, answers, number


def read_by_view(services: Services, document_id: int, page_id: int | None = None) -> Answer:
    """Return what the pages of a document, or one of them, say of the models that read them.

    current: name of the model in use. language: it reads with the language model. pages: by page,
    "by" (names, the one of most lines first), "other" (some lines were read by another model than
    the one in use), "otherwise" (none was, but some that nobody decided were read without the
    language model and are read with it now, or the other way round) and "compared" (there is
    something to compare).
    """
    store = services.store
    names = {model.id: model.name for model in storage.models(store, with_removed=True)}
    current = storage.current_model(store)
    compared = storage.compared_pages(store, document_id, page_id)
    shown = storage.shown_models(store, document_id, page_id)
    language = current is not None and services.language.reads_for(current)
    otherwise = storage.pages_read_otherwise(store, language, document_id, page_id)
    other = {
        found
        for found, lines in shown.items()
        if current is not None and lines.keys() - {None, current.id}
    }
    return {
        "current": current.name if current else "",
        "language": language,
        "pages": {
            found: {
                "by": _names(lines, names),
                "other": found in other,
                "otherwise": found in otherwise - other,
                "compared": found in compared,
            }
            for found, lines in shown.items()
        },
    }


def read_with_current_function(services: Services) -> Callable[[dict], Answer]:
    """Return the server function that lets the model in use read a page or a document again."""

    @answers
    def read_with_current(data: dict) -> Answer:
        if data.get("page") is not None:
            page_ids = [number(data, "page")]
        else:
            view = read_by_view(services, number(data, "document"))
            pages = view["pages"].items()
            page_ids = [found for found, page in pages if page["other"] or page["otherwise"]]
        return {"pages": len(services.read_with_current(page_ids))}

    return read_with_current


def _names(lines: Mapping[int | None, int], names: Mapping[int, str]) -> list[str]:
    """Return the names of the models that read so many lines each, the most lines first."""
    by_lines = sorted(lines.items(), key=lambda item: -item[1])
    return [names[model_id] for model_id, _ in by_lines if model_id is not None]
