"""How far a page is, computed from its state and its lines."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

import storage
from ui.describing import document_view, page_status

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def summary(state: str, **counts: int) -> storage.PageSummary:
    page = storage.Page(1, 1, 1, "p", "0" * 64, "png", 1, 1, state, "", NOW, None)
    kinds = ("machine", "corrected", "confirmed", "doubtful", "ignored")
    known = {kind: counts.get(kind, 0) for kind in kinds}
    return storage.PageSummary(page=page, lines=sum(known.values()), **known)


@pytest.mark.parametrize(
    ("state", "counts", "status"),
    [
        ("waiting", {"machine": 3}, "waiting"),
        ("failed", {}, "failed"),
        ("ready", {}, "empty"),
        ("ready", {"machine": 3}, "unseen"),
        ("ready", {"machine": 2, "ignored": 1}, "begun"),
        ("ready", {"confirmed": 2, "doubtful": 1}, "begun"),
        ("ready", {"confirmed": 1, "corrected": 1, "ignored": 1}, "done"),
    ],
)
def test_status_of_a_page_follows_from_its_lines(
    state: str, counts: dict[str, int], status: str
) -> None:
    assert page_status(summary(state, **counts)) == status


def test_document_without_facts_has_empty_ones() -> None:
    shown = document_view(storage.Document(1, "", "T", {"date": 1847}, NOW, NOW, None))
    assert (shown["date"], shown["archive"], shown["notes"]) == ("1847", "", "")
