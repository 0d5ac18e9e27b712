"""Which pages taught and tested a model and its ancestors, as their facts in the database tell.

Pages are named by the SHA-256 of their images: numbers mean nothing in another data folder, where
an imported model may have been taught.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import storage
from storage.records import Model

MAX_ANCESTORS = 1000
FACTS = "fine_tuning"  # the entry of a model's facts that promotion writes
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Lineage:
    """What a model and its ancestors have seen.

    trained_images, tested_images: SHA-256 of page images. trained_lines: line numbers of this data
    folder.
    """

    trained_images: frozenset[str] = frozenset()
    tested_images: frozenset[str] = frozenset()
    trained_lines: frozenset[int] = field(default_factory=frozenset)


def lineage_of(store: storage.Store, model: Model) -> Lineage:
    """Return what taught and tested the model and all models that it comes from."""
    known = {one.id: one for one in storage.models(store, with_removed=True)}
    trained: set[str] = set()
    tested: set[str] = set()
    lines: set[int] = set()
    seen: set[int] = set()
    one: Model | None = model
    while one is not None and one.id not in seen and len(seen) < MAX_ANCESTORS:
        seen.add(one.id)
        facts = one.facts.get(FACTS)
        if isinstance(facts, Mapping):
            trained |= _images(facts, "train_images")
            tested |= _images(facts, "test_images")
            lines |= _line_ids(facts)
        one = known.get(one.parent_id) if one.parent_id is not None else None
    return Lineage(frozenset(trained), frozenset(tested), frozenset(lines))


def _images(facts: Mapping[str, Any], name: str) -> set[str]:
    """Return the image names among the facts; facts may come from a foreign file."""
    values = facts.get(name)
    if not isinstance(values, list):
        return set()
    return {value for value in values if isinstance(value, str) and _SHA256.fullmatch(value)}


def _line_ids(facts: Mapping[str, Any]) -> set[int]:
    values = facts.get("train_lines")
    if not isinstance(values, list):
        return set()
    return {value for value in values if isinstance(value, int) and not isinstance(value, bool)}
