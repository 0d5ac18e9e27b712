"""A PDF file written object by object, so that only the places of objects stay in memory.

Source: ISO 32000-1, Document management - Portable document format - Part 1: PDF 1.7.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from typing import IO

HEADER = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"  # four bytes above 127: the file is not text


class PdfFile:
    """Writes objects one after the other; their numbers may be asked for before."""

    def __init__(self, out: IO[bytes]) -> None:
        """Begin a file; `out` needs not be seekable."""
        self._out = out
        self._written = 0
        self._places: list[int] = []  # of object 1, 2, ...; 0: not written yet
        self._write(HEADER)

    def reserve(self) -> int:
        """Return the number of an object that will be put later."""
        self._places.append(0)
        return len(self._places)

    def put(self, body: str, number: int | None = None) -> int:
        """Write an object and return its number."""
        number = self._begin(number)
        self._write(body.encode("latin-1") + b"\nendobj\n")
        return number

    def put_stream(
        self,
        entries: str,
        pieces: Iterable[bytes],
        length: int,
        number: int | None = None,
    ) -> int:
        """Write a stream whose pieces are `length` bytes together, and return its number."""
        number = self._begin(number)
        self._write(f"<< {entries} /Length {length} >>\nstream\n".encode("latin-1"))
        before = self._written
        for piece in pieces:
            self._write(piece)
        if self._written - before != length:
            raise ValueError(
                f"A stream has {self._written - before} bytes; {length} were announced."
            )
        self._write(b"\nendstream\nendobj\n")
        return number

    def put_packed(self, entries: str, data: bytes, number: int | None = None) -> int:
        """Write a stream, packed, and return its number."""
        packed = zlib.compress(data, 6)
        return self.put_stream(f"{entries} /Filter /FlateDecode", [packed], len(packed), number)

    def close(self, entries: Mapping[str, str]) -> None:
        """Write where the objects are, and the trailer with these entries."""
        start = self._written
        rows = [b"0000000000 65535 f \n"]
        rows += [b"%010d 00000 n \n" % place for place in self._places]
        self._write(b"xref\n0 %d\n" % len(rows) + b"".join(rows))
        shown = "".join(f" /{name} {value}" for name, value in entries.items())
        end = f"trailer\n<< /Size {len(rows)}{shown} >>\nstartxref\n{start}\n%%EOF\n"
        self._write(end.encode("latin-1"))

    def _begin(self, number: int | None) -> int:
        number = number if number is not None else self.reserve()
        self._places[number - 1] = self._written
        self._write(b"%d 0 obj\n" % number)
        return number

    def _write(self, data: bytes) -> None:
        self._out.write(data)
        self._written += len(data)


def text_string(text: str) -> str:
    """Return a text as PDF writes it, in UTF-16."""
    return "<FEFF" + text.encode("utf-16-be", "replace").hex().upper() + ">"


def decimal(value: float) -> str:
    """Return a number as PDF writes it: no exponent, and no more digits than matter."""
    return f"{value:.4f}".rstrip("0").rstrip(".") if value else "0"
