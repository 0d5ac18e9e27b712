"""Data sets of lines, as the programs that train on them expect them."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest

from exchange import ExchangeError
from exchange.line_set import SetLine, write_line_set
from htr.lines_data import open_line_set

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
IMAGE = cv2.imencode(".png", np.full((64, 100), 200, np.uint8))[1].tobytes()
LINES = (
    SetLine(IMAGE, "één  twee ", "p1.jpg", "hand A"),
    SetLine(IMAGE, " ", "p1.jpg", "hand A"),
    SetLine(IMAGE, "drie", "p2.jpg", "hand A", held_out=True),
)


def files(kind: str) -> dict[str, bytes]:
    out = io.BytesIO()
    assert write_line_set(out, LINES, kind, NOW) == 2
    with zipfile.ZipFile(out) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_own_kind_is_read_by_this_program(tmp_path: Path) -> None:
    path = tmp_path / "set.zip"
    with path.open("wb") as out:
        write_line_set(out, LINES, "labels", NOW)
    with open_line_set(path) as found:
        assert [(line.text, line.page, line.source) for line in found.lines] == [
            ("één twee", "p1.jpg", "hand A"),
            ("drie", "p2.jpg", "hand A"),
        ]
        assert found.skipped == ()
        assert found.image(found.lines[1]).shape == (64, 100)


def test_pairs_are_read_by_this_program_too(tmp_path: Path) -> None:
    path = tmp_path / "set.zip"
    with path.open("wb") as out:
        write_line_set(out, LINES, "pairs", NOW)
    with open_line_set(path) as found:
        assert [line.text for line in found.lines] == ["één twee", "drie"]
    assert files("pairs")["train/line_0000001.gt.txt"].decode() == "één twee\n"


def test_pylaia_lists_name_each_character() -> None:
    found = files("pylaia")
    assert found["train.txt"].decode() == "train/line_0000001 é é n <space> t w e e\n"
    assert found["test.txt"].decode() == "test/line_0000002 d r i e\n"
    symbols = found["syms.txt"].decode().splitlines()
    assert symbols[:3] == ["<ctc> 0", "<space> 1", "d 2"]
    assert found["test/line_0000002.png"] == IMAGE


def test_imagefolder_has_the_texts_beside_the_images() -> None:
    found = files("imagefolder")
    assert json.loads(found["train/metadata.jsonl"]) == {
        "file_name": "line_0000001.png",
        "text": "één twee",
        "source": "hand A",
        "page": "p1.jpg",
    }


def test_it_can_be_stopped_and_other_kinds_are_refused() -> None:
    out = io.BytesIO()
    assert write_line_set(out, LINES, "labels", NOW, proceed=lambda done: False) == 1
    with pytest.raises(ExchangeError, match="no data set 'mnist'"):
        write_line_set(out, LINES, "mnist", NOW)
