"""A model as the browser gets it: in the list, and with all that is known of it.

Scores and facts may come from an imported file, so nothing in them is taken for granted.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import storage
from services.model_shelf import ShelvedModel
from services.services import Services
from ui.answers import Answer

MAX_FACTS = 60  # shown of one model
MAX_LINEAGE = 50


def model_row(shelved: ShelvedModel, models: Mapping[int, storage.Model]) -> Answer:
    """Return a model for the list; `models` holds all of them, removed ones too."""
    model = shelved.model
    parent = models.get(model.parent_id) if model.parent_id is not None else None
    return {
        "id": model.id,
        "name": model.name,
        "current": model.current,
        "created": model.created.isoformat(),
        "parent": _named(parent) if parent else None,
        "characters": len(model.alphabet),
        "bytes": shelved.size_bytes,
        "trouble": shelved.trouble,
        "checked": shelved.checked,
        "pages": shelved.usage.pages,
        "documents": shelved.usage.documents,
        **scores_view(model.scores),
        **learned_view(model),
    }


def model_details(services: Services, model_id: int) -> Answer:
    """Return everything that is known of a model."""
    store = services.store
    shelved = services.model_shelf.model(model_id)
    models = {model.id: model for model in storage.models(store, with_removed=True)}
    model = shelved.model
    parent = models.get(model.parent_id) if model.parent_id is not None else None
    known = set(parent.alphabet) if parent else set(model.alphabet)
    return {
        **model_row(shelved, models),
        "sha256": model.sha256,
        "removed": model.removed is not None,
        "lineage": [_named(one) for one in _lineage(model, models)],
        "children": [_named(one) for one in models.values() if one.parent_id == model.id],
        "alphabet": list(model.alphabet),
        "learned_characters": [text for text in model.alphabet if text not in known],
        "read": [
            {"id": read.document_id, "title": read.title, "pages": read.pages, "lines": read.lines}
            for read in storage.documents_read_by(store, model_id)
        ],
        "scores": _flat(model.scores),
        "facts": _flat(model.facts),
    }


def scores_view(scores: Mapping[str, Any]) -> Answer:
    """Return the error rates that matter most, 0-1, and what they were measured on.

    cer: of this model; before: of its parent on the same lines, with the gate's `verdict` and `p`.
    forgetting: change on other handwriting; `warn`: it is too much.
    """
    view: Answer = {
        "cer": None,
        "before": None,
        "verdict": _text(scores.get("verdict")),
        "p": _number(scores.get("p")),
        "forgetting": None,
        "warn": False,
        "on": "",
    }
    cer = _rate(scores.get("cer"))
    if cer is not None:
        lines, forgetting = scores.get("lines"), scores.get("forgetting")
        forgetting = forgetting if isinstance(forgetting, Mapping) else {}
        on = f"{lines:,} held-out lines" if type(lines) is int else "its held-out lines"
        return view | {
            "cer": cer,
            "before": _rate(scores.get("cer_before")),
            "on": on,
            "forgetting": _number(forgetting.get("change")),
            "warn": forgetting.get("warn") is True,
        }
    for name, on in (("test", "its test lines"), ("validation", "its validation lines")):
        part = scores.get(name)
        cer = _rate(part.get("cer")) if isinstance(part, Mapping) else None
        if cer is not None:
            return view | {"cer": cer, "on": on}
    published = _rate(scores.get("published_best_cer"))
    return view if published is None else view | {"cer": published, "on": "as published"}


def learned_view(model: storage.Model) -> Answer:
    """Return what a model learned from, as far as its facts tell: lines, pages, snapshot, run."""
    tuned = model.facts.get("fine_tuning")
    tuned = tuned if isinstance(tuned, Mapping) else {}
    run = tuned.get("run")
    imported = bool(_text(model.facts.get("imported_from")))
    return {
        "imported": imported,
        "lines": _count(tuned.get("train_line_count")),
        "test_lines": _count(tuned.get("test_line_count")),
        "from_pages": _count(tuned.get("train_images")),
        "from_documents": _count(tuned.get("documents")),
        "snapshot": _text(tuned.get("snapshot_sha256")),
        # An imported model was made by a run of another app.
        "report": run if type(run) is int and not imported else None,
        "data": _text(model.facts.get("data")),
    }


def _count(value: Any) -> int | None:
    """Return a whole number, or how many entries a list has."""
    if isinstance(value, list):
        return len(value)
    return value if type(value) is int and value >= 0 else None


def _named(model: storage.Model) -> Answer:
    return {"id": model.id, "name": model.name, "removed": model.removed is not None}


def _lineage(model: storage.Model, models: Mapping[int, storage.Model]) -> Iterator[storage.Model]:
    """Yield the ancestors of a model, the nearest first."""
    seen = {model.id}
    while model.parent_id is not None and len(seen) < MAX_LINEAGE:
        parent = models.get(model.parent_id)
        if parent is None or parent.id in seen:  # a damaged file may tell of a circle
            return
        seen.add(parent.id)
        yield parent
        model = parent


def _flat(values: Mapping[str, Any], before: str = "") -> list[tuple[str, str]]:
    """Return nested facts as pairs of words, cut short where there are too many."""
    found: list[tuple[str, str]] = []
    for name, value in values.items():
        words = f"{before}{str(name)[:60].replace('_', ' ')}"
        if isinstance(value, Mapping):
            found += _flat(value, f"{words}, ")
        elif isinstance(value, list) and len(value) > 20:
            found.append((words, f"{len(value):,} entries"))
        elif value not in (None, "", [], {}):
            found.append((words, _words(value)))
    return found[:MAX_FACTS]


def _words(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_words(one) for one in value)[:500]
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value)[:500]


def _text(value: Any) -> str:
    return value[:300] if isinstance(value, str) else ""


def _number(value: Any) -> float | None:
    usable = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if usable and math.isfinite(value) else None


def _rate(value: Any) -> float | None:
    number = _number(value)
    return number if number is not None and 0 <= number < 100 else None
