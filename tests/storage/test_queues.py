"""Queues: which lines wait, in which order, across the pages of a document."""

from __future__ import annotations

import pytest

from storage import (
    Model,
    NewLine,
    NewReading,
    Page,
    StorageError,
    Store,
    add_page,
    add_readings,
    correct_line,
    mark_seen,
    register_model,
    replace_lines,
    set_current_model,
    work_queue,
)


@pytest.fixture
def both_pages(store: Store, page: Page, lines: list[int], model: Model) -> list[int]:
    """The lines "one", "two", "three", and "Vier" and "fünf" on a second page."""
    other = add_page(store, page.document_id, "2", b"second image", "png", 10, 10)
    new = [
        NewLine(((0.0, 5.0), (9.0, 5.0)), (), 4.0, reading=NewReading(text, confidence))
        for text, confidence in (("Vier", 0.2), ("fünf", 0.9))
    ]
    return [*lines, *replace_lines(store, other.id, new, model.id)]


def waiting(store: Store, page: Page, kind: str, word: str = "") -> list[int]:
    return [line.line_id for line in work_queue(store, page.document_id, kind, word)]


def test_undecided_lines_wait_in_reading_order_across_pages(
    store: Store, page: Page, both_pages: list[int]
) -> None:
    correct_line(store, both_pages[1], "zwei", "corrected", "Ada", None)
    correct_line(store, both_pages[2], "?", "doubtful", "Ada", None)
    assert waiting(store, page, "order") == [both_pages[k] for k in (0, 3, 4)]


def test_least_confident_come_first_with_those_that_a_person_doubts(
    store: Store, page: Page, both_pages: list[int]
) -> None:
    correct_line(store, both_pages[0], "eins", "confirmed", "Ada", None)
    correct_line(store, both_pages[4], "fünf", "doubtful", "Ada", None)
    found = waiting(store, page, "doubtful")
    assert found[0] == both_pages[3] and found[-1] == both_pages[4]
    assert both_pages[0] not in found


def test_lines_with_a_character_or_word_are_found_whatever_their_status(
    store: Store, page: Page, both_pages: list[int]
) -> None:
    correct_line(store, both_pages[0], "VIER ẽ", "confirmed", "Ada", None)
    assert waiting(store, page, "contains", "vier") == [both_pages[0], both_pages[3]]
    assert waiting(store, page, "contains", "e\u0303") == [both_pages[0]]
    with pytest.raises(StorageError, match="Type the character or word"):
        waiting(store, page, "contains")


def test_line_leaves_the_unseen_when_somebody_has_had_it(
    store: Store, page: Page, both_pages: list[int]
) -> None:
    mark_seen(store, both_pages[:2])
    assert waiting(store, page, "unseen") == both_pages[2:]
    assert waiting(store, page, "order") == both_pages


def test_lines_that_two_models_read_differently(
    store: Store, page: Page, both_pages: list[int], tmp_path
) -> None:
    assert waiting(store, page, "disagree") == []
    weights = tmp_path / "other.safetensors"
    weights.write_bytes(b"other weights")
    other = register_model(store, weights, name="other", alphabet=("a",), scores={}, facts={})
    set_current_model(store, other.id)
    same, differs = NewReading("one", 0.5), NewReading("drei", 0.5)
    add_readings(store, other.id, {both_pages[0]: same, both_pages[2]: differs})
    assert waiting(store, page, "disagree") == [both_pages[2]]


def test_unknown_queue_is_refused(store: Store, page: Page) -> None:
    with pytest.raises(StorageError, match="There is no queue 'best'; choose one of order, doubt"):
        waiting(store, page, "best")
