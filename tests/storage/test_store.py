"""The connection: its settings, transactions, threads, and more than one writer."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest

from storage import (
    Document,
    NewLine,
    Page,
    StorageError,
    Store,
    add_document,
    add_page,
    correct_line,
    documents,
    line_text,
    open_store,
    pages_of,
    replace_lines,
    revisions_of,
    write,
)
from storage.schema import connect

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("pragma", "expected"),
    [("journal_mode", "wal"), ("foreign_keys", 1), ("synchronous", 2), ("busy_timeout", 10_000)],
)
def test_connection_is_safe_for_acknowledged_work(
    store: Store, pragma: str, expected: object
) -> None:
    assert store.db.execute(f"PRAGMA {pragma}").fetchone()[0] == expected


def test_row_that_points_nowhere_is_refused(store: Store) -> None:
    with pytest.raises(StorageError, match="FOREIGN KEY constraint failed"), write(store) as db:
        db.execute(
            "INSERT INTO line (page_id, position, baseline, polygon, spacing_px, kind, flags,"
            " created) VALUES (99, 1, '[]', '[]', 1, 'text', '[]', '')"
        )


def test_error_inside_a_transaction_undoes_all_of_it(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), write(store):
        add_document(store, "One")
        raise ZeroDivisionError
    assert documents(store) == []


def test_error_inside_an_inner_transaction_spares_the_outer(store: Store) -> None:
    with write(store):
        add_document(store, "Kept")
        with pytest.raises(ZeroDivisionError), write(store):
            add_document(store, "Undone")
            raise ZeroDivisionError
    assert [one.document.title for one in documents(store)] == ["Kept"]


def test_time_is_stored_in_utc_with_microseconds(tmp_path: Path) -> None:
    moment = datetime.fromisoformat("2026-01-31T12:00:00+02:00")
    with open_store(tmp_path, lambda: moment) as store:
        made = add_document(store, "One")
        stored = store.db.execute("SELECT created FROM document").fetchone()[0]
    assert stored == "2026-01-31T10:00:00.000000+00:00"
    assert made.created == moment


def test_each_thread_has_its_own_connection_and_ended_ones_are_closed(store: Store) -> None:
    seen: list[int] = []

    def use() -> None:
        seen.append(id(store.db.conn))
        documents(store)

    mine = id(store.db.conn)
    for _ in range(5):
        thread = threading.Thread(target=use)
        thread.start()
        thread.join()
    assert mine not in seen and id(store.db.conn) == mine
    gc.collect()
    assert len(store._connections) == 2  # this thread's and that of the last one


def test_closed_store_says_so(store: Store) -> None:
    store.close()
    with pytest.raises(StorageError, match="is closed. Open it again"):
        documents(store)


def test_store_of_another_process_is_refused(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.store.os.getpid", lambda: -1)
    with pytest.raises(StorageError, match="was opened by another process"):
        documents(store)


def test_busy_database_gives_a_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.schema.BUSY_TIMEOUT_S", 0.1)
    with open_store(tmp_path) as store, closing(connect(store.database_path)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageError, match="is busy: another program .* Nothing was saved"):
            add_document(store, "Letters")
        other.execute("ROLLBACK")
        assert add_document(store, "Letters").id == 1


def test_full_database_gives_a_clear_error(store: Store) -> None:
    pages = store.db.execute("PRAGMA page_count").fetchone()[0]
    store.db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StorageError, match="is full. Nothing was saved"):
        for _ in range(500):
            add_document(store, "Letters " + "x" * 400)
    store.db.execute("PRAGMA max_page_count = 100000")
    add_document(store, "Room again")


def test_threads_that_write_at_once_lose_nothing(
    store: Store, document: Document, new_line: Callable[[str], NewLine]
) -> None:
    errors: list[BaseException] = []

    def work(number: int) -> None:
        try:
            image = b"image of %d" % number
            page = add_page(store, document.id, f"{number}.jpg", image, "jpg", 9, 9)
            (line_id,) = replace_lines(store, page.id, [NewLine(((0, 1), (9, 1)), (), 12.0)], None)
            parent = None
            for step in range(10):
                author = f"thread {number}"
                saved = correct_line(store, line_id, f"text {step}", "corrected", author, parent)
                parent = saved.id
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    summaries = pages_of(store, document.id)
    assert [one.page.position for one in summaries] == list(range(1, 9))
    line_ids = [row[0] for row in store.db.execute("SELECT id FROM line")]
    assert [len(revisions_of(store, line_id)) for line_id in line_ids] == [10] * 8


def test_processes_that_write_at_once_lose_nothing(store: Store, page: Page) -> None:
    line_ids = replace_lines(store, page.id, [NewLine(((0, 1), (9, 1)), (), 1.0)] * 3, None)
    code = """
import sys
from storage import correct_line, open_store
with open_store(sys.argv[1]) as store:
    parent = None
    for step in range(40):
        text = f"text {step}"
        parent = correct_line(store, int(sys.argv[2]), text, "corrected", "child", parent).id
"""
    command = [sys.executable, "-W", "error", "-c", code, str(store.data_dir)]
    started = [subprocess.Popen([*command, str(line_id)], cwd=REPOSITORY) for line_id in line_ids]
    assert [process.wait(60) for process in started] == [0, 0, 0]
    assert [line_text(store, line_id).text for line_id in line_ids] == ["text 39"] * 3
    assert [len(revisions_of(store, line_id)) for line_id in line_ids] == [40] * 3


def test_only_one_of_two_people_who_save_at_once_wins(store: Store, lines: list[int]) -> None:
    results: list[object] = []
    barrier = threading.Barrier(2)

    def save(author: str) -> None:
        barrier.wait()
        try:
            results.append(correct_line(store, lines[0], author, "corrected", author, None))
        except StorageError as error:
            results.append(error)

    threads = [threading.Thread(target=save, args=(name,)) for name in ("Ada", "Bob")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kinds = sorted(type(result).__name__ for result in results)
    assert kinds == ["Revision", "RevisionConflict"]
    assert len(revisions_of(store, lines[0])) == 1


def test_reader_is_not_held_up_by_a_writer(store: Store, document: Document) -> None:
    with closing(connect(store.database_path)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("UPDATE document SET title = 'Being changed'")
        assert [one.document.title for one in documents(store)] == ["Letters"]
        other.execute("ROLLBACK")
