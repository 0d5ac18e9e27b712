"""A training process seen from outside: alive, dead, asleep, or the number of another program."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

import storage
from services.worker_process import (
    MISSED_S,
    SILENT_S,
    START_S,
    UNTOLD,
    end_words,
    is_dead,
    is_worker,
    start_worker,
    worker_environment,
)
from training import worker


@pytest.fixture
def store(tmp_path: Path) -> Iterator[storage.Store]:
    with storage.open_store(tmp_path / "data") as opened:
        yield opened


@pytest.fixture
def look_alike() -> Iterator[subprocess.Popen[bytes]]:
    """A process that the list of processes shows as a training."""
    code = "import sys, time; sys.stdout.write('up'); sys.stdout.flush(); time.sleep(60)"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "training.worker"], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.read(2)
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def ended_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def run_of(store: storage.Store, pid: int) -> tuple[storage.Run, datetime]:
    run = storage.begin_run(store, storage.add_run(store, "train").id, pid)
    assert run is not None and run.heartbeat is not None
    return run, run.heartbeat


def test_process_that_ended_is_dead_after_some_missed_signs(store: storage.Store) -> None:
    run, beat = run_of(store, ended_pid())
    assert not is_dead(run, beat + timedelta(seconds=MISSED_S - 1))
    assert is_dead(run, beat + timedelta(seconds=MISSED_S + 1))


def test_process_that_is_there_may_be_silent_for_a_while(
    store: storage.Store, look_alike: subprocess.Popen[bytes]
) -> None:
    run, beat = run_of(store, look_alike.pid)
    assert not is_dead(run, beat + timedelta(seconds=SILENT_S - 1))
    assert is_dead(run, beat + timedelta(seconds=SILENT_S + 1))


def test_number_that_another_program_got_is_no_training(store: storage.Store) -> None:
    assert not is_worker(os.getpid())
    run, beat = run_of(store, os.getpid())
    assert is_dead(run, beat + timedelta(seconds=MISSED_S + 1))


def test_killed_process_that_nobody_buried_is_no_training(
    look_alike: subprocess.Popen[bytes],
) -> None:
    assert is_worker(look_alike.pid)
    look_alike.kill()
    os.waitid(os.P_PID, look_alike.pid, os.WEXITED | os.WNOWAIT)  # it ended, and is still listed
    assert not is_worker(look_alike.pid)


def test_run_without_a_process_is_dead_after_a_minute(store: storage.Store) -> None:
    run = storage.add_run(store, "train")
    assert not is_dead(run, run.created + timedelta(seconds=START_S - 1))
    assert is_dead(run, run.created + timedelta(seconds=START_S + 1))


def test_end_of_a_process_in_words() -> None:
    assert end_words(None) == end_words(0) == ""
    assert "run out of memory" in end_words(-signal.SIGKILL)
    assert end_words(-signal.SIGSEGV) == "it was ended by signal 11"
    assert "perhaps the disk is full" in end_words(UNTOLD)
    assert UNTOLD == worker.UNTOLD
    assert end_words(1) == "it ended with status 1"


def test_process_gets_its_threads_and_waits_without_spinning() -> None:
    environment = worker_environment(3)
    assert environment["OMP_NUM_THREADS"] == "3"
    assert environment["OMP_WAIT_POLICY"] == "PASSIVE"


def test_process_prints_into_the_log_of_its_run(tmp_path: Path) -> None:
    log = tmp_path / "runs" / "1" / "worker.log"
    process = start_worker(["--help"], log, 1)
    assert process.wait(60) == 0
    assert "training process" in log.read_text()


def test_process_has_a_session_of_its_own(tmp_path: Path) -> None:
    process = start_worker(["--help"], tmp_path / "log", 1)
    try:
        assert os.getsid(process.pid) == process.pid
    finally:
        process.wait(60)
