"""The font of the text under a page image: every character, none of which leaves a mark.

The image shows the writing, so the font needs no shapes, and no font has shapes for all that
people write. It is one glyph, made here: a stroke without width across the room of a character,
for readers take what has no extent for nothing. A table says which character each code stands for,
so that what is selected or searched is the right text.

Source: ISO 32000-1, 9.7 (composite fonts) and 9.10 (text extraction); OpenType specification.
"""

from __future__ import annotations

import struct

from exchange.pdf_file import PdfFile

NAME = "HTRDeskInvisible"
EM = 1000
WIDTH = 500  # of every glyph
ASCENT, DESCENT = 640, -220  # less than a line of writing: readers tell lines apart by it
UNKNOWN = "\ufffd"
MAX_CODES = 0xFFFF
_AT_ONCE = 100  # entries of one block of the table, as the specification limits them


class InvisibleFont:
    """Gives each character a code when it is first used; knows at the end which ones were."""

    def __init__(self) -> None:
        """Start with no character used."""
        self._codes: dict[str, int] = {}

    def codes(self, text: str) -> str:
        """Return the text as a PDF string in the codes of this font."""
        return "<" + "".join(f"{self._code(character):04X}" for character in text) + ">"

    def put(self, file: PdfFile, number: int) -> None:
        """Write the font with all that belongs to it; `number` was reserved for it."""
        data = font_program()
        program = file.put_packed(f"/Length1 {len(data)}", data)
        box = f"[0 {DESCENT} {WIDTH} {ASCENT}]"
        descriptor = file.put(
            f"<< /Type /FontDescriptor /FontName /{NAME} /Flags 4 /FontBBox {box} /ItalicAngle 0 "
            f"/Ascent {ASCENT} /Descent {DESCENT} /CapHeight {ASCENT} /StemV 80 "
            f"/FontFile2 {program} 0 R >>"
        )
        # every code shows glyph 1; code 0 is never used
        glyphs = file.put_packed("", b"\x00\x00" + b"\x00\x01" * len(self._codes))
        inner = file.put(
            f"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /{NAME} /CIDSystemInfo "
            "<< /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> "
            f"/FontDescriptor {descriptor} 0 R /DW {WIDTH} /CIDToGIDMap {glyphs} 0 R >>"
        )
        table = file.put_packed("", self._to_unicode().encode())
        file.put(
            f"<< /Type /Font /Subtype /Type0 /BaseFont /{NAME} /Encoding /Identity-H "
            f"/DescendantFonts [{inner} 0 R] /ToUnicode {table} 0 R >>",
            number,
        )

    def _code(self, character: str) -> int:
        code = self._codes.get(character)
        if code is None:
            if "\ud800" <= character <= "\udfff" or len(self._codes) >= MAX_CODES - 1:
                return self._code(UNKNOWN)  # half a pair; or more characters than there are codes
            code = self._codes[character] = len(self._codes) + 1
        return code

    def _to_unicode(self) -> str:
        """Return the table of codes and characters, in the language of PDF."""
        rows = [
            f"<{code:04X}> <{character.encode('utf-16-be').hex().upper()}>"
            for character, code in self._codes.items()
        ]
        blocks = [rows[at : at + _AT_ONCE] for at in range(0, len(rows), _AT_ONCE)]
        said = "\n".join(
            f"{len(block)} beginbfchar\n" + "\n".join(block) + "\nendbfchar" for block in blocks
        )
        return (
            "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n"
            "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n"
            "/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n"
            "1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n"
            f"{said}\nendcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n"
        )


def font_program() -> bytes:
    """Return a TrueType font of two glyphs: nothing, and a stroke without width."""
    glyphs = 2
    # one contour of two points, from the lower left to the upper right; all numbers in full length
    stroke = struct.pack(
        ">5h2H2B4h", 1, 0, DESCENT, WIDTH, ASCENT, 1, 0, 1, 1, 0, WIDTH, DESCENT, ASCENT - DESCENT
    )
    head = struct.pack(
        ">IIIIHHqqhhhhHHhhh", 0x00010000, 0x00010000, 0, 0x5F0F3CF5, 0x000B, EM, 0, 0,
        0, DESCENT, WIDTH, ASCENT, 0, 8, 2, 0, 0,
    )  # fmt: skip
    hhea = struct.pack(
        ">IhhhHhhhhhhhhhhhH", 0x00010000, ASCENT, DESCENT, 0, WIDTH, 0, 0, WIDTH,
        1, 0, 0, 0, 0, 0, 0, 0, glyphs,
    )  # fmt: skip
    maxp = struct.pack(">IHHHHHHHHHHHHHH", 0x00010000, glyphs, 2, 1, 0, 0, 1, *[0] * 8)
    tables = {
        b"glyf": stroke,
        b"head": head,
        b"hhea": hhea,
        b"hmtx": struct.pack(">HhHh", WIDTH, 0, WIDTH, 0),
        b"loca": struct.pack(">3H", 0, 0, len(stroke) // 2),
        b"maxp": maxp,
        b"post": struct.pack(">IIhhIIIII", 0x00030000, 0, -100, 50, 1, 0, 0, 0, 0),
    }
    return _with_directory(tables)


def _with_directory(tables: dict[bytes, bytes]) -> bytes:
    """Return a font file of these tables, which come in the order of their names."""
    power = 1 << (len(tables).bit_length() - 1)
    directory = struct.pack(
        ">IHHHH", 0x00010000, len(tables), 16 * power, power.bit_length() - 1,
        16 * (len(tables) - power),
    )  # fmt: skip
    at = len(directory) + 16 * len(tables)
    body = b""
    for name, data in tables.items():
        padded = data + b"\0" * (-len(data) % 4)
        directory += struct.pack(">4sIII", name, _checksum(padded), at + len(body), len(data))
        body += padded
    whole = bytearray(directory + body)
    adjustment = (0xB1B0AFBA - _checksum(bytes(whole))) & 0xFFFFFFFF
    at_head = at + sum(len(d) + -len(d) % 4 for n, d in tables.items() if n < b"head")
    whole[at_head + 8 : at_head + 12] = struct.pack(">I", adjustment)
    return bytes(whole)


def _checksum(data: bytes) -> int:
    return sum(struct.unpack(f">{len(data) // 4}I", data)) & 0xFFFFFFFF
