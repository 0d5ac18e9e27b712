"""Settings: how the desk looks in this browser, and what the app runs on."""

from __future__ import annotations

import gradio as gr

import storage
from services.services import Services
from ui.answers import Answer, answers
from ui.static_files import static_text


def settings_place(services: Services) -> gr.HTML:
    """Return the component of the settings; to be called inside the blocks of the app."""

    @answers
    def facts(data: dict) -> Answer:
        settings = services.settings
        model = storage.current_model(services.store)
        cer = model.scores.get("cer") if model else None
        reads = f"{model.name}" if model else "none"
        if isinstance(cer, int | float):
            reads += f" (misreads {100 * cer:.0f} % of the characters of its test lines)"
        return {
            "facts": [
                ("Model", reads),
                ("Reads on", settings.device),
                ("CPU threads", str(settings.threads)),
                ("Lines are found by", settings.segmentation),
                ("Data folder", str(settings.data_dir)),
                ("Largest upload", f"{settings.max_upload_mb} MB"),
                (
                    "Corrections are signed",
                    settings.author if not settings.users else "by who signs in",
                ),
            ]
        }

    return gr.HTML(
        value=static_text("settings.html"),
        apply_default_css=False,
        js_on_load=static_text("settings.js"),
        server_functions=[facts],
    )
