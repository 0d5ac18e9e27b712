"""A data set of lines in an upload -> its lines, each an image with its text.

Read are what this program writes itself (`labels.jsonl`), an image beside a `.gt.txt` of the same
name (kraken, Tesseract), Hugging Face's `imagefolder` (`metadata.jsonl` or `.csv`) and parquet.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from exchange.errors import ExchangeError
from exchange.plan import IMAGE_ENDINGS
from exchange.upload import Source
from exchange.xml_input import base_name

LABELS = "labels.jsonl"
METADATA = ("metadata.jsonl", "metadata.csv")
PAIRED = ".gt.txt"
TABLE = ".parquet"
TEXT_KEYS = ("text", "transcription", "sentence", "label", "ground_truth")
MAX_LIST_BYTES = 128 * 2**20  # of a list of lines; half a million lines
MAX_TEXT_BYTES = 64 * 2**10  # of the text of one line
MAX_LINES = 1_000_000
HELD_OUT = ("test", "val", "valid", "validation", "dev", "eval")  # splits that do not teach


@dataclass(frozen=True)
class FoundLine:
    """One line of a data set: the name of its image, its text, its page, and its split.

    held_out: whether its set keeps it for tests; None: the set makes no difference.
    """

    image: str
    text: str
    page: str = ""
    held_out: bool | None = None


@dataclass(frozen=True)
class LineSets:
    """The data sets in an upload.

    lines: in the order of their lists. tables: parquet files, whose lines are in them. used: all
    files that belong to sets. problems: what would be left out and why, one message each.
    """

    lines: tuple[FoundLine, ...]
    tables: tuple[str, ...]
    used: frozenset[str]
    problems: tuple[str, ...]


def find_line_sets(source: Source, proceed: Callable[[], None] = lambda: None) -> LineSets:
    """Return the data sets of lines in an upload; `proceed` may raise to stop."""
    names = set(source.names)
    lines: list[FoundLine] = []
    used: set[str] = set()
    problems: list[str] = []
    for name in source.names:
        last = base_name(name)
        if last != LABELS and last not in METADATA:
            continue
        proceed()
        folder = name[: len(name) - len(last)]
        used.add(name)
        try:
            rows = _rows(source.read(name, MAX_LIST_BYTES), name)
            lines += _listed(rows, name, folder, names, problems)
        except ExchangeError as error:
            problems.append(str(error))
    lines += _pairs(source, names, used, problems, proceed)
    if len(lines) > MAX_LINES:
        raise ExchangeError(f"{source.name} has more than {MAX_LINES:,} lines. Split it.")
    tables = tuple(name for name in source.names if name.lower().endswith(TABLE))
    if any(line.held_out for line in lines):
        lines = [FoundLine(line.image, line.text, line.page, bool(line.held_out)) for line in lines]
    else:
        lines = [FoundLine(line.image, line.text, line.page) for line in lines]
    used |= {line.image for line in lines} | set(tables)
    return LineSets(tuple(lines), tables, frozenset(used), tuple(problems))


def text_of(row: Mapping[str, Any]) -> str:
    """Return the text of a row of a data set; "" if it has none."""
    for key in TEXT_KEYS:
        if isinstance(row.get(key), str):
            return " ".join(row[key].split())
    return ""


def is_held_out(*words: str) -> bool | None:
    """Return whether a split or a folder of this name is kept for tests; None if it is neither."""
    for word in (word.lower() for word in words):
        if word in HELD_OUT:
            return True
        if word == "train":
            return False
    return None


def _rows(data: bytes, name: str) -> Iterator[dict[str, Any]]:
    """Yield the rows of a list in JSON lines or CSV."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ExchangeError(f"{name} is no text in UTF-8 (byte {error.start:,}).") from error
    if name.endswith(".csv"):
        try:
            yield from csv.DictReader(io.StringIO(text), strict=True)
        except csv.Error as error:
            raise ExchangeError(f"{name} is no CSV file: {error}.") from error
        return
    for number, row in enumerate(text.split("\n"), start=1):
        if not row.strip():
            continue
        try:
            value = json.loads(row)
        except (ValueError, RecursionError) as error:
            raise ExchangeError(f"{name}, line {number:,} is no JSON.") from error
        if not isinstance(value, dict):
            raise ExchangeError(f"{name}, line {number:,} is no JSON object.")
        yield value


def _listed(
    rows: Iterator[dict[str, Any]], name: str, folder: str, names: set[str], problems: list[str]
) -> list[FoundLine]:
    """Return the lines of a list whose image is there and which have a text."""
    lines = []
    for number, row in enumerate(rows, start=1):
        image = row.get("file") if name.endswith(LABELS) else row.get("file_name")
        if not isinstance(image, str) or folder + image not in names:
            problems.append(f"{name}, line {number:,}: its image {image!r:.80} is not there.")
        elif not (text := text_of(row)):
            problems.append(f"{name}, line {number:,}: {image[:80]!r} has no text.")
        else:
            page = row.get("page") if isinstance(row.get("page"), str) else ""
            split = row.get("split") if isinstance(row.get("split"), str) else ""
            parts = (folder + image).split("/")[:-1]
            held_out = is_held_out(split or "", *reversed(parts))
            lines.append(FoundLine(folder + image, text, page or "", held_out))
    return lines


def _pairs(
    source: Source,
    names: set[str],
    used: set[str],
    problems: list[str],
    proceed: Callable[[], None],
) -> list[FoundLine]:
    """Return the images that have a `.gt.txt` beside them."""
    images: dict[str, str] = {}
    for name in source.names:
        if name.lower().endswith(IMAGE_ENDINGS):
            stem = name.rpartition(".")[0]
            images.setdefault(stem, name)
            images.setdefault(stem.removesuffix(".bin").removesuffix(".nrm"), name)
    lines = []
    for name in source.names:
        if not name.lower().endswith(PAIRED):
            continue
        proceed()
        used.add(name)
        image = images.get(name[: -len(PAIRED)])
        if image is None:
            problems.append(f"{name} has no image beside it.")
            continue
        try:
            text = " ".join(source.read(name, MAX_TEXT_BYTES).decode("utf-8-sig").split())
        except UnicodeDecodeError:
            problems.append(f"{name} is no text in UTF-8.")
        except ExchangeError as error:
            problems.append(str(error))
        else:
            if text:
                lines.append(FoundLine(image, text, "", is_held_out(*_folders(name))))
            else:
                problems.append(f"{name} is empty.")
    return lines


def _folders(name: str) -> Sequence[str]:
    return name.split("/")[-2::-1]
