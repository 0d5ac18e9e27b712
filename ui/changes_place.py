"""What changed: lines that another model reads otherwise than the one before, side by side."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import gradio as gr

import storage
from services.services import Services
from services.word_differences import Words, word_differences
from training.lineage import lineage_of
from ui.answers import Answer, answers, number, optional_number
from ui.line_view import line_view
from ui.place import place
from ui.static_files import static_text

LINES_AT_ONCE = 100  # of those that differ; more come when they are asked for


def changes_place(services: Services) -> gr.HTML:
    """Return the component of the changes; to be called inside the blocks of the app."""

    @answers
    def open_changes(data: dict) -> Answer:
        page_id = optional_number(data, "page")
        first = (optional_number(data, "first") or 1) - 1
        if page_id is None:
            document = storage.document(services.store, number(data, "document"))
        else:
            page = storage.page(services.store, page_id)
            document = storage.document(services.store, page.document_id)
        pairs = storage.reading_pairs(services.store, document.id, page_id)
        return {
            "document": {"id": document.id, "title": document.title},
            "page": page_id,
            **changes_view(services, pairs, first),
        }

    return place(
        static_text("changes.html"),
        static_text("models/line_pair.js", "changes.js"),
        [open_changes],
    )


def changes_view(
    services: Services, pairs: Sequence[storage.ReadingPair], first: int = 0
) -> Answer:
    """Return counts, error rates on what people wrote, and a portion of the lines that differ."""
    names = {model.id: model.name for model in storage.models(services.store, with_removed=True)}
    differ = [pair for pair in pairs if pair.before.split() != pair.reading.split()]
    shown = differ[first : first + LINES_AT_ONCE]
    places = _places(services.store, shown)
    return {
        "now": _names([pair.model_id for pair in pairs], names),
        "before": _names([pair.before_model_id for pair in pairs], names),
        "compared": len(pairs),
        "differ": len(differ),
        "first": first,
        **_rates(pairs, _taught(services.store, pairs)),
        "lines": [_line(services, pair, names, places[pair.line_id]) for pair in shown],
    }


def words_view(words: Sequence[Words]) -> list[list[str | bool]]:
    """Return the pieces of a text for the browser: [words, whether they differ]."""
    return [[piece.text, piece.differs] for piece in words]


def _line(
    services: Services,
    pair: storage.ReadingPair,
    names: Mapping[int, str],
    place: tuple[int, int],
) -> Answer:
    shown = line_view(storage.line_text(services.store, pair.line_id))
    before, now = word_differences(pair.before, pair.reading)
    decided = pair.status in ("corrected", "confirmed")
    return {
        "id": pair.line_id,
        "page": pair.page_id,
        "place": list(place),
        "crop": shown["crop"],
        "aspect": shown["aspect"],
        "names": [names[pair.before_model_id], names[pair.model_id]],
        "read": [words_view(before), words_view(now)],
        "text": pair.text if decided else None,
    }


def _places(
    store: storage.Store, pairs: Sequence[storage.ReadingPair]
) -> dict[int, tuple[int, int]]:
    """Return by line the number of its page in the document and its own on the page, from 1."""
    found = {}
    for page_id in dict.fromkeys(pair.page_id for pair in pairs):
        _, _, page_number, _ = storage.page_neighbours(store, page_id)
        for position, line_id in enumerate(storage.line_order(store, page_id), start=1):
            found[line_id] = (page_number, position)
    return found


def _rates(pairs: Sequence[storage.ReadingPair], taught: Collection[int]) -> Answer:
    """Return how often each reading is wrong where people decided the text.

    taught: lines that are left out, because a model has learned them by heart.
    """
    from htr.metrics import cer

    decided = [
        pair for pair in pairs if pair.status in ("corrected", "confirmed") and pair.text.strip()
    ]
    asked = [pair for pair in decided if pair.line_id not in taught]
    told = {"decided": len(asked), "taught": len(decided) - len(asked)}
    if not asked:
        return {**told, "cer": None}
    texts = [pair.text for pair in asked]
    before = cer(texts, [pair.before for pair in asked])
    now = cer(texts, [pair.reading for pair in asked])
    return {**told, "cer": [before, now]}


def _taught(store: storage.Store, pairs: Sequence[storage.ReadingPair]) -> set[int]:
    """Return the lines that taught one of the models, or one that it comes from."""
    read_by = {number for pair in pairs for number in (pair.model_id, pair.before_model_id)}
    lineages = [lineage_of(store, storage.model(store, number)) for number in read_by]
    return {line_id for lineage in lineages for line_id in lineage.trained_lines}


def _names(model_ids: Sequence[int], names: Mapping[int, str]) -> list[str]:
    return [names[model_id] for model_id in dict.fromkeys(model_ids)]
