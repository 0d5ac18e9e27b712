"""A database from somewhere else: whatever stands in it, readers say what is wrong and where."""

from __future__ import annotations

import pytest

from storage import (
    DamagedDatabase,
    Model,
    Page,
    Store,
    add_run,
    correct_line,
    documents,
    line_text,
    lines_of,
    models,
    page_image_path,
    pages_of,
    revisions_of,
    runs,
    thumbnail_path,
    undo_line,
)
from storage import page as page_by_number

DEEP = "[" * 100_000 + "]" * 100_000


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("baseline", "not json"),
        ("baseline", "{}"),
        ("baseline", "[[1]]"),
        ("baseline", '[["1", 2]]'),
        ("baseline", "[[NaN, 1]]"),
        ("baseline", "[[1e999, 1]]"),
        ("baseline", "[[true, 1]]"),
        ("baseline", f"[[{'9' * 400}, 1]]"),
        ("baseline", DEEP),
        ("baseline", b"\xff\xfe"),
        ("polygon", "[" + "[1,2]," * 10_000 + "[1,2]]"),
        ("spacing_px", "wide"),
        ("spacing_px", float("inf")),
        ("flags", "[1]"),
        ("kind", b"text"),
        ("created", "yesterday"),
        ("created", "12"),
        ("position", "first"),
    ],
)
def test_damaged_line_is_named(
    store: Store, page: Page, lines: list[int], column: str, value: object
) -> None:
    store.db.execute(f"UPDATE line SET {column} = ? WHERE id = ?", (value, lines[1]))
    message = f"Row {lines[1]} of table 'line' is damaged: '{column}' is .*Restore the database"
    with pytest.raises(DamagedDatabase, match=message) as caught:
        lines_of(store, page.id)
    assert len(str(caught.value)) < 500
    assert line_text(store, lines[0]).text == "one"


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("characters", '[["a", 0.5, 1]]'),
        ("characters", '[["a", "b", 1, 2]]'),
        ("characters", "null"),
        ("text", b"bytes"),
        ("crop_width_px", "x"),
    ],
)
def test_damaged_reading_is_named(
    store: Store, page: Page, lines: list[int], column: str, value: object
) -> None:
    store.db.execute(f"UPDATE reading SET {column} = ? WHERE line_id = ?", (value, lines[0]))
    with pytest.raises(DamagedDatabase, match=f"of table 'reading' is damaged: '{column}'"):
        lines_of(store, page.id)


def test_text_that_is_no_utf8_is_named_as_damage(
    store: Store, page: Page, lines: list[int]
) -> None:
    store.db.execute("UPDATE reading SET text = CAST(x'ff41' AS TEXT)")
    with pytest.raises(DamagedDatabase, match="Could not decode to UTF-8"):
        lines_of(store, page.id)


@pytest.mark.parametrize(
    ("table", "column", "value", "read"),
    [
        ("document", "metadata", "[]", documents),
        ("document", "title", b"x", documents),
        ("document", "changed", "", documents),
        ("page", "width_px", "wide", lambda store: pages_of(store, 1)),
        ("page", "name", b"\x00", lambda store: page_by_number(store, 1)),
        ("model", "alphabet", "{}", models),
        ("model", "scores", "1", models),
        ("run", "settings", "x", runs),
        ("run", "result", "[1]", runs),
        ("run", "heartbeat", "soon", runs),
    ],
)
def test_damaged_row_of_any_table_is_named(
    store: Store, page: Page, model: Model, table: str, column: str, value: object, read: object
) -> None:
    add_run(store, "train")
    store.db.execute(f"UPDATE {table} SET {column} = ?", (value,))
    with pytest.raises(DamagedDatabase, match=f"Row 1 of table '{table}' is damaged: '{column}'"):
        read(store)  # type: ignore[operator]


def test_state_that_the_program_does_not_know_is_named(store: Store, page: Page) -> None:
    store.db.execute("PRAGMA ignore_check_constraints = ON")
    store.db.execute("UPDATE page SET state = 'hacked'")
    with pytest.raises(DamagedDatabase, match="'state' is 'hacked', expected one of waiting"):
        page_by_number(store, page.id)


@pytest.mark.parametrize("sha256", ["../" * 21 + "x", "/etc/passwd" + "0" * 53])
def test_page_never_leads_to_a_file_outside(store: Store, page: Page, sha256: str) -> None:
    store.db.execute("UPDATE page SET sha256 = ?", (sha256,))
    hostile = page_by_number(store, page.id)
    for find in (page_image_path, thumbnail_path):
        with pytest.raises(DamagedDatabase, match="is no name of a stored file"):
            find(store, hostile)


def test_history_that_turns_in_a_circle_is_named(store: Store, lines: list[int]) -> None:
    saved = correct_line(store, lines[0], "a", "corrected", "Ada", None)
    undone = undo_line(store, lines[0], "Ada", saved.id)
    store.db.execute("DROP TRIGGER revision_is_never_updated")
    store.db.execute("UPDATE revision SET undoes_id = id WHERE id = ?", (undone.id,))
    with pytest.raises(DamagedDatabase, match="follows a revision that is not an earlier one"):
        undo_line(store, lines[0], "Bob", undone.id)
    assert len(revisions_of(store, lines[0])) == 2
