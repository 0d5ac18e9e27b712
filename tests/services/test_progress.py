"""How the work goes on, counted from what stands in the database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

import storage
from services.progress import ProgressBook


class Clock:
    """A clock that a test sets; it ticks a second a look."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 3, 1, 22, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.moment += timedelta(seconds=1)
        return self.moment


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[storage.Store]:
    with storage.open_store(tmp_path / "data", clock) as opened:
        yield opened


@pytest.fixture
def read(store: storage.Store) -> Callable[..., list[int]]:
    """Puts lines with these readings onto a page of their own, read by the first model."""

    def put(*texts: str) -> list[int]:
        document = storage.add_document(store, "Letters")
        page = storage.add_page(store, document.id, "1", b"one", "jpg", 600, 300)
        model = storage.register_model(store, b"first", "first", ["a"])
        lines = [
            storage.NewLine(
                ((0.0, 9.0), (90.0, 9.0)), (), 9.0, reading=storage.NewReading(text, 0.5)
            )
            for text in texts
        ]
        return storage.replace_lines(store, page.id, lines, model.id)

    return put


def decide(store: storage.Store, line_id: int, text: str, status: str = "corrected") -> None:
    known = storage.line_text(store, line_id).parent_id
    storage.correct_line(store, line_id, text, status, "Ada", known)


def test_lines_count_on_the_day_of_their_last_decision(
    store: storage.Store, clock: Clock, read: Callable[..., list[int]]
) -> None:
    first, second, _ = read("abcd", "abcd", "abcd")
    decide(store, first, "abcd", "confirmed")
    decide(store, second, "half ty")
    clock.moment += timedelta(days=2)
    decide(store, second, "abxd")
    progress = ProgressBook(store).progress()
    assert [(day, one.lines, one.confirmed) for day, one in progress.days] == [
        (date(2026, 3, 1), 1, 1),
        (date(2026, 3, 3), 1, 0),
    ]
    total = progress.total
    assert (total.lines, total.measured, total.edits, total.characters) == (2, 2, 1, 8)
    assert (total.cer, total.typed, total.saved) == (1 / 8, 10, 7)


def test_days_are_those_of_the_readers_clock(
    store: storage.Store, read: Callable[..., list[int]]
) -> None:
    decide(store, read("a")[0], "a")
    book = ProgressBook(store)
    assert book.progress(0).days[0][0] == date(2026, 3, 1)
    assert book.progress(3 * 60).days[0][0] == date(2026, 3, 2)


def test_each_model_is_measured_on_what_it_had_read_before_the_decision(
    store: storage.Store, read: Callable[..., list[int]]
) -> None:
    first, second = read("abcx", "abcx")
    decide(store, first, "abcd")
    model = storage.register_model(store, b"second", "second", ["a"])
    storage.add_readings(
        store, model.id, {n: storage.NewReading("abcd", 0.5) for n in (first, second)}
    )
    decide(store, second, "abcd", "confirmed")
    progress = ProgressBook(store).progress()
    assert [(model_id, one.cer) for model_id, one in progress.models] == [(1, 0.25), (2, 0.0)]


def test_lines_that_no_machine_has_read_count_but_are_not_measured(
    store: storage.Store, read: Callable[..., list[int]]
) -> None:
    page_id = storage.line_text(store, read("a")[0]).line.page_id
    change = storage.change_layout(
        store, page_id, [storage.LineEdit(None, ((0.0, 1.0), (9.0, 1.0)), (), 5.0)], "draw", "A", 0
    )
    assert change is not None
    decide(store, change.lines[0].line_id, "by hand")
    total = ProgressBook(store).progress().total
    assert (total.lines, total.measured, total.cer) == (1, 0, None)


def test_undecided_and_removed_lines_do_not_count(
    store: storage.Store, read: Callable[..., list[int]]
) -> None:
    first, second, third = read("a", "b", "c")
    decide(store, first, "a", "doubtful")
    decide(store, second, "b")
    storage.remove_line(store, second)
    decide(store, third, "c")
    book = ProgressBook(store)
    assert book.progress().total.lines == 1
    storage.restore_line(store, second)
    assert book.progress().total.lines == 2


def test_imported_texts_are_nobodys_work_here(
    store: storage.Store, read: Callable[..., list[int]]
) -> None:
    page_id = storage.line_text(store, read("a")[0]).line.page_id
    line = storage.NewLine(
        ((0.0, 9.0), (90.0, 9.0)), (), 9.0, reading=storage.NewReading("from a file", 0.5)
    )
    storage.put_imported(store, page_id, [line], {0: ("from a file", "confirmed")}, "importer")
    assert ProgressBook(store).progress().total.lines == 0
