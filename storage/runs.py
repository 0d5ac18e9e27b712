"""Runs: every long piece of work, so that any tab can show it and a restart can take it up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, timedelta
from typing import Any

from sqlite_utils import Database

from storage.errors import NotFound, RunConflict, StorageError
from storage.pages import set_page_state
from storage.reading_queue import PAUSED
from storage.records import RUN_STATES, Run
from storage.rows import Row, to_json
from storage.store import Store, select, write
from storage.texts import clean_label, clean_message

READ = "read"  # the kind of run that reads a page; its page's state follows it
TRAIN = "train"  # the kind of run that teaches a model; its worker is a process of its own
ACTIVE_STATES = ("waiting", "running")
MAX_ATTEMPTS = 3  # a page that kills the program is given up, not tried at every start
MAX_RUNS = 500


def add_run(
    store: Store,
    kind: str,
    page_id: int | None = None,
    document_id: int | None = None,
    settings: Mapping[str, Any] | None = None,
    snapshot: str | None = None,
) -> Run:
    """Return a new waiting run.

    Raises:
        RunConflict: another training is under way; a data folder has one at a time.
        StorageError: no kind, no such page or document, or settings that JSON cannot say.
    """
    values = {
        "kind": _clean_kind(kind),
        "page_id": page_id,
        "document_id": document_id,
        "state": "waiting",
        "settings": to_json(dict(settings or {}), "The settings of the run"),
        "snapshot": snapshot,
        "created": store.now(),
    }
    with write(store) as db:
        if values["kind"] == TRAIN:
            refuse_second(store)
        run_id = db.table("run").insert(values).last_rowid
    return run(store, int(run_id or 0))


def queue_reading(store: Store, page_id: int, settings: Mapping[str, Any] | None = None) -> Run:
    """Return the run that will read the page: a new one, or the one that waits already.

    settings: those of a waiting run give way to them; None leaves them.

    Raises:
        NotFound: there is no such page.
    """
    settings_json = to_json(dict(settings or {}), "The settings of the run")
    with write(store) as db:
        set_page_state(db, page_id, "waiting", "", store.now())
        waiting = _waiting_reading(db, page_id)
        if waiting is not None:
            if settings is not None:
                db.table("run").update(waiting, {"settings": settings_json})
            return run(store, waiting)
        document_id = db.execute("SELECT document_id FROM page WHERE id = ?", (page_id,))
        return add_run(store, READ, page_id, document_id.fetchone()[0], settings)


def refuse_second(store: Store) -> None:
    """Return nothing; to be called inside the transaction that would start a training.

    Raises:
        RunConflict: another one waits or runs.
    """
    active = runs(store, TRAIN, ACTIVE_STATES)
    if active:
        raise RunConflict(
            f"A training is under way already (run {active[0].id}). Wait for its end or stop it, "
            "then start anew.",
            active[0],
        )


def take_next_run(store: Store, kind: str) -> Run | None:
    """Return the oldest waiting run of a kind, now running; None if none waits.

    No two callers get the same run, be they threads or processes. Runs of removed pages and
    documents wait until these are restored; pages also while the queue is paused.
    """
    next_sql = """SELECT run.id FROM run
        LEFT JOIN page ON page.id = run.page_id
        LEFT JOIN document ON document.id = coalesce(run.document_id, page.document_id)
        WHERE run.kind = :kind AND run.state = 'waiting'
        AND page.removed IS NULL AND document.removed IS NULL
        AND (:kind <> :read OR NOT EXISTS (SELECT 1 FROM choice WHERE name = :paused))
        ORDER BY run.id LIMIT 1"""
    wanted = {"kind": kind, "read": READ, "paused": PAUSED}
    # Workers ask every moment; only one that finds something takes the write lock.
    if not select(store, next_sql, wanted):
        return None
    with write(store) as db:
        waiting = select(store, next_sql, wanted)
        if not waiting:
            return None
        now = store.now()
        db.execute(
            """UPDATE run SET state = 'running', attempts = attempts + 1, progress = 0,
            phase = '', message = '', started = :now, heartbeat = :now WHERE id = :id""",
            {"now": now, "id": waiting[0]["id"]},
        )
        taken = run(store, waiting[0]["id"])
        if taken.kind == READ and taken.page_id is not None:
            set_page_state(db, taken.page_id, "reading", "", now)
        return taken


def report_progress(
    store: Store, run_id: int, progress: float, phase: str = "", message: str = ""
) -> bool:
    """Return whether the run is still wanted; False: it was cancelled, stop working on it.

    progress: 0-1 of the whole run. The call is also the run's sign of life.
    """
    values = {
        "id": run_id,
        "progress": min(1.0, max(0.0, progress)),
        "phase": clean_message(phase),
        "message": clean_message(message),
        "now": store.now(),
    }
    with write(store) as db:
        changed = db.execute(
            """UPDATE run SET progress = :progress, phase = :phase, message = :message,
            heartbeat = :now WHERE id = :id AND state = 'running'""",
            values,
        )
        return changed.rowcount == 1


def finish_run(store: Store, run_id: int, result: Mapping[str, Any] | None = None) -> Run:
    """Return the run, done; a page that it read is ready. One that was cancelled stays so."""
    return _end(store, run_id, "done", "", result, ("running",))


def fail_run(store: Store, run_id: int, message: str) -> Run:
    """Return the run, failed; its page shows the message. One that was cancelled stays so."""
    return _end(store, run_id, "failed", message, None, ("running",))


def cancel_run(store: Store, run_id: int, message: str = "Cancelled.") -> Run:
    """Return the run, cancelled unless it had ended before; its worker learns it by its report."""
    return _end(store, run_id, "cancelled", message, None, ACTIVE_STATES)


def fail_unattended_run(store: Store, run_id: int, worker_pid: int | None, message: str) -> Run:
    """Return the run, failed because its process has died; another process's run stays as it is.

    worker_pid: the process that is known to be dead; None: none ever took up the run.
    """
    with write(store):
        if run(store, run_id).worker_pid != worker_pid:
            return run(store, run_id)
        return _end(store, run_id, "failed", message, None, ACTIVE_STATES)


def run(store: Store, run_id: int) -> Run:
    """Return a run.

    Raises:
        NotFound: there is none with this number.
    """
    rows = select(store, "SELECT * FROM run WHERE id = :id", {"id": run_id})
    if not rows:
        raise NotFound(f"There is no run {run_id}. Reload the list of running work.")
    return _from_row(Row("run", rows[0]))


def runs(
    store: Store,
    kind: str | None = None,
    states: Sequence[str] | None = None,
    document_id: int | None = None,
) -> list[Run]:
    """Return the newest MAX_RUNS runs, newest first; None for a choice means any."""
    rows = select(
        store,
        """SELECT * FROM run WHERE (:kind IS NULL OR kind = :kind)
        AND (:document_id IS NULL OR document_id = :document_id)
        AND (:states IS NULL OR instr(:states, ',' || state || ','))
        ORDER BY id DESC LIMIT :limit""",
        {
            "kind": kind,
            "document_id": document_id,
            "states": None if states is None else f",{','.join(states)},",
            "limit": MAX_RUNS,
        },
    )
    return [_from_row(Row("run", values)) for values in rows]


def requeue_interrupted(
    store: Store, kind: str, silent_s: float = 0.0, max_attempts: int = MAX_ATTEMPTS
) -> list[Run]:
    """Return the runs that a crash or a restart had interrupted, waiting again (or given up).

    To be called at start, before any worker. A run that was started `max_attempts` times fails.
    Pages that wait, but for which the crash came before the run was stored, get one.

    silent_s: only runs that gave no sign of life for so long; for kinds whose worker is a process
        of its own, which may have outlived the restart.
    """
    limit = (store.clock().astimezone(UTC) - timedelta(seconds=silent_s)).isoformat(
        timespec="microseconds"
    )
    with write(store) as db:
        interrupted = select(
            store,
            """SELECT * FROM run WHERE kind = :kind AND state = 'running'
            AND (heartbeat IS NULL OR heartbeat <= :limit) ORDER BY id""",
            {"kind": kind, "limit": limit},
        )
        requeued = [
            _requeue(store, db, _from_row(Row("run", values)), max_attempts)
            for values in interrupted
        ]
        if kind == READ:
            requeued += _queue_forgotten_pages(store)
    return requeued


def _requeue(store: Store, db: Database, interrupted: Run, max_attempts: int) -> Run:
    if interrupted.attempts >= max_attempts:
        message = (
            f"The program was interrupted {interrupted.attempts} times while it worked on this. "
            "Try again; if it happens again, the image may be too large for this computer."
        )
        return fail_run(store, interrupted.id, message)
    page_id = interrupted.page_id if interrupted.kind == READ else None
    if page_id is not None and _waiting_reading(db, page_id) is not None:
        return cancel_run(store, interrupted.id)  # a newer run will read the page
    db.execute("UPDATE run SET state = 'waiting' WHERE id = ?", (interrupted.id,))
    if page_id is not None:
        set_page_state(db, page_id, "waiting", "", store.now())
    return run(store, interrupted.id)


def _queue_forgotten_pages(store: Store) -> list[Run]:
    rows = select(
        store,
        """SELECT id FROM page WHERE state IN ('waiting', 'reading') AND NOT EXISTS (
            SELECT 1 FROM run WHERE run.page_id = page.id AND run.kind = :kind
            AND run.state IN ('waiting', 'running')) ORDER BY id""",
        {"kind": READ},
    )
    return [queue_reading(store, Row("page", values).integer("id")) for values in rows]


def _end(
    store: Store,
    run_id: int,
    state: str,
    message: str,
    result: Mapping[str, Any] | None,
    from_states: tuple[str, ...],
) -> Run:
    result_json = None if result is None else to_json(dict(result), f"The result of run {run_id}")
    with write(store) as db:
        ended = run(store, run_id)
        if ended.state not in from_states:
            return ended
        now = store.now()
        db.table("run").update(
            run_id,
            {
                "state": state,
                "message": clean_message(message),
                "result": result_json,
                "progress": 1.0 if state == "done" else ended.progress,
                "heartbeat": now,
                "finished": now,
            },
        )
        if ended.kind == READ and ended.page_id is not None:
            page_state, page_message = _page_after(db, ended.page_id, state, message)
            set_page_state(db, ended.page_id, page_state, page_message, now)
    return run(store, run_id)


def _page_after(db: Database, page_id: int, state: str, message: str) -> tuple[str, str]:
    """Return the state and message of a page whose reading has ended in `state`."""
    if _waiting_reading(db, page_id) is not None:
        return "waiting", ""
    if state == "done":
        return "ready", ""
    if state == "failed":
        return "failed", message
    has_lines = db.execute(
        "SELECT 1 FROM line WHERE page_id = ? AND replaced IS NULL AND removed IS NULL LIMIT 1",
        (page_id,),
    ).fetchone()
    return ("ready", "") if has_lines else ("failed", "The reading was cancelled.")


def _waiting_reading(db: Database, page_id: int) -> int | None:
    row = db.execute(
        "SELECT id FROM run WHERE kind = ? AND state = 'waiting' AND page_id = ?", (READ, page_id)
    ).fetchone()
    return row[0] if row else None


def _clean_kind(kind: str) -> str:
    cleaned = clean_label(kind, "The kind of the run")
    if not cleaned:
        raise StorageError('A run has no kind. Name it, such as "read" or "train".')
    return cleaned


def _from_row(row: Row) -> Run:
    return Run(
        id=row.integer("id"),
        kind=row.text("kind"),
        page_id=row.optional_integer("page_id"),
        document_id=row.optional_integer("document_id"),
        state=row.choice("state", RUN_STATES),
        settings=row.mapping("settings"),
        snapshot=row.optional_text("snapshot"),
        progress=row.number("progress"),
        phase=row.text("phase"),
        message=row.text("message"),
        result=None if row.get("result") is None else row.mapping("result"),
        attempts=row.integer("attempts"),
        heartbeat=row.optional_time("heartbeat"),
        created=row.time("created"),
        started=row.optional_time("started"),
        finished=row.optional_time("finished"),
        worker_pid=row.optional_integer("worker_pid"),
        stopping=bool(row.integer("stopping")),
    )
