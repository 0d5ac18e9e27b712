"""Runs with a process of their own: who works on them, what they tell, how they are stopped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from storage.errors import StorageError
from storage.records import Run, RunEvent
from storage.rows import Row, to_json
from storage.runs import ACTIVE_STATES, TRAIN, cancel_run, refuse_second, run
from storage.store import Store, select, write

GO_ON, STOP, GONE = "go on", "stop", "gone"  # what a sign of life is answered with
MAX_EVENTS = 5000  # answered at a time; a training tells one every other second


def begin_run(store: Store, run_id: int, worker_pid: int) -> Run | None:
    """Return the waiting run, now running in that process; None if it does not wait (any more).

    Of several processes that try, one gets it.

    Raises:
        NotFound: there is no such run.
    """
    with write(store) as db:
        if run(store, run_id).state != "waiting":
            return None
        db.execute(
            """UPDATE run SET state = 'running', attempts = attempts + 1, progress = 0, phase = '',
            message = '', stopping = 0, worker_pid = :pid, started = :now, finished = NULL,
            heartbeat = :now WHERE id = :id""",
            {"pid": worker_pid, "now": store.now(), "id": run_id},
        )
    return run(store, run_id)


def sign_of_life(store: Store, run_id: int, worker_pid: int) -> str:
    """Return what the process has to do: GO_ON, STOP in good order, or it is GONE from the run.

    GONE: the run has ended or another process works on it; this one must not write to it.
    """
    with write(store) as db:
        db.execute(
            """UPDATE run SET heartbeat = :now
            WHERE id = :id AND worker_pid = :pid AND state = 'running'""",
            {"now": store.now(), "id": run_id, "pid": worker_pid},
        )
        found = run(store, run_id)
    if found.state != "running" or found.worker_pid != worker_pid:
        return GONE
    return STOP if found.stopping else GO_ON


def ask_to_stop(store: Store, run_id: int) -> Run:
    """Return the run, asked to come to an early end; one that only waits is cancelled at once."""
    with write(store) as db:
        if run(store, run_id).state == "waiting":
            return cancel_run(store, run_id)
        db.execute("UPDATE run SET stopping = 1 WHERE id = ? AND state = 'running'", (run_id,))
    return run(store, run_id)


def continue_run(store: Store, run_id: int) -> Run:
    """Return a run that failed or was cancelled, waiting to be taken up again.

    Raises:
        NotFound: there is no such run.
        RunConflict: another training is under way.
        StorageError: the run has come to its end, or is under way itself.
    """
    with write(store) as db:
        ended = run(store, run_id)
        if ended.state in ACTIVE_STATES:
            raise StorageError(f"Run {run_id} is under way already. Reload the page.")
        if ended.state == "done":
            raise StorageError(f"Run {run_id} has come to its end. Start a new one.")
        if ended.kind == TRAIN:
            refuse_second(store)
        db.execute(
            """UPDATE run SET state = 'waiting', message = '', phase = '', stopping = 0,
            worker_pid = NULL, heartbeat = NULL, finished = NULL, result = NULL WHERE id = ?""",
            (run_id,),
        )
    return run(store, run_id)


def name_snapshot(store: Store, run_id: int, snapshot: str) -> None:
    """Note on the run the name of the frozen data that it works on."""
    with write(store) as db:
        db.execute("UPDATE run SET snapshot = ? WHERE id = ?", (snapshot, run_id))


def add_run_event(store: Store, run_id: int, event: Mapping[str, Any]) -> int:
    """Return the number of the event, now the newest of its run.

    Raises:
        StorageError: JSON cannot say it, or there is no such run.
    """
    values = {
        "run_id": run_id,
        "created": store.now(),
        "event": to_json(dict(event), f"The event of run {run_id}"),
    }
    with write(store) as db:
        return int(db.table("run_event").insert(values).last_rowid or 0)


def run_events(store: Store, run_id: int, after_id: int = 0) -> list[RunEvent]:
    """Return the oldest MAX_EVENTS events of a run with numbers above `after_id`, in order."""
    rows = select(
        store,
        """SELECT * FROM run_event WHERE run_id = :run_id AND id > :after_id
        ORDER BY id LIMIT :limit""",
        {"run_id": run_id, "after_id": after_id, "limit": MAX_EVENTS},
    )
    return [_event(Row("run_event", values)) for values in rows]


def _event(row: Row) -> RunEvent:
    return RunEvent(
        id=row.integer("id"),
        run_id=row.integer("run_id"),
        created=row.time("created"),
        event=row.mapping("event"),
    )
