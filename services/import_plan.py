"""What an upload or a manifest would bring, found out before anything is taken in."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import storage
from exchange import ExchangeError, plan_import, read_page
from exchange.line_set_input import find_line_sets
from exchange.pairing import Pair
from exchange.parquet_input import table_rows
from exchange.upload import Upload
from exchange.xml_input import MAX_BYTES, base_name

MAX_TOLD = 200  # problems that are listed; the rest is counted
_KNOWN = "\0page"  # folder of the names of images that are in the document already

Proceed = Callable[[float, str], None]


@dataclass(frozen=True)
class PlannedPage:
    """A page to take in: where its image and its layout are; "" for what there is not.

    page_id: the page that is there already and gets the layout. name: of the page, "" for that of
    the image.
    """

    image: str
    layout: str
    page_id: int | None = None
    name: str = ""


@dataclass(frozen=True)
class PlannedLine:
    """A line of a data set to take in, as a page of its own."""

    image: str
    text: str
    page: str
    held_out: bool | None


@dataclass(frozen=True)
class PlannedDocument:
    """A document to take in. tables: parquet files and how many lines they have."""

    title: str
    pages: tuple[PlannedPage, ...] = ()
    lines: tuple[PlannedLine, ...] = ()
    tables: tuple[tuple[str, int], ...] = ()

    @property
    def count(self) -> int:
        """How many pages it will have, a PDF counted as one."""
        return len(self.pages) + len(self.lines) + sum(rows for _, rows in self.tables)


@dataclass
class Findings:
    """What there is to tell of a plan.

    formats: how many layouts of which format. lines, texts: on pages with a layout; problems, at
    most MAX_TOLD, would be left out; notes, at most as many, were guessed or mended.
    """

    images: int = 0
    lines: int = 0
    texts: int = 0
    line_images: int = 0
    known: int = 0
    problem_count: int = 0
    formats: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add_problem(self, problem: str) -> None:
        """Count a problem, and keep what it says while there are few."""
        self.problem_count += 1
        if len(self.problems) < MAX_TOLD:
            self.problems.append(problem[:600])

    def add_note(self, note: str) -> None:
        """Keep a note while there are few."""
        if len(self.notes) < MAX_TOLD:
            self.notes.append(note[:600])


@dataclass(frozen=True)
class Plan:
    """The documents that an import brings, and what there is to tell before."""

    documents: tuple[PlannedDocument, ...]
    findings: Findings

    @property
    def count(self) -> int:
        """How many pages there will be."""
        return sum(document.count for document in self.documents)

    def view(self) -> dict[str, Any]:
        """Return what is shown of it, as JSON values."""
        return {
            **asdict(self.findings),
            "documents": [
                {"title": document.title, "pages": document.count}
                for document in self.documents[:MAX_TOLD]
            ],
            "document_count": len(self.documents),
            "pages": self.count,
        }


def look_through(
    store: storage.Store, upload: Upload, document_id: int | None, proceed: Proceed
) -> Plan:
    """Return what an upload would bring; each layout is read as a whole.

    document_id: where to; layouts without an image may belong to pages that are there. proceed:
    told the share done, 0-1, and what is looked at; may raise to stop.

    Raises: ExchangeError where there is nothing to take in.
    """
    findings = Findings()
    proceed(0.0, "looking for line images")
    sets = find_line_sets(upload, lambda: proceed(0.0, "looking for line images"))
    for problem in sets.problems:
        findings.add_problem(problem)
    documents = _line_documents(upload, sets, findings)
    rest = [name for name in upload.names if name not in sets.used]
    known = _known_images(store, document_id)
    try:
        found = plan_import(
            upload,
            names=rest,
            known_images=list(known),
            proceed=lambda: proceed(0.05, "looking for pages"),
        )
    except ExchangeError:
        if not documents:
            raise
        for problem in upload.refused:
            findings.add_problem(problem)
        return Plan(tuple(documents), findings)
    for problem in found.problems:
        findings.add_problem(problem)
    total, done = len(found.pages), 0
    for document in found.documents:
        pages = []
        for pair in document.pages:
            done += 1
            proceed(0.1 + 0.9 * done / total, f"looking at page {done} of {total}")
            page = _planned_page(upload, pair, known, findings)
            if page is not None:
                pages.append(page)
        if pages:
            documents.append(PlannedDocument(document.title or _title(upload.name), tuple(pages)))
    if not documents:
        told = findings.problems[0] if findings.problems else ""
        raise ExchangeError(f"Nothing in {upload.name} can be taken in. {told}".strip())
    return Plan(tuple(documents), findings)


def write_plan(plan: Plan, path: Path) -> None:
    """Keep a plan in a file."""
    path.write_text(json.dumps([asdict(document) for document in plan.documents]), "utf-8")


def read_plan(path: Path) -> tuple[PlannedDocument, ...]:
    """Return the documents of a plan that was kept in a file.

    Raises: ExchangeError if it is gone or damaged.
    """
    try:
        return tuple(
            PlannedDocument(
                document["title"],
                tuple(PlannedPage(**page) for page in document["pages"]),
                tuple(PlannedLine(**line) for line in document["lines"]),
                tuple((name, int(rows)) for name, rows in document["tables"]),
            )
            for document in json.loads(path.read_text("utf-8"))
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ExchangeError(
            "What was uploaded for this import is not there any more. Upload it again."
        ) from error


def _planned_page(
    upload: Upload, pair: Pair, known: dict[str, int], findings: Findings
) -> PlannedPage | None:
    """Return the page of a pair after reading its layout; None where nothing is left of it."""
    page_id = known.get(pair.image)
    image = "" if page_id is not None else pair.image
    if not pair.layout:
        findings.images += 1
        return PlannedPage(image, "")
    if not pair.image:
        findings.add_problem(f"{pair.layout}: its image is not in the upload.")
        return None
    try:
        page = read_page(upload.read(pair.layout, MAX_BYTES), pair.layout)
    except ExchangeError as error:
        findings.add_problem(str(error))
        if not image:
            return None
        findings.images += 1
        return PlannedPage(image, "")
    for loss in page.losses:
        findings.add_problem(f"{pair.layout}: {loss}")
    for note in page.notes:
        findings.add_note(f"{pair.layout}: {note}")
    findings.formats[page.source_format] = findings.formats.get(page.source_format, 0) + 1
    findings.lines += len(page.lines)
    findings.texts += sum(1 for line in page.lines if line.text)
    findings.known += page_id is not None
    findings.images += page_id is None
    return PlannedPage(image, pair.layout, page_id)


def _line_documents(upload: Upload, sets: Any, findings: Findings) -> list[PlannedDocument]:
    """Return the document of the line images in the upload, if there are any."""
    tables = []
    for name in sets.tables:
        path = upload.path_of(name)
        try:
            if path is None:
                raise ExchangeError(f"{name} is inside an archive. Upload it by itself.")
            tables.append((name, table_rows(path, name)))
        except ExchangeError as error:
            findings.add_problem(str(error))
    lines = tuple(
        PlannedLine(line.image, line.text, line.page, line.held_out) for line in sets.lines
    )
    if not lines and not tables:
        return []
    made = PlannedDocument(_title(upload.name), (), lines, tuple(tables))
    findings.line_images = made.count
    return [made]


def _known_images(store: storage.Store, document_id: int | None) -> dict[str, int]:
    """Return the pages of a document by names that lie in no upload."""
    if document_id is None:
        return {}
    pages = (summary.page for summary in storage.pages_of(store, document_id))
    return {f"{_KNOWN}/{page.id}/{base_name(page.name)}": page.id for page in pages}


def _title(name: str) -> str:
    """Return a title from the name of a file."""
    last = base_name(name)
    return last.rpartition(".")[0] or last or "Untitled document"


def count_of(documents: Sequence[PlannedDocument]) -> int:
    """Return how many pages the documents will have."""
    return sum(document.count for document in documents)
