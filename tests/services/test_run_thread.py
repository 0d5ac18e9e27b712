"""Threads that do the runs of a kind: in order, once each, whatever one of them raises."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import storage
from services.run_thread import RunKind, RunThread, StandingRunThread, Stopped

LIMIT_S = 20.0
KIND = RunKind(
    kind="carve",
    name=lambda run: f"carving {run.id}",
    log=logging.getLogger("htr.carve"),
    told=(KeyError,),
    no_memory="Carve less.",
    failed="The log says why.",
)
Make = Callable[..., RunThread]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[storage.Store]:
    with storage.open_store(tmp_path / "data") as opened:
        yield opened


@pytest.fixture(params=[RunThread, StandingRunThread])
def make(request: pytest.FixtureRequest, store: storage.Store) -> Iterator[Make]:
    made: list[RunThread] = []

    def make(do: Callable[[storage.Run], None]) -> RunThread:
        made.append(request.param(store, KIND, do))
        return made[-1]

    yield make
    for thread in made:
        thread.stop(LIMIT_S)


def queue(store: storage.Store, count: int = 1) -> list[int]:
    return [storage.add_run(store, "carve").id for _ in range(count)]


def finishing(store: storage.Store) -> Callable[[storage.Run], None]:
    def do(run: storage.Run) -> None:
        storage.finish_run(store, run.id)

    return do


def wait_for(condition: Callable[[], bool]) -> None:
    limit_s = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < limit_s
        time.sleep(0.005)


def state(store: storage.Store, run_id: int) -> tuple[str, str]:
    run = storage.run(store, run_id)
    return run.state, run.message


def test_runs_are_done_in_their_order_and_once_each(store: storage.Store, make: Make) -> None:
    done: list[int] = []

    def do(run: storage.Run) -> None:
        done.append(run.id)
        storage.finish_run(store, run.id)

    waiting = queue(store, 3)
    other = storage.add_run(store, "paint").id
    thread = make(do)
    thread.start()
    wait_for(lambda: len(done) == 3)
    more = queue(store, 2)
    thread.wake()
    wait_for(lambda: state(store, more[-1])[0] == "done")
    assert done == waiting + more
    assert state(store, other)[0] == "waiting"


def test_run_that_was_interrupted_is_taken_up_at_the_start(
    store: storage.Store, make: Make
) -> None:
    (interrupted,) = queue(store)
    assert storage.take_next_run(store, "carve") is not None
    make(finishing(store)).start()
    wait_for(lambda: state(store, interrupted)[0] == "done")


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (KeyError("a sentence"), "'a sentence'"),
        (MemoryError(), "Carve less."),
        (ZeroDivisionError("never told"), "The log says why."),
    ],
)
def test_error_fails_its_run_and_the_next_is_done(
    store: storage.Store, make: Make, error: Exception, message: str
) -> None:
    bad, good = queue(store, 2)

    def do(run: storage.Run) -> None:
        if run.id == bad:
            raise error
        storage.finish_run(store, run.id)

    make(do).start()
    wait_for(lambda: state(store, good)[0] == "done")
    assert state(store, bad) == ("failed", message)


def test_cancelled_run_learns_it_by_its_report_and_stays_cancelled(
    store: storage.Store, make: Make
) -> None:
    first, second = queue(store, 2)
    seen: list[str] = []

    def do(run: storage.Run) -> None:
        if run.id == first:
            storage.cancel_run(store, first)
            try:
                thread.report(first, 0.5, "half")
            except Stopped:
                seen.append("stopped")
                raise
        storage.finish_run(store, run.id)

    thread = make(do)
    thread.start()
    wait_for(lambda: state(store, second)[0] == "done")
    assert seen == ["stopped"]
    assert state(store, first)[0] == "cancelled"


def test_stop_waits_for_the_run_in_hand_which_waits_for_the_next_start(
    store: storage.Store, make: Make
) -> None:
    first, second = queue(store, 2)
    begun, asked = threading.Event(), threading.Event()

    def do(run: storage.Run) -> None:
        begun.set()
        asked.wait(LIMIT_S)
        thread.report(run.id, 0.5, "half")

    thread = make(do)
    thread.start()
    assert begun.wait(LIMIT_S)
    stopping = threading.Thread(target=thread.stop, args=(LIMIT_S,))
    stopping.start()
    wait_for(thread._stop.is_set)
    asked.set()
    stopping.join(LIMIT_S)
    assert not thread.at_work
    assert (state(store, first)[0], state(store, second)[0]) == ("running", "waiting")
    thread.wake()
    assert not thread.at_work


def test_thread_is_there_while_there_is_work(store: storage.Store) -> None:
    thread = RunThread(store, KIND, finishing(store))
    thread.start()
    assert not thread.at_work
    for _ in range(20):  # a thread that is about to end may not leave one behind
        (waiting,) = queue(store)
        thread.wake()
        wait_for(lambda: state(store, waiting)[0] == "done")  # noqa: B023
    wait_for(lambda: not thread.at_work)


def test_standing_thread_finds_what_nobody_told_it_of_and_idles_meanwhile(
    store: storage.Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.run_thread.IDLE_S", 0.01)
    idled = threading.Event()
    thread = StandingRunThread(store, KIND, finishing(store), idled.set)
    thread.start()
    assert idled.wait(LIMIT_S)
    (waiting,) = queue(store)
    wait_for(lambda: state(store, waiting)[0] == "done")
    assert thread.at_work
    thread.stop(LIMIT_S)
    assert not thread.at_work
