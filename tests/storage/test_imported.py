"""Lines from a file: put onto a page as a whole, attributed, undoable; what tables lack is kept."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

import pytest

import storage
from storage import Document, NewLine, NewReading, Page, Store

LINE = NewLine(((10.0, 50.0), (200.0, 50.0)), (), 40.0)


def test_text_of_people_becomes_a_revision_of_who_imports_it(store: Store, page: Page) -> None:
    (line_id,) = storage.put_imported(store, page.id, [LINE], {0: ("œuvre", "corrected")}, "ada")
    shown = storage.line_text(store, line_id)
    assert (shown.text, shown.status, shown.revision.author) == ("œuvre", "corrected", "ada")
    assert storage.page(store, page.id).state == "ready"


def test_text_of_machines_is_a_reading_of_no_listed_model(store: Store, page: Page) -> None:
    read = NewLine(LINE.baseline, (), 40.0, reading=NewReading("oeuvre", 0.5))
    (line_id,) = storage.put_imported(store, page.id, [read], {}, "ada")
    shown = storage.line_text(store, line_id)
    assert (shown.text, shown.status, shown.confidence) == ("oeuvre", "machine", 0.5)
    assert storage.models(store) == []
    assert [model.name for model in storage.models(store, with_removed=True)] == [storage.IMPORTED]


def test_second_import_with_readings_names_the_same_source(store: Store, page: Page) -> None:
    read = NewLine(LINE.baseline, (), 40.0, reading=NewReading("a", 0.5))
    storage.put_imported(store, page.id, [read], {}, "ada")
    storage.put_imported(store, page.id, [read], {}, "ada")
    assert len(storage.models(store, with_removed=True)) == 1


def test_lines_from_a_file_take_the_place_of_found_ones_and_undo_brings_those_back(
    store: Store, page: Page, lines: list[int]
) -> None:
    (line_id,) = storage.put_imported(store, page.id, [LINE], {0: ("new", "corrected")}, "ada")
    assert storage.line_order(store, page.id) == [line_id]
    steps = storage.layout_steps(store, page.id)
    assert steps.undo == "import"
    storage.undo_layout(store, page.id, "ada", steps.newest_id)
    assert storage.line_order(store, page.id) == lines
    storage.redo_layout(store, page.id, "ada", storage.layout_steps(store, page.id).newest_id)
    assert [line.text for line in storage.lines_of(store, page.id)] == ["new"]


def test_geometry_from_a_file_counts_as_found_not_as_drawn(
    store: Store, page: Page, lines: list[int]
) -> None:
    (line_id,) = storage.put_imported(store, page.id, [LINE], {}, "ada")
    assert storage.line_text(store, line_id).line.reshaped is None


def test_page_is_touched_once_a_person_has_written_on_it(
    store: Store, page: Page, lines: list[int]
) -> None:
    assert not storage.is_touched(store, page.id)
    storage.correct_line(store, lines[1], "x", "corrected", "ada", None)
    assert storage.is_touched(store, page.id)


def test_text_that_cannot_be_stored_leaves_the_page_as_it_was(
    store: Store, page: Page, lines: list[int]
) -> None:
    with pytest.raises(storage.StorageError):
        storage.put_imported(store, page.id, [LINE], {0: ("a\x00b", "corrected")}, "ada")
    assert storage.line_order(store, page.id) == lines


def test_origin_comes_back_as_it_was_kept_and_a_newer_one_replaces_it(
    store: Store, page: Page
) -> None:
    assert storage.page_origin(store, page.id) == {}
    storage.put_origin(store, page.id, {"regions": [["é", 0.5, None]]})
    assert storage.page_origin(store, page.id) == {"regions": [["é", 0.5, None]]}
    storage.put_origin(store, page.id, {"version": 2})
    assert storage.page_origin(store, page.id) == {"version": 2}


@pytest.mark.parametrize("damage", [b"", b"no zlib", "text", b"x\x9c+I-.\x01\x00\x04]\x01\xc1"])
def test_damaged_origin_is_refused(store: Store, page: Page, damage: bytes | str) -> None:
    storage.put_origin(store, page.id, {"version": 1})
    with sqlite3.connect(store.database_path) as database:
        database.execute("UPDATE page_origin SET origin = ?", (damage,))
    with pytest.raises(storage.DamagedDatabase, match=f"file of page {page.id} is damaged"):
        storage.page_origin(store, page.id)


def test_origin_of_no_page_is_refused(
    store: Store, document: Document, new_line: Callable[[str], NewLine]
) -> None:
    with pytest.raises(storage.StorageError):
        storage.put_origin(store, 999, {"version": 1})
