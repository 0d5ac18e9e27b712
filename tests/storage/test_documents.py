"""Documents and the list of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from storage import (
    Document,
    Model,
    NewLine,
    NotFound,
    Page,
    StorageError,
    Store,
    add_document,
    add_page,
    correct_line,
    document,
    documents,
    fail_run,
    line_counts,
    pages_of,
    queue_reading,
    remove_document,
    remove_page,
    rename_document,
    replace_lines,
    restore_document,
    take_next_run,
)


def test_document_keeps_what_was_given(store: Store) -> None:
    made = add_document(store, "  Letters\n1712 ", "Fonds A", {"shelf": ["A", 3], "ẽ": None})
    assert (made.title, made.project) == ("Letters 1712", "Fonds A")
    assert made.metadata == {"shelf": ["A", 3], "ẽ": None}
    assert made.created == made.changed and made.removed is None
    assert document(store, made.id) == made


@pytest.mark.parametrize("title", ["", "   ", "\n\t"])
def test_document_needs_a_title(store: Store, title: str) -> None:
    with pytest.raises(StorageError, match="The document has no title"):
        add_document(store, title)


def test_overlong_title_is_refused(store: Store) -> None:
    with pytest.raises(StorageError, match="title of the document has 501 characters; .* 500"):
        add_document(store, "x" * 501)


def test_metadata_that_json_cannot_say_is_refused(store: Store) -> None:
    with pytest.raises(StorageError, match="document's metadata cannot be stored"):
        add_document(store, "Letters", metadata={"score": float("nan")})


def test_unknown_document_is_named(store: Store) -> None:
    with pytest.raises(NotFound, match="There is no document 7"):
        document(store, 7)
    with pytest.raises(NotFound, match="There is no document 7"):
        rename_document(store, 7, "x")


def test_document_is_renamed(store: Store, document: Document) -> None:
    renamed = rename_document(store, document.id, "Diary")
    assert renamed.title == "Diary" and renamed.changed > document.changed


def test_removed_document_comes_back_as_it_was(
    store: Store, document: Document, page: Page
) -> None:
    assert remove_document(store, document.id).removed is not None
    assert documents(store) == []
    assert restore_document(store, document.id).removed is None
    assert [(one.document.id, one.pages) for one in documents(store)] == [(document.id, 1)]


def test_summary_counts_pages_and_lines_by_status(
    store: Store, document: Document, page: Page, lines: list[int], new_line: Callable[..., NewLine]
) -> None:
    waiting = add_page(store, document.id, "b", b"b", "png", 1, 1)
    failed = add_page(store, document.id, "c", b"c", "png", 1, 1)
    queue_reading(store, failed.id)
    run = take_next_run(store, "read")
    assert run is not None and run.page_id == failed.id
    fail_run(store, run.id, "no lines")
    hidden = add_page(store, document.id, "d", b"d", "png", 1, 1)
    replace_lines(store, hidden.id, [NewLine(((0, 0), (1, 0)), (), 1.0)], None)
    remove_page(store, hidden.id)
    correct_line(store, lines[0], "a", "corrected", "Ada", None)
    correct_line(store, lines[1], "b", "confirmed", "Ada", None)
    add_document(store, "Without pages")

    empty, full = documents(store)
    assert (empty.pages, empty.lines, empty.cover_page_id) == (0, 0, None)
    assert (full.pages, full.pages_waiting, full.pages_failed) == (3, 1, 1)
    assert (full.lines, full.machine, full.corrected, full.confirmed) == (3, 1, 1, 1)
    assert (full.doubtful, full.ignored, full.cover_page_id) == (0, 0, page.id)
    assert waiting.state == "waiting"
    assert line_counts(store) == line_counts(store, document.id)
    assert (line_counts(store).lines, line_counts(store).corrected) == (3, 1)
    assert line_counts(store, empty.document.id).lines == 0


def test_line_set_aside_counts_once_a_person_has_written_its_text(
    store: Store, document: Document, page: Page
) -> None:
    own = NewLine(((0, 0), (9, 0)), (), 1.0)
    aside = NewLine(((0, 5), (9, 5)), (), 1.0, kind="aside", flags=("facing page",))
    _, facing = replace_lines(store, page.id, [own, aside], None)
    assert (line_counts(store).lines, line_counts(store).machine) == (1, 1)
    assert documents(store)[0].lines == pages_of(store, document.id)[0].lines == 1
    correct_line(store, facing, "a", "corrected", "Ada", None)
    assert (line_counts(store).lines, line_counts(store).corrected) == (2, 1)
    assert documents(store)[0].lines == pages_of(store, document.id)[0].lines == 2


def test_last_changed_document_is_first(store: Store, document: Document, model: Model) -> None:
    later = add_document(store, "Later")
    assert [one.document.id for one in documents(store)] == [later.id, document.id]
    page = add_page(store, document.id, "a", b"a", "png", 1, 1)
    assert [one.document.id for one in documents(store)] == [document.id, later.id]
    rename_document(store, later.id, "Later still")
    (line_id,) = replace_lines(store, page.id, [NewLine(((0, 0), (1, 0)), (), 1.0)], None)
    rename_document(store, later.id, "Latest")
    correct_line(store, line_id, "a", "corrected", "Ada", None)
    first = documents(store)[0]
    assert first.document.id == document.id and first.changed == first.document.changed
