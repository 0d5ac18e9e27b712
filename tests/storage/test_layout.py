"""The layout of a page: each change is kept, can be taken back, and never takes a text away."""

from __future__ import annotations

import json
import math
import sqlite3

import pytest

from storage import (
    DamagedDatabase,
    LayoutChange,
    LayoutConflict,
    LineEdit,
    Model,
    NewReading,
    NotFound,
    Page,
    StorageError,
    Store,
    add_document,
    add_page,
    add_readings,
    change_layout,
    correct_line,
    layout_history,
    layout_steps,
    line_text,
    lines_of,
    open_store,
    redo_layout,
    replace_lines,
    revisions_of,
    undo_layout,
)

MOVED = ((10.0, 70.0), (200.0, 71.0))


def change(store: Store, page: Page, edits: list[LineEdit], what: str, **more) -> LayoutChange:
    """Make the change on top of whatever the page's newest is."""
    known_id = layout_steps(store, page.id).newest_id
    made = change_layout(store, page.id, edits, what, "Ada", known_id, **more)
    assert made is not None
    return made


def undo(store: Store, page: Page) -> LayoutChange:
    return undo_layout(store, page.id, "Ben", layout_steps(store, page.id).newest_id)


def redo(store: Store, page: Page) -> LayoutChange:
    return redo_layout(store, page.id, "Ben", layout_steps(store, page.id).newest_id)


def shown(store: Store, page: Page) -> list[int]:
    return [one.line.id for one in lines_of(store, page.id)]


def test_change_says_what_was_and_what_is(store: Store, page: Page, lines: list[int]) -> None:
    made = change(store, page, [LineEdit(lines[1], baseline=MOVED, position=7)], "move")
    (line,) = made.lines
    reshaped = line.after.pop("reshaped")
    assert line.line_id == lines[1]
    assert line.before == {
        "baseline": [[10.0, 50.5], [200.0, 52.0]], "position": 1, "reshaped": None,
    }  # fmt: skip
    assert line.after == {"baseline": [[10.0, 70.0], [200.0, 71.0]], "position": 7}
    stored = line_text(store, lines[1]).line
    assert stored.baseline == MOVED
    assert stored.reshaped is not None and stored.reshaped.isoformat(timespec="microseconds") == (
        reshaped
    )
    assert shown(store, page) == [lines[0], lines[2], lines[1]]
    assert layout_steps(store, page.id).undo == "move"


def test_undo_and_redo_have_no_limit_and_outlive_a_restart(
    store: Store, page: Page, lines: list[int]
) -> None:
    for step in range(60):
        change(store, page, [LineEdit(lines[0], baseline=((0, step), (9, step)))], "move")
    with open_store(store.data_dir) as again:
        for step in reversed(range(59)):
            undo(again, page)
            assert line_text(again, lines[0]).line.baseline == ((0, step), (9, step))
        undo(again, page)
        assert line_text(again, lines[0]).line.baseline == ((10.0, 50.5), (200.0, 52.0))
        assert line_text(again, lines[0]).line.reshaped is None
        with pytest.raises(StorageError, match="has no change of its lines to undo"):
            undo(again, page)
        for _ in range(60):
            redo(again, page)
        assert line_text(again, lines[0]).line.baseline == ((0, 59), (9, 59))
        with pytest.raises(StorageError, match="has no change of its lines to redo"):
            redo(again, page)
    assert len(layout_history(store, page.id)) == 180


def test_deleted_line_comes_back_as_itself(store: Store, page: Page, lines: list[int]) -> None:
    revision = correct_line(store, lines[1], "human", "corrected", "Ada", None)
    change(store, page, [LineEdit(lines[1], removed=True)], "delete")
    assert shown(store, page) == [lines[0], lines[2]]
    undo(store, page)
    assert shown(store, page) == lines
    back = line_text(store, lines[1])
    assert (back.text, back.revision, back.reading and back.reading.text) == (
        "human", revision, "two",
    )  # fmt: skip


def test_drawn_line_keeps_its_number_through_undo_and_redo(
    store: Store, page: Page, lines: list[int]
) -> None:
    drawn = change(store, page, [LineEdit(None, MOVED, (), 30.0, position=3)], "draw")
    line_id = drawn.lines[0].line_id
    assert shown(store, page) == [*lines, line_id]
    undo(store, page)
    assert shown(store, page) == lines
    redo(store, page)
    assert shown(store, page) == [*lines, line_id]
    assert line_text(store, line_id).line.spacing_px == 30.0


def test_change_after_an_undo_leaves_everything_within_reach(
    store: Store, page: Page, lines: list[int]
) -> None:
    first = change(store, page, [LineEdit(None, MOVED, (), 30.0, position=3)], "draw")
    correct_line(store, first.lines[0].line_id, "written on it", "corrected", "Ada", None)
    undo(store, page)
    change(store, page, [LineEdit(lines[0], removed=True)], "delete")
    assert shown(store, page) == lines[1:]
    assert layout_steps(store, page.id).redo is None
    undo(store, page)
    assert shown(store, page) == lines
    undo(store, page)  # the undo itself: the drawn line and its text are back
    assert [one.text for one in lines_of(store, page.id)][-1] == "written on it"
    undo(store, page)
    assert shown(store, page) == lines
    with pytest.raises(StorageError, match="to undo"):
        undo(store, page)
    for _ in range(3):
        redo(store, page)
    assert shown(store, page) == lines[1:]


def test_texts_of_a_merge_are_taken_back_with_it(
    store: Store, page: Page, lines: list[int]
) -> None:
    correct_line(store, lines[0], "left", "confirmed", "Ada", None)
    correct_line(store, lines[1], "right", "corrected", "Ada", None)
    edits = [LineEdit(lines[0], baseline=MOVED), LineEdit(lines[1], removed=True)]
    change(store, page, edits, "merge", texts={lines[0]: ("left right", "corrected")})
    assert line_text(store, lines[0]).text == "left right"
    undo(store, page)
    assert [(one.text, one.status) for one in lines_of(store, page.id)][:2] == [
        ("left", "confirmed"),
        ("right", "corrected"),
    ]
    redo(store, page)
    assert line_text(store, lines[0]).text == "left right"
    undo(store, page)
    assert line_text(store, lines[0]).text == "left"
    assert len(revisions_of(store, lines[0])) == 5


def test_text_written_after_a_merge_is_not_taken_back(
    store: Store, page: Page, lines: list[int]
) -> None:
    edits = [LineEdit(lines[0], baseline=MOVED), LineEdit(lines[1], removed=True)]
    merge = change(store, page, edits, "merge", texts={lines[0]: ("one two", "doubtful")})
    newer = correct_line(store, lines[0], "better", "corrected", "Ada", merge.revisions[0][1])
    undo(store, page)
    assert line_text(store, lines[0]).revision == newer
    redo(store, page)
    assert line_text(store, lines[0]).revision == newer


def test_text_of_a_line_survives_any_change(store: Store, page: Page, lines: list[int]) -> None:
    revision = correct_line(store, lines[0], "human", "corrected", "Ada", None)
    edits = [LineEdit(lines[0], baseline=MOVED, spacing_px=9.0, kind="margin", flags=("x",))]
    for what in ("move", "reverse", "split", "segment"):
        change(store, page, edits, what) if what == "move" else undo(store, page)
        assert line_text(store, lines[0]).revision == revision
        if what != "move":
            redo(store, page)


def test_undo_of_a_segmentation_keeps_lines_that_were_corrected_since(
    store: Store, page: Page, lines: list[int]
) -> None:
    edits = [LineEdit(line_id, replaced=True) for line_id in lines]
    edits += [LineEdit(None, MOVED, (), 30.0), LineEdit(None, MOVED, (), 30.0)]
    made = change(store, page, edits, "segment")
    kept, dropped = (line.line_id for line in made.lines[3:])
    correct_line(store, kept, "human", "corrected", "Ada", None)
    undo(store, page)
    assert set(shown(store, page)) == {*lines, kept}
    correct_line(store, lines[2], "human too", "corrected", "Ada", None)
    redo(store, page)
    assert set(shown(store, page)) == {kept, dropped, lines[2]}


def test_stale_author_is_refused(store: Store, page: Page, lines: list[int]) -> None:
    first = change(store, page, [LineEdit(lines[0], position=5)], "reorder")
    for act in (
        lambda: change_layout(store, page.id, [LineEdit(lines[1], removed=True)], "delete", "B", 0),
        lambda: undo_layout(store, page.id, "B", 0),
        lambda: redo_layout(store, page.id, "B", 0),
    ):
        with pytest.raises(LayoutConflict, match="were changed by Ada since they were read") as by:
            act()
        assert by.value.newest == first
    assert layout_history(store, page.id) == [first]
    assert len(shown(store, page)) == 3


def test_retry_after_a_lost_answer_changes_nothing(
    store: Store, page: Page, lines: list[int]
) -> None:
    edits = [LineEdit(None, MOVED, (), 30.0)]
    first = change_layout(store, page.id, edits, "draw", "Ada", 0, token="a")
    assert change_layout(store, page.id, edits, "draw", "Ada", 0, token="a") == first
    undone = undo_layout(store, page.id, "Ada", first.id, token="b")
    assert undo_layout(store, page.id, "Ada", first.id, token="b") == undone
    assert len(layout_history(store, page.id)) == 2
    assert shown(store, page) == lines


def test_change_that_changes_nothing_is_not_kept(
    store: Store, page: Page, lines: list[int]
) -> None:
    line = line_text(store, lines[0]).line
    same = [LineEdit(lines[0], baseline=line.baseline, polygon=line.polygon, position=0)]
    assert change_layout(store, page.id, same, "move", "Ada", 0) is None
    assert layout_history(store, page.id) == []
    assert line_text(store, lines[0]).line.reshaped is None


def test_line_is_unread_until_a_machine_has_read_its_new_geometry(
    store: Store, page: Page, model: Model, lines: list[int]
) -> None:
    assert not line_text(store, lines[0]).line.unread
    change(store, page, [LineEdit(lines[0], position=9)], "reorder")
    assert not line_text(store, lines[0]).line.unread
    change(store, page, [LineEdit(lines[0], spacing_px=9.0)], "move")
    assert line_text(store, lines[0]).line.unread
    add_readings(store, model.id, {lines[0]: NewReading("again", 0.5)})
    assert not line_text(store, lines[0]).line.unread
    undo(store, page)
    assert line_text(store, lines[0]).line.unread


def test_line_is_to_be_read_when_it_is_taken_in_and_not_while_it_is_set_aside(
    store: Store, page: Page, lines: list[int]
) -> None:
    change(store, page, [LineEdit(lines[0], kind="aside")], "aside")
    assert not line_text(store, lines[0]).line.unread
    change(store, page, [LineEdit(lines[0], kind="text")], "take")
    assert line_text(store, lines[0]).line.unread
    undo(store, page)
    assert line_text(store, lines[0]).line.kind == "aside"
    assert not line_text(store, lines[0]).line.unread


def test_line_of_another_page_is_refused(store: Store, page: Page, lines: list[int]) -> None:
    document = add_document(store, "Other")
    other = add_page(store, document.id, "other", b"other image", "jpg", 8, 8)
    for line_id in (lines[0], 999):
        with pytest.raises(NotFound, match=f"no line {line_id} on page {other.id}"):
            change_layout(store, other.id, [LineEdit(line_id, removed=True)], "delete", "Ada", 0)
    assert shown(store, page) == lines
    with pytest.raises(StorageError):
        change_layout(store, 77, [LineEdit(None, MOVED, (), 30.0)], "draw", "Ada", 0)


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (LineEdit(None, ((0, math.nan), (9, 1)), (), 5.0), "a point that lies nowhere"),
        (LineEdit(None, ((0, math.inf), (9, 1)), (), 5.0), "a point that lies nowhere"),
        (LineEdit(None, ((0, 1e300), (9, 1)), (), 5.0), "a point that lies nowhere"),
        (LineEdit(None, ((0, 1),), (), 5.0), "has 1 points"),
        (LineEdit(None, ((0, 1),) * 20_000, (), 5.0), "has 20,000 points"),
        (LineEdit(None, MOVED, (), 0.0), "spacing of 0.0 px"),
        (LineEdit(None, MOVED, (), math.nan), "spacing of nan px"),
        (LineEdit(None, MOVED), "no baseline or no spacing"),
    ],
)
def test_impossible_geometry_is_refused(
    store: Store, page: Page, lines: list[int], edit: LineEdit, reason: str
) -> None:
    good = LineEdit(lines[0], removed=True)
    with pytest.raises(StorageError, match=reason):
        change_layout(store, page.id, [good, edit], "draw", "Ada", 0)
    assert shown(store, page) == lines
    assert layout_history(store, page.id) == []


def test_unknown_kind_of_change_and_a_line_named_twice_are_refused(
    store: Store, page: Page, lines: list[int]
) -> None:
    with pytest.raises(StorageError, match="Unknown change of lines 'explode'"):
        change_layout(store, page.id, [], "explode", "Ada", 0)
    twice = [LineEdit(lines[0], removed=True), LineEdit(lines[0], position=1)]
    with pytest.raises(StorageError, match="named twice"):
        change_layout(store, page.id, twice, "delete", "Ada", 0)


def test_history_is_append_only(store: Store, page: Page, lines: list[int]) -> None:
    change(store, page, [LineEdit(lines[0], position=5)], "reorder")
    for sql in (
        "UPDATE layout_change SET author = 'x'",
        "DELETE FROM layout_change",
        "INSERT OR REPLACE INTO layout_change SELECT * FROM layout_change",
    ):
        with pytest.raises(sqlite3.IntegrityError, match="never (changed|deleted)"):
            store.db.execute(sql)


@pytest.mark.parametrize(
    "state", [{"baseline": "x"}, {"baseline": [[0]]}, {"nonsense": 1}, {"flags": [1]}, [], 3]
)
def test_damaged_history_is_named_and_writes_nothing(
    store: Store, page: Page, lines: list[int], state: object
) -> None:
    store.db.execute(
        """INSERT INTO layout_change (page_id, what, lines, revisions, author, created, token)
        VALUES (?, 'move', ?, '[]', '', '2026-01-01', '')""",
        (page.id, json.dumps([[lines[0], state, {}]])),
    )
    before = line_text(store, lines[0])
    with pytest.raises(DamagedDatabase, match="'layout_change' is damaged"):
        undo_layout(store, page.id, "Ada", 1)
    assert line_text(store, lines[0]) == before


def test_new_segmentation_by_replace_lines_leaves_the_history_readable(
    store: Store, page: Page, lines: list[int], model: Model, new_line
) -> None:
    change(store, page, [LineEdit(lines[0], removed=True)], "delete")
    replace_lines(store, page.id, [new_line("fresh")], model.id)
    undo(store, page)
    assert line_text(store, lines[0]).line.removed is None
