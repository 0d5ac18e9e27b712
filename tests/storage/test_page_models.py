"""Pages remember which model read them, and what another model had read before."""

from __future__ import annotations

import pytest

from storage import (
    ASIDE,
    Document,
    LineEdit,
    Model,
    NewReading,
    Page,
    Store,
    add_readings,
    change_layout,
    compared_pages,
    correct_line,
    documents_read_by,
    pages_read_otherwise,
    reading_pairs,
    register_model,
    remove_page,
    set_current_model,
    shown_models,
)


@pytest.fixture
def second(store: Store) -> Model:
    return register_model(store, b"weights two", "Second", ["a"])


def test_page_tells_which_model_read_its_lines(
    store: Store, page: Page, model: Model, second: Model, lines: list[int]
) -> None:
    assert shown_models(store, page_id=page.id) == {page.id: {model.id: 3}}
    set_current_model(store, second.id)
    assert shown_models(store) == {page.id: {model.id: 3}}  # read by another is read all the same
    add_readings(store, second.id, {lines[1]: NewReading("zwei", 0.5)})
    assert shown_models(store, page.document_id) == {page.id: {model.id: 2, second.id: 1}}
    set_current_model(store, model.id)  # gone back: its readings are still there
    assert shown_models(store) == {page.id: {model.id: 3}}


def test_page_is_read_otherwise_as_long_as_an_undecided_line_was_read_in_the_other_way(
    store: Store, page: Page, model: Model, second: Model, lines: list[int]
) -> None:
    set_current_model(store, model.id)
    assert pages_read_otherwise(store, True) == {page.id}
    assert pages_read_otherwise(store, True, page.document_id, page.id) == {page.id}
    assert pages_read_otherwise(store, True, page.document_id + 1) == set()
    assert pages_read_otherwise(store, False) == set()
    with_it = {line: NewReading("zwei", 0.5, with_language=True) for line in lines[1:]}
    add_readings(store, model.id, with_it)
    assert pages_read_otherwise(store, True) == pages_read_otherwise(store, False) == {page.id}
    correct_line(store, lines[0], "eins", "corrected", "ada", None)
    assert pages_read_otherwise(store, True) == set()
    set_current_model(store, second.id)  # what other models read is told apart from this
    assert pages_read_otherwise(store, False) == set()


def test_pair_holds_the_reading_now_the_one_before_and_what_people_wrote(
    store: Store, page: Page, model: Model, second: Model, lines: list[int]
) -> None:
    assert reading_pairs(store) == []
    assert compared_pages(store) == set()
    correct_line(store, lines[2], "drei!", "corrected", "ada", None)
    set_current_model(store, second.id)
    readings = {lines[0]: NewReading("eins", 0.5), lines[2]: NewReading("drei", 0.5)}
    add_readings(store, second.id, readings)
    found = [
        (pair.line_id, pair.before, pair.reading, pair.text, pair.status)
        for pair in reading_pairs(store, page_id=page.id)
    ]
    assert found == [
        (lines[0], "one", "eins", "eins", "machine"),
        (lines[2], "three", "drei", "drei!", "corrected"),
    ]
    assert compared_pages(store, document_id=page.document_id) == {page.id}
    assert compared_pages(store, document_id=page.document_id + 1) == set()
    set_current_model(store, model.id)
    assert [(pair.before, pair.reading) for pair in reading_pairs(store)][0] == ("eins", "one")


def test_removed_pages_are_not_counted(
    store: Store, document: Document, page: Page, model: Model, lines: list[int]
) -> None:
    (read,) = documents_read_by(store, model.id)
    assert (read.document_id, read.title, read.pages, read.lines) == (document.id, "Letters", 1, 3)
    remove_page(store, page.id)
    assert documents_read_by(store, model.id) == []
    assert shown_models(store) == {}


def test_lines_set_aside_do_not_count(
    store: Store, page: Page, model: Model, second: Model, lines: list[int]
) -> None:
    aside = [LineEdit(lines[0], kind=ASIDE)]
    change_layout(store, page.id, aside, "aside", "ada", 0)
    set_current_model(store, second.id)
    assert shown_models(store) == {page.id: {model.id: 2}}
    readings = {line_id: NewReading("zwei", 0.5) for line_id in lines}
    add_readings(store, second.id, readings)
    assert [pair.line_id for pair in reading_pairs(store)] == lines[1:]
