"""Parquet files of line images: each row a page of one line; pyarrow is asked for if missing."""

from __future__ import annotations

import builtins
from pathlib import Path

import pytest

import storage
from exchange import ExchangeError
from exchange.parquet_input import table_lines, table_rows
from services.importer import Importer
from tests.projects import image, imported, settings

TEXTS = [f"line {number} œuvre" for number in range(150)]


def write_table(path: Path, **columns: list) -> Path:
    pyarrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    import pyarrow.parquet as parquet

    parquet.write_table(pyarrow.table(columns), path, row_group_size=40)
    return path


def lines_table(path: Path) -> Path:
    data = image(1, 300, 60)
    images = [{"bytes": data, "path": f"{number}.png"} for number in range(len(TEXTS))]
    return write_table(path, image=images, text=TEXTS, split=["train"] * len(TEXTS))


def test_rows_become_pages_of_one_line(tmp_path: Path) -> None:
    table = lines_table(tmp_path / "train.parquet")
    with storage.open_store(tmp_path / "data") as store:
        importer = Importer(settings(store.data_dir), store, lambda: None)
        importer.start()
        taken = imported(store, importer, {"train.parquet": table})
        importer.stop()
        assert (taken.result["pages"], taken.result["lines"]) == (150, 150)
        assert [line.text for line in storage.training_lines(store)] == TEXTS


def test_reading_goes_on_from_any_row(tmp_path: Path) -> None:
    table = lines_table(tmp_path / "train.parquet")
    assert table_rows(table, "train.parquet") == 150
    assert [text for _, text in table_lines(table, "train.parquet", 97)] == TEXTS[97:]


def test_table_without_images_or_texts_is_refused(tmp_path: Path) -> None:
    table = write_table(tmp_path / "other.parquet", name=["a"], text=["b"])
    with pytest.raises(ExchangeError, match="has the columns name, text; expected an image"):
        table_rows(table, "other.parquet")


def test_file_that_is_no_parquet_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    (tmp_path / "x.parquet").write_bytes(b"PAR1 and so on PAR1")
    with pytest.raises(ExchangeError, match="x.parquet is no readable parquet file"):
        table_rows(tmp_path / "x.parquet", "x.parquet")


def test_without_pyarrow_a_sentence_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = builtins.__import__

    def missing(name: str, *arguments, **named):
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return known(name, *arguments, **named)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(ExchangeError, match="needs pyarrow, which is not installed here"):
        table_rows(tmp_path / "x.parquet", "x.parquet")
