"""Lines cut from pages, with their texts -> parquet files as Hugging Face's data sets have them.

pyarrow writes them, which is large and not installed with the app.
"""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from exchange.bundle import add_image
from exchange.errors import ExchangeError
from exchange.line_set import SetLine
from exchange.parquet_input import WANTED
from exchange.zip_output import add_file

ROWS_AT_ONCE = 200  # about 5 MB of images; so much is in memory
_TEXTS = ("text", "source", "page")
_FEATURES = {
    "image": {"_type": "Image"},
    **{name: {"dtype": "string", "_type": "Value"} for name in _TEXTS},
}
_CARD = """---
configs:
- config_name: default
  data_files:
{files}task_categories:
- image-to-text
---
Lines of handwriting, each with its text, written by HTR Desk.
"""


def write_parquet_set(out: IO[bytes], lines: Iterable[SetLine], now: datetime) -> int:
    """Return how many lines were written into a zip archive; those without text are left out.

    `data/train-...parquet` and `data/test-...parquet`, the latter of held-out lines, each with an
    image, its text, its source and its page; and a card that says so.

    Raises: ExchangeError if pyarrow is not installed.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise ExchangeError(
            f"Writing parquet needs pyarrow, which is not installed here. Install it ({WANTED}), "
            "or choose the image folder."
        ) from error
    with tempfile.TemporaryDirectory(prefix="htr-parquet-") as folder:
        parts = {name: _Part(Path(folder) / name, pyarrow) for name in ("train", "test")}
        count = 0
        try:
            for line in lines:
                text = " ".join(line.text.split())
                if text:
                    count += 1
                    parts["test" if line.held_out else "train"].add(line, text, count)
        finally:
            for part in parts.values():
                part.close()
        written = {name: part for name, part in parts.items() if part.rows}
        with zipfile.ZipFile(out, "w") as archive:
            files = ""
            for name, part in written.items():
                path = f"data/{name}-00000-of-00001.parquet"
                files += f"  - split: {name}\n    path: {path}\n"
                add_image(archive, path, part.path, now)
            add_file(archive, "README.md", _CARD.format(files=files).encode(), now)
    return count


class _Part:
    """One of the files: it is begun with its first line."""

    def __init__(self, path: Path, pyarrow: Any) -> None:
        self.path = path
        self.rows = 0
        self._pyarrow = pyarrow
        self._writer: Any = None
        self._waiting: list[dict[str, Any]] = []

    def add(self, line: SetLine, text: str, number: int) -> None:
        """Put a line in; it may wait for others."""
        self.rows += 1
        image = {"bytes": line.image, "path": f"line_{number:07d}.png"}
        self._waiting.append(
            {"image": image, "text": text, "source": line.source, "page": line.page}
        )
        if len(self._waiting) >= ROWS_AT_ONCE:
            self._write()

    def close(self) -> None:
        """Write what waits, and the end of the file."""
        if self._waiting:
            self._write()
        if self._writer is not None:
            self._writer.close()

    def _write(self) -> None:
        schema = self._schema()
        if self._writer is None:
            self._writer = self._pyarrow.parquet.ParquetWriter(self.path, schema)
        self._writer.write_table(self._pyarrow.Table.from_pylist(self._waiting, schema=schema))
        self._waiting = []

    def _schema(self) -> Any:
        arrow = self._pyarrow
        image = arrow.struct([("bytes", arrow.binary()), ("path", arrow.string())])
        said = json.dumps({"info": {"features": _FEATURES}})
        fields = [("image", image), *((name, arrow.string()) for name in _TEXTS)]
        return arrow.schema(fields, metadata={"huggingface": said})
