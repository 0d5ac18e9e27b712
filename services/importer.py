"""Imports: what arrives is looked through, shown, and taken in by a thread, page after page.

Both are runs in the database, so that any tab shows them and a restart goes on with them. What
was uploaded lies in `imports/<token>/` of the data folder until it is taken in or forgotten.
"""

from __future__ import annotations

import json
import logging
import re
import secrets
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import storage
from exchange import ExchangeError
from services.import_pages import ImportWish
from services.import_plan import read_plan, write_plan
from services.import_work import FILES, UNDONE, TakeIn, open_source
from services.run_thread import RunKind, StandingRunThread
from services.settings import Settings
from services.worker_process import is_dead

LOG = logging.getLogger("htr.imports")
IMPORT = "import"  # the kind of run
COMMAND = "import-command"  # an import by the command line, which works on it itself
FOLDER = "imports"  # of the data folder
PLAN = "plan.json"
SPARE_MB = 500  # of the disk that uploads leave to the database
KEPT_S = 7 * 24 * 3600.0  # how long an upload that nobody decides about is kept
MAX_FILES = 20_000  # of one upload; a thousand pages with their layouts are 2,000
REPORT_EVERY_S = 0.5
_TOKEN = re.compile("[0-9a-f]{32}")

KIND = RunKind(
    kind=IMPORT,
    name=lambda run: f"import {run.id}",
    log=LOG,
    told=(ExchangeError, storage.StorageError, OSError),
    no_memory="There was not enough memory for this import. Split it.",
    failed="This import failed; the server's log says why.",
)


@dataclass(frozen=True)
class ImportState:
    """An import as the screens show it: its latest run, and what was found before.

    look: the run that looked through it. take: the run that takes it in, if it was asked for.
    """

    look: storage.Run
    take: storage.Run | None


class Importer:
    """Takes whole projects, pages and data sets into one data folder."""

    def __init__(
        self, settings: Settings, store: storage.Store, wake_reader: Callable[[], None]
    ) -> None:
        """Import into `store`; nothing runs before `start`."""
        self._settings = settings
        self._store = store
        self._wake_reader = wake_reader
        self._thread = StandingRunThread(store, KIND, self._do)

    def start(self) -> None:
        """Take up imports that a stopped server left, and sweep what nobody wants any more."""
        self._root.mkdir(exist_ok=True)
        for run in storage.runs(self._store, COMMAND, ["running"]):
            if is_dead(run, self._store.clock()):
                words = "The command that imported this was ended. What is in stays."
                storage.fail_unattended_run(self._store, run.id, run.worker_pid, words)
        self._sweep()
        self._thread.start()

    def stop(self, limit_s: float = 10.0) -> None:
        """Let the page in hand come to its end, at most `limit_s`; the rest waits for a start."""
        self._thread.stop(limit_s)

    # ---- what the screens ask for ---------------------------------------------------------------

    def begin(self) -> str:
        """Return the token of a new, empty upload."""
        token = secrets.token_hex(16)
        (self._root / token).mkdir(parents=True)
        return token

    def place_for(self, token: str) -> tuple[Path, int]:
        """Return where the next file of an upload may be written, and its limit in megabytes.

        Raises: StorageError for an unknown upload, or for one file or megabyte too many.
        """
        folder = self._folder(token)
        files = list(folder.iterdir())
        taken_mb = sum(file.stat().st_size for file in files) // 1_000_000
        left_mb = self._settings.max_import_mb - taken_mb
        free_mb = shutil.disk_usage(folder).free // 1_000_000 - SPARE_MB
        if left_mb < 1 or free_mb < 1:
            raise storage.StorageError(
                f"The disk of {self._root} is full. Make room, then add the files again."
                if free_mb < 1
                else f"An import may have {self._settings.max_import_mb:,} MB (HTR_MAX_IMPORT_MB). "
                "Bring the rest in by another one."
            )
        if len(files) >= MAX_FILES:
            raise storage.StorageError(
                f"An upload may have {MAX_FILES:,} files. Pack them into a zip archive."
            )
        return folder / f"{secrets.token_hex(8)}.part", min(left_mb, free_mb)

    def add_file(self, token: str, name: str, path: Path) -> None:
        """Take a file that was written to `place_for` into the upload, under this name."""
        folder = self._folder(token)
        kept = path.with_suffix(".file")
        path.replace(kept)
        with (folder / FILES).open("a", encoding="utf-8") as listed:
            listed.write(json.dumps([name, kept.name]) + "\n")

    def look(
        self, token: str, document_id: int | None, author: str, address: str = ""
    ) -> storage.Run:
        """Return the run that will look through an upload, or through the manifest at an address.

        document_id: where its pages shall go; None: into documents of their own.

        Raises: StorageError for an unknown upload or document.
        """
        self._folder(token)
        if document_id is not None:
            storage.document(self._store, document_id)
        settings = {"stage": "look", "token": token, "address": address, "author": author}
        run = storage.add_run(self._store, IMPORT, None, document_id, settings)
        self._thread.wake()
        return run

    def take(self, run_id: int, by: str, partly: bool, read: bool, author: str) -> storage.Run:
        """Return the run that takes in what another run has looked through.

        by: who wrote the text. partly: whether what cannot be read may be left out. A run that
        was stopped half-way goes on, as it was asked for at first.

        Raises: StorageError for a run that has found nothing, or is being taken in already.
        """
        if by not in ("human", "machine"):
            raise storage.StorageError(f"The text is by {by[:20]!r}; choose human or machine.")
        with storage.write(self._store):
            state = self._state_of(run_id)
            if state.look.state != "done":
                raise storage.StorageError("This import has not been looked through to its end.")
            if state.take is not None and state.take.state not in ("failed", "cancelled"):
                raise storage.StorageError("This import is being taken in already.")
            if state.take is not None and not self.was_undone(state.take):
                run = storage.continue_run(self._store, state.take.id)
                self._thread.wake()
                return run
            if not partly and (state.look.result or {}).get("problem_count"):
                raise storage.StorageError(
                    "Some of it cannot be taken in. Say that the rest shall be, or forget it."
                )
            look = state.look
            settings = {
                "stage": "take", "token": look.settings["token"], "look": look.id, "by": by,
                "partly": partly, "read": read, "author": author,
                "address": look.settings.get("address", ""),
            }  # fmt: skip
            run = storage.add_run(self._store, IMPORT, None, look.document_id, settings)
        self._thread.wake()
        return run

    def cancel(self, run_id: int) -> storage.Run:
        """Return the run, cancelled; pages that are in stay."""
        return storage.cancel_run(self._store, run_id)

    def forget(self, run_id: int) -> None:
        """Delete what was uploaded for an import; it is not shown any more."""
        state = self._state_of(run_id)
        for run in (state.look, state.take):
            if run is not None:
                storage.cancel_run(self._store, run.id)
        self._drop(str(state.look.settings.get("token")))

    def was_undone(self, run: storage.Run) -> bool:
        """Return whether all that a run had taken in was removed again."""
        events = storage.run_events(self._store, run.id)
        while events:
            if UNDONE in events[-1].event:
                return True
            events = storage.run_events(self._store, run.id, events[-1].id)
        return False

    def shown(self, document_id: int | None) -> list[ImportState]:
        """Return the imports into a document, or none, that are not done with, oldest first."""
        found = [
            run
            for run in storage.runs(self._store, IMPORT, None, document_id)
            if run.document_id == document_id
        ]
        takes: dict[int, storage.Run] = {}
        for run in reversed(found):
            if run.settings.get("stage") == "take":
                takes[int(run.settings["look"])] = run
        return [
            ImportState(run, takes.get(run.id))
            for run in reversed(found)
            if run.settings.get("stage") == "look" and self._exists(run)
        ]

    # ---- the thread -----------------------------------------------------------------------------

    def _do(self, run: storage.Run) -> None:
        if run.settings.get("stage") == "look":
            self._look(run)
        else:
            self._take(run)

    def _look(self, run: storage.Run) -> None:
        folder = self._folder(str(run.settings["token"]))
        with open_source(self._settings, folder, run) as source:
            proceed = self._reporter(run)
            plan = source.plan(self._store, run.document_id, proceed)
        write_plan(plan, folder / PLAN)
        storage.finish_run(self._store, run.id, plan.view())

    def _take(self, run: storage.Run) -> None:
        token = str(run.settings["token"])
        folder = self._folder(token)
        documents = read_plan(folder / PLAN)
        wish = ImportWish(
            str(run.settings["by"]), bool(run.settings["read"]), str(run.settings["author"])
        )
        with open_source(self._settings, folder, run) as source:
            work = TakeIn(self._store, self._settings, run, documents, wish, self._reporter(run))
            result = work.take_all(source)
        self._wake_reader()
        storage.finish_run(self._store, run.id, result)
        if not result["problem_count"]:
            self._drop(token)

    def _reporter(self, run: storage.Run) -> Callable[[float, str], None]:
        """Return what tells how far a run is, now and then; it raises Stopped if unwanted."""
        told_s = 0.0

        def report(share: float, phase: str) -> None:
            nonlocal told_s
            self._thread.go_on()
            if time.monotonic() - told_s >= REPORT_EVERY_S:
                told_s = time.monotonic()
                self._thread.report(run.id, share, phase)

        return report

    # ---- what was uploaded ----------------------------------------------------------------------

    @property
    def _root(self) -> Path:
        return self._store.data_dir / FOLDER

    def _folder(self, token: str) -> Path:
        """Return the folder of an upload.

        Raises: StorageError where there is none.
        """
        folder = self._root / token
        if not _TOKEN.fullmatch(token) or not folder.is_dir():
            raise storage.StorageError("There is no such upload any more. Add the files again.")
        return folder

    def _exists(self, run: storage.Run) -> bool:
        token = str(run.settings.get("token"))
        return bool(_TOKEN.fullmatch(token)) and (self._root / token).is_dir()

    def _drop(self, token: str) -> None:
        if _TOKEN.fullmatch(token):
            shutil.rmtree(self._root / token, ignore_errors=True)

    def _state_of(self, run_id: int) -> ImportState:
        """Return the import of a run of either stage.

        Raises: StorageError where there is none, or it was forgotten.
        """
        run = storage.run(self._store, run_id)
        for state in self.shown(run.document_id) if run.kind == IMPORT else []:
            if run_id in (state.look.id, state.take.id if state.take else None):
                return state
        raise storage.StorageError("This import is not there any more. Add the files again.")

    def _sweep(self) -> None:
        """Delete uploads that have been lying about for KEPT_S and that no run works on."""
        before = self._store.clock().timestamp() - KEPT_S
        active: Sequence[storage.Run] = storage.runs(self._store, IMPORT, ("waiting", "running"))
        needed = {str(run.settings.get("token")) for run in active}
        for folder in self._root.iterdir():
            if folder.name not in needed and folder.stat().st_mtime < before:
                self._drop(folder.name)
