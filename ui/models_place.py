"""The models: what each can do, which one reads, and going back, comparing, keeping, removing."""

from __future__ import annotations

import gradio as gr

import storage
from services.services import Services
from storage.orphans import REMOVED_MODEL_AGE_S
from ui.answers import Answer, answers, number, string
from ui.model_comparison import comparison_functions, comparisons_view
from ui.model_view import model_details, model_row
from ui.place import place
from ui.static_files import static_text

SCRIPTS = (
    "models/line_pair.js",
    "models/shelf.js",
    "models/details.js",
    "models/comparison.js",
    "models/models.js",
)


def models_place(services: Services) -> gr.HTML:
    """Return the component of the models; to be called inside the blocks of the app."""
    shelf, store = services.model_shelf, services.store

    @answers
    def shelf_of_models(data: dict) -> Answer:
        names = {model.id: model for model in storage.models(store, with_removed=True)}
        return {
            "models": [model_row(shelved, names) for shelved in shelf.models()],
            "removed": [
                {"id": model.id, "name": model.name, "removed": model.removed.isoformat()}
                for model in names.values()
                if model.removed is not None
            ],
            "comparisons": comparisons_view(services),
        }

    @answers
    def open_model(data: dict) -> Answer:
        return {"model": model_details(services, number(data, "model"))}

    @answers
    def use_model(data: dict) -> Answer:
        before = storage.current_model(store)
        model = shelf.use(number(data, "model"))
        services.reader.wake()
        return {"name": model.name, "before": before.id if before else None}

    @answers
    def go_back(data: dict) -> Answer:
        before = storage.current_model(store)
        model = shelf.go_back()
        services.reader.wake()
        return {"name": model.name, "before": before.id if before else None}

    @answers
    def rename_model(data: dict) -> Answer:
        model = storage.rename_model(store, number(data, "model"), string(data, "name"))
        return {"name": model.name}

    @answers
    def remove_model(data: dict) -> Answer:
        model = storage.remove_model(store, number(data, "model"))
        return {"name": model.name, "days": round(REMOVED_MODEL_AGE_S / 86400)}

    @answers
    def restore_model(data: dict) -> Answer:
        return {"name": storage.restore_model(store, number(data, "model")).name}

    return place(
        static_text("models/models.html"),
        static_text(*SCRIPTS),
        [
            shelf_of_models,
            open_model,
            use_model,
            go_back,
            rename_model,
            remove_model,
            restore_model,
            *comparison_functions(services),
        ],
    )
