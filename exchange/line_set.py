"""Lines cut from pages, with their texts -> a data set to train with, here or elsewhere.

"labels": what this program reads and writes itself, `labels.jsonl`; "pairs": an image and a text
of the same name, for kraken and Tesseract; "pylaia": lists of characters; "imagefolder": with
`metadata.jsonl`, for Hugging Face data sets.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import IO

from exchange.errors import ExchangeError
from exchange.zip_output import add_file, file_info

KINDS = ("labels", "pairs", "pylaia", "imagefolder")
SPACE = "<space>"  # PyLaia's name of a space


@dataclass(frozen=True)
class SetLine:
    """One line: its image as PNG, its text, where it is from, and whether it is held out."""

    image: bytes
    text: str
    page: str
    source: str
    held_out: bool = False


def write_line_set(
    out: IO[bytes],
    lines: Iterable[SetLine],
    kind: str,
    now: datetime,
    proceed: Callable[[int], bool] = lambda done: True,
) -> int:
    """Return how many lines were written into a zip archive; those without text are left out.

    Images of held-out lines are in `test/`, the others in `train/`. proceed: called with the
    number of lines done after each; False stops, and the archive holds what was done so far.

    Raises: ExchangeError for another kind.
    """
    if kind not in KINDS:
        raise ExchangeError(f"There is no data set {kind!r}; choose one of {', '.join(KINDS)}.")
    rows: dict[str, list[str]] = {"train": [], "test": []}
    characters: set[str] = set()
    count = 0
    with zipfile.ZipFile(out, "w") as archive:
        for line in lines:
            text = " ".join(line.text.split())
            if not text:
                continue
            count += 1
            part, stem = "test" if line.held_out else "train", f"line_{count:07d}"
            image = f"{part}/{stem}.png"
            archive.writestr(file_info(image, now, zipfile.ZIP_STORED), line.image)
            if kind == "pairs":
                add_file(archive, f"{part}/{stem}.gt.txt", f"{text}\n".encode(), now)
            else:
                rows[part].append(_row(kind, line, text, image))
                characters.update(text)
            if not proceed(count):
                break
        for name, data in _lists(kind, rows, characters).items():
            add_file(archive, name, data.encode(), now)
    return count


def _row(kind: str, line: SetLine, text: str, image: str) -> str:
    """Return what the lists of this kind say of a line."""
    if kind == "pylaia":
        tokens = " ".join(SPACE if character == " " else character for character in text)
        return f"{image.removesuffix('.png')} {tokens}"
    facts = {"text": text, "source": line.source, "page": line.page}
    if kind == "labels":
        split = "test" if line.held_out else "train"
        return json.dumps({"file": image, **facts, "split": split}, ensure_ascii=False)
    name = image.partition("/")[2]
    return json.dumps({"file_name": name, **facts}, ensure_ascii=False)


def _lists(kind: str, rows: dict[str, list[str]], characters: set[str]) -> dict[str, str]:
    """Return the files beside the images, by their names."""
    if kind == "pairs":
        return {}
    texts = {part: "".join(row + "\n" for row in some) for part, some in rows.items()}
    if kind == "labels":
        return {"labels.jsonl": texts["train"] + texts["test"]}
    if kind == "imagefolder":
        return {f"{part}/metadata.jsonl": text for part, text in texts.items() if text}
    shown = [SPACE if character == " " else character for character in sorted(characters)]
    symbols = "".join(f"{one} {number}\n" for number, one in enumerate(["<ctc>", *shown]))
    return {**{f"{part}.txt": text for part, text in texts.items()}, "syms.txt": symbols}
