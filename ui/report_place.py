"""The report of a training run: figures before and after, and the lines themselves."""

from __future__ import annotations

import gradio as gr

import storage
from services.services import Services
from ui.answers import Answer, answers, number
from ui.place import place
from ui.report_view import report_view
from ui.static_files import static_text
from ui.train_place import decision_functions

SCRIPTS = ("train/words.js", "train/plot.js", "train/verdict.js", "train/report.js")


def report_place(services: Services) -> gr.HTML:
    """Return the component of the reports; to be called inside the blocks of the app."""

    @answers
    def open_report(data: dict) -> Answer:
        run = storage.run(services.store, number(data, "run"))
        current = storage.current_model(services.store)
        report = services.trainer.report(run.id)
        return report_view(run, report, current.id if current else None)

    return place(
        static_text("train/report.html"),
        static_text(*SCRIPTS),
        [open_report, *decision_functions(services)],
    )
