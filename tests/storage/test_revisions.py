"""What people wrote: never lost, never changed, never overwritten unseen."""

from __future__ import annotations

import sqlite3
import unicodedata
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage import (
    Model,
    NewLine,
    NewReading,
    NotFound,
    Page,
    RevisionConflict,
    StorageError,
    Store,
    add_document,
    add_page,
    add_readings,
    clean_text,
    correct_line,
    corrections_since,
    line_text,
    open_store,
    remove_document,
    remove_line,
    remove_page,
    replace_lines,
    restore_document,
    restore_page,
    revisions_of,
    undo_line,
    write,
)


def save(store: Store, line_id: int, text: str, status: str = "corrected") -> int:
    """Save as somebody who has just read the line; returns the revision's number."""
    parent_id = line_text(store, line_id).parent_id
    return correct_line(store, line_id, text, status, "Ada", parent_id).id


def test_newest_revision_is_shown(store: Store, lines: list[int]) -> None:
    first = correct_line(store, lines[0], "ein", "doubtful", "Ada", None)
    second = correct_line(store, lines[0], "eins", "corrected", "Bob", first.id)
    shown = line_text(store, lines[0])
    assert (shown.text, shown.status, shown.parent_id) == ("eins", "corrected", second.id)
    assert revisions_of(store, lines[0]) == [first, second]
    assert (second.parent_id, second.author, second.created > first.created) == (
        first.id,
        "Bob",
        True,
    )


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE revision SET text = 'forged'",
        "UPDATE revision SET created = created",
        "DELETE FROM revision",
        "INSERT OR REPLACE INTO revision (id, line_id, text, status, author, created)"
        " VALUES (1, 1, 'forged', 'corrected', 'x', 'x')",
        "INSERT INTO revision (id, line_id, text, status, author, created)"
        " VALUES (1, 1, 'forged', 'corrected', 'x', 'x')"
        " ON CONFLICT (id) DO UPDATE SET text = 'forged'",
        "DELETE FROM line",
        "DELETE FROM page",
        "DELETE FROM document",
    ],
)
def test_revision_is_append_only(store: Store, lines: list[int], sql: str) -> None:
    saved = correct_line(store, lines[0], "eins", "corrected", "Ada", None)
    with pytest.raises(StorageError, match="a revision is never|FOREIGN KEY"), write(store) as db:
        db.execute(sql)
    assert revisions_of(store, lines[0]) == [saved]


def test_revision_is_append_only_for_other_programs_too(store: Store, lines: list[int]) -> None:
    saved = correct_line(store, lines[0], "eins", "corrected", "Ada", None)
    other = sqlite3.connect(store.database_path)  # no foreign keys, no recursive triggers
    for sql in (
        "REPLACE INTO revision (id, line_id, text, status, author, created)"
        " VALUES (1, 1, 'forged', 'corrected', 'x', 'x')",
        "DELETE FROM revision WHERE id = 1",
    ):
        with pytest.raises(sqlite3.IntegrityError, match="a revision is never"):
            other.execute(sql)
    other.close()
    assert revisions_of(store, lines[0]) == [saved]


def test_conflict_shows_what_the_other_wrote_and_stores_nothing(
    store: Store, lines: list[int]
) -> None:
    first = correct_line(store, lines[0], "eins", "corrected", "Ada", None)
    with pytest.raises(RevisionConflict, match="Line 1 was changed by Ada since") as caught:
        correct_line(store, lines[0], "einz", "corrected", "Bob", None)
    assert caught.value.newest == first
    with pytest.raises(RevisionConflict, match="revision None, not 55") as caught:
        correct_line(store, lines[1], "zwei", "corrected", "Bob", 55)
    assert caught.value.newest is None
    assert revisions_of(store, lines[0]) == [first] and revisions_of(store, lines[1]) == []


def test_retry_after_a_lost_answer_is_acknowledged_once(store: Store, lines: list[int]) -> None:
    first = correct_line(store, lines[0], "eins", "corrected", "Ada", None)
    assert correct_line(store, lines[0], "eins", "corrected", "Ada", None) == first
    assert correct_line(store, lines[0], "eins", "corrected", "Ada", first.id) == first
    assert revisions_of(store, lines[0]) == [first]


@pytest.mark.parametrize(
    ("text", "status", "author"),
    [("eins", "confirmed", "Ada"), ("eins", "corrected", "Bob"), ("Eins", "corrected", "Ada")],
)
def test_same_text_from_another_person_or_with_another_status_is_no_retry(
    store: Store, lines: list[int], text: str, status: str, author: str
) -> None:
    first = correct_line(store, lines[0], "eins", "corrected", "Ada", None)
    with pytest.raises(RevisionConflict):
        correct_line(store, lines[0], text, status, author, None)
    assert correct_line(store, lines[0], text, status, author, first.id).parent_id == first.id


def test_undo_goes_back_step_by_step_to_the_machine(store: Store, lines: list[int]) -> None:
    for text in ("a", "b", "c"):
        save(store, lines[0], text)
    seen = []
    for _ in range(3):
        undo_line(store, lines[0], "Ada", line_text(store, lines[0]).parent_id)
        shown = line_text(store, lines[0])
        seen.append((shown.text, shown.status))
    assert seen == [("b", "corrected"), ("a", "corrected"), ("one", "machine")]
    with pytest.raises(StorageError, match="Line 1 shows the machine's reading: nothing to undo"):
        undo_line(store, lines[0], "Ada", line_text(store, lines[0]).parent_id)
    assert len(revisions_of(store, lines[0])) == 6


def test_undo_after_new_work_goes_back_along_what_was_shown(store: Store, lines: list[int]) -> None:
    save(store, lines[0], "a")
    undo_line(store, lines[0], "Ada", save(store, lines[0], "b"))  # shows a
    save(store, lines[0], "c")
    seen = []
    for _ in range(3):
        undo_line(store, lines[0], "Ada", line_text(store, lines[0]).parent_id)
        seen.append(line_text(store, lines[0]).text)
        if seen[-1] == "one":
            break
    assert seen == ["a", "one"]


def test_return_to_the_machine_can_be_undone(store: Store, lines: list[int]) -> None:
    save(store, lines[0], "a", "confirmed")
    undo_line(store, lines[0], "Ada", save(store, lines[0], "one", "machine"))
    shown = line_text(store, lines[0])
    assert (shown.text, shown.status) == ("a", "confirmed")


def test_line_given_back_to_the_machine_follows_its_readings(
    store: Store, lines: list[int], model: Model
) -> None:
    saved = save(store, lines[0], "a")
    undo_line(store, lines[0], "Ada", saved)
    add_readings(store, model.id, {lines[0]: NewReading("better", 0.9)})
    assert line_text(store, lines[0]).text == "better"


def test_undo_of_what_somebody_else_just_wrote_is_a_conflict(
    store: Store, lines: list[int]
) -> None:
    first = save(store, lines[0], "a")
    newest = correct_line(store, lines[0], "b", "corrected", "Bob", first)
    with pytest.raises(RevisionConflict) as caught:
        undo_line(store, lines[0], "Ada", first)
    assert caught.value.newest == newest


def test_retry_of_an_undo_is_acknowledged_once(store: Store, lines: list[int]) -> None:
    save(store, lines[0], "a")
    second = save(store, lines[0], "b")
    undone = undo_line(store, lines[0], "Ada", second)
    assert undo_line(store, lines[0], "Ada", second) == undone
    assert line_text(store, lines[0]).text == "a"


def test_unknown_status_and_line_are_refused(store: Store, lines: list[int]) -> None:
    with pytest.raises(StorageError, match="Unknown status 'perfect'; use one of machine, correct"):
        correct_line(store, lines[0], "x", "perfect", "Ada", None)
    with pytest.raises(NotFound, match="There is no line 99"):
        correct_line(store, 99, "x", "corrected", "Ada", None)


def test_only_corrected_and_confirmed_lines_are_learnt_from(
    store: Store, page: Page, lines: list[int]
) -> None:
    save(store, lines[0], "a")
    save(store, lines[1], "b", "doubtful")
    save(store, lines[2], "c", "confirmed")
    newest = save(store, lines[0], "aa")
    found = corrections_since(store)
    assert [(one.revision.line_id, one.revision.text) for one in found] == [(3, "c"), (1, "aa")]
    assert (found[0].page_id, found[0].document_id) == (page.id, page.document_id)
    assert corrections_since(store, newest) == []
    assert [one.revision.id for one in corrections_since(store, newest - 1)] == [newest]
    remove_line(store, lines[0])
    assert len(corrections_since(store)) == 1
    remove_page(store, page.id)
    assert corrections_since(store) == []
    restore_page(store, page.id)
    remove_document(store, page.document_id)
    assert corrections_since(store) == []
    restore_document(store, page.document_id)
    assert len(corrections_since(store)) == 1


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("e\u0303", "ẽ"),
        ("one\r\ntwo\nthree", "one two three"),
        ("a\tb\u2028c\x85d", "a b c d"),
        (" spaces at the ends ", " spaces at the ends "),
        ("\ue665\U000f0000 \u200dklm\u00ad", "\ue665\U000f0000 \u200dklm\u00ad"),
        ("", ""),
    ],
)
def test_text_is_stored_as_documented(typed: str, stored: str) -> None:
    assert clean_text(typed) == stored


@pytest.mark.parametrize("character", ["\x00", "\x1b", "\x7f", "\x9f", "\ud800"])
def test_character_that_cannot_be_written_on_paper_is_refused(
    store: Store, lines: list[int], character: str
) -> None:
    expected = rf"Character 3 of the text is U\+{ord(character):04X}"
    with pytest.raises(StorageError, match=expected):
        correct_line(store, lines[0], f"ab{character}", "corrected", "Ada", None)
    assert revisions_of(store, lines[0]) == []


@pytest.mark.parametrize("count", [2001, 8001, 1_000_000])
def test_overlong_text_is_refused(store: Store, lines: list[int], count: int) -> None:
    with pytest.raises(StorageError, match=f"has {count:,} characters; the limit is 2,000"):
        correct_line(store, lines[0], "x" * count, "corrected", "Ada", None)
    assert save(store, lines[0], "x" * 2000) == 1


@pytest.fixture(scope="module")
def one_line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, int]]:
    with open_store(tmp_path_factory.mktemp("text")) as store:
        page = add_page(store, add_document(store, "x").id, "x", b"x", "png", 1, 1)
        yield store, replace_lines(store, page.id, [NewLine(((0, 0), (1, 0)), (), 1)], None)[0]


@given(text=st.text(max_size=100))
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_text_comes_back_as_cleaned_or_is_refused(
    one_line: tuple[Store, int], text: str
) -> None:
    store, line_id = one_line
    try:
        cleaned = clean_text(text)
    except StorageError:
        assert any(unicodedata.category(character) in ("Cc", "Cs") for character in text)
        return
    assert clean_text(cleaned) == cleaned == unicodedata.normalize("NFC", cleaned)
    save(store, line_id, text)
    assert line_text(store, line_id).text == cleaned
    assert revisions_of(store, line_id)[-1].text == cleaned
