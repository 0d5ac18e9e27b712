"""Documents and pages are found by what people noted of them."""

from __future__ import annotations

from storage import (
    Document,
    Page,
    Store,
    describe_document,
    find_notes,
    note_page,
    question_of,
    remove_document,
    remove_page,
)


def found(store: Store, text: str) -> list[int | None]:
    return [one.page_id for one in find_notes(store, question_of(text))]


def test_documents_are_found_by_title_and_facts_together(store: Store, document: Document) -> None:
    describe_document(store, document.id, "War", {"archive": "Archives départementales"}, "torn")
    assert found(store, "departementales letters ") == [None]
    assert found(store, '"war archives" tor') == [None]
    assert found(store, "letters mended ") == []


def test_pages_are_found_by_their_note(store: Store, page: Page) -> None:
    note_page(store, page.id, "A torn corner")
    (one,) = find_notes(store, question_of("TORN "))
    assert (one.page_id, one.title, one.text) == (page.id, "Letters", "A torn corner")


def test_what_is_in_the_bin_is_not_found(store: Store, page: Page) -> None:
    note_page(store, page.id, "torn")
    remove_page(store, page.id)
    assert found(store, "torn ") == []
    remove_document(store, page.document_id)
    assert found(store, "letters ") == []


def test_nothing_asked_finds_nothing(store: Store, document: Document) -> None:
    assert found(store, " ") == []
