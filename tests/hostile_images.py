"""Files that no upload should be hurt by: cut off, flipped, lying, huge, of another kind.

`hostile_files()` makes the same files every time and writes none.
"""

from __future__ import annotations

import io
import random
import struct
import time
import zipfile
import zlib
from collections.abc import Iterator

from PIL import Image, ImageDraw

SEED = 20_240_607
TRUNCATIONS = 10  # of each kind of file
FLIPS = 8


def hostile_files() -> list[tuple[str, bytes]]:
    """Return at least 200 pairs of file name and content, the same at every call.

    Some can still be read in part or whole (a flipped bit need not matter); all else has to give
    one clear message.
    """
    files = [
        *_truncated(),
        *_flipped(),
        *_bombs(),
        *_lying_headers(),
        *_other_types(),
        *_broken_pdfs(),
        *_odd_images(),
        *_odd_names(),
    ]
    assert len(files) >= 200, len(files)
    return files


def _picture(mode: str = "RGB", size: tuple[int, int] = (160, 120)) -> Image.Image:
    image = Image.new("L", size, 240)
    draw = ImageDraw.Draw(image)
    for y in range(20, size[1], 20):
        draw.line([(10, y), (size[0] - 10, y + 2)], fill=30, width=3)
    return image.convert(mode)


def _saved(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _pdf(pages: int = 2) -> bytes:
    picture = _picture("L")
    more, then = [picture] * (pages - 1), time.gmtime(0)
    return _saved(
        picture, "PDF", save_all=True, append_images=more, creationDate=then, modDate=then
    )


def _sound_files() -> dict[str, bytes]:
    pages = [_picture("L") for _ in range(3)]
    return {
        "photo.jpg": _saved(_picture(), "JPEG"),
        "progressive.jpg": _saved(_picture(), "JPEG", progressive=True),
        "scan.png": _saved(_picture(), "PNG"),
        "photo.webp": _saved(_picture(), "WEBP"),
        "lossless.webp": _saved(_picture(), "WEBP", lossless=True),
        "book.tif": _saved(pages[0], "TIFF", save_all=True, append_images=pages[1:]),
        "lzw.tif": _saved(_picture(), "TIFF", compression="tiff_lzw"),
        "fax.tif": _saved(_picture("1"), "TIFF", compression="group4"),
        "jpeg.tif": _saved(_picture(), "TIFF", compression="jpeg"),
        "book.pdf": _pdf(),
    }


def _truncated() -> Iterator[tuple[str, bytes]]:
    for name, data in _sound_files().items():
        lengths = {4, 12, 30}
        lengths |= {len(data) * k // TRUNCATIONS for k in range(1, TRUNCATIONS)}
        for length in sorted(lengths):
            yield f"cut-{length}-{name}", data[:length]


def _flipped() -> Iterator[tuple[str, bytes]]:
    dice = random.Random(SEED)
    for name, data in _sound_files().items():
        for k in range(FLIPS):
            broken = bytearray(data)
            # the first ones hit the header, the later ones a tenth of everything
            reach, count = (
                (min(64, len(data)), 3) if k < FLIPS // 2 else (len(data), len(data) // 10)
            )
            for _ in range(count):
                broken[dice.randrange(reach)] ^= 1 << dice.randrange(8)
            yield f"flip-{k}-{name}", bytes(broken)


def _png(
    width: int, height: int, data: bytes, *chunks: tuple[bytes, bytes], depth: int = 8
) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, 0, 0, 0, 0)
    blocks = [(b"IHDR", header), *chunks, (b"IDAT", data), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in blocks
    )


def _zeros(count: int) -> bytes:
    packer = zlib.compressobj(9)
    million = b"\0" * 1_000_000
    return b"".join(packer.compress(million) for _ in range(count // 1_000_000)) + packer.flush()


def _tiff(entries: list[tuple[int, int, int, int]], after: int = 0, tail: bytes = b"") -> bytes:
    """Return a TIFF of one directory with entries of tag, type, count and value."""
    body = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    head = b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(entries))
    return head + body + struct.pack("<I", after) + tail


def _bombs() -> Iterator[tuple[str, bytes]]:
    yield "bomb-19000.png", _png(19_000, 19_000, _zeros(20_000_000))
    yield "bomb-wide.png", _png(2**31 - 1, 1, _zeros(1_000_000))
    yield "bomb-high.png", _png(1, 2**31 - 1, _zeros(1_000_000))
    yield (
        "bomb-text.png",
        _png(8, 8, zlib.compress(b"\0" * 72), (b"zTXt", b"Comment\0\0" + _zeros(80_000_000))),
    )
    yield (
        "bomb-profile.png",
        _png(8, 8, zlib.compress(b"\0" * 72), (b"iCCP", b"odd\0\0" + _zeros(80_000_000))),
    )
    yield "more-data-than-pixels.png", _png(8, 8, _zeros(50_000_000))
    strip = _zeros(20_000_000)
    sizes = [(60_000, 60_000), (2**31, 2**31), (19_999, 19_999), (1, 20_001)]
    for width, height in sizes:
        yield (
            f"bomb-{width}-{height}.tif",
            _tiff(
                [
                    (256, 4, 1, width),
                    (257, 4, 1, height),
                    (258, 3, 1, 8),
                    (259, 3, 1, 8),
                    (262, 3, 1, 1),
                    (273, 4, 1, 8 + 2 + 8 * 12 + 4),
                    (278, 4, 1, height),
                    (279, 4, 1, len(strip)),
                ],
                tail=strip,
            ),
        )
    yield "bomb-loop.tif", _tiff([(256, 4, 1, 9), (257, 4, 1, 9)], after=8)
    chain = b"".join(struct.pack("<HI", 0, 8 + 6 * (k + 1)) for k in range(50_000))
    yield "bomb-50000-pages.tif", b"II*\0" + struct.pack("<I", 8) + chain
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("zeros.bin"), b"\0" * 20_000_000, zipfile.ZIP_DEFLATED)
    yield "bomb.zip", buffer.getvalue()
    yield "bomb.docx", buffer.getvalue().replace(b"zeros.bin", b"word/a.xm")
    stream = _zeros(200_000_000)
    yield "bomb-stream.pdf", _handmade_pdf(stream, b"/Filter /FlateDecode")
    yield "bomb-page-size.pdf", _handmade_pdf(b"", b"", box=b"[0 0 1e30 1e30]")
    yield "bomb-content.pdf", _handmade_pdf(b"0 0 9 9 re f\n" * 300_000, b"")


def _handmade_pdf(content: bytes, filters: bytes, box: bytes = b"[0 0 200 200]") -> bytes:
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox " + box + b" /Contents 4 0 R >>",
        b"<< /Length %d %b >>\nstream\n%b\nendstream" % (len(content), filters, content),
    ]
    data, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(data))
        data += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    start = len(data)
    data += b"xref\n0 %d\n0000000000 65535 f \n%b" % (len(objects) + 1, table)
    return data + b"trailer << /Root 1 0 R /Size 5 >>\nstartxref\n%d\n%%%%EOF" % start


def _lying_headers() -> Iterator[tuple[str, bytes]]:
    jpeg = _sound_files()["photo.jpg"]
    frame = jpeg.index(b"\xff\xc0")
    for height, width in ((65_535, 65_535), (0, 0), (1, 65_500), (20_000, 20_000), (121, 161)):
        lying = bytearray(jpeg)
        lying[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
        yield f"says-{width}-{height}.jpg", bytes(lying)
    for width, height in ((0, 0), (0, 9), (50_000, 9), (300, 300)):
        yield f"says-{width}-{height}.png", _png(width, height, zlib.compress(b"\0" * 99))
    for depth in (0, 3, 255):
        yield f"depth-{depth}.png", _png(9, 9, zlib.compress(b"\0" * 99), depth=depth)
    plain = bytearray(_saved(_picture(), "WEBP", lossless=True))
    plain[21:25] = b"\xff" * 4
    yield "says-16384.webp", bytes(plain)
    webp = bytearray(_saved(Image.new("RGBA", (40, 30), (0, 0, 0, 99)), "WEBP"))
    webp[24:30] = b"\xff" * 6
    yield "says-16777216.webp", bytes(webp)
    webp[4:8] = b"\xff" * 4
    yield "says-4-gigabytes.webp", bytes(webp)
    for name, offset in (("far", 2**32 - 2), ("inside-header", 1), ("none", 0)):
        yield f"directory-{name}.tif", b"II*\0" + struct.pack("<I", offset) + b"\0" * 64
    for tag, value in ((256, 0), (258, 77), (259, 34_712), (262, 99), (277, 65_535), (322, 1)):
        entries = {256: 16, 257: 16, 258: 8, 259: 1, 262: 1, 273: 110, 277: 1, 279: 256}
        entries[tag] = value
        rows = [(key, 4, 1, entries[key]) for key in sorted(entries)]
        yield f"tag-{tag}-{value}.tif", _tiff(rows, tail=b"\x80" * 256)
    yield "strips-4-billion.tif", _tiff([(256, 4, 1, 9), (257, 4, 1, 9), (273, 4, 2**32 - 1, 8)])


def _other_types() -> Iterator[tuple[str, bytes]]:
    yield "empty.jpg", b""
    yield "one-byte.png", b"\x89"
    yield "zeros.tif", b"\0" * 4096
    yield "noise.jpg", random.Random(SEED).randbytes(5000)
    yield "jpeg-mark-only.jpg", b"\xff\xd8\xff"
    yield "animated.gif", _saved(_picture("P"), "GIF", save_all=True, append_images=[_picture("P")])
    yield "gif-named.png", _saved(_picture("P"), "GIF")
    yield "picture.bmp", _saved(_picture(), "BMP")
    yield "phone.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 200
    yield "phone.avif", b"\0\0\0\x18ftypavif\0\0\0\0mif1miaf" + b"\0" * 200
    yield "film.mp4", b"\0\0\0\x18ftypisom\0\0\2\0isomiso2" + b"\0" * 200
    yield "page.jp2", b"\0\0\0\x0cjP  \r\n\x87\n" + b"\0" * 200
    yield "page.djvu", b"AT&TFORM\0\0\1\0DJVU" + b"\0" * 200
    yield "letter.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600
    yield "letter.docx", b"PK\x03\x04" + b"\0" * 26 + b"word/document.xml" + b"\0" * 99
    yield "sheet.xlsx", b"PK\x03\x04" + b"\0" * 26 + b"xl/workbook.xml" + b"\0" * 99
    yield "scans.zip", b"PK\x03\x04" + b"\0" * 26 + b"scan.jpg" + b"\0" * 99
    yield "scans.rar", b"Rar!\x1a\x07\x00" + b"\0" * 99
    yield "scans.tar.gz", b"\x1f\x8b\x08" + b"\0" * 99
    yield "page.html", b"<!doctype html><html><body onload=alert(1)>"
    yield "drawing.svg", b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>"
    yield "entities.svg", b"<!DOCTYPE x [<!ENTITY a 'aa'>]><svg>&a;</svg>"
    yield "alto.xml", b"<?xml version='1.0'?><alto/>"
    yield "letter.txt", b"Dear Sir,\nplease find enclosed"
    yield "letter.rtf", b"{\\rtf1 Dear Sir}"
    yield "page.ps", b"%!PS-Adobe-3.0\n/showpage"
    yield "setup.exe", b"MZ\x90\0" + b"\0" * 400
    yield "program", b"\x7fELF\2\1\1" + b"\0" * 400
    yield "pickle.jpg", b"\x80\x04cos\nsystem\n(S'true'\ntR."
    yield "script.png", b"#!/bin/sh\nexit 1\n"


def _broken_pdfs() -> Iterator[tuple[str, bytes]]:
    empty = _handmade_pdf(b"", b"").replace(b"/Kids [3 0 R] /Count 1", b"/Kids [] /Count 0     ")
    yield "no-pages.pdf", empty
    sound = _pdf()
    # an encryption dictionary whose keys fit no password
    locked = sound.replace(
        b"/Root",
        b"/Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <" + b"41" * 32 + b"> /U <"
        + b"42" * 32 + b"> >> /ID [<00> <00>] /Root",
    )  # fmt: skip
    yield "locked.pdf", locked
    yield "unknown-lock.pdf", locked.replace(b"/Standard", b"/Nonsense")
    yield "header-only.pdf", b"%PDF-1.7\n"
    yield "garbage.pdf", b"%PDF-1.7\n" + random.Random(SEED).randbytes(20_000)
    yield "loop.pdf", _handmade_pdf(b"", b"").replace(b"/Kids [3 0 R]", b"/Kids [2 0 R]")
    yield "million-pages.pdf", _handmade_pdf(b"", b"").replace(b"/Count 1 ", b"/Count 999999999 ")
    yield "no-box.pdf", _handmade_pdf(b"", b"", box=b"[]")
    yield "zero-box.pdf", _handmade_pdf(b"", b"", box=b"[0 0 0 0]")
    yield "thin-box.pdf", _handmade_pdf(b"", b"", box=b"[0 0 0.001 90000]")
    yield "deep-state.pdf", _handmade_pdf(b"q " * 100_000, b"")
    yield (
        "script.pdf",
        sound.replace(b"/Type /Catalog", b"/OpenAction << /S /JavaScript /JS (x) >>"),
    )
    yield "pdf-in-text.txt", b"see %PDF-1.4 below\n"


def _odd_images() -> Iterator[tuple[str, bytes]]:
    yield "one-pixel.png", _saved(Image.new("L", (1, 1)), "PNG")
    yield "one-pixel.jpg", _saved(Image.new("L", (1, 1)), "JPEG")
    yield "all-black.png", _saved(Image.new("L", (400, 300)), "PNG")
    yield "transparent.png", _saved(Image.new("RGBA", (40, 30)), "PNG")
    yield "thread.png", _saved(Image.new("L", (1, 5000), 90), "PNG")
    frames = [_picture("RGB"), _picture("RGB")]
    yield "moving.png", _saved(frames[0], "PNG", save_all=True, append_images=frames[1:])
    yield "moving.webp", _saved(frames[0], "WEBP", save_all=True, append_images=frames[1:])
    yield "cmyk.jpg", _saved(_picture("CMYK"), "JPEG")
    yield "lab.tif", _saved(Image.new("LAB", (40, 30)), "TIFF")
    yield "float.tif", _saved(Image.new("F", (40, 30), float("nan")), "TIFF")
    yield "int.tif", _saved(Image.new("I", (40, 30), -(2**31)), "TIFF")
    exif = b"Exif\0\0" + b"II*\0" + struct.pack("<IH", 8, 9000)
    yield "bad-exif.jpg", _saved(_picture(), "JPEG", exif=exif)
    yield "bad-profile.jpg", _saved(_picture(), "JPEG", icc_profile=b"\xff" * 70_000)
    jpeg = _sound_files()["photo.jpg"]
    yield "jpeg-and-page.jpg", jpeg + b"<script>alert(1)</script>"
    yield "two-jpegs.jpg", jpeg + jpeg
    yield "jpeg-named.png", jpeg
    yield "tiff-named.pdf", _sound_files()["book.tif"]


def _odd_names() -> Iterator[tuple[str, bytes]]:
    names = [
        "../../../etc/cron.d/x.png",
        "..\\..\\windows\\x.png",
        "/absolute/x.png",
        "<img src=x onerror=alert(1)>.png",
        "\"'><script>alert(1)</script>.png",
        "a" * 500 + ".png",
        "new\nline\rand\0zero.png",
        "\u202egnp.exe",
        "{curly} %s %n {0}.png",
        "CON",
        "",
        ".",
        " ",
        "\u0430\u0301 \U0001f4dc.png",
        "'; DROP TABLE page; --.png",
    ]
    for name in names:
        yield name, b"\x89PNG\r\n\x1a\n cut off"
