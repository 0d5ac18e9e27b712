"""The model that comes with the app: the first of a data folder, or newer than the one in use."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import storage
from htr.errors import RecognitionError
from htr.header import read_header
from htr.shipped import SHIPPED_NAMES, default_model_path

LOG = logging.getLogger("htr.models")
SHIPPED = "shipped"  # among a model's facts


def ready_model(store: storage.Store) -> None:
    """Put the shipped model onto the shelf, once, and use it where nothing better is in use.

    It is used if there is no other yet. Where the one of an earlier version of the app is in use
    it takes over if it read the same test lines with fewer errors, and going back leads to that
    one. A model that was taught or brought in stays in use.

    Raises: StorageError or RecognitionError where there is no model to read with.
    """
    current = storage.current_model(store)
    if current is None:
        storage.set_current_model(store, _shelve(store, default_model_path(), None).id)
        return
    try:
        path = default_model_path()
        if storage.model_of_file(store, path):  # on the shelf, or somebody removed it
            return
        newer = _shelve(store, path, current)
        if newer.parent_id == current.id:
            storage.set_current_model(store, newer.id)
    except (storage.StorageError, RecognitionError) as error:
        LOG.warning("“%s” stays in use; the model of this version: %s", current.name, error)


def _shelve(store: storage.Store, path: Path, current: storage.Model | None) -> storage.Model:
    """Return the model of the file, now on the shelf; the child of one that it may replace."""
    header = read_header(path)
    better = (
        current is not None
        and _is_shipped(current)
        and _errors(header.metrics) < _errors(current.scores)
    )
    return storage.register_model(
        store,
        path,
        name=header.name,
        alphabet=header.alphabet.characters,
        scores=header.metrics,
        facts={**header.training, SHIPPED: True},
        parent_id=current.id if current is not None and better else None,
    )


def _is_shipped(model: storage.Model) -> bool:
    """Say whether a model came with the app; the first versions of the app did not note it."""
    if model.facts.get(SHIPPED) is True:
        return True
    own = model.parent_id is not None or "imported_from" in model.facts
    return model.name in SHIPPED_NAMES and not own


def cer_on_test_lines(scores: Mapping[str, Any]) -> float | None:
    """Return the character error rate on a model's own test lines, 0-1, None if it has none."""
    test = scores.get("test")
    cer = test.get("cer") if isinstance(test, Mapping) else None
    return cer if isinstance(cer, int | float) else None


def _errors(scores: Mapping[str, Any]) -> float:
    """Return a rate to compare by: a model that was not measured comes last."""
    cer = cer_on_test_lines(scores)
    return float("inf") if cer is None else cer
