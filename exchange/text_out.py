"""Pages -> plain text, Markdown, CSV and JSON Lines, piece by piece, so that no project is too big.

Each function yields pieces of text to be written one after the other, in UTF-8.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Sequence

from exchange.records import PageDocument, Points, TextLine

COLUMNS = (
    "page", "line", "id", "region", "type", "text", "confidence", "status", "baseline",
)  # fmt: skip
BYTE_ORDER_MARK = "\ufeff"  # without it, Excel takes UTF-8 for something else
# A cell that begins like this is a formula to spreadsheet programs, in full width, too.
_FORMULA = re.compile(r"[\s\x00-\x1f]*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~&$])")
_MARKDOWN_START = re.compile(r"^(\s*)([-+=:]|\d{1,9}(?=[.)]))")
_BREAKS = re.compile(r"[\r\n\x0b\x0c\x1c-\x1e\x85\u2028\u2029]+")
_HALVES = re.compile("[\ud800-\udfff]")  # of surrogate pairs


def to_txt(pages: Iterable[PageDocument], with_names: bool = False) -> Iterator[str]:
    """Yield plain text: a line of the page a line, a blank line between pages.

    with_names: begin each page with the name of its image in brackets.
    """
    for number, page in enumerate(pages):
        if number:
            yield "\n"
        if with_names:
            yield f"[{_one_line(page.image_name)}]\n"
        for line in page.lines:
            yield _one_line(line.text) + "\n"


def to_markdown(pages: Iterable[PageDocument], title: str = "") -> Iterator[str]:
    """Yield Markdown: a heading a page, line breaks kept, lines of one region in one paragraph.

    Whatever Markdown or HTML would make of the text is escaped; it shows as it was written.
    """
    if title:
        yield f"# {_markdown(title)}\n"
    for page in pages:
        yield f"\n## {_markdown(page.image_name)}\n"
        before: TextLine | None = None
        for line in (line for line in page.lines if line.text.strip()):
            if before is not None and _continues(line, before):
                yield "\\\n"
            else:
                yield "\n\n" if before is not None else "\n"
            yield ("### " if _is_heading(line) else "") + _markdown(line.text)
            before = line
        if before is not None:
            yield "\n"


def to_csv(pages: Iterable[PageDocument]) -> Iterator[str]:
    """Yield CSV with a header, one row a line of the page; COLUMNS names what is in it.

    A cell that a spreadsheet would run as a formula begins with an apostrophe instead; where the
    text has to be exact to the letter, take JSON Lines.
    """
    yield BYTE_ORDER_MARK + _row(COLUMNS)
    for page in pages:
        for number, line in enumerate(page.lines, start=1):
            cells = (page.image_name, line.id, line.region_id, line.kind, line.text)
            name, line_id, region, kind, text = (_safe_cell(cell) for cell in cells)
            confidence = "" if line.confidence is None else f"{line.confidence:.4f}"
            baseline = " ".join(f"{x:.1f},{y:.1f}" for x, y in line.baseline)
            yield _row(
                (name, str(number), line_id, region, kind, text, confidence,
                 _safe_cell(line.status), _safe_cell(baseline))
            )  # fmt: skip


def to_jsonl(pages: Iterable[PageDocument]) -> Iterator[str]:
    """Yield JSON Lines: an object a line of the page, with its geometry and its words."""
    for page in pages:
        for number, line in enumerate(page.lines, start=1):
            words = [
                {"text": word.text, "confidence": word.confidence, "polygon": _points(word.polygon)}
                for word in line.words
            ]
            record = {
                "page": page.image_name,
                "width": page.width,
                "height": page.height,
                "line": number,
                "id": line.id,
                "region": line.region_id,
                "type": line.kind,
                "text": line.text,
                "confidence": line.confidence,
                "status": line.status,
                "baseline": _points(line.baseline),
                "polygon": _points(line.polygon),
                "words": words,
            }
            # ASCII only: some programs split at U+2028, and half a surrogate pair is no UTF-8
            yield json.dumps(record, allow_nan=False) + "\n"


def _continues(line: TextLine, before: TextLine) -> bool:
    """Return whether a line goes on in the paragraph of the one before."""
    return line.region_id == before.region_id and not (_is_heading(line) or _is_heading(before))


def _is_heading(line: TextLine) -> bool:
    return line.kind.lower().startswith("heading")


def _one_line(text: str) -> str:
    """Return the text without line breaks, and U+FFFD for what UTF-8 cannot hold."""
    return _HALVES.sub("\ufffd", _BREAKS.sub(" ", text))


def _markdown(text: str) -> str:
    escaped = _MARKDOWN.sub(r"\\\1", _one_line(text).strip())
    start = _MARKDOWN_START.match(escaped)
    if start is None:
        return escaped
    if start.group(2).isdigit():  # "12." would begin a list
        return escaped[: start.end()] + "\\" + escaped[start.end() :]
    return escaped[: start.start(2)] + "\\" + escaped[start.start(2) :]


def _safe_cell(text: str) -> str:
    text = _one_line(text).replace("\x00", "\ufffd")
    return "'" + text if _FORMULA.match(text) else text


def _row(cells: Sequence[str]) -> str:
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerow(cells)
    return out.getvalue()


def _points(points: Points) -> list[list[float]]:
    return [[round(x, 2), round(y, 2)] for x, y in points]
