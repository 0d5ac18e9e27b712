"""One import at work: where its files are read from, and all of its plan taken in."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

import storage
from exchange import ExchangeError
from exchange.parquet_input import table_lines
from exchange.upload import Upload
from exchange.xml_input import base_name
from services.import_pages import Images, ImportWish, PageTaker, Taken, take_back
from services.import_plan import Findings, Plan, PlannedDocument, count_of, look_through
from services.manifest_source import ManifestSource
from services.settings import Settings

FILES = "files.json"
UNDONE = "undone"  # event of a run all of whose pages were taken back
Report = Callable[[float, str], None]


class ImportSource(Images, Protocol):
    """Files that were uploaded, or that a manifest names."""

    def plan(self, store: storage.Store, document_id: int | None, proceed: Report) -> Plan:
        """Return what it would bring; raise ExchangeError where that is nothing."""


class UploadedFiles:
    """The files of an upload, as the source of an import."""

    def __init__(self, files: Sequence[tuple[str, Path]]) -> None:
        """Open the files, by name."""
        names = [name for name, _ in files]
        # What a project is called is seldom the name of a page's layout.
        named = [name for name in names if not name.lower().endswith((".xml", ".txt"))] or names
        first = named[0] if named else "The upload"
        folders = {name.partition("/")[0] for name, _ in files}
        one_folder = len(folders) == 1 and "/" in first
        self._upload = Upload(files, first.partition("/")[0] if one_folder else base_name(first))

    def plan(self, store: storage.Store, document_id: int | None, proceed: Report) -> Plan:
        """Return what it would bring; raise ExchangeError where that is nothing."""
        return look_through(store, self._upload, document_id, proceed)

    def read(self, name: str, limit_bytes: int) -> bytes:
        """Return the bytes of a file; raise ExchangeError if unreadable or too large."""
        return self._upload.read(name, limit_bytes)

    def table_lines(self, name: str, first: int) -> Iterator[tuple[bytes, str]]:
        """Yield image and text of the lines of a parquet file, from the number `first` on."""
        path = self._upload.path_of(name)
        if path is None:
            raise ExchangeError(f"{name} is not in the upload any more. Upload it again.")
        return table_lines(path, name, first)

    def __enter__(self) -> UploadedFiles:
        """Return the source itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the archives."""
        self._upload.close()


def open_source(
    settings: Settings, folder: Path, run: storage.Run
) -> AbstractContextManager[ImportSource]:
    """Return the source of an import.

    Raises: ExchangeError where it cannot be opened.
    """
    address = str(run.settings.get("address") or "")
    return ManifestSource(settings, address) if address else UploadedFiles(uploaded_files(folder))


def source_of(settings: Settings, sources: Sequence[str]) -> AbstractContextManager[ImportSource]:
    """Return files and folders of this computer, or a manifest, as the source of an import.

    Raises: ExchangeError where one is not there.
    """
    if len(sources) == 1 and sources[0].startswith(("http://", "https://")):
        return ManifestSource(settings, sources[0])
    return UploadedFiles(files_of([Path(source) for source in sources]))


def files_of(paths: Sequence[Path]) -> list[tuple[str, Path]]:
    """Return name and place of files, and of all files in folders, under the folder's name.

    Raises: ExchangeError where one is not there.
    """
    files: list[tuple[str, Path]] = []
    for path in paths:
        if path.is_dir():
            inner = sorted(p for p in path.rglob("*") if p.is_file() and not p.is_symlink())
            folder = path.resolve().name
            files += [(f"{folder}/{p.relative_to(path).as_posix()}", p) for p in inner]
        elif path.is_file():
            files.append((path.name, path))
        else:
            raise ExchangeError(f"{path} is not there. Name a file or a folder.")
    return files


def uploaded_files(folder: Path) -> list[tuple[str, Path]]:
    """Return name and place of each file of an upload, in the order in which they came."""
    files = []
    try:
        rows = (folder / FILES).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    for row in rows:
        name, kept = json.loads(row)
        files.append((str(name), folder / base_name(str(kept))))
    return files


class TakeIn:
    """Takes in all documents of a plan; a run that was interrupted goes on where it was."""

    def __init__(
        self,
        store: storage.Store,
        settings: Settings,
        run: storage.Run,
        documents: Sequence[PlannedDocument],
        wish: ImportWish,
        report: Report,
    ) -> None:
        """Work on `run`; `report` is told how far it is and may raise Stopped."""
        self._store = store
        self._settings = settings
        self._run = run
        self._documents = documents
        self._wish = wish
        self._report = report
        self._partly = bool(run.settings.get("partly"))
        self._total = count_of(documents)
        self._findings = Findings()
        self._done = 0
        self._images_in = 0  # pages of a file whose other pages are not in
        self._in = Taken()  # all items together; the problems are among the findings
        self._made: dict[int, int] = {}  # number of the document in the plan -> its id

    def take_all(self, source: Images) -> dict[str, Any]:
        """Return what came in, as JSON values.

        Raises: ExchangeError where something cannot be taken in and a person did not agree to
        leave it out; all that came in before is removed again.
        """
        from segmentation.images import ImageLimits

        self._take_up()
        limits = ImageLimits(max_file_bytes=self._settings.max_upload_mb * 1_000_000)
        taker = PageTaker(self._store, source, self._wish, limits)
        try:
            self._take_documents(taker)
        except _Refused:
            self._take_back()
            raise
        return {
            "pages": len(self._in.page_ids) + len(self._in.known_ids),
            "lines": self._in.lines,
            "documents": sorted(self._document_ids()),
            "problem_count": self._findings.problem_count,
            "problems": self._findings.problems,
            "notes": self._findings.notes,
        }

    def _take_documents(self, taker: PageTaker) -> None:
        begun, images_in = self._done, self._images_in
        for number, document in enumerate(self._documents):
            first = min(begun, document.count)
            begun -= first
            if first < document.count:
                taker.take(document, self._document_id(number), first, images_in, self._note)
                images_in = 0

    def _take_back(self) -> None:
        with storage.write(self._store):
            take_back(self._store, self._in, self._wish.author)
            for document_id in self._made.values():
                storage.remove_document(self._store, document_id)
            storage.add_run_event(self._store, self._run.id, {UNDONE: True})

    def _document_ids(self) -> set[int]:
        if self._run.document_id is not None:
            return {self._run.document_id}
        return set(self._made.values())

    def _document_id(self, number: int) -> int:
        """Return the document that a planned one goes into, made if need be."""
        if self._run.document_id is not None:
            return self._run.document_id
        if number not in self._made:
            title = self._documents[number].title[:300]
            with storage.write(self._store):
                made = storage.add_document(self._store, title or "Untitled document").id
                storage.add_run_event(
                    self._store, self._run.id, {"planned": number, "document": made}
                )
            self._made[number] = made
        return self._made[number]

    def _note(self, taken: Taken) -> None:
        """Note in the database that an item or page is in; to be called in its transaction."""
        if taken.problems and not self._partly:
            raise _Refused(taken.problems[0])
        storage.add_run_event(
            self._store,
            self._run.id,
            {"pages": taken.page_ids, "known": taken.known_ids, "lines": taken.lines,
             "problems": taken.problems[:20], "notes": taken.notes[:20], "whole": taken.whole},
        )  # fmt: skip
        self._count(taken)
        self._report(self._done / max(1, self._total), f"{self._done} of {self._total} pages")

    def _count(self, taken: Taken) -> None:
        if taken.whole:
            self._done += 1
            self._images_in = 0
        else:
            self._images_in += len(taken.page_ids)
        self._in.page_ids += taken.page_ids
        self._in.known_ids += taken.known_ids
        self._in.lines += taken.lines
        for problem in taken.problems:
            self._findings.add_problem(problem)
        for note in taken.notes:
            self._findings.add_note(note)

    def _take_up(self) -> None:
        """Learn from the database what an interrupted attempt has taken in."""
        after_id = 0
        while events := storage.run_events(self._store, self._run.id, after_id):
            after_id = events[-1].id
            for event in (one.event for one in events):
                if "planned" in event:
                    self._made[int(event["planned"])] = int(event["document"])
                else:
                    names = ("pages", "known", "lines", "problems", "notes")
                    taken = Taken(*(event[name] for name in names))
                    taken.whole = bool(event.get("whole", True))  # once noted of whole items only
                    self._count(taken)


class _Refused(ExchangeError):
    """Something cannot be taken in, and nobody agreed to leave it out."""
