"""Settings: how the desk looks in this browser, and what the app runs on."""

from __future__ import annotations

import gradio as gr

import storage
from segmentation import has_network
from services.services import Services
from services.shipped_model import cer_on_test_lines
from ui.answers import Answer, answers
from ui.language_view import language_functions
from ui.place import place
from ui.static_files import static_text


def settings_place(services: Services) -> gr.HTML:
    """Return the component of the settings; to be called inside the blocks of the app."""

    @answers
    def facts(data: dict) -> Answer:
        settings = services.settings
        signed = "by who signs in" if settings.users else settings.author
        loaded = services.reader.reads_on
        return {
            "facts": [
                ("Model", _model_words(storage.current_model(services.store))),
                ("Reads on", f"{settings.device}{f': {loaded}' if loaded else ''}"),
                ("CPU threads", str(settings.threads)),
                ("Lines are found by", _segmentation_words(settings.segmentation)),
                ("Data folder", str(settings.data_dir)),
                ("Largest upload", f"{settings.max_upload_mb} MB"),
                ("Corrections are signed", signed),
            ]
        }

    return place(
        static_text("settings.html"),
        static_text("settings.js"),
        [facts, *language_functions(services)],
    )


def _model_words(model: storage.Model | None) -> str:
    if model is None:
        return "none"
    cer = cer_on_test_lines(model.scores)
    if cer is None:
        return model.name
    return f"{model.name}; misreads {100 * cer:.0f} % of the characters of its test lines"


def _segmentation_words(method: str) -> str:
    """Return how lines are found, with what "auto" comes to here."""
    found = {"network": "the learned segmenter", "opencv": "OpenCV, without a model"}
    if method != "auto":
        return found[method]
    return f"{found['network' if has_network() else 'opencv']} (auto)"
