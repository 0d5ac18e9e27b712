"""What people note of documents and pages."""

from __future__ import annotations

import pytest

from storage import (
    Document,
    NotFound,
    Page,
    StorageError,
    Store,
    add_document,
    describe_document,
    document,
    note_page,
    page,
)


def test_facts_are_kept_and_empty_ones_taken_away(store: Store, document: Document) -> None:
    described = describe_document(
        store, document.id, " War ", {"date": "1847", "archive": " AD\t29 "}, "two\r\nlines\x00 "
    )
    assert described.project == "War"
    assert described.metadata == {"date": "1847", "archive": "AD 29", "notes": "two\nlines"}
    assert describe_document(store, document.id, "", {"date": ""}, "").metadata == {
        "archive": "AD 29"
    }


def test_what_else_the_metadata_hold_stays(store: Store) -> None:
    made = add_document(store, "Imported", metadata={"author": "Ada", "pages": [1, 2]})
    describe_document(store, made.id, "", {"language": "fr"}, "")
    assert document(store, made.id).metadata == {
        "author": "Ada", "pages": [1, 2], "language": "fr",
    }  # fmt: skip


def test_unknown_and_overlong_facts_are_refused(store: Store, document: Document) -> None:
    with pytest.raises(StorageError, match="A document has no 'colour'; it has date, archive"):
        describe_document(store, document.id, "", {"colour": "red"}, "")
    with pytest.raises(StorageError, match="The note on the document has 10,001 characters"):
        describe_document(store, document.id, "", {}, "x" * 10_001)
    with pytest.raises(NotFound, match="There is no document 99"):
        describe_document(store, 99, "", {}, "")


def test_note_of_a_page_is_kept_and_taken_away(store: Store, page: Page) -> None:
    assert page.note == ""
    assert note_page(store, page.id, " torn\ncorner ").note == "torn\ncorner"
    assert note_page(store, page.id, "").note == ""


def test_note_on_an_unknown_page_is_refused(store: Store) -> None:
    with pytest.raises(NotFound, match="There is no page 99"):
        note_page(store, 99, "x")
    with pytest.raises(NotFound):
        page(store, 99)
