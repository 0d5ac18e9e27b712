"""Labelled line sets: a zip archive or a folder of line images with their texts.

Two layouts are read, each from a zip or a folder:
- `labels.jsonl`, one object a line: {file, text, source or hand, page}
- an image beside a text of the same name: `line.png` with `line.gt.txt` or `line.txt`
"""

from __future__ import annotations

import contextlib
import io
import json
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from htr.errors import RecognitionError
from htr.members import LineSetLimits, Members, open_members

LABELS_NAME = "labels.jsonl"
IMAGE_SUFFIXES = (".webp", ".png", ".jpg", ".jpeg", ".tif", ".tiff")
IMAGE_FORMATS = ("WEBP", "PNG", "JPEG", "TIFF")
PLAIN_TEXT_BYTES = 20_000_000  # of a text file for a language model: a shelf of books
TEXT_SUFFIXES = (".gt.txt", ".txt")


@dataclass(frozen=True)
class LabelledLine:
    """A line image of the set and what it says.

    file: name within the set. text: NFC, never empty. source: collection or hand, "" if unknown.
    page: the page it was cut from; the file itself if unknown.
    """

    file: str
    text: str
    source: str
    page: str


class LineSet:
    """The lines of a set, with their images read one at a time. Close it, or use it by `with`.

    name: file name of the set. lines: in the order of the labels. skipped: what could not be
    used and why, one message each.
    """

    def __init__(
        self,
        name: str,
        lines: tuple[LabelledLine, ...],
        skipped: tuple[str, ...],
        members: Members,
        limits: LineSetLimits,
    ) -> None:
        """Hold what `open_line_set` found."""
        self.name = name
        self.lines = lines
        self.skipped = skipped
        self._members = members
        self._limits = limits

    def image(self, line: LabelledLine) -> np.ndarray:
        """Return the line's image: uint8, gray (H, W).

        Raises RecognitionError when it is missing, damaged or larger than the limits.
        """
        data = self._members.read(line.file, self._limits.image_bytes)
        return _decode(data, line.file, self._limits)

    def size_px(self, line: LabelledLine) -> tuple[int, int]:
        """Return height and width of the line's image, which is not decoded.

        Raises RecognitionError as `image` does, but for damage beyond the image's head.
        """
        data = self._members.read(line.file, self._limits.image_bytes)
        with _opened(data, line.file, self._limits) as image:
            return image.height, image.width

    def close(self) -> None:
        """Close the archive."""
        self._members.close()

    def __enter__(self) -> LineSet:
        """Return the set itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the archive."""
        self.close()


def open_line_set(path: str | Path, limits: LineSetLimits | None = None) -> LineSet:
    """Return the labelled lines of a zip archive or a folder; images stay where they are.

    Raises RecognitionError when there is no such set, when it breaks a limit, when its labels
    cannot be read or when no line is usable. Single unusable lines are counted in `skipped`.
    """
    path, limits = Path(path), limits or LineSetLimits()
    members = open_members(path, limits)
    try:
        names = members.names()
        if LABELS_NAME in names:
            lines, skipped = _read_labels(members, set(names), limits)
        else:
            lines, skipped = _read_pairs(members, names, limits)
        if not lines:
            raise RecognitionError(
                f"{path.name} holds no usable labelled line ({len(skipped)} skipped"
                + (f"; the first: {skipped[0]}" if skipped else "")
                + f"). Expected {LABELS_NAME}, or images with .txt files beside them."
            )
    except BaseException:
        members.close()
        raise
    return LineSet(path.name, tuple(lines), tuple(skipped), members, limits)


def read_texts(path: Path) -> list[str]:
    """Return the lines of text in a text file (UTF-8), or what the lines of a set say.

    Raises RecognitionError when it is no text, larger than the limit or no line set.
    """
    if path.is_dir() or path.suffix.lower() == ".zip":
        with open_line_set(path) as line_set:
            return [line.text for line in line_set.lines]
    try:
        if path.stat().st_size > PLAIN_TEXT_BYTES:
            raise RecognitionError(
                f"{path.name} is larger than {PLAIN_TEXT_BYTES // 1_000_000} MB; "
                f"give a part of the text."
            )
        return path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise RecognitionError(f"{path} cannot be read: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        raise RecognitionError(
            f"{path.name} is no text in UTF-8. Save it as plain text in UTF-8."
        ) from error


def _read_labels(
    members: Members, names: set[str], limits: LineSetLimits
) -> tuple[list[LabelledLine], list[str]]:
    """Return the lines of labels.jsonl, and what was skipped.

    Labels that are not what they should be stop the reading: the whole set is then in doubt.
    """
    lines: list[LabelledLine] = []
    skipped: list[str] = []
    data = members.read(LABELS_NAME, limits.labels_bytes)
    for number, row in enumerate(data.splitlines(), 1):
        if not row.strip():
            continue
        label = _parse_label(row, number)
        if label.file not in names:
            skipped.append(f"{label.file}: the labels name it, but it is not there")
        elif not label.text:
            skipped.append(f"{label.file}: has no text")
        else:
            lines.append(label)
    return lines, skipped


def _parse_label(row: bytes, number: int) -> LabelledLine:
    where = f"{LABELS_NAME}, line {number}"
    try:
        label = json.loads(row)
    except (ValueError, RecursionError) as error:
        raise RecognitionError(f"{where} is not JSON: {error}") from error
    if not isinstance(label, dict):
        raise RecognitionError(f"{where} is not an object with file and text.")
    values: dict[str, str] = {}
    for field, default in (("file", None), ("text", None), ("page", ""), ("source", "")):
        value = label.get(field, default)
        if field == "source" and not value:
            value = label.get("hand", "")
        if not isinstance(value, str):
            raise RecognitionError(f'{where}: "{field}" is {value!r:.40}; expected a text.')
        values[field] = value
    return LabelledLine(
        file=values["file"],
        text=_clean(values["text"]),
        source=values["source"],
        page=values["page"] or values["file"],
    )


def _read_pairs(
    members: Members, names: list[str], limits: LineSetLimits
) -> tuple[list[LabelledLine], list[str]]:
    """Return the images that have a text beside them, and what was skipped."""
    known = set(names)
    lines: list[LabelledLine] = []
    skipped: list[str] = []
    for name in names:
        if not name.lower().endswith(IMAGE_SUFFIXES):
            continue
        stem = name[: -len(PurePosixPath(name).suffix)]
        text_name = next((stem + end for end in TEXT_SUFFIXES if stem + end in known), None)
        if text_name is None:
            skipped.append(f"{name}: no text beside it")
            continue
        try:
            text = _clean(members.read(text_name, limits.text_bytes).decode("utf-8-sig"))
        except (RecognitionError, UnicodeDecodeError) as error:
            skipped.append(f"{text_name}: {error}")
            continue
        if not text:
            skipped.append(f"{name}: has no text")
            continue
        folder = PurePosixPath(name).parent.as_posix().removeprefix(".")
        lines.append(LabelledLine(name, text, folder.split("/")[0], name))
    return lines, skipped


def _clean(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip()


def _decode(data: bytes, name: str, limits: LineSetLimits) -> np.ndarray:
    """Return the image as gray uint8 (H, W)."""
    with _opened(data, name, limits) as image:
        return np.asarray(image.convert("L"))


@contextlib.contextmanager
def _opened(data: bytes, name: str, limits: LineSetLimits) -> Iterator[Image.Image]:
    """Yield the image, not yet decoded; whatever goes wrong with it is a RecognitionError."""
    try:
        # The size is read from the header first: a small file may claim a gigantic image.
        with Image.open(io.BytesIO(data), formats=IMAGE_FORMATS) as image:
            if image.width * image.height > limits.image_pixels:
                raise RecognitionError(
                    f"{name} is {image.width} x {image.height} px; the limit for a line image is "
                    f"{limits.image_pixels:,} px."
                )
            yield image
    except RecognitionError:
        raise
    except Exception as error:  # Pillow's decoders raise almost anything on damaged data
        raise RecognitionError(f"{name} is not a readable image: {error}") from error
