"""Two models compared on a document, as the browser asks for it and gets it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import storage
from services.model_comparison import COMPARE, MAX_LINES
from services.services import Services
from services.word_differences import word_differences
from ui.answers import Answer, RequestError, answers, number
from ui.changes_place import words_view
from ui.line_view import line_view

RECENT = 8  # comparisons that the list of models offers to look at again


def comparison_functions(services: Services) -> list[Callable[[dict], Answer]]:
    """Return the server functions of the comparison, to be given to the models' component."""
    store = services.store

    @answers
    def comparison_choices(data: dict) -> Answer:
        return {
            "models": [
                {"id": model.id, "name": model.name, "current": model.current}
                for model in reversed(storage.models(store))
            ],
            "documents": [
                {"id": one.document.id, "title": one.document.title, "lines": lines}
                for one in storage.documents(store)
                if (lines := one.corrected + one.confirmed)
            ],
            "most": MAX_LINES,
        }

    @answers
    def compare(data: dict) -> Answer:
        models = (number(data, "first"), number(data, "second"))
        run = services.comparer.compare(number(data, "document"), models, number(data, "lines"))
        return {"run": run.id}

    @answers
    def open_comparison(data: dict) -> Answer:
        return comparison_view(services, services.comparer.comparison(number(data, "run")))

    @answers
    def stop_comparison(data: dict) -> Answer:
        return {"state": services.comparer.cancel(number(data, "run")).state}

    return [comparison_choices, compare, open_comparison, stop_comparison]


def comparisons_view(services: Services) -> list[Answer]:
    """Return the latest comparisons that run or came to their end."""
    names = {model.id: model.name for model in storage.models(services.store, with_removed=True)}
    found = storage.runs(services.store, COMPARE, ["waiting", "running", "done"])
    return [
        {
            "run": run.id,
            "state": run.state,
            "created": run.created.isoformat(),
            "names": _names(run, names),
        }
        for run in found[:RECENT]
    ]


def comparison_view(services: Services, run: storage.Run) -> Answer:
    """Return how far a comparison is, and once it is done its rates and the lines that differ."""
    store = services.store
    names = {model.id: model.name for model in storage.models(store, with_removed=True)}
    title = storage.document(store, run.document_id).title if run.document_id else ""
    view = {
        "run": run.id,
        "state": run.state,
        "progress": run.progress,
        "phase": run.phase,
        "message": run.message,
        "models": run.settings.get("models"),
        "names": _names(run, names),
        "document": {"id": run.document_id, "title": title},
    }
    if run.state == "done" and run.result:
        view |= _result_view(services, run.result)
    return view


def _result_view(services: Services, result: Mapping[str, Any]) -> Answer:
    from htr.metrics import line_errors
    from training.comparison import LineScore
    from training.comparison import compare as compared

    better = [0, 0, 0]  # lines that the first reads better, the second, and both alike
    scores: tuple[list[LineScore], list[LineScore]] = ([], [])
    lines = []
    try:
        for one in result["lines"]:
            errors = [line_errors(one["text"], read) for read in one["read"]]
            edits = [error.character_edits for error in errors]
            for found, error in zip(scores, errors, strict=True):
                found.append(
                    LineScore(
                        str(one["line"]), str(one["page"]), error.character_edits, error.characters,
                        error.word_edits, error.words,
                    )
                )  # fmt: skip
            better[0 if edits[0] < edits[1] else 1 if edits[1] < edits[0] else 2] += 1
            if one["read"][0].split() != one["read"][1].split():
                lines.append((abs(edits[0] - edits[1]), _line(services, one, edits)))
        taught, left_out = result.get("taught", [0, 0]), result.get("left_out", 0)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise RequestError("This comparison is damaged. Compare the models again.") from error
    lines.sort(key=lambda pair: -pair[0])  # what differs most comes first
    pair = compared(*scores)
    return {
        "cer": [pair.cer_before, pair.cer_after],
        "wer": [pair.wer_before, pair.wer_after],
        "p": pair.p,
        "pages": pair.pages,
        "characters": pair.characters,
        "compared": pair.lines,
        "taught": taught,
        "left_out": left_out,
        "better": better,
        "lines": [line for _, line in lines],
    }


def _line(services: Services, one: Mapping[str, Any], edits: list[int]) -> Answer:
    """Return a line with both readings, marked where they differ from what a person wrote."""
    try:
        shown = line_view(storage.line_text(services.store, one["line"]))
    except storage.NotFound:
        shown = {"crop": None, "aspect": 1.0}
    return {
        "id": one["line"],
        "page": one["page"],
        "crop": shown["crop"],
        "aspect": shown["aspect"],
        "read": [words_view(word_differences(one["text"], read)[1]) for read in one["read"]],
        "edits": edits,
        "text": one["text"],
    }


def _names(run: storage.Run, names: Mapping[int, str]) -> list[str]:
    """Return the names of the two models; a setting of another kind gives none."""
    wanted = run.settings.get("models")
    if not isinstance(wanted, list):
        return []
    return [names.get(one, "a model that is gone") for one in wanted[:2] if isinstance(one, int)]
