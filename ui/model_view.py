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
        "imported": bool(_text(model.facts.get("imported_from"))),
        "characters": len(model.alphabet),
        "bytes": shelved.size_bytes,
        "trouble": shelved.trouble,
        "checked": shelved.checked,
        "pages": shelved.usage.pages,
        "documents": shelved.usage.documents,
        **scores_view(model.scores),
        **learned_view(model.facts),
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
    """Return the error rates that matter most, 0-1: on lines held out, before and after.

    cer: of this model; before: of its parent on the same lines; forgetting: change elsewhere;
    on: what it was measured on.
    """
    after, before = _rate(scores.get("cer_after")), _rate(scores.get("cer_before"))
    forgetting = scores.get("forgetting")
    change = forgetting.get("change") if isinstance(forgetting, Mapping) else None
    if after is not None:
        lines = scores.get("lines")
        on = f"{lines:,} held-out lines" if type(lines) is int else "its held-out lines"
        return {"cer": after, "before": before, "forgetting": _number(change), "on": on}
    for name, on in (("test", "its test lines"), ("validation", "its validation lines")):
        part = scores.get(name)
        cer = _rate(part.get("cer")) if isinstance(part, Mapping) else None
        if cer is not None:
            return {"cer": cer, "before": None, "forgetting": None, "on": on}
    published = _rate(scores.get("published_best_cer"))
    on = "as its authors published" if published is not None else ""
    return {"cer": published, "before": None, "forgetting": None, "on": on}


def learned_view(facts: Mapping[str, Any]) -> Answer:
    """Return what a model learned from, as far as its facts tell: lines, pages, snapshot."""
    tuned = facts.get("fine_tuning")
    tuned = tuned if isinstance(tuned, Mapping) else {}
    return {
        "lines": _count(tuned, "lines", "train_lines"),
        "from_pages": _count(tuned, "pages", "train_images"),
        "snapshot": _text(tuned.get("snapshot") or tuned.get("snapshot_sha256")),
        "data": _text(facts.get("data")),
    }


def _count(facts: Mapping[str, Any], *names: str) -> int | None:
    for name in names:
        value = facts.get(name)
        if type(value) is int and value >= 0:
            return value
        if isinstance(value, list):
            return len(value)
    return None


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
