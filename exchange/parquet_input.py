"""A parquet file of line images with their texts, as Hugging Face keeps data sets -> its lines.

pyarrow reads it, which is large and not installed with the app.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from exchange.errors import ExchangeError
from exchange.line_set_input import TEXT_KEYS

ROWS_AT_ONCE = 64
IMAGE_KEYS = ("image", "im", "line_image")
MAX_GROUP_BYTES = 2 << 30  # of one row group, unpacked; writers make them of 100 MB or so
WANTED = "pip install pyarrow"


def table_rows(path: Path, name: str) -> int:
    """Return how many lines a parquet file has.

    Raises: ExchangeError if pyarrow is not installed, or it is no such file.
    """
    return int(_opened(path, name)[0].metadata.num_rows)


def table_lines(path: Path, name: str, first: int = 0) -> Iterator[tuple[bytes, str]]:
    """Yield the image file and the text of each line, from the row `first` on.

    Raises: ExchangeError as `table_rows`, and for rows that cannot be read.
    """
    file, image_key, text_key = _opened(path, name)
    number = 0
    try:
        for batch in file.iter_batches(ROWS_AT_ONCE, columns=[image_key, text_key]):
            if number + batch.num_rows <= first:
                number += batch.num_rows
                continue
            for row in batch.to_pylist():
                number += 1
                if number > first:
                    text = row[text_key]
                    yield _bytes(row[image_key]), " ".join(str(text or "").split())
    except (OSError, ValueError, MemoryError) as error:  # pyarrow's own errors are these as well
        raise ExchangeError(
            f"{name} cannot be read after line {number:,}: {_short(error)}."
        ) from error


def _opened(path: Path, name: str) -> tuple[Any, str, str]:
    """Return the open file, and the names of its columns of images and of texts."""
    try:
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise ExchangeError(
            f"{name} is a parquet file, and reading it needs pyarrow, which is not installed here. "
            f"Install it ({WANTED}), or upload the data set as images with a metadata.jsonl."
        ) from error
    try:
        file = parquet.ParquetFile(path, memory_map=True)
        metadata = file.metadata
        groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    except (OSError, ValueError) as error:
        raise ExchangeError(f"{name} is no readable parquet file: {_short(error)}.") from error
    if any(group.total_byte_size > MAX_GROUP_BYTES for group in groups):
        raise ExchangeError(
            f"{name} has a row group of more than {MAX_GROUP_BYTES >> 30} GiB. Write it again with "
            "smaller ones."
        )
    columns = file.schema_arrow.names
    image_key = next((key for key in IMAGE_KEYS if key in columns), None)
    text_key = next((key for key in TEXT_KEYS if key in columns), None)
    if image_key is None or text_key is None:
        raise ExchangeError(
            f"{name} has the columns {', '.join(columns)[:200]}; expected an image in one of "
            f"{', '.join(IMAGE_KEYS)} and a text in one of {', '.join(TEXT_KEYS)}."
        )
    return file, image_key, text_key


def _bytes(value: Any) -> bytes:
    """Return the image file in a cell: the bytes themselves, or {"bytes", "path"}."""
    if isinstance(value, dict):
        value = value.get("bytes")
    return bytes(value) if isinstance(value, bytes | bytearray | memoryview) else b""


def _short(error: BaseException) -> str:
    return " ".join(str(error).split())[:200].rstrip(".")
