"""Runs: taken once, cancelled at once, taken up again after a crash."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from storage import (
    Document,
    NewLine,
    NotFound,
    Page,
    Run,
    StorageError,
    Store,
    add_page,
    add_run,
    cancel_run,
    fail_run,
    finish_run,
    page,
    queue_reading,
    remove_document,
    remove_page,
    replace_lines,
    report_progress,
    requeue_interrupted,
    restore_document,
    restore_page,
    run,
    runs,
    take_next_run,
    write,
)

REPOSITORY = Path(__file__).resolve().parents[2]


def take(store: Store, kind: str = "read") -> Run:
    taken = take_next_run(store, kind)
    assert taken is not None
    return taken


def state_of(store: Store, page_id: int) -> tuple[str, str]:
    found = page(store, page_id)
    return found.state, found.message


def test_run_goes_from_waiting_to_done(store: Store, document: Document) -> None:
    made = add_run(store, "train", document_id=document.id, settings={"epochs": 3}, snapshot="s1")
    assert (made.state, made.settings, made.snapshot) == ("waiting", {"epochs": 3}, "s1")
    assert (made.progress, made.attempts, made.started, made.result) == (0.0, 0, None, None)
    taken = take(store, "train")
    assert (taken.id, taken.state, taken.attempts) == (made.id, "running", 1)
    assert taken.started is not None and taken.heartbeat == taken.started
    assert report_progress(store, made.id, 0.5, "fitting", "epoch 2 of 3")
    halfway = run(store, made.id)
    assert (halfway.progress, halfway.phase, halfway.message) == (0.5, "fitting", "epoch 2 of 3")
    assert halfway.heartbeat is not None and halfway.heartbeat > taken.heartbeat
    done = finish_run(store, made.id, {"cer": 0.09})
    assert (done.state, done.progress, done.result) == ("done", 1.0, {"cer": 0.09})
    assert done.finished is not None and done.finished > taken.started
    assert take_next_run(store, "train") is None


def test_oldest_run_of_the_kind_is_taken_first(store: Store) -> None:
    first, second, other = (add_run(store, kind) for kind in ("a", "a", "b"))
    assert [take(store, "a").id, take(store, "b").id, take(store, "a").id] == [
        first.id,
        other.id,
        second.id,
    ]


def test_page_follows_its_reading(store: Store, page: Page) -> None:
    queued = queue_reading(store, page.id, {"method": "auto"})
    assert (queued.kind, queued.document_id) == ("read", page.document_id)
    assert queued.settings == {"method": "auto"}
    assert state_of(store, page.id) == ("waiting", "")
    take(store)
    assert state_of(store, page.id) == ("reading", "")
    finish_run(store, queued.id, {"lines": 0})
    assert state_of(store, page.id) == ("ready", "")


def test_failed_reading_is_shown_on_the_page_until_the_next_try(store: Store, page: Page) -> None:
    queue_reading(store, page.id)
    failed = fail_run(store, take(store).id, "Page 1 is too wide.\nScan it again.")
    assert (failed.state, failed.message) == ("failed", "Page 1 is too wide.\nScan it again.")
    assert state_of(store, page.id) == ("failed", "Page 1 is too wide.\nScan it again.")
    queue_reading(store, page.id)
    assert state_of(store, page.id) == ("waiting", "")


def test_page_waits_once(store: Store, page: Page) -> None:
    first = queue_reading(store, page.id)
    assert queue_reading(store, page.id) == first
    with pytest.raises(StorageError, match="UNIQUE constraint failed"):
        add_run(store, "read", page.id)
    take(store)
    second = queue_reading(store, page.id)
    assert second.id != first.id
    finish_run(store, first.id)
    assert state_of(store, page.id) == ("waiting", "")
    with pytest.raises(NotFound, match="There is no page 88"):
        queue_reading(store, 88)


def test_cancelled_run_is_not_taken_and_its_worker_is_told(store: Store, page: Page) -> None:
    queued = queue_reading(store, page.id)
    take(store)
    assert report_progress(store, queued.id, 0.1)
    assert cancel_run(store, queued.id).state == "cancelled"
    assert not report_progress(store, queued.id, 0.2)
    assert finish_run(store, queued.id).state == "cancelled"
    assert fail_run(store, queued.id, "x").state == "cancelled"
    assert state_of(store, page.id) == ("failed", "The reading was cancelled.")
    waiting = queue_reading(store, page.id)
    cancel_run(store, waiting.id)
    assert take_next_run(store, "read") is None


def test_page_with_lines_stays_ready_when_a_new_reading_is_cancelled(
    store: Store, page: Page, lines: list[int]
) -> None:
    cancel_run(store, queue_reading(store, page.id).id)
    assert state_of(store, page.id) == ("ready", "")


def test_finished_run_cannot_be_cancelled(store: Store) -> None:
    made = add_run(store, "train")
    take(store, "train")
    finish_run(store, made.id)
    assert cancel_run(store, made.id).state == "done"
    with pytest.raises(NotFound, match="There is no run 31"):
        cancel_run(store, 31)


def test_removed_pages_and_documents_are_read_when_they_come_back(store: Store, page: Page) -> None:
    queue_reading(store, page.id)
    remove_page(store, page.id)
    assert take_next_run(store, "read") is None
    restore_page(store, page.id)
    remove_document(store, page.document_id)
    assert take_next_run(store, "read") is None
    restore_document(store, page.document_id)
    assert take(store).page_id == page.id


def test_interrupted_reading_waits_again(store: Store, page: Page) -> None:
    queued = queue_reading(store, page.id)
    take(store)
    assert [(one.id, one.state) for one in requeue_interrupted(store, "read")] == [
        (queued.id, "waiting")
    ]
    assert state_of(store, page.id) == ("waiting", "")
    again = take(store)
    assert (again.id, again.attempts) == (queued.id, 2)
    assert requeue_interrupted(store, "train") == []


def test_page_that_kills_the_program_is_given_up(store: Store, page: Page) -> None:
    queue_reading(store, page.id)
    for _ in range(3):
        take(store)
        (last,) = requeue_interrupted(store, "read")
    assert last.state == "failed" and "interrupted 3 times" in last.message
    assert state_of(store, page.id)[0] == "failed"
    assert requeue_interrupted(store, "read") == []


def test_interrupted_reading_gives_way_to_a_newer_one(store: Store, page: Page) -> None:
    first = queue_reading(store, page.id)
    take(store)
    second = queue_reading(store, page.id)
    requeue_interrupted(store, "read")
    assert run(store, first.id).state == "cancelled"
    assert state_of(store, page.id) == ("waiting", "")
    assert take(store).id == second.id


def test_page_stored_just_before_a_crash_is_queued(
    store: Store, page: Page, document: Document, lines: list[int]
) -> None:
    forgotten = add_page(store, document.id, "b", b"b", "png", 1, 1)
    (queued,) = requeue_interrupted(store, "read")
    assert (queued.page_id, queued.state) == (forgotten.id, "waiting")
    assert requeue_interrupted(store, "read") == []


def test_run_that_still_gives_signs_of_life_is_left_alone(
    store: Store, clock: Callable[[], object]
) -> None:
    made = add_run(store, "train")
    take(store, "train")
    assert requeue_interrupted(store, "train", silent_s=60) == []
    clock.moment += timedelta(seconds=120)  # type: ignore[attr-defined]
    assert [one.id for one in requeue_interrupted(store, "train", silent_s=60)] == [made.id]


def test_runs_are_listed_newest_first_by_choice(store: Store, document: Document) -> None:
    first = add_run(store, "a", document_id=document.id)
    second = add_run(store, "b")
    third = add_run(store, "a")
    cancel_run(store, third.id)

    def numbers(found: list[Run]) -> list[int]:
        return [one.id for one in found]

    assert numbers(runs(store)) == [third.id, second.id, first.id]
    assert numbers(runs(store, kind="a")) == [third.id, first.id]
    assert numbers(runs(store, states=["waiting", "running"])) == [second.id, first.id]
    assert numbers(runs(store, states=[])) == []
    assert numbers(runs(store, document_id=document.id)) == [first.id]


def test_broken_progress_does_not_stop_a_run(store: Store) -> None:
    made = add_run(store, "train")
    take(store, "train")
    for given, stored in ((7.0, 1.0), (-1.0, 0.0), (float("nan"), 0.0)):
        report_progress(store, made.id, given)
        assert run(store, made.id).progress == stored


def test_threads_never_take_the_same_run(store: Store) -> None:
    for _ in range(30):
        add_run(store, "read")
    taken: list[int] = []

    def work() -> None:
        while (found := take_next_run(store, "read")) is not None:
            taken.append(found.id)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == list(range(1, 31))


def test_processes_never_take_the_same_run(store: Store) -> None:
    for _ in range(40):
        add_run(store, "read")
    code = """
import sys
from storage import open_store, take_next_run
with open_store(sys.argv[1]) as store:
    while (found := take_next_run(store, "read")) is not None:
        print(found.id)
"""
    command = [sys.executable, "-W", "error", "-c", code, str(store.data_dir)]
    started = [
        subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    printed = [process.communicate(timeout=60)[0] for process in started]
    assert [process.returncode for process in started] == [0, 0]
    assert sorted(int(line) for line in "".join(printed).split()) == list(range(1, 41))


def test_lines_and_the_end_of_their_run_can_be_one_transaction(store: Store, page: Page) -> None:
    queued = queue_reading(store, page.id)
    take(store)
    with pytest.raises(ZeroDivisionError), write(store):
        replace_lines(store, page.id, [NewLine(((0, 0), (1, 0)), (), 1)], None)
        finish_run(store, queued.id)
        raise ZeroDivisionError
    assert run(store, queued.id).state == "running"
    assert state_of(store, page.id) == ("reading", "")
