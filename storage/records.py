"""What the database holds, as frozen values: one class a table, and what the screens list."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

PAGE_STATES = ("waiting", "reading", "ready", "failed")
STATUSES = ("machine", "corrected", "confirmed", "doubtful", "ignored")
RUN_STATES = ("waiting", "running", "done", "failed", "cancelled")
LAYOUT_CHANGES = (
    "move", "split", "merge", "draw", "delete", "reorder", "reverse", "order", "segment", "take",
    "aside", "import", "turn",
)  # fmt: skip
ASIDE = "aside"  # kind of a line that is kept and shown, but neither read nor counted

Point = tuple[float, float]


@dataclass(frozen=True)
class Document:
    """A group of pages that belong together; `removed` is the time of its (undoable) removal."""

    id: int
    project: str
    title: str
    metadata: dict[str, Any]
    created: datetime
    changed: datetime
    removed: datetime | None


@dataclass(frozen=True)
class Page:
    """One page image. `sha256` and `suffix` name its file; `message` says why it failed.

    held_out: True: a person wants it to test models, False: to teach them; None: as it comes.
    """

    id: int
    document_id: int
    position: int
    name: str
    sha256: str
    suffix: str
    width_px: int
    height_px: int
    state: str
    message: str
    created: datetime
    removed: datetime | None
    held_out: bool | None = None
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class LineCounts:
    """How many lines there are, and how many of them have which status."""

    lines: int
    machine: int
    corrected: int
    confirmed: int
    doubtful: int
    ignored: int


@dataclass(frozen=True, kw_only=True)
class DocumentSummary(LineCounts):
    """A document with its counts; `pages_waiting` counts those waiting or being read."""

    document: Document
    pages: int
    pages_waiting: int
    pages_failed: int
    cover_page_id: int | None

    @property
    def changed(self) -> datetime:
        """The time of the last change to the document, its pages or its lines."""
        return self.document.changed


@dataclass(frozen=True, kw_only=True)
class PageSummary(LineCounts):
    """A page with its counts."""

    page: Page


@dataclass(frozen=True)
class ReadCharacter:
    """One character that a machine read; its span is in pixels of the line's crop.

    others: what else it may be, (text, probability) the likeliest first; "" is no character.
    """

    text: str
    confidence: float
    start_px: float
    end_px: float
    others: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class NewReading:
    """What a machine read on a line, before it is stored.

    confidence: 0-1 for the whole line.
    crop_width_px: width of the crop that was read, so that spans can be scaled to other crops.
    with_language: a language model chose between readings.
    """

    text: str
    confidence: float
    characters: tuple[ReadCharacter, ...] = ()
    crop_width_px: float = 0.0
    with_language: bool = False


@dataclass(frozen=True)
class NewLine:
    """A line found on a page, before it is stored; geometry in pixels of the stored image."""

    baseline: tuple[Point, ...]
    polygon: tuple[Point, ...]
    spacing_px: float
    kind: str = "text"
    flags: tuple[str, ...] = ()
    reading: NewReading | None = None


@dataclass(frozen=True)
class Line:
    """A stored line. `replaced`: a machine found other lines; `removed`: a person took it away.

    reshaped: when a person last drew or changed its geometry; None: it is as the machine found it.
    unread: its geometry has changed since a machine read it.
    """

    id: int
    page_id: int
    position: int
    baseline: tuple[Point, ...]
    polygon: tuple[Point, ...]
    spacing_px: float
    kind: str
    flags: tuple[str, ...]
    created: datetime
    replaced: datetime | None
    removed: datetime | None
    reshaped: datetime | None = None
    unread: bool = False


@dataclass(frozen=True)
class Reading:
    """What one model read on one line; `with_language` as in `NewReading`."""

    id: int
    line_id: int
    model_id: int
    text: str
    confidence: float
    characters: tuple[ReadCharacter, ...]
    crop_width_px: float
    created: datetime
    with_language: bool = False


@dataclass(frozen=True)
class Revision:
    """What a person decided about a line; never updated, never deleted.

    status: "corrected", "confirmed", "doubtful", "ignored", or "machine" (back to the reading).
    parent_id: the revision that the author saw; None: the machine's reading.
    undoes_id: the revision that this one takes back, if it was made by an undo.
    """

    id: int
    line_id: int
    text: str
    status: str
    author: str
    created: datetime
    parent_id: int | None
    undoes_id: int | None


@dataclass(frozen=True)
class LineText:
    """A line with what is shown for it: the newest revision, else the machine's reading."""

    line: Line
    reading: Reading | None
    revision: Revision | None

    @property
    def text(self) -> str:
        """The text to show; after a return to the machine it follows the machine's reading."""
        if self.revision is None or (self.status == "machine" and self.reading is not None):
            return self.reading.text if self.reading is not None else ""
        return self.revision.text

    @property
    def status(self) -> str:
        """The status of the newest revision, or "machine"."""
        return self.revision.status if self.revision is not None else "machine"

    @property
    def confidence(self) -> float | None:
        """The machine's confidence, 0-1; None if no machine has read the line."""
        return self.reading.confidence if self.reading is not None else None

    @property
    def parent_id(self) -> int | None:
        """What the next correction of this line has to name as its parent."""
        return self.revision.id if self.revision is not None else None


@dataclass(frozen=True)
class Correction:
    """The newest decision about a line, with the places it belongs to."""

    revision: Revision
    page_id: int
    document_id: int


@dataclass(frozen=True)
class LineEdit:
    """What is to become of a line; None leaves a field as it is.

    line_id: None makes a new line, which needs at least a baseline and a spacing.
    """

    line_id: int | None
    baseline: tuple[Point, ...] | None = None
    polygon: tuple[Point, ...] | None = None
    spacing_px: float | None = None
    kind: str | None = None
    flags: tuple[str, ...] | None = None
    position: int | None = None
    removed: bool | None = None
    replaced: bool | None = None


@dataclass(frozen=True)
class LineChange:
    """What became of a line: the fields that differ, by their names, as JSON says them.

    before: None where the line was made by this change.
    """

    line_id: int
    before: dict[str, Any] | None
    after: dict[str, Any]


@dataclass(frozen=True)
class LayoutChange:
    """One step in the history of a page's lines; never updated, never deleted.

    what: one of LAYOUT_CHANGES; an undo bears the name of what it takes back.
    revisions: (line, revision) of the texts that were written together with it.
    undoes_id, redoes_id: the change that this one takes back, or does again.
    """

    id: int
    page_id: int
    what: str
    lines: tuple[LineChange, ...]
    revisions: tuple[tuple[int, int], ...]
    author: str
    created: datetime
    undoes_id: int | None
    redoes_id: int | None


@dataclass(frozen=True)
class LayoutSteps:
    """Where a page stands in its history.

    newest_id: what the next change has to name as the last one known; 0 if there was none.
    undo, redo: what would be taken back or done again, by name; None: nothing.
    """

    newest_id: int
    undo: str | None
    redo: str | None


@dataclass(frozen=True)
class TrainingLine:
    """A line with all that training asks of it: one that a person corrected or confirmed, mostly.

    text, status: of the newest revision, `revision_id`; of a line that nobody has touched the
    reading and "machine". baseline, spacing_px: in pixels of the page image, whose file
    `image_sha256` and `image_suffix` name. held_out: of its page.
    reading_text, reading_confidence (0-1): what `reading_model_id` read, the current model if it
    has read the line, else the one that read it last; None if none has.
    """

    line_id: int
    page_id: int
    document_id: int
    page_position: int
    position: int
    revision_id: int | None
    text: str
    status: str
    baseline: tuple[Point, ...]
    spacing_px: float
    held_out: bool | None
    image_sha256: str
    image_suffix: str
    reading_text: str | None
    reading_confidence: float | None
    reading_model_id: int | None


@dataclass(frozen=True)
class Model:
    """A recognition model; its weights lie in the file that `sha256` names.

    removed: when a person removed it; its weights go some time later, its readings stay.
    """

    id: int
    name: str
    parent_id: int | None
    sha256: str
    alphabet: tuple[str, ...]
    scores: dict[str, Any]
    facts: dict[str, Any]
    created: datetime
    current: bool
    removed: datetime | None = None


@dataclass(frozen=True)
class ModelUsage:
    """How many lines that are still there a model has read, on how many pages and documents."""

    lines: int
    pages: int
    documents: int


@dataclass(frozen=True)
class RunEvent:
    """What a run told on its way; `event` is a JSON object, its names are those of the kind."""

    id: int
    run_id: int
    created: datetime
    event: dict[str, Any]


@dataclass(frozen=True)
class Run:
    """One long piece of work, such as reading a page or training a model.

    progress: 0-1. attempts: how often it was started. heartbeat: its last sign of life.
    worker_pid: the process that works on it, for kinds that have one of their own.
    stopping: somebody asked it to come to an early, orderly end.
    """

    id: int
    kind: str
    page_id: int | None
    document_id: int | None
    state: str
    settings: dict[str, Any]
    snapshot: str | None
    progress: float
    phase: str
    message: str
    result: dict[str, Any] | None
    attempts: int
    heartbeat: datetime | None
    created: datetime
    started: datetime | None
    finished: datetime | None
    worker_pid: int | None = None
    stopping: bool = False
