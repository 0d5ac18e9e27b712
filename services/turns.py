"""Whose turn it is at the model: a person who waits for a line goes before a queue of pages."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    """Lets one caller at a time work with the model; `urgent` ones do not wait for whole pages."""

    def __init__(self) -> None:
        """Nobody is at work."""
        self._changed = threading.Condition()
        self._busy = False
        self._urgent = 0

    @contextmanager
    def urgent(self) -> Iterator[None]:
        """Work with the model as soon as it is free, before all who work patiently."""
        with self._changed:
            self._urgent += 1
            self._changed.wait_for(lambda: not self._busy)
            self._urgent -= 1
            self._busy = True
        try:
            yield
        finally:
            self._free()

    @contextmanager
    def patient(self) -> Iterator[None]:
        """Work with the model when nobody else wants it; call `give_way` now and then."""
        self._take_patiently()
        try:
            yield
        finally:
            self._free()

    def give_way(self) -> None:
        """Let those who are urgent go first; to be called between two steps of patient work."""
        if self._urgent:
            self._free()
            self._take_patiently()

    def _take_patiently(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: not self._busy and not self._urgent)
            self._busy = True

    def _free(self) -> None:
        with self._changed:
            self._busy = False
            self._changed.notify_all()
