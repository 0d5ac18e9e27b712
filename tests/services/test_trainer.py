"""Teaching from the app's side: started once, followed, found again, buried, decided upon."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import storage
from services.settings import Settings
from services.trainer import Trainer
from services.worker_process import is_worker
from tests.training.desk_data import SMALL, add_model, make_desk, that_reads
from tests.training.line_sets import tiny_trainable
from training.errors import TrainingError
from training.run_folder import run_folder

LIMIT_S = 600  # a busy computer lets a process of low priority wait


class FakeWorkers:
    """Stands in for starting processes: starts short-lived ones and notes what was asked."""

    def __init__(self) -> None:
        self.arguments: list[list[str]] = []
        self.code = "import time; time.sleep(60)"
        self.started: list[subprocess.Popen[bytes]] = []

    def __call__(self, arguments: list[str], log: Path, threads: int) -> subprocess.Popen[bytes]:
        self.arguments.append(arguments)
        process = subprocess.Popen([sys.executable, "-c", self.code, "training.worker"])
        self.started.append(process)
        return process

    def stop(self) -> None:
        for process in self.started:
            process.kill()
            process.wait()


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeWorkers]:
    fake = FakeWorkers()
    monkeypatch.setattr("services.trainer.start_worker", fake)
    yield fake
    fake.stop()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[storage.Store]:
    with make_desk(tmp_path / "data", model=that_reads("")) as opened:
        yield opened


def trainer_of(store: storage.Store, changed: Callable[[], None] = lambda: None) -> Trainer:
    settings = Settings(store.data_dir, device="cpu", training_threads=1)
    return Trainer(settings, store, changed)


def finished(store: storage.Store, result: dict[str, Any]) -> int:
    run = storage.add_run(store, "train")
    storage.begin_run(store, run.id, 1)
    storage.finish_run(store, run.id, result)
    return run.id


def wait_for(trainer: Trainer, done: Callable[[storage.Run | None], bool]) -> storage.Run:
    """Return the run once it is as wanted; looking at it is what notices its end.

    The process of a run that has come to its end has ended too, and has been buried: one that
    nobody asks for its status once it is gone would be warned of, as if it was still running.
    """
    limit_s = time.monotonic() + LIMIT_S
    while time.monotonic() < limit_s:
        state = trainer.state()
        run = state.active or state.ended
        at_work = run and not state.active and run.worker_pid and is_worker(run.worker_pid)
        unburied = [one for one in trainer._workers.values() if one.poll() is None]
        if done(run) and not at_work and (state.active or not unburied):
            assert run is not None
            return run
        time.sleep(0.1)
    raise AssertionError(f"still {run}")


def test_start_names_run_folder_device_and_threads(
    store: storage.Store, workers: FakeWorkers
) -> None:
    run = trainer_of(store).start({"minutes": 5, "document_ids": [1], "tcm": True})
    assert workers.arguments == [
        [str(run.id), "--data-dir", str(store.data_dir), "--device", "cpu", "--threads", "1"]
    ]
    assert run.state == "waiting"
    assert run.settings["base_model_id"] == 1  # what is set as current later does not matter
    assert (run.settings["minutes"], run.settings["document_ids"]) == (5.0, [1])


def test_two_starts_at_once_give_one_training(store: storage.Store, workers: FakeWorkers) -> None:
    trainer = trainer_of(store)
    conflicts: list[storage.RunConflict] = []
    gate = threading.Barrier(4)

    def start() -> None:
        gate.wait()
        try:
            trainer.start()
        except storage.RunConflict as conflict:
            conflicts.append(conflict)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(workers.arguments) == 1
    assert len(conflicts) == 3
    assert "A training is under way already" in str(conflicts[0])


def test_nothing_to_learn_from_is_refused_before_it_starts(
    tmp_path: Path, workers: FakeWorkers
) -> None:
    with make_desk(tmp_path / "empty", pages=0) as store:
        with pytest.raises(TrainingError, match="No line is corrected yet"):
            trainer_of(store).start()
        assert storage.runs(store) == []
    assert workers.arguments == []


def test_disk_without_room_is_refused_before_it_starts(
    store: storage.Store, workers: FakeWorkers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.trainer.free_bytes", lambda folder: 12_000_000)
    with pytest.raises(TrainingError, match="has 12 MB left; teaching needs about"):
        trainer_of(store).start()
    assert (storage.runs(store), workers.arguments) == ([], [])


def test_choice_that_makes_no_sense_is_refused_before_it_starts(
    store: storage.Store, workers: FakeWorkers
) -> None:
    with pytest.raises(TrainingError, match="The time limit is '-1'"):
        trainer_of(store).start({"minutes": -1})
    assert storage.runs(store) == []


def test_process_that_cannot_be_started_is_told_and_leaves_the_way_free(
    store: storage.Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("services.trainer.start_worker", full)
    trainer = trainer_of(store)
    with pytest.raises(TrainingError, match="could not be started: No space left on device"):
        trainer.start()
    state = trainer.state()
    assert state.active is None
    assert state.ended is not None and state.ended.state == "cancelled"


def test_killed_process_is_noticed_with_the_reason_and_can_be_resumed(
    store: storage.Store, workers: FakeWorkers
) -> None:
    trainer = trainer_of(store)
    run = trainer.start()
    storage.begin_run(store, run.id, workers.started[0].pid)
    run_folder(store.data_dir, run.id).path.mkdir(parents=True)
    (run_folder(store.data_dir, run.id).path / "checkpoint.safetensors").write_bytes(b"x")
    assert trainer.state().active is not None
    os.kill(workers.started[0].pid, signal.SIGKILL)
    failed = wait_for(trainer, lambda one: one is not None and one.state == "failed")
    assert "ended unexpectedly (it was killed; perhaps the computer had run out" in failed.message
    assert "go on from its last checkpoint" in failed.message
    assert trainer.can_resume(run.id)
    again = trainer.resume(run.id)
    assert (again.id, again.state) == (run.id, "waiting")
    assert len(workers.arguments) == 2


def test_process_that_ends_before_it_takes_up_its_run_is_noticed(
    store: storage.Store, workers: FakeWorkers
) -> None:
    workers.code = "raise SystemExit(1)"
    trainer = trainer_of(store)
    trainer.start()
    failed = wait_for(trainer, lambda one: one is not None and one.state == "failed")
    assert "(it ended with status 1)" in failed.message
    assert "start it again" in failed.message


def test_restarted_app_finds_the_training_that_went_on(
    store: storage.Store, workers: FakeWorkers
) -> None:
    run = trainer_of(store).start()
    storage.begin_run(store, run.id, workers.started[0].pid)
    event_id = storage.add_run_event(store, run.id, {"phase": "training", "step": 1})
    restarted = trainer_of(store)
    restarted.recover()
    state = restarted.state()
    assert state.active is not None and state.active.id == run.id
    assert [one.event["step"] for one in state.events] == [1]
    assert restarted.state(after_event=event_id).events == ()
    assert len(workers.arguments) == 1


def test_steps_that_are_done_again_after_a_kill_are_told_once(store: storage.Store) -> None:
    run = storage.add_run(store, "train")
    told = [("snapshot", None), ("training", 1), ("training", 5), ("training", 9)]
    told += [("snapshot", None), ("preparing", 4), ("training", 5), ("choosing", 5)]
    for phase, step in told:
        storage.add_run_event(store, run.id, {"phase": phase, "step": step})
    events = trainer_of(store).state().events
    assert [(one.event["phase"], one.event["step"]) for one in events] == [
        ("snapshot", None),
        ("training", 1),
        ("snapshot", None),
        ("preparing", 4),
        ("training", 5),
        ("choosing", 5),
    ]


def test_restarted_app_begins_what_was_never_begun(
    store: storage.Store, workers: FakeWorkers
) -> None:
    run = storage.add_run(store, "train")
    trainer_of(store).recover()
    assert workers.arguments[0][0] == str(run.id)


def test_restarted_app_buries_what_died_with_the_computer(
    tmp_path: Path, store: storage.Store, workers: FakeWorkers
) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    run = storage.add_run(store, "train")
    storage.begin_run(store, run.id, dead.pid)
    with storage.write(store) as db:
        db.execute("UPDATE run SET heartbeat = '2026-01-01T00:00:00.000000+00:00'")
    trainer = trainer_of(store)
    trainer.recover()
    ended = trainer.state().ended
    assert ended is not None and ended.state == "failed"
    assert "ended unexpectedly. Nothing is lost" in ended.message
    assert trainer.start().id != run.id


def test_run_that_another_app_was_quicker_to_take_up_is_left_to_it(
    store: storage.Store, workers: FakeWorkers
) -> None:
    workers.code = "raise SystemExit(3)"
    trainer = trainer_of(store)
    run = trainer.start()
    workers.code = "import time; time.sleep(60)"
    other = workers([], Path(), 1)
    storage.begin_run(store, run.id, other.pid)
    workers.started[0].wait()
    state = trainer.state()
    assert state.active is not None and state.active.state == "running"


def test_cancel_asks_the_process_and_cancels_what_only_waits(
    store: storage.Store, workers: FakeWorkers
) -> None:
    trainer = trainer_of(store)
    run = trainer.start()
    storage.begin_run(store, run.id, workers.started[0].pid)
    assert trainer.cancel(run.id).stopping
    storage.fail_run(store, run.id, "x")
    waiting = trainer.start()
    assert trainer.cancel(waiting.id).state == "cancelled"
    reading = storage.add_run(store, "read")
    with pytest.raises(storage.NotFound, match="is no training"):
        trainer.cancel(reading.id)


def test_person_puts_an_unproven_model_to_use_and_goes_back(store: storage.Store) -> None:
    changes: list[int] = []
    trainer = trainer_of(store, lambda: changes.append(1))
    made = add_model(store, tiny_trainable(SMALL, seed=4), "made")
    run_id = finished(store, {"verdict": "not proven", "model_id": made.id, "base_model_id": 1})
    assert trainer.promote(run_id).name == "made"
    assert storage.current_model(store) == storage.model(store, made.id)
    assert trainer.go_back(run_id).id == 1
    current = storage.current_model(store)
    assert current is not None and current.id == 1
    assert len(changes) == 2


@pytest.mark.parametrize(
    ("result", "message"),
    [
        ({"verdict": "worse", "model_id": None, "base_model_id": 1}, "reads worse than the one"),
        ({"verdict": "worse", "model_id": 2, "base_model_id": 1}, "reads worse than the one"),
        ({"verdict": "not proven", "model_id": None, "base_model_id": 1}, "made no model"),
        ({}, "made no model"),
    ],
)
def test_worse_or_missing_model_is_not_put_to_use(
    store: storage.Store, result: dict[str, Any], message: str
) -> None:
    add_model(store, tiny_trainable(SMALL, seed=4), "made")
    run_id = finished(store, result)
    with pytest.raises(TrainingError, match=message):
        trainer_of(store).promote(run_id)
    current = storage.current_model(store)
    assert current is not None and current.id == 1


def test_run_that_knows_no_base_cannot_be_gone_back_from(store: storage.Store) -> None:
    with pytest.raises(TrainingError, match="does not say what it started from"):
        trainer_of(store).go_back(finished(store, {}))


def test_report_is_read_or_its_lack_is_told(store: storage.Store) -> None:
    trainer = trainer_of(store)
    run_id = finished(store, {"verdict": "better"})
    with pytest.raises(TrainingError, match=f"Run {run_id} has no report"):
        trainer.report(run_id)
    folder = run_folder(store.data_dir, run_id)
    folder.path.mkdir(parents=True)
    folder.write_report({"version": 1})
    assert trainer.report(run_id) == {"version": 1}
    for damaged in ("{", "[1]", "\udcff"):
        folder.report.write_bytes(damaged.encode("utf-8", "surrogateescape"))
        with pytest.raises(TrainingError, match=f"The report of run {run_id}"):
            trainer.report(run_id)


def test_log_is_shown_from_its_end(store: storage.Store) -> None:
    trainer = trainer_of(store)
    run_id = finished(store, {})
    assert trainer.log_tail(run_id) == ""
    folder = run_folder(store.data_dir, run_id)
    folder.path.mkdir(parents=True)
    folder.log.write_text("x" * 9000 + "the end")
    assert trainer.log_tail(run_id, 10) == "xxxthe end"


@pytest.mark.slow
def test_real_process_is_killed_resumed_and_comes_to_its_end(store: storage.Store) -> None:
    changed: list[int] = []
    trainer = trainer_of(store, lambda: changed.append(1))
    run = trainer.start({"minutes": 0.2})
    running = wait_for(trainer, lambda one: one is not None and one.phase == "training")
    assert running.worker_pid is not None
    os.kill(running.worker_pid, signal.SIGKILL)
    failed = wait_for(trainer, lambda one: one is not None and one.state == "failed")
    assert "it was killed" in failed.message
    trainer.resume(run.id)
    done = wait_for(trainer, lambda one: one is not None and one.state in ("done", "failed"))
    assert (done.state, done.attempts, done.snapshot) == ("done", 2, running.snapshot)
    assert done.result is not None and done.result["lines"] == 6
    assert trainer.report(run.id)["snapshot"]["sha256"] == done.snapshot
    assert "<html" in trainer.report_html(run.id)


@pytest.mark.slow
def test_real_process_ends_in_good_order_when_the_computer_shuts_down(
    store: storage.Store,
) -> None:
    trainer = trainer_of(store)
    trainer.start({"minutes": 1})
    running = wait_for(trainer, lambda one: one is not None and one.phase == "training")
    assert running.worker_pid is not None
    os.kill(running.worker_pid, signal.SIGTERM)
    ended = wait_for(trainer, lambda one: one is not None and one.state != "running")
    assert ended.state == "cancelled" and "was shut down" in ended.message
    assert trainer.can_resume(running.id)


@pytest.mark.slow
def test_real_process_is_stopped_and_what_it_learned_is_tested(store: storage.Store) -> None:
    trainer = trainer_of(store)
    run = trainer.start({"minutes": 5})
    wait_for(trainer, lambda one: one is not None and one.phase == "training")
    trainer.cancel(run.id)
    done = wait_for(trainer, lambda one: one is not None and one.state != "running")
    assert done.state == "done" and done.result is not None
    assert done.result["stopped"] == "cancelled"
    assert done.result["verdict"] in ("better", "not proven", "worse")
