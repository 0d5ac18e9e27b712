"""Whose turn it is at the model."""

from __future__ import annotations

import threading

from services.turns import Turns


def test_urgent_work_goes_between_two_steps_of_patient_work() -> None:
    turns, order, asked = Turns(), [], threading.Event()

    def urgent() -> None:
        asked.set()
        with turns.urgent():
            order.append("urgent")

    with turns.patient():
        order.append("first step")
        thread = threading.Thread(target=urgent)
        thread.start()
        asked.wait()
        while not turns._urgent:
            pass
        turns.give_way()
        order.append("second step")
    thread.join()
    assert order == ["first step", "urgent", "second step"]


def test_one_at_a_time_whoever_asks() -> None:
    turns, at_work, most = Turns(), [], []

    def work(take) -> None:
        for _ in range(50):
            with take():
                at_work.append(1)
                most.append(len(at_work))
                at_work.pop()

    threads = [
        threading.Thread(target=work, args=(take,))
        for take in (turns.urgent, turns.patient, turns.urgent)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert max(most) == 1
    assert len(most) == 150


def test_error_in_the_work_frees_the_model() -> None:
    turns = Turns()
    for take in (turns.urgent, turns.patient):
        try:
            with take():
                raise ValueError
        except ValueError:
            pass
    with turns.urgent():
        pass
