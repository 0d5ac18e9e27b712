"""Pages turned and cropped: lines follow their ink, nothing of a person is lost, undo is exact."""

from __future__ import annotations

import os

import pytest

from storage import (
    LayoutConflict,
    LineEdit,
    Page,
    PageTurn,
    StorageError,
    Store,
    change_layout,
    correct_line,
    is_turned,
    layout_steps,
    line_text,
    lines_of,
    page_image,
    page_origin,
    put_origin,
    queue_reading,
    remove_orphans,
    take_next_run,
    turn_page,
    undo_turn,
)
from storage import page as page_by_number

# The page of these tests has 800 x 600 px; its lines run from 10, 50.5 to 200, 52.
TO_THE_RIGHT = PageTurn(1, 0, 0, 600, 800)


def turned(store: Store, page: Page, turn: PageTurn, image: bytes = b"turned") -> Page:
    return turn_page(store, page_by_number(store, page.id), turn, image, "jpg", b"small", "Ada")


@pytest.mark.parametrize(
    ("quarters", "baseline"),
    [
        (0, ((10.0, 50.5), (200.0, 52.0))),
        (1, ((548.5, 10.0), (547.0, 200.0))),
        (2, ((789.0, 548.5), (599.0, 547.0))),
        (3, ((50.5, 789.0), (52.0, 599.0))),
    ],
)
def test_lines_follow_a_turn_and_go_back_exactly(
    store: Store, page: Page, lines: list[int], quarters: int, baseline: tuple
) -> None:
    before = line_text(store, lines[0]).line
    size = (600, 800) if quarters % 2 else (800, 600)
    after = turned(store, page, PageTurn(quarters, 0, 0, *size))
    assert (after.width_px, after.height_px) == size
    assert page_image(store, after) == b"turned"
    assert line_text(store, lines[0]).line.baseline == baseline
    assert undo_turn(store, page.id, "Ada") == page_by_number(store, page.id)
    assert line_text(store, lines[0]).line == before
    assert page_by_number(store, page.id).sha256 == page.sha256


def test_lines_follow_a_cut_and_those_outside_are_hidden_until_undo(
    store: Store, page: Page, lines: list[int]
) -> None:
    outside = change_layout(
        store, page.id, [LineEdit(None, ((700.0, 500.0), (790.0, 500.0)), (), 20.0)],
        "segment", "Ada", 0,
    )  # fmt: skip
    assert outside is not None
    turned(store, page, PageTurn(0, 5, 20, 400, 300))
    assert [one.line.id for one in lines_of(store, page.id)] == lines
    assert line_text(store, lines[0]).line.baseline == ((5.0, 30.5), (195.0, 32.0))
    undo_turn(store, page.id, "Ada")
    assert outside.lines[0].line_id in [one.line.id for one in lines_of(store, page.id)]


def test_cut_through_a_line_that_somebody_worked_on_is_refused(
    store: Store, page: Page, lines: list[int]
) -> None:
    correct_line(store, lines[1], "written", "corrected", "Ada", None)
    with pytest.raises(StorageError, match="Line 2 would be cut off"):
        turned(store, page, PageTurn(0, 0, 100, 800, 500))
    assert page_by_number(store, page.id).sha256 == page.sha256
    assert line_text(store, lines[0]).line.baseline == ((10.0, 50.5), (200.0, 52.0))


def test_corrected_text_stays_through_turns_and_their_undoing(
    store: Store, page: Page, lines: list[int]
) -> None:
    correct_line(store, lines[1], "written", "corrected", "Ada", None)
    turned(store, page, TO_THE_RIGHT)
    turned(store, page, PageTurn(1, 0, 0, 800, 600), b"twice")
    assert line_text(store, lines[1]).text == "written"
    undo_turn(store, page.id, "Ada")
    undo_turn(store, page.id, "Ada")
    assert line_text(store, lines[1]).text == "written"
    with pytest.raises(StorageError, match="has the image that it came with"):
        undo_turn(store, page.id, "Ada")


def test_steps_on_the_image_before_cannot_be_taken_back_on_the_new_one(
    store: Store, page: Page, lines: list[int]
) -> None:
    change_layout(store, page.id, [LineEdit(lines[0], removed=True)], "delete", "Ada", 0)
    known_id = layout_steps(store, page.id).newest_id
    turned(store, page, TO_THE_RIGHT)
    assert layout_steps(store, page.id).undo is None
    with pytest.raises(LayoutConflict):
        change_layout(store, page.id, [LineEdit(lines[1], position=9)], "order", "Ben", known_id)


def test_page_that_is_being_read_or_was_turned_meanwhile_is_refused(
    store: Store, page: Page, lines: list[int]
) -> None:
    turned(store, page, TO_THE_RIGHT)
    with pytest.raises(StorageError, match="has another image by now"):
        turn_page(store, page, TO_THE_RIGHT, b"again", "jpg", b"small", "Ben")
    queue_reading(store, page.id)
    take_next_run(store, "read")
    with pytest.raises(StorageError, match="is being read just now"):
        undo_turn(store, page.id, "Ada")


def test_image_that_the_page_came_with_is_kept_for_good(
    store: Store, page: Page, lines: list[int]
) -> None:
    turned(store, page, TO_THE_RIGHT)
    assert is_turned(store, page.id)
    for path in (store.data_dir / "images").rglob("*.jpg"):
        os.utime(path, (0, 0))
    assert remove_orphans(store) == []
    undo_turn(store, page.id, "Ada")
    assert page_image(store, page_by_number(store, page.id)) == b"image one"
    assert not is_turned(store, page.id)


def test_what_an_imported_file_says_of_the_image_goes_and_comes_back_with_it(
    store: Store, page: Page, lines: list[int]
) -> None:
    put_origin(store, page.id, {"regions": [[1, 2]]})
    turned(store, page, TO_THE_RIGHT)
    assert page_origin(store, page.id) == {}
    undo_turn(store, page.id, "Ada")
    assert page_origin(store, page.id) == {"regions": [[1, 2]]}
