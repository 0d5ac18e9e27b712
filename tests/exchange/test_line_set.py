"""Data sets of lines, as the programs that train on them expect them."""

from __future__ import annotations

import io
import json
import unicodedata
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exchange import ExchangeError
from exchange.line_set import SetLine, write_line_set
from htr.lines_data import open_line_set
from tests.exchange.made import NAMES, TEXT

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


@given(rows=st.lists(st.tuples(TEXT, NAMES, st.booleans()), min_size=1, max_size=6))
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_lines_are_the_same_after_writing_and_reading(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, bool]]
) -> None:
    path = tmp_path_factory.mktemp("set") / "set.zip"
    lines = [
        SetLine(cv2.imencode(".png", np.full((64, 50 + n), 200, np.uint8))[1].tobytes(), *row[:2],
                "hand", row[2])
        for n, row in enumerate(rows)
    ]  # fmt: skip
    kept = [n for n, row in enumerate(rows) if row[0].split()]
    with path.open("wb") as out:
        assert write_line_set(out, lines, "labels", NOW) == len(kept)
    if not kept:
        return
    with open_line_set(path) as found:
        again = {found.image(line).shape[1] - 50: line for line in found.lines}
        assert sorted(again) == kept and found.skipped == ()
        for n, line in again.items():
            text = " ".join(rows[n][0].split())
            assert (line.text, line.page) == (unicodedata.normalize("NFC", text), rows[n][1])


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
