"""What storage keeps of a page <-> the page as the formats say it; values in, values out."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from exchange.errors import ExchangeError
from exchange.found import MAX_LINES
from exchange.kinds import stored_kind
from exchange.origin import with_origin
from exchange.points import bounds, is_baseline
from exchange.records import PageDocument, Points, TextLine, Word
from exchange.spans import Span, placed_words
from storage import LineText, NewLine, NewReading, Page, StorageError, clean_text
from storage.records import STATUSES

CHOICES = ("best", "machine", "human")
OUTLINE_HEIGHT = 1.16  # of the line spacing: a line's image, and about what outlines take
SMALLEST_SPACING_PX = 4.0
MAX_BESIDE = 300  # lines at about the same height that are looked at for a neighbour
_TYPES = {"text": "", "margin": "marginalia", "heading": "heading", "interlinear": "interlinear"}


@dataclass(frozen=True)
class NewText:
    """A line to be stored, and what a person wrote on it.

    text, status: for a revision; None and "machine" where the text is a machine's, which is then
    in `line.reading`, or where there is none.
    """

    line: NewLine
    text: str | None
    status: str


def page_document(
    page: Page,
    lines: Sequence[LineText],
    text: str = "best",
    with_words: bool = True,
    origin: Mapping[str, Any] | None = None,
) -> PageDocument:
    """Return a stored page as the formats say it.

    lines: in reading order, as `storage.lines_of` gives them.
    text: "best": what is shown for each line; "machine": its reading; "human": only what a person
    has written or confirmed, other lines are without text.
    with_words: whether words and characters get their places, from the machine's reading.
    origin: what `storage.page_origin` gives: regions, tags and the like of the page's own file.

    Raises: ExchangeError for a choice that there is not, and for a damaged origin.
    """
    if text not in CHOICES:
        raise ExchangeError(f"There is no text {text!r}; choose one of {', '.join(CHOICES)}.")
    document = PageDocument(
        image_name=page.name,
        width=page.width_px,
        height=page.height_px,
        lines=tuple(_text_line(line, text, with_words) for line in lines),
    )
    return with_origin(
        document,
        origin or {},
        [line.line.id for line in lines],
        [line.line.reshaped is None for line in lines],
    )


def new_texts(page: PageDocument, by: str) -> list[NewText]:
    """Return the lines of a page to be stored, in reading order.

    by: whose text it is, "human" or "machine"; the file cannot tell. A file that says of a line
    that it was corrected or confirmed is believed. A line whose spacing no file says gets that of
    its neighbours. A reading of unknown confidence has 0: nothing speaks for it.

    Raises: ExchangeError for a page that is not in pixels, and for text that storage refuses.
    """
    if by not in ("human", "machine"):
        raise ExchangeError(f"The text is by {by!r}; choose human or machine.")
    if page.unit != "pixel":
        raise ExchangeError(
            f"The page {page.image_name!r} is measured in {page.unit}. Fit it to its image first."
        )
    if len(page.lines) > MAX_LINES:
        raise ExchangeError(f"The page has {len(page.lines):,} lines; the limit is {MAX_LINES:,}.")
    region_kinds = {region.id: region.kind for region in page.regions}
    texts = []
    for line, spacing_px in zip(page.lines, line_spacings(page), strict=True):
        text = _stored_text(line)
        status = line.status if line.status in STATUSES else "machine"
        if by == "human" and text and status == "machine":
            status = "corrected"
        elif status in ("corrected", "confirmed") and not text:
            status = "machine"
        reading = None
        if status == "machine" and text:
            reading = NewReading(text, line.confidence if line.confidence is not None else 0.0)
        new = NewLine(
            baseline=line.baseline,
            polygon=line.polygon,
            spacing_px=spacing_px,
            kind=stored_kind(line.kind, region_kinds.get(line.region_id, "")),
            flags=line.flags,
            reading=reading,
        )
        texts.append(NewText(new, text if status != "machine" else None, status))
    return texts


def line_spacings(page: PageDocument) -> list[float]:
    """Return the line spacing of each line in pixels: what the file says, else an estimate.

    The nearer of the distances to the next baselines above and below that run beside at least a
    third of the line, but no more than twice the usual of the page; for a single line, what its
    outline's height tells.
    """
    boxes = [bounds(line.baseline) or (0.0, 0.0, 0.0, 0.0) for line in page.lines]
    middles = [(top + bottom) / 2 for _, top, _, bottom in boxes]
    order = sorted(range(len(boxes)), key=lambda number: middles[number])
    nearest: list[float | None] = [None] * len(boxes)
    for rank, number in enumerate(order):
        nearest[number] = _nearest(rank, order, boxes, middles)
    known = [distance for distance in nearest if distance is not None]
    usual = statistics.median(known) if known else None
    spacings = []
    for line, distance in zip(page.lines, nearest, strict=True):
        if line.spacing_px:
            spacings.append(line.spacing_px)
            continue
        found = distance if distance is not None else usual
        if found is None:
            found = _outline_height(line.polygon) or page.height / 40
        limit = 2 * usual if usual is not None else found
        spacings.append(max(SMALLEST_SPACING_PX, min(found, limit)))
    return spacings


def _text_line(line: LineText, choice: str, with_words: bool) -> TextLine:
    stored, reading = line.line, line.reading
    text, is_machine = line.text, line.status == "machine"
    if choice == "machine":
        text, is_machine = (reading.text if reading is not None else ""), True
    elif choice == "human" and is_machine:
        text = ""
    words: tuple[Word, ...] = ()
    if with_words and reading is not None and text:
        spans = [Span(c.text, c.confidence, c.start_px, c.end_px) for c in reading.characters]
        words = placed_words(text, spans, reading.crop_width_px, stored.baseline, stored.spacing_px)
    has_confidence = is_machine and reading is not None and text
    return TextLine(
        id=f"line_{stored.id}",
        baseline=stored.baseline,
        polygon=stored.polygon,
        text=text,
        confidence=reading.confidence if has_confidence and reading is not None else None,
        kind=type_of(stored.kind),
        words=words,
        spacing_px=stored.spacing_px,
        status="machine" if choice == "machine" else line.status,
        flags=stored.flags,
    )


def type_of(kind: str) -> str:
    """Return the type that files of the field give a line of this kind."""
    return _TYPES.get(kind, kind)


def _stored_text(line: TextLine) -> str:
    try:
        return clean_text(line.text)
    except StorageError as error:
        raise ExchangeError(f"Line {line.id[:60]!r} cannot be kept: {error}") from error


def _nearest(
    rank: int,
    order: Sequence[int],
    boxes: Sequence[tuple[float, float, float, float]],
    middles: Sequence[float],
) -> float | None:
    """Return the distance to the nearest baseline above or below that runs beside this one."""
    number = order[rank]
    left, _, right, _ = boxes[number]
    found = []
    above = range(rank - 1, max(-1, rank - 1 - MAX_BESIDE), -1)
    for way in (above, range(rank + 1, min(len(order), rank + 1 + MAX_BESIDE))):
        for other in (order[place] for place in way):
            shared = min(right, boxes[other][2]) - max(left, boxes[other][0])
            distance = abs(middles[other] - middles[number])
            if shared > (right - left) / 3 and distance >= SMALLEST_SPACING_PX:
                found.append(distance)
                break
    return min(found) if found else None


def _outline_height(polygon: Points) -> float | None:
    box = bounds(polygon)
    if box is None or len(polygon) < 3 or not is_baseline(polygon):
        return None
    return (box[3] - box[1]) / OUTLINE_HEIGHT or None
