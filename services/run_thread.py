"""The thread that does runs of one kind, one after the other, as they wait in the database.

The queue is in the database, so that closing the browser or killing the server loses nothing:
what was at work waits again at the next start.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

import storage

IDLE_S = 2.0  # how long a standing thread sleeps before it looks what another process queued


class Stopped(Exception):
    """Somebody cancelled the run, or the app is being closed."""


@dataclass(frozen=True)
class RunKind:
    """What the runs of a thread are, and what is told of them.

    kind: in the database. name: what the log calls a run. told: errors whose message says what to
    do; it becomes that of the run. no_memory, failed: what a run says after other errors.
    """

    kind: str
    name: Callable[[storage.Run], str]
    log: logging.Logger
    told: tuple[type[Exception], ...]
    no_memory: str
    failed: str


class RunThread:
    """Does the waiting runs of a kind, oldest first; the thread is there while there are any."""

    def __init__(
        self, store: storage.Store, kind: RunKind, do: Callable[[storage.Run], None]
    ) -> None:
        """Work on `store`; nothing runs before `start` or `wake`.

        do: does one run to its end and says so in the database; what it raises fails the run,
        but Stopped, which leaves it as it is.
        """
        self._store = store
        self._kind = kind
        self._do = do
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Take up what a stopped server left half done, and what waits."""
        storage.requeue_interrupted(self._store, self._kind.kind)
        if storage.runs(self._store, self._kind.kind, ["waiting"]):
            self.wake()

    def wake(self) -> None:
        """Say that a run waits."""
        with self._lock:
            self._begin()

    def stop(self, limit_s: float) -> None:
        """Begin no further run, and wait for the one in hand, at most `limit_s`."""
        self._stop.set()
        if thread := self._thread:
            thread.join(limit_s)

    @property
    def at_work(self) -> bool:
        """Whether the thread is there."""
        return self._thread is not None and self._thread.is_alive()

    def report(self, run_id: int, share: float, phase: str, message: str = "") -> None:
        """Tell how far a run is, 0-1.

        Raises: Stopped where nobody wants the rest.
        """
        self.go_on()
        if not storage.report_progress(self._store, run_id, share, phase, message):
            raise Stopped

    def go_on(self) -> None:
        """Return if the run in hand may go on; cheaper than a report.

        Raises: Stopped while the app is being closed.
        """
        if self._stop.is_set():
            raise Stopped

    def _begin(self) -> None:
        if not self.at_work and not self._stop.is_set():
            name = f"{self._kind.kind}-runs"
            self._thread = threading.Thread(target=self._work, name=name, daemon=True)
            self._thread.start()

    def _work(self) -> None:
        while not self._stop.is_set():
            with self._lock:  # nobody may queue one between this look and the end of the thread
                run = self._next()
                if run is None:
                    self._thread = None
                    return
            self._do_one(run)

    def _next(self) -> storage.Run | None:
        try:
            return storage.take_next_run(self._store, self._kind.kind)
        except storage.StorageError:
            self._kind.log.exception("the queue of %s runs cannot be read", self._kind.kind)
            return None

    def _do_one(self, run: storage.Run) -> None:
        name = self._kind.name(run)
        try:
            self._do(run)
        except Stopped:
            self._kind.log.info("%s: stopped", name)
        except self._kind.told as error:
            self._give_up(run, str(error))
        except MemoryError:
            self._give_up(run, self._kind.no_memory)
        except Exception:
            # The thread must outlive whatever one run brings; the log says what it was.
            self._kind.log.exception("%s failed", name)
            self._give_up(run, self._kind.failed)

    def _give_up(self, run: storage.Run, message: str) -> None:
        name = self._kind.name(run)
        self._kind.log.warning("%s: %s", name, message)
        try:
            storage.fail_run(self._store, run.id, message)
        except storage.StorageError:
            self._kind.log.exception("the failure of %s could not be noted", name)


class StandingRunThread(RunThread):
    """The same by a thread that stays, and finds what other processes queued."""

    def __init__(
        self,
        store: storage.Store,
        kind: RunKind,
        do: Callable[[storage.Run], None],
        idle: Callable[[], None] = lambda: None,
    ) -> None:
        """Work on `store` after `start`. idle: called now and then while nothing waits."""
        super().__init__(store, kind, do)
        self._idle = idle
        self._woken = threading.Event()

    def start(self) -> None:
        """Take up what a stopped server left half done, then what waits and will wait."""
        storage.requeue_interrupted(self._store, self._kind.kind)
        self._begin()

    def wake(self) -> None:
        """Say that a run waits."""
        self._woken.set()

    def stop(self, limit_s: float) -> None:
        """Begin no further run, and wait for the one in hand, at most `limit_s`."""
        self._stop.set()
        self._woken.set()
        super().stop(limit_s)

    def _work(self) -> None:
        while not self._stop.is_set():
            run = self._next()
            if run is not None:
                self._do_one(run)
                continue
            if not self._woken.wait(IDLE_S):
                self._idle()
            self._woken.clear()
