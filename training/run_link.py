"""The line between a training process and its run in the database: signs of life, events, orders.

The process tells nobody but the database, so that it needs no app to be running, and any app that
opens the data folder finds it again.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import storage

LOG = logging.getLogger("htr.training")
HEARTBEAT_S = 2.0  # the app calls a process dead after some missed beats
EVENT_S = 1.0  # no faster: each event is a write that waits for the disk
SAVE_TRIES = 6  # for what must not be lost: how the run ended
SAVE_PAUSE_S = 5.0  # between them; in the meantime somebody may make room on the disk


class RunEnded(Exception):
    """The run is no longer this process's: it was ended, or another process works on it."""


class Terminated(Exception):
    """The computer asked this process to end."""


class RunLink:
    """What one process says about one run, and what it is told.

    terminated: set by the handler of SIGTERM; the next `check` ends the work.
    """

    def __init__(
        self,
        store: storage.Store,
        run_id: int,
        worker_pid: int,
        clock_s: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """Speak for the run; `start` begins to give signs of life."""
        self.store = store
        self.run_id = run_id
        self.terminated = False
        self._pid = worker_pid
        self._clock_s = clock_s
        self._pause = pause
        self._order = storage.GO_ON
        self._quiet = threading.Event()
        self._thread: threading.Thread | None = None
        self._last_event: tuple[str, float] = ("", float("-inf"))

    def start(self) -> None:
        """Give a sign of life every HEARTBEAT_S from a thread of its own, however busy the rest."""
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Give no further sign of life."""
        self._quiet.set()
        if self._thread:
            self._thread.join(HEARTBEAT_S)

    @property
    def wants_stop(self) -> bool:
        """Whether a person asked for an early, orderly end."""
        return self._order == storage.STOP

    def check(self) -> None:
        """Return nothing; to be called between any two steps of work.

        Raises RunEnded or Terminated where the work is to be dropped at once.
        """
        if self._order == storage.GONE:
            raise RunEnded(f"Run {self.run_id} is not this process's any more.")
        if self.terminated:
            raise Terminated(f"Run {self.run_id} was asked to end by the computer.")

    def tell(self, event: Mapping[str, Any], progress: float) -> bool:
        """Return whether to go on; False: come to an early end. Keeps the event, progress 0-1.

        Events that follow the last one of the same phase too soon are not kept, unless they have
        something to show: a CER. One that cannot be written is logged, and the work goes on.

        Raises RunEnded or Terminated, see `check`.
        """
        self.check()
        phase, now_s = str(event["phase"]), self._clock_s()
        last_phase, last_s = self._last_event
        if phase != last_phase or event.get("cer") is not None or now_s - last_s >= EVENT_S:
            self._last_event = (phase, now_s)
            try:
                self._order = storage.sign_of_life(self.store, self.run_id, self._pid)
                self.check()
                storage.report_progress(self.store, self.run_id, progress, phase)
                storage.add_run_event(self.store, self.run_id, event)
            except storage.StorageError as error:
                LOG.warning("progress of run %d was not stored: %s", self.run_id, error)
        return not self.wants_stop

    def save(self, write: Callable[[], object]) -> None:
        """Write what must not be lost, several times if need be.

        Raises StorageError where it still cannot be written.
        """
        for left in reversed(range(SAVE_TRIES)):
            try:
                write()
                return
            except storage.StorageError as error:
                if not left:
                    raise
                LOG.warning("run %d: %s Trying again.", self.run_id, error)
                self._pause(SAVE_PAUSE_S)

    def _beat(self) -> None:
        while not self._quiet.wait(HEARTBEAT_S):
            try:
                self._order = storage.sign_of_life(self.store, self.run_id, self._pid)
            except storage.StorageError as error:
                LOG.warning("no sign of life of run %d was stored: %s", self.run_id, error)
