"""Parquet files of lines, as Hugging Face's data sets have them."""

from __future__ import annotations

import io
import json
import sys
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from exchange import ExchangeError, parquet_output
from exchange.line_set import SetLine
from exchange.parquet_input import table_lines, table_rows
from exchange.parquet_output import write_parquet_set

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
LINES = (
    SetLine(b"one", "één  twee ", "p1", "hand A"),
    SetLine(b"no text", " ", "p1", "hand A"),
    SetLine(b"two", "drie", "p2", "hand A", held_out=True),
    SetLine(b"three", "vier", "p1", "hand A"),
)


def test_lines_are_in_the_file_of_their_part_and_are_read_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    monkeypatch.setattr(parquet_output, "ROWS_AT_ONCE", 1)
    out = io.BytesIO()
    assert write_parquet_set(out, LINES, NOW) == 3
    with zipfile.ZipFile(out) as archive:
        archive.extractall(tmp_path)
        card = archive.read("README.md").decode()
    train = tmp_path / "data" / "train-00000-of-00001.parquet"
    test = tmp_path / "data" / "test-00000-of-00001.parquet"
    assert list(table_lines(train, "x")) == [(b"one", "één twee"), (b"three", "vier")]
    assert table_rows(test, "x") == 1
    said = json.loads(parquet.read_schema(train).metadata[b"huggingface"])
    assert said["info"]["features"]["image"] == {"_type": "Image"}
    assert "split: test\n    path: data/test-00000-of-00001.parquet" in card


def test_part_without_lines_has_no_file() -> None:
    pytest.importorskip("pyarrow")
    out = io.BytesIO()
    assert write_parquet_set(out, LINES[:1], NOW) == 1
    with zipfile.ZipFile(out) as archive:
        assert archive.namelist() == ["data/train-00000-of-00001.parquet", "README.md"]


def test_without_pyarrow_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(
        ExchangeError, match="Install it .pip install pyarrow., or choose the image"
    ):
        write_parquet_set(io.BytesIO(), LINES, NOW)
