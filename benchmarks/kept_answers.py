"""Answers of the segmentation benchmark, kept page by page, so that a run that was stopped goes on.

A slow rival takes the better part of an hour. What it said of a page is of use as long as it is the
same rival, on the same pages and with as many threads; ours is another one with every change of its
code or weights, and is asked again.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from functools import cache
from pathlib import Path

from benchmarks.page_worker import Answer

CODE = Path(__file__).parents[1] / "segmentation"


class KeptAnswers:
    """Answers by contestant and page, in a file of JSON rows that grows with every page."""

    def __init__(self, path: Path | None, archive: Path, threads: int) -> None:
        """Read what the file holds. path: None to keep nothing."""
        self._path = path
        self._setting = f"{archive.name} {archive.stat().st_size} {threads}"
        self._answers: dict[tuple[str, str], Answer] = {}
        if path is None:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            for row in path.read_text(encoding="utf-8").splitlines():
                self._read(row)

    def of(self, contestant: str, file: str) -> Answer | None:
        """Return what the contestant said of that page, or None if it was not asked yet."""
        return self._answers.get((contestant, file))

    def add(self, contestant: str, file: str, answer: Answer) -> None:
        """Keep an answer. contestant: its version, or for ours `version_of_ours`."""
        self._answers[contestant, file] = answer
        if self._path is not None:
            row = {"setting": self._setting, "contestant": contestant, "file": file}
            with self._path.open("a", encoding="utf-8") as out:
                out.write(json.dumps(row | {"answer": asdict(answer)}) + "\n")

    def _read(self, row: str) -> None:
        try:
            content = json.loads(row)
            if content["setting"] == self._setting:
                answer = Answer(**content["answer"])
                self._answers[content["contestant"], content["file"]] = answer
        except (ValueError, KeyError, TypeError):
            return  # half a row, of a run that was killed: the page is asked again


@cache
def version_of_ours(method: str) -> str:
    """Return the method with a digest of all that it is made of: our code and weights.

    Taken once: what is changed while the benchmark runs is not what its worker has loaded.
    """
    digest = hashlib.sha256()
    for path in sorted([*CODE.glob("*.py"), *CODE.glob("weights/*.safetensors")]):
        digest.update(path.name.encode() + path.read_bytes())
    return f"{method} {digest.hexdigest()[:16]}"
