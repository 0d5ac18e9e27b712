"""JPEG and PNG files as a PDF takes them: as they are, without decoding, so that nothing is lost.

Source: ITU-T T.81 (JPEG), annex B; W3C, Portable Network Graphics, 2nd edition.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

PIECE_BYTES = 1 << 20
_PNG = b"\x89PNG\r\n\x1a\n"
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}  # JPEG markers that tell the size
_BARE = {0x01, *range(0xD0, 0xD9)}  # markers without a length
_COLOURS = {1: "/DeviceGray", 3: "/DeviceRGB"}


@dataclass(frozen=True)
class PdfImage:
    """An image inside of a file.

    width, height: in pixels. entries: of the PDF's image, besides its size.
    parts: (offset, length) of the bytes in the file that make the PDF's stream.
    """

    width: int
    height: int
    entries: str
    parts: tuple[tuple[int, int], ...]

    @property
    def length(self) -> int:
        """How many bytes there are."""
        return sum(length for _, length in self.parts)

    def pieces(self, file: IO[bytes]) -> Iterator[bytes]:
        """Yield the bytes, a little at a time."""
        for offset, length in self.parts:
            file.seek(offset)
            while length:
                piece = file.read(min(length, PIECE_BYTES))
                if not piece:
                    return  # what is missing is noticed by whoever counts
                length -= len(piece)
                yield piece


def pdf_image(file: IO[bytes]) -> PdfImage | None:
    """Return the image of a JPEG or PNG file; None for one that a PDF cannot take as it is.

    Those are other formats, four inks, more than 8 bits in JPEG, and interlaced or transparent PNG.
    """
    start = file.read(len(_PNG))
    if start == _PNG:
        return _png(file)
    return _jpeg(file) if start.startswith(b"\xff\xd8") else None


def _jpeg(file: IO[bytes]) -> PdfImage | None:
    size = file.seek(0, 2)
    at = 2
    while True:
        file.seek(at)
        head = file.read(4)
        if len(head) < 4 or head[0] != 0xFF:
            return None
        marker = head[1]
        if marker == 0xFF:  # a filling byte
            at += 1
        elif marker in _BARE:
            at += 2
        elif marker in _FRAMES:
            bits, height, width, colours = struct.unpack(">BHHB", file.read(6).ljust(6, b"\0"))
            if bits != 8 or colours not in _COLOURS or not (width and height):
                return None
            entries = f"/ColorSpace {_COLOURS[colours]} /BitsPerComponent 8 /Filter /DCTDecode"
            return PdfImage(width, height, entries, ((0, size),))
        else:
            at += 2 + int.from_bytes(head[2:])


def _png(file: IO[bytes]) -> PdfImage | None:
    chunks = list(_chunks(file))
    names = [name for name, _, _ in chunks]
    if names[:1] != [b"IHDR"] or b"IDAT" not in names or b"tRNS" in names:
        return None
    file.seek(chunks[0][1])
    head = file.read(13)
    if len(head) < 13:
        return None
    width, height, bits, kind, _, _, interlaced = struct.unpack(">IIBBBBB", head)
    colours = {0: 1, 2: 3, 3: 1}.get(kind)
    if interlaced or colours is None or not (width and height):
        return None
    space = _COLOURS[colours]
    if kind == 3:
        palette = [(offset, length) for name, offset, length in chunks if name == b"PLTE"]
        if not palette:
            return None
        file.seek(palette[0][0])
        rows = file.read(min(palette[0][1], 768))
        space = f"[/Indexed /DeviceRGB {len(rows) // 3 - 1} <{rows.hex()}>]"
    entries = (
        f"/ColorSpace {space} /BitsPerComponent {bits} /Filter /FlateDecode /DecodeParms "
        f"<< /Predictor 15 /Colors {colours} /BitsPerComponent {bits} /Columns {width} >>"
    )
    parts = tuple((offset, length) for name, offset, length in chunks if name == b"IDAT")
    return PdfImage(width, height, entries, parts)


def _chunks(file: IO[bytes]) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, offset and length of the chunks of a PNG file, as long as they are whole."""
    size = file.seek(0, 2)
    at = len(_PNG)
    while at + 12 <= size:
        file.seek(at)
        length, name = struct.unpack(">I4s", file.read(8))
        if at + 12 + length > size:
            return
        yield name, at + 8, length
        at += 12 + length
