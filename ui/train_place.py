"""The Train place: what is ready to learn from, one button, the run at work, what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import gradio as gr

import storage
from services.services import Services
from training.run_folder import run_folder
from ui.answers import Answer, RequestError, answers, number
from ui.language_view import language_functions
from ui.place import place
from ui.run_view import Told, ended_view, finite, running_view
from ui.static_files import static_text
from ui.train_view import survey_view

SCRIPTS = (
    "train/words.js",
    "train/plot.js",
    "train/before.js",
    "train/page_roles.js",
    "train/progress.js",
    "train/verdict.js",
    "train/language_row.js",
    "train/train.js",
)
ENDED = ("done", "failed", "cancelled")
SHOWN_RUNS = 30  # earlier ones; older reports stay reachable by their address


def train_place(services: Services) -> gr.HTML:
    """Return the component of the Train place; to be called inside the blocks of the app."""
    return place(
        static_text("train/train.html"),
        static_text(*SCRIPTS),
        [
            *survey_functions(services),
            *run_functions(services),
            *decision_functions(services),
            *language_functions(services),
        ],
    )


def survey_functions(services: Services) -> list[Callable[..., Answer]]:
    """Return what the browser may ask before anything runs: survey, pin_page, estimate, start."""
    store = services.store

    @answers
    def survey(data: dict) -> Answer:
        wanted = _document_ids(data)
        return survey_view(store, services.trainer.survey(wanted), wanted)

    @answers
    def pin_page(data: dict) -> Answer:
        held_out = data.get("held_out")
        if held_out is not None and not isinstance(held_out, bool):
            raise RequestError("The request names no use of the page. Reload this page.")
        storage.pin_page(store, number(data, "page"), held_out)
        wanted = _document_ids(data)
        return survey_view(store, services.trainer.survey(wanted), wanted)

    @answers
    def estimate(data: dict) -> Answer:
        minutes = finite(data.get("minutes"))
        measured = services.trainer.estimate(_document_ids(data), minutes)
        return {"sentence": measured.sentence}

    @answers
    def start(data: dict) -> Answer:
        return {"run": services.trainer.start(_settings(data)).id}

    return [survey, pin_page, estimate, start]


def run_functions(services: Services) -> list[Callable[..., Answer]]:
    """Return what the browser may ask of runs at work or ended: state, cancel, resume."""
    told = Told(services.trainer)

    @answers
    def state(data: dict) -> Answer:
        return _state(services, told)

    @answers
    def cancel(data: dict) -> Answer:
        services.trainer.cancel(number(data, "run"))
        return {"stopping": True}

    @answers
    def resume(data: dict) -> Answer:
        services.trainer.resume(number(data, "run"))
        return {"running": True}

    return [state, cancel, resume]


def decision_functions(services: Services) -> list[Callable[..., Answer]]:
    """Return what a person may decide about the model of a run: use_model, go_back."""

    @answers
    def use_model(data: dict) -> Answer:
        return {"model": services.trainer.promote(number(data, "run")).name}

    @answers
    def go_back(data: dict) -> Answer:
        return {"model": services.trainer.go_back(number(data, "run")).name}

    return [use_model, go_back]


def _state(services: Services, told: Told) -> Answer:
    active, events = told.follow()
    current = storage.current_model(services.store)
    ended = storage.runs(services.store, "train", ENDED)[:SHOWN_RUNS]
    return {
        "running": running_view(active, events) if active else None,
        "runs": [
            {
                **ended_view(run, current.id if current else None),
                "can_resume": services.trainer.can_resume(run.id),
                "has_checkpoint": run_folder(services.store.data_dir, run.id).has_checkpoint,
            }
            for run in ended
        ],
    }


def _document_ids(data: object) -> list[int] | None:
    """Return the documents that the browser chose; None: all."""
    wanted = data.get("documents") if isinstance(data, Mapping) else None
    if wanted is None:
        return None
    if not isinstance(wanted, list):
        raise RequestError("The request names no documents. Reload this page.")
    return [number({"document": one}, "document") for one in wanted]


def _settings(data: dict) -> dict[str, object]:
    """Return what the browser chose, under the names of `training.train_settings`, unchecked."""
    return {
        "document_ids": _document_ids(data),
        "minutes": data.get("minutes"),
        "tcm": data.get("tcm"),
        "self_training": data.get("self_training"),
        "left_out": data.get("left_out"),
    }
