"""Undo and redo across the lines of a document: appended, in order, also after a restart."""

from __future__ import annotations

import pytest

from storage import (
    Page,
    StorageError,
    Store,
    change_texts,
    correct_line,
    line_text,
    open_store,
    redo_text,
    revisions_of,
    undo_text,
)


def save(store: Store, line_id: int, text: str, author: str = "Ada") -> None:
    correct_line(store, line_id, text, "corrected", author, line_text(store, line_id).parent_id)


def texts(store: Store, lines: list[int]) -> list[str]:
    return [line_text(store, line_id).text for line_id in lines]


@pytest.fixture
def document(page: Page) -> int:
    return page.document_id


def test_steps_are_undone_and_redone_across_lines(
    store: Store, document: int, lines: list[int]
) -> None:
    machine = texts(store, lines)
    save(store, lines[0], "a")
    save(store, lines[1], "b")
    save(store, lines[0], "aa")
    assert [r.line_id for r in undo_text(store, document, "Ada")] == [lines[0]]
    assert texts(store, lines)[:2] == ["a", "b"]
    undo_text(store, document, "Ada")
    undo_text(store, document, "Ada")
    assert texts(store, lines) == machine
    with pytest.raises(StorageError, match="nothing of yours left to undo"):
        undo_text(store, document, "Ada")
    for _ in range(3):
        redo_text(store, document, "Ada")
    assert texts(store, lines)[:2] == ["aa", "b"]
    with pytest.raises(StorageError, match="nothing to redo"):
        redo_text(store, document, "Ada")
    undo_text(store, document, "Ada")
    redo_text(store, document, "Ada")
    undo_text(store, document, "Ada")
    assert texts(store, lines)[:2] == ["a", "b"]
    assert len(revisions_of(store, lines[0])) == 2 + 2 + 2 + 3  # every step was appended


def test_undo_goes_on_after_a_restart(store: Store, document: int, lines: list[int]) -> None:
    save(store, lines[0], "a")
    save(store, lines[1], "b")
    undo_text(store, document, "Ada")
    store.close()
    with open_store(store.data_dir) as again:
        undo_text(again, document, "Ada")
        assert texts(again, lines)[0] == "one"
        redo_text(again, document, "Ada")
        redo_text(again, document, "Ada")
        assert texts(again, lines)[:2] == ["a", "b"]


def test_new_work_ends_what_could_be_redone(store: Store, document: int, lines: list[int]) -> None:
    save(store, lines[0], "a")
    undo_text(store, document, "Ada")
    save(store, lines[1], "b")
    with pytest.raises(StorageError, match="nothing to redo"):
        redo_text(store, document, "Ada")
    undo_text(store, document, "Ada")
    with pytest.raises(StorageError, match="left to undo"):
        undo_text(store, document, "Ada")


def test_what_somebody_else_wrote_stays(store: Store, document: int, lines: list[int]) -> None:
    save(store, lines[1], "mine too")
    save(store, lines[0], "mine")
    save(store, lines[0], "theirs", author="Bob")
    assert [r.line_id for r in undo_text(store, document, "Ada")] == [lines[1]]
    assert texts(store, lines)[0] == "theirs"


def test_many_lines_change_as_one_step(store: Store, document: int, lines: list[int]) -> None:
    save(store, lines[0], "a")
    before = texts(store, lines)
    seen = {line_id: line_text(store, line_id).parent_id for line_id in lines}
    save(store, lines[2], "changed meanwhile", author="Bob")
    wanted = {line_id: (f"new {line_id}", "corrected", seen[line_id]) for line_id in lines}
    written, left = change_texts(store, wanted, "Ada")
    assert [revision.line_id for revision in written] == lines[:2] and left == [lines[2]]
    undo_text(store, document, "Ada")
    assert texts(store, lines) == [*before[:2], "changed meanwhile"]
    redo_text(store, document, "Ada")
    assert texts(store, lines)[:2] == [f"new {lines[0]}", f"new {lines[1]}"]
