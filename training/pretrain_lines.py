"""Real lines to pretrain on: read from their files when a batch wants them, not before.

A source is a line set (see `htr/lines_data.py`), a snapshot of corrected lines, or a list `NAME.ln`
as it comes with published data sets: names of images, a row each, which lie with their texts in
the folder `lines` beside the list.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from htr.alphabet import Alphabet
from htr.config import ModelConfig
from htr.errors import RecognitionError
from htr.lines_data import LabelledLine, LineSet, open_line_set
from htr.preprocess import bucket_width
from training.errors import TrainingError
from training.frozen_lines import has_snapshot, read_snapshot
from training.line_batches import (
    PX_PER_STEP,
    BatchLine,
    image_to_learn,
    prepare_lines,
    width_to_learn_px,
)
from training.lines import TrainLine, thinned
from training.losses import lines_without_room

LIST_SUFFIX, LIST_FOLDER = ".ln", "lines"
HASHED_BYTES = 1 << 20  # read at once


@dataclass(frozen=True)
class Skipped:
    """Lines that cannot be learned from, by reason, and why the sources left some out."""

    unknown: int = 0
    without_room: int = 0
    unreadable: int = 0
    first: str = ""


@dataclass(frozen=True, eq=False)
class StoredLine:
    """A line in its file; its image is read, and prepared, whenever it is asked for."""

    line_set: LineSet
    label: LabelledLine
    classes: tuple[int, ...]
    width_px: int
    config: ModelConfig
    lock: threading.Lock

    @property
    def image(self) -> np.ndarray:
        """As that of `PreparedLine`.

        Raises RecognitionError if the file was damaged.
        """
        with (
            self.lock
        ):  # archives are read from the thread that makes batches and from that of looks
            gray = self.line_set.image(self.label)
        return image_to_learn(gray, self.width_px, self.config)


class RealLines:
    """The lines of all sources that a network of this alphabet can learn. Use it by `with`."""

    def __init__(
        self, sources: Sequence[Path], config: ModelConfig, alphabet: Alphabet, limit: int | None
    ) -> None:
        """Open the sources. limit: take so many lines of each, spread evenly.

        Raises RecognitionError or TrainingError for a source that cannot be read.
        """
        self._open = ExitStack()
        self._lock = threading.Lock()
        self._config = config
        self._alphabet = alphabet
        self._left_out = {"unknown": 0, "without_room": 0, "unreadable": 0}
        self._first = ""
        self.lines: list[BatchLine] = []
        try:
            for source in sources:
                self.lines += self._read(source, limit)
        except BaseException:
            self._open.close()
            raise

    @property
    def skipped(self) -> Skipped:
        """What was left out."""
        return Skipped(**self._left_out, first=self._first)

    def __enter__(self) -> RealLines:
        """Return the lines themselves."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the sources."""
        self._open.close()

    def _read(self, source: Path, limit: int | None) -> list[BatchLine]:
        if has_snapshot(source):
            chosen = thinned(read_snapshot(source).train, limit)
            known = [one for one in chosen if self._can_write(one.text)]
            return list(prepare_lines(known, self._config, self._alphabet))
        line_set, labels = _labels(self._open, source)
        if source.suffix != LIST_SUFFIX:
            self._left_out["unreadable"] += len(line_set.skipped)
        found: list[BatchLine] = []
        for label in thinned(labels, limit):
            line = self._stored(line_set, label)
            if line is not None:
                found.append(line)
        return found

    def _stored(self, line_set: LineSet, label: LabelledLine) -> StoredLine | None:
        """Return the line; None, and counted, if it cannot be learned."""
        if not self._can_write(label.text):
            return None
        try:
            height_px, width_px = line_set.size_px(label)
        except RecognitionError as error:
            self._leave_out("unreadable", str(error))
            return None
        classes = tuple(self._alphabet.encode(label.text))
        wide = width_to_learn_px(height_px, width_px, len(classes), self._config)
        steps = bucket_width(wide, self._config) // PX_PER_STEP
        if lines_without_room([steps], [classes]):
            self._leave_out("without_room", f"{label.file} is too narrow for its text")
            return None
        return StoredLine(line_set, label, classes, wide, self._config, self._lock)

    def _can_write(self, text: str) -> bool:
        unknown = self._alphabet.unknown(text)
        if unknown:
            self._leave_out("unknown", f"{unknown[0].character!r} is not in the alphabet")
        return not unknown

    def _leave_out(self, reason: str, message: str) -> None:
        self._left_out[reason] += 1
        self._first = self._first or message


def _labels(open_: ExitStack, source: Path) -> tuple[LineSet, Sequence[LabelledLine]]:
    """Return the set of a source, open as long as the stack is, and its lines that are meant.

    Raises RecognitionError or TrainingError for what is no source.
    """
    if source.suffix != LIST_SUFFIX or source.is_dir():
        line_set = open_.enter_context(open_line_set(source))
        return line_set, line_set.lines
    try:
        rows = source.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise TrainingError(f"{source} cannot be read as a list of images: {error}.") from error
    line_set = open_.enter_context(open_line_set(source.parent / LIST_FOLDER))
    known = {label.file: label for label in line_set.lines}
    wanted = [row.strip() for row in rows if row.strip()]
    missing = [name for name in wanted if name not in known]
    if missing:
        raise TrainingError(
            f"{source.name} names {missing[0]!r}, which has no image and text in "
            f"{source.parent / LIST_FOLDER} ({len(missing):,} such names). Put the lines there."
        )
    return line_set, [known[name] for name in wanted]


def characters_of_sources(sources: Sequence[Path]) -> list[str]:
    """Return the characters that the texts of the sources hold, in the order of code points."""
    found: set[str] = set()
    for source in sources:
        if has_snapshot(source):
            found.update(*(line.text for line in read_snapshot(source).train))
        else:
            with ExitStack() as open_:
                found.update(*(line.text for line in _labels(open_, source)[1]))
    return sorted(found)


def validation_lines(source: Path, limit: int) -> list[TrainLine]:
    """Return at most so many lines to look at while training, spread evenly over the set."""
    with ExitStack() as open_:
        line_set, labels = _labels(open_, source)
        return [
            TrainLine(one.file, line_set.image(one), one.text, one.page, one.source)
            for one in thinned(labels, limit)
        ]


def source_facts(sources: Sequence[Path]) -> list[dict[str, Any]]:
    """Return name, size and SHA-256 of every source, all its files together, for the log."""
    facts = []
    for source in sources:
        base = source if source.is_dir() else source.parent
        inside = source if source.is_dir() else base / LIST_FOLDER
        files = [source] if source.is_file() else []
        if source.is_dir() or source.suffix == LIST_SUFFIX:
            files += sorted(path for path in inside.rglob("*") if path.is_file())
        if not files:
            raise TrainingError(f"{source} holds no file. Name a line set or a snapshot.")
        digest, size = hashlib.sha256(), 0
        for path in files:
            if len(files) > 1:
                digest.update(path.relative_to(base).as_posix().encode())
            with path.open("rb") as file:
                while block := file.read(HASHED_BYTES):
                    digest.update(block)
                    size += len(block)
        facts.append(
            {
                "name": source.name,
                "files": len(files),
                "bytes": size,
                "sha256": digest.hexdigest(),
            }
        )
    return facts
