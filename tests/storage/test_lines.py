"""Lines and readings: what is shown, and what a machine may put aside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from storage import (
    Model,
    NewLine,
    NewReading,
    NotFound,
    Page,
    ReadCharacter,
    StorageError,
    Store,
    add_readings,
    correct_line,
    line_text,
    lines_of,
    page,
    register_model,
    remove_line,
    replace_lines,
    restore_line,
    set_current_model,
    undo_line,
)

MakeLine = Callable[[str], NewLine]


def texts(store: Store, page_id: int) -> list[str]:
    return [one.text for one in lines_of(store, page_id)]


def test_line_keeps_its_geometry_and_reading(
    store: Store, page: Page, lines: list[int], model: Model
) -> None:
    shown = lines_of(store, page.id)[0]
    assert shown.line.baseline == ((10.0, 50.5), (200.0, 52.0))
    assert shown.line.polygon == ((10.0, 20.0), (200.0, 20.0), (200.0, 60.0))
    assert (shown.line.spacing_px, shown.line.kind) == (40.25, "text")
    assert (shown.line.flags, shown.line.position) == (("vertical",), 0)
    assert shown.reading is not None and shown.reading.model_id == model.id
    assert shown.reading.characters == (
        ReadCharacter("o", 0.5, 0.0, 9.0),
        ReadCharacter("n", 0.5, 10.0, 19.0),
        ReadCharacter("e", 0.5, 20.0, 29.0),
    )
    assert (shown.confidence, shown.reading.crop_width_px) == (0.75, 768.0)
    assert (shown.text, shown.status, shown.parent_id) == ("one", "machine", None)
    assert line_text(store, lines[0]) == shown


def test_what_else_a_doubtful_character_may_be_is_kept(
    store: Store, lines: list[int], model: Model
) -> None:
    characters = (
        ReadCharacter("a", 0.5, 0.0, 9.0, (("à", 0.25), ("", 0.1))),
        ReadCharacter("b", 0.99, 10.0, 19.0, (("d", 0.01),)),
    )
    add_readings(store, model.id, {lines[0]: NewReading("ab", 0.7, characters, 20.0)})
    reading = line_text(store, lines[0]).reading
    assert reading is not None
    assert reading.characters[0] == characters[0]
    assert reading.characters[1].others == ()  # it is sure: nobody asks


def test_lines_come_in_the_order_given_and_make_the_page_ready(
    store: Store, page: Page, lines: list[int]
) -> None:
    assert [one.line.id for one in lines_of(store, page.id)] == lines
    assert texts(store, page.id) == ["one", "two", "three"]
    assert page_state(store, page.id) == "ready"


def page_state(store: Store, page_id: int) -> str:
    return page(store, page_id).state


def test_line_without_reading_is_empty(store: Store, page: Page) -> None:
    (line_id,) = replace_lines(store, page.id, [NewLine(((0, 0), (9, 0)), (), 3)], None)
    shown = line_text(store, line_id)
    assert (shown.text, shown.confidence, shown.reading) == ("", None, None)


def test_new_segmentation_puts_untouched_lines_aside_and_keeps_corrected_ones(
    store: Store, page: Page, lines: list[int], model: Model, new_line: MakeLine
) -> None:
    saved = correct_line(store, lines[1], "zwei", "corrected", "Ada", None)
    (new_id,) = replace_lines(store, page.id, [new_line("anew")], model.id)
    assert texts(store, page.id) == ["anew", "zwei"]
    assert line_text(store, lines[1]).revision == saved
    put_aside = line_text(store, lines[0])
    assert put_aside.line.replaced is not None and put_aside.text == "one"
    assert line_text(store, new_id).line.replaced is None


def test_line_that_was_undone_is_still_a_persons(
    store: Store, page: Page, lines: list[int], model: Model, new_line: MakeLine
) -> None:
    saved = correct_line(store, lines[1], "zwei", "corrected", "Ada", None)
    undo_line(store, lines[1], "Ada", saved.id)
    replace_lines(store, page.id, [new_line("anew")], model.id)
    assert texts(store, page.id) == ["anew", "two"]


def test_correction_of_a_line_just_put_aside_brings_it_back(
    store: Store, page: Page, lines: list[int], model: Model, new_line: MakeLine
) -> None:
    replace_lines(store, page.id, [new_line("anew")], model.id)
    correct_line(store, lines[2], "drei", "corrected", "Ada", None)
    assert texts(store, page.id) == ["anew", "drei"]


def test_failed_replacement_changes_nothing(
    store: Store, page: Page, lines: list[int], model: Model, new_line: MakeLine
) -> None:
    short = replace(new_line("bad"), baseline=((0.0, 0.0),))
    with pytest.raises(StorageError, match="Line 2 of page 1 has a baseline of 1 points"):
        replace_lines(store, page.id, [new_line("anew"), short], model.id)
    with pytest.raises(StorageError, match="no model is named that made it"):
        replace_lines(store, page.id, [new_line("anew")], None)
    with pytest.raises(StorageError, match="FOREIGN KEY"):
        replace_lines(store, page.id, [new_line("anew")], 999)
    assert texts(store, page.id) == ["one", "two", "three"]


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_geometry_that_is_no_number_is_refused(
    store: Store, page: Page, new_line: MakeLine, model: Model, number: float
) -> None:
    broken = replace(new_line("x"), polygon=((number, 1.0), (2.0, 3.0), (4.0, 5.0)))
    with pytest.raises(StorageError, match="Line 1 of page 1 cannot be stored"):
        replace_lines(store, page.id, [broken], model.id)


def test_lines_of_unknown_page_are_refused(store: Store) -> None:
    with pytest.raises(NotFound, match="There is no page 9"):
        replace_lines(store, 9, [], None)
    assert lines_of(store, 9) == []
    with pytest.raises(NotFound, match="There is no line 9"):
        line_text(store, 9)


def test_reading_of_the_current_model_is_shown_else_the_newest(
    store: Store, page: Page, lines: list[int], model: Model
) -> None:
    second = register_model(store, b"weights two", "Second", ["a"])
    add_readings(store, second.id, {lines[0]: NewReading("uno", 1.0000001)})
    assert texts(store, page.id) == ["uno", "two", "three"]
    assert line_text(store, lines[0]).confidence == 1.0
    set_current_model(store, model.id)
    assert texts(store, page.id) == ["one", "two", "three"]
    assert line_text(store, lines[0], second.id).text == "uno"
    assert [one.text for one in lines_of(store, page.id, second.id)] == ["uno", "two", "three"]


def test_line_keeps_one_reading_a_model(store: Store, lines: list[int], model: Model) -> None:
    add_readings(store, model.id, {lines[0]: NewReading("again", 0.9)})
    assert line_text(store, lines[0]).text == "again"
    assert store.db.execute("SELECT count(*) FROM reading").fetchone() == (3,)


def test_new_reading_does_not_hide_a_correction(
    store: Store, lines: list[int], model: Model
) -> None:
    correct_line(store, lines[0], "eins", "confirmed", "Ada", None)
    add_readings(store, model.id, {lines[0]: NewReading("worse", 0.1)})
    assert line_text(store, lines[0]).text == "eins"


def test_readings_are_stored_together_or_not_at_all(
    store: Store, lines: list[int], model: Model
) -> None:
    with pytest.raises(NotFound, match="There is no line 12345"):
        add_readings(store, model.id, {lines[0]: NewReading("x", 0.9), 12345: NewReading("y", 0.9)})
    assert line_text(store, lines[0]).text == "one"


@pytest.mark.parametrize("confidence", [-0.1, 1.1, float("nan")])
def test_confidence_outside_0_to_1_is_refused(
    store: Store, lines: list[int], model: Model, confidence: float
) -> None:
    with pytest.raises(StorageError, match="constraint failed"):
        add_readings(store, model.id, {lines[0]: NewReading("x", confidence)})


def test_removed_line_comes_back(store: Store, page: Page, lines: list[int]) -> None:
    correct_line(store, lines[1], "zwei", "corrected", "Ada", None)
    remove_line(store, lines[1])
    assert texts(store, page.id) == ["one", "three"]
    restore_line(store, lines[1])
    assert texts(store, page.id) == ["one", "zwei", "three"]
    with pytest.raises(NotFound, match="There is no line 77"):
        remove_line(store, 77)
