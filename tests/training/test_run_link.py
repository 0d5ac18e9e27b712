"""A training process and its run: what is told, what is answered, what happens when it can't be."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import storage
from training.run_link import SAVE_TRIES, RunEnded, RunLink, Terminated

PID = 4711


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def store(tmp_path: Path) -> Iterator[storage.Store]:
    with storage.open_store(tmp_path / "data") as opened:
        yield opened


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def link(store: storage.Store, clock: Clock) -> RunLink:
    run = storage.add_run(store, "train")
    storage.begin_run(store, run.id, PID)
    return RunLink(store, run.id, PID, clock, pause=lambda _: None)


def told(link: RunLink) -> list[dict]:
    return [one.event for one in storage.run_events(link.store, link.run_id)]


def test_events_are_kept_once_a_second(link: RunLink, clock: Clock) -> None:
    for step in range(5):
        assert link.tell({"phase": "training", "step": step}, 0.1 * step)
        clock.now_s += 0.6
    assert [event["step"] for event in told(link)] == [0, 2, 4]
    run = storage.run(link.store, link.run_id)
    assert (run.phase, run.progress) == ("training", 0.4)


def test_new_phase_and_new_figure_are_kept_at_once(link: RunLink) -> None:
    link.tell({"phase": "preparing"}, 0.0)
    link.tell({"phase": "training", "step": 1, "cer": None}, 0.1)
    link.tell({"phase": "training", "step": 2, "cer": 0.3}, 0.2)
    link.tell({"phase": "training", "step": 3, "cer": None}, 0.3)
    assert [event.get("step") for event in told(link)] == [None, 1, 2]


def test_wish_to_stop_is_the_answer(link: RunLink) -> None:
    assert link.tell({"phase": "a"}, 0.0)
    storage.ask_to_stop(link.store, link.run_id)
    assert not link.tell({"phase": "b"}, 0.0)
    assert link.wants_stop


def test_run_that_was_ended_by_another_is_let_go(link: RunLink) -> None:
    storage.fail_unattended_run(link.store, link.run_id, PID, "thought dead")
    with pytest.raises(RunEnded):
        link.tell({"phase": "a"}, 0.5)
    assert told(link) == []
    with pytest.raises(RunEnded):
        link.check()
    assert storage.run(link.store, link.run_id).message == "thought dead"


def test_computer_that_shuts_down_ends_the_work_at_the_next_step(link: RunLink) -> None:
    link.terminated = True
    with pytest.raises(Terminated):
        link.tell({"phase": "a"}, 0.5)


def test_signs_of_life_come_while_the_work_is_silent(
    link: RunLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.run_link.HEARTBEAT_S", 0.01)
    first = storage.run(link.store, link.run_id).heartbeat
    storage.ask_to_stop(link.store, link.run_id)
    link.start()
    limit_s = time.monotonic() + 10
    while not link.wants_stop and time.monotonic() < limit_s:
        time.sleep(0.01)
    link.close()
    assert link.wants_stop
    beat = storage.run(link.store, link.run_id).heartbeat
    assert first is not None and beat is not None and beat > first


def test_progress_that_cannot_be_stored_does_not_stop_the_work(
    link: RunLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise storage.StorageError("The disk is full.")

    monkeypatch.setattr(storage, "add_run_event", full)
    assert link.tell({"phase": "a"}, 0.5)
    assert told(link) == []


def test_what_must_not_be_lost_is_tried_again(link: RunLink) -> None:
    tries: list[int] = []

    def write() -> None:
        tries.append(len(tries))
        if len(tries) < 3:
            raise storage.StorageError("The disk is full.")

    link.save(write)
    assert len(tries) == 3


def test_what_can_never_be_stored_is_given_up(link: RunLink) -> None:
    tries: list[int] = []

    def write() -> None:
        tries.append(1)
        raise storage.StorageError("The disk is full.")

    with pytest.raises(storage.StorageError, match="The disk is full"):
        link.save(write)
    assert len(tries) == SAVE_TRIES
