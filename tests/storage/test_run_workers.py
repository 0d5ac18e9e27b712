"""Trainings in the database: one at a time, known by their process, stopped, taken up again."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from storage import (
    GO_ON,
    GONE,
    STOP,
    NotFound,
    Run,
    RunConflict,
    StorageError,
    Store,
    add_run,
    add_run_event,
    ask_to_stop,
    begin_run,
    cancel_run,
    continue_run,
    fail_run,
    fail_unattended_run,
    finish_run,
    name_snapshot,
    run,
    run_events,
    sign_of_life,
    write,
)

PID = 4711


@pytest.fixture
def training(store: Store) -> Run:
    return add_run(store, "train", settings={"minutes": 5})


def test_one_training_at_a_time(store: Store, training: Run) -> None:
    with pytest.raises(RunConflict, match=f"under way already .run {training.id}.") as refused:
        add_run(store, "train")
    assert refused.value.active == training
    begin_run(store, training.id, PID)
    with pytest.raises(RunConflict):
        add_run(store, "train")
    finish_run(store, training.id)
    assert add_run(store, "train").id != training.id


def test_two_starts_at_once_give_one_training(store: Store) -> None:
    started: list[Run] = []
    refused: list[RunConflict] = []
    gate = threading.Barrier(6)

    def start() -> None:
        gate.wait()
        try:
            started.append(add_run(store, "train"))
        except RunConflict as conflict:
            refused.append(conflict)

    threads = [threading.Thread(target=start) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(started), len(refused)) == (1, 5)
    assert {conflict.active.id for conflict in refused} == {started[0].id}


def test_database_itself_refuses_a_second_training(store: Store, training: Run) -> None:
    with pytest.raises(StorageError, match="UNIQUE constraint failed"), write(store) as db:
        db.execute(
            "INSERT INTO run (kind, state, settings, created) VALUES ('train', 'running', '{}', '')"
        )


def test_one_process_gets_the_run(store: Store, training: Run) -> None:
    taken = begin_run(store, training.id, PID)
    assert taken is not None
    assert (taken.state, taken.worker_pid, taken.attempts) == ("running", PID, 1)
    assert begin_run(store, training.id, PID + 1) is None
    with pytest.raises(NotFound, match="There is no run 99"):
        begin_run(store, 99, PID)


def test_sign_of_life_is_answered_with_what_to_do(store: Store, training: Run) -> None:
    assert sign_of_life(store, training.id, PID) == GONE  # it only waits
    begun = begin_run(store, training.id, PID)
    assert begun is not None and begun.heartbeat is not None
    assert sign_of_life(store, training.id, PID) == GO_ON
    beat = run(store, training.id).heartbeat
    assert beat is not None and beat > begun.heartbeat
    assert sign_of_life(store, training.id, PID + 1) == GONE
    assert run(store, training.id).heartbeat == beat
    assert ask_to_stop(store, training.id).stopping
    assert sign_of_life(store, training.id, PID) == STOP
    fail_run(store, training.id, "x")
    assert sign_of_life(store, training.id, PID) == GONE


def test_stopping_a_training_that_only_waits_cancels_it(store: Store, training: Run) -> None:
    assert ask_to_stop(store, training.id).state == "cancelled"
    assert not ask_to_stop(store, training.id).stopping


def test_stop_is_forgotten_when_the_run_goes_on(store: Store, training: Run) -> None:
    begin_run(store, training.id, PID)
    ask_to_stop(store, training.id)
    fail_run(store, training.id, "no memory")
    again = continue_run(store, training.id)
    assert (again.state, again.stopping, again.worker_pid) == ("waiting", False, None)
    assert (again.message, again.finished, again.settings) == ("", None, {"minutes": 5})
    taken = begin_run(store, training.id, PID + 1)
    assert taken is not None and taken.attempts == 2
    assert sign_of_life(store, training.id, PID) == GONE  # the first process came back to life
    assert sign_of_life(store, training.id, PID + 1) == GO_ON


def test_only_an_interrupted_run_goes_on(store: Store, training: Run) -> None:
    with pytest.raises(StorageError, match=f"Run {training.id} is under way already"):
        continue_run(store, training.id)
    cancel_run(store, training.id, "Shut down.")
    assert run(store, training.id).message == "Shut down."
    other = add_run(store, "train")
    with pytest.raises(RunConflict):
        continue_run(store, training.id)
    begin_run(store, other.id, PID)
    finish_run(store, other.id)
    with pytest.raises(StorageError, match="has come to its end"):
        continue_run(store, other.id)
    assert continue_run(store, training.id).state == "waiting"


def test_death_of_one_process_does_not_end_the_run_of_the_next(store: Store, training: Run) -> None:
    begin_run(store, training.id, PID)
    assert fail_unattended_run(store, training.id, PID + 1, "dead").state == "running"
    failed = fail_unattended_run(store, training.id, PID, "dead")
    assert (failed.state, failed.message) == ("failed", "dead")
    waiting = continue_run(store, training.id)
    assert fail_unattended_run(store, waiting.id, PID, "dead").state == "waiting"
    assert fail_unattended_run(store, waiting.id, None, "never begun").state == "failed"


def test_events_are_told_in_order_from_where_the_asker_stands(store: Store, training: Run) -> None:
    first = add_run_event(store, training.id, {"phase": "learning", "loss": 2.5, "samples": []})
    second = add_run_event(store, training.id, {"phase": "learning", "loss": 1.5})
    events = run_events(store, training.id)
    assert [(one.id, one.run_id, one.event["loss"]) for one in events] == [
        (first, training.id, 2.5),
        (second, training.id, 1.5),
    ]
    assert [one.id for one in run_events(store, training.id, after_id=first)] == [second]
    assert run_events(store, training.id, after_id=second) == []
    assert run_events(store, training.id + 1) == []


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}])
def test_event_that_json_cannot_say_is_refused(store: Store, training: Run, value: object) -> None:
    with pytest.raises(StorageError, match=f"The event of run {training.id} cannot be stored"):
        add_run_event(store, training.id, {"loss": value})
    assert run_events(store, training.id) == []


def test_event_of_no_run_is_refused(store: Store) -> None:
    with pytest.raises(StorageError, match="FOREIGN KEY constraint failed"):
        add_run_event(store, 77, {"phase": "learning"})


def test_snapshot_is_named_on_the_run(store: Store, training: Run) -> None:
    name_snapshot(store, training.id, "ab" * 32)
    assert run(store, training.id).snapshot == "ab" * 32


def test_run_of_another_kind_is_no_training(store: Store, make_runs: Callable[[], None]) -> None:
    make_runs()
    assert add_run(store, "train").state == "waiting"


@pytest.fixture
def make_runs(store: Store) -> Callable[[], None]:
    def make() -> None:
        add_run(store, "export")
        add_run(store, "export")

    return make
