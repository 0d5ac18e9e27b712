"""The lines to learn from: what people corrected or confirmed and nobody took away since."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from storage import (
    Document,
    Model,
    NewLine,
    NewReading,
    NotFound,
    Page,
    Store,
    add_document,
    add_page,
    add_readings,
    correct_line,
    models_of_page,
    page,
    pin_page,
    readings_of,
    register_model,
    remove_document,
    remove_line,
    remove_page,
    replace_lines,
    restore_page,
    set_current_model,
    training_lines,
    undecided_lines,
    undo_line,
)


def texts(store: Store, document_ids: list[int] | None = None) -> list[str]:
    return [line.text for line in training_lines(store, document_ids)]


def test_only_corrected_and_confirmed_lines_teach(store: Store, lines: list[int]) -> None:
    correct_line(store, lines[0], "eins", "corrected", "Ada", None)
    correct_line(store, lines[1], "two", "confirmed", "Ada", None)
    correct_line(store, lines[2], "drei?", "doubtful", "Ada", None)
    assert texts(store) == ["eins", "two"]


def test_undecided_lines_are_those_that_a_machine_has_read_and_nobody_decided(
    store: Store, document: Document, page: Page, lines: list[int], model: Model
) -> None:
    correct_line(store, lines[1], "zwei", "corrected", "Ada", None)
    undecided = undecided_lines(store, [document.id])
    assert [(line.line_id, line.text, line.status) for line in undecided] == [
        (lines[0], "one", "machine"),
        (lines[2], "three", "machine"),
    ]
    assert undecided_lines(store, [document.id + 1]) == []
    add_readings(store, model.id, {lines[0]: NewReading("", 0.5)})  # nothing was read on it
    assert [line.line_id for line in undecided_lines(store, [document.id])] == [lines[2]]
    remove_page(store, page.id)
    assert undecided_lines(store, [document.id]) == []


def test_marks_of_the_editor_do_not_teach(store: Store, lines: list[int]) -> None:
    correct_line(store, lines[0], "un ⟦mot⟧ raye[?] ⟨et⟩ fin", "corrected", "Ada", None)
    correct_line(store, lines[1], "un [...] perdu", "corrected", "Ada", None)
    correct_line(store, lines[2], "deux  espaces", "corrected", "Ada", None)
    assert texts(store) == ["un mot raye fin", "deux  espaces"]


def test_line_brings_along_what_training_asks_of_it(
    store: Store, document: Document, page: Page, lines: list[int], model: Model
) -> None:
    made = correct_line(store, lines[1], "zwei", "corrected", "Ada", None)
    (line,) = training_lines(store)
    assert (line.line_id, line.page_id, line.document_id) == (lines[1], page.id, document.id)
    assert (line.position, line.page_position, line.revision_id) == (1, 1, made.id)
    assert (line.text, line.status) == ("zwei", "corrected")
    assert line.baseline == ((10.0, 50.5), (200.0, 52.0))
    assert line.spacing_px == 40.25
    assert (line.image_sha256, line.image_suffix) == (page.sha256, "jpg")
    assert (line.reading_text, line.reading_confidence) == ("two", 0.75)
    assert (line.reading_model_id, line.held_out) == (model.id, None)


def test_newest_decision_counts(store: Store, lines: list[int]) -> None:
    first = correct_line(store, lines[0], "eins", "corrected", "Ada", None)
    second = correct_line(store, lines[0], "Eins", "corrected", "Ada", first.id)
    assert texts(store) == ["Eins"]
    back = undo_line(store, lines[0], "Ada", second.id)
    assert texts(store) == ["eins"]
    undo_line(store, lines[0], "Ada", back.id)
    assert texts(store) == []


def test_what_was_taken_away_does_not_teach(store: Store, page: Page, lines: list[int]) -> None:
    for line_id in lines:
        correct_line(store, line_id, "text", "corrected", "Ada", None)
    remove_line(store, lines[0])
    assert len(texts(store)) == 2
    remove_page(store, page.id)
    assert texts(store) == []
    restore_page(store, page.id)
    remove_document(store, page.document_id)
    assert texts(store) == []


def test_lines_come_document_by_document_in_reading_order(
    store: Store, page: Page, lines: list[int], model: Model, new_line: Callable[[str], NewLine]
) -> None:
    other = add_document(store, "Other")
    second = add_page(store, page.document_id, "2", b"two", "png", 9, 9)
    elsewhere = add_page(store, other.id, "1", b"three", "png", 9, 9)
    late = replace_lines(store, elsewhere.id, [new_line("late")], model.id)
    next_page = replace_lines(store, second.id, [new_line("x"), new_line("y")], model.id)
    new = ((late[0], "d"), (next_page[1], "c"), (next_page[0], "b"), (lines[2], "a"))
    for line_id, text in new:
        correct_line(store, line_id, text, "corrected", "Ada", None)
    assert texts(store) == ["a", "b", "c", "d"]
    assert texts(store, [other.id]) == ["d"]
    assert texts(store, [page.document_id]) == ["a", "b", "c"]
    assert texts(store, []) == []
    assert texts(store, [99]) == []


def test_reading_is_the_current_models_else_the_newest(
    store: Store, lines: list[int], model: Model
) -> None:
    correct_line(store, lines[0], "eins", "corrected", "Ada", None)
    second = register_model(store, b"weights two", "Second", [])
    add_readings(store, second.id, {lines[0]: NewReading("uno", 0.5)})
    (line,) = training_lines(store)
    assert (line.reading_text, line.reading_model_id) == ("uno", second.id)
    set_current_model(store, model.id)
    (line,) = training_lines(store)
    assert (line.reading_text, line.reading_model_id) == ("one", model.id)


def test_line_without_a_reading_teaches_as_well(store: Store, page: Page) -> None:
    (line_id,) = replace_lines(store, page.id, [NewLine(((0, 1), (9, 1)), (), 4)], None)
    correct_line(store, line_id, "by hand", "corrected", "Ada", None)
    (line,) = training_lines(store)
    assert (line.text, line.reading_text, line.reading_confidence) == ("by hand", None, None)


def test_page_is_pinned_and_released(store: Store, lines: list[int], page: Page) -> None:
    assert page.held_out is None
    correct_line(store, lines[0], "eins", "corrected", "Ada", None)
    for held_out in (True, False, None):
        assert pin_page(store, page.id, held_out).held_out is held_out
        assert training_lines(store)[0].held_out is held_out
    with pytest.raises(NotFound, match="There is no page 9"):
        pin_page(store, 9, True)


def test_readings_of_two_models_can_be_compared(
    store: Store, page: Page, lines: list[int], model: Model
) -> None:
    second = register_model(store, b"weights two", "Second", [])
    add_readings(store, second.id, {lines[0]: NewReading("uno", 0.5)})
    before = readings_of(store, page.id, model.id)
    after = readings_of(store, page.id, second.id)
    assert {line_id: one.text for line_id, one in before.items()} == dict(
        zip(lines, ("one", "two", "three"), strict=True)
    )
    assert {line_id: one.text for line_id, one in after.items()} == {lines[0]: "uno"}
    assert models_of_page(store, page.id) == [second.id, model.id]
    remove_line(store, lines[0])
    assert readings_of(store, page.id, second.id) == {}
    assert models_of_page(store, page.id) == [model.id]


def test_new_reading_leaves_the_others_and_what_people_wrote(
    store: Store, lines: list[int], model: Model
) -> None:
    correct_line(store, lines[0], "eins", "corrected", "Ada", None)
    second = register_model(store, b"weights two", "Second", [])
    set_current_model(store, second.id)
    found = page(store, 1)
    add_readings(store, second.id, {line_id: NewReading("neu", 0.9) for line_id in lines})
    assert [line.text for line in training_lines(store)] == ["eins"]
    assert readings_of(store, found.id, model.id)[lines[0]].text == "one"
