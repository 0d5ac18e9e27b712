"""Uploads that are built to do harm, or broken, by name: files, and what must become of them.

"refused": nothing can be taken in, and a sentence says why. "told": what is wrong is among the
problems; the good rest may come in. "mended": it comes in, put right or as plain text.
"""

from __future__ import annotations

import io
import json
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import replace

from exchange import write_alto, write_page_xml
from exchange.xml_input import MAX_BYTES, MAX_DEPTH, MAX_TAGS
from tests.projects import HEIGHT, NOW, WIDTH, described, image, zipped

Files = dict[str, bytes]
Case = tuple[str, Callable[[], Files]]
PAGE_SPACE = "http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15"
ALTO_SPACE = "http://www.loc.gov/standards/alto/ns-v4#"
PLACE = '<Coords points="10,10 90,10 90,40"/><Baseline points="10,30 90,30"/>'


def page(text: str = "a", size: str = f'imageWidth="{WIDTH}" imageHeight="{HEIGHT}"',
         place: str = PLACE, space: str = PAGE_SPACE) -> bytes:  # fmt: skip
    return (
        f'<PcGts xmlns="{space}"><Page imageFilename="1.png" {size}><TextRegion id="r">'
        f'<TextLine id="l">{place}<TextEquiv><Unicode>{text}</Unicode></TextEquiv></TextLine>'
        "</TextRegion></Page></PcGts>"
    ).encode()


def beside(layout: bytes) -> Files:
    """A layout with its image."""
    return {"1.png": image(1), "1.xml": layout}


def doctype(inner: str, text: str = "&e;") -> Files:
    return beside(f"<!DOCTYPE x [{inner}]>".encode() + page(text))


def laughs() -> Files:
    inner = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "ha"}">' for n in range(9))
    return doctype(inner, "&e8;")


def archive(name: str, data: bytes = b"x", mode: int = 0, good: bool = True) -> Files:
    """A zip archive with one member of that name, and a good page."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as target:
        info = zipfile.ZipInfo(name)
        info.external_attr = mode << 16
        target.writestr(info, data)
        if good:
            target.writestr("1.png", image(1))
            target.writestr("1.xml", page())
    return {"up.zip": out.getvalue()}


def bomb(name: str, size: int) -> Files:
    """A small archive that unpacks to more than its kind of file may have."""
    out = io.BytesIO()
    info = zipfile.ZipInfo(name)
    info.compress_type = zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(out, "w") as target:
        with target.open(info, "w", force_zip64=True) as member:
            piece = bytes(1_000_000)
            for _ in range(size // len(piece)):
                member.write(piece)
        target.writestr("2.png", image(2))
    return {"up.zip": out.getvalue()}


def lying() -> Files:
    """An archive whose members claim to be small and are not what their checksums say."""
    data = bytearray(zipped({"1.png": image(1), "1.xml": page()}))
    at = data.index(b"PK\x01\x02")
    data[at + 16 : at + 20] = b"\x00\x00\x00\x00"  # CRC of the first
    return {"up.zip": bytes(data)}


def overlapping() -> Files:
    """Two names for the same bytes, as bombs without nesting do it."""
    data = bytearray(zipped({"1.png": image(1), "2.png": image(2)}))
    first = data.index(b"PK\x01\x02")
    second = data.index(b"PK\x01\x02", first + 4)
    data[second + 42 : second + 46] = data[first + 42 : first + 46]
    return {"up.zip": bytes(data)}


def encrypted() -> Files:
    data = bytearray(zipped({"1.png": image(1), "2.png": image(2)}))
    at = data.index(b"PK\x01\x02")
    data[at + 8] |= 1
    return {"up.zip": bytes(data)}


def png_bomb() -> bytes:
    """A PNG that claims 60,000 x 60,000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(
            ">I", zlib.crc32(kind + data))  # fmt: skip

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1_000_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(
        b"IEND", b"")  # fmt: skip


def labelled(*rows: object) -> Files:
    text = b"\n".join(row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows)
    return {"up.zip": zipped({"1.png": image(1, 300, 60), "labels.jsonl": text})}


GOOD_ROW = {"file": "1.png", "text": "good"}
LONG = "a" * 30_000_000

CASES: dict[str, Case] = {
    # XML that attacks its parser
    "billion laughs": ("told", laughs),
    "entity of a file": ("told", lambda: doctype('<!ENTITY e SYSTEM "file:///etc/passwd">')),
    "entity of a server": ("told", lambda: doctype('<!ENTITY e SYSTEM "http://127.0.0.1:9/">')),
    "parameter entity": ("told", lambda: doctype('<!ENTITY % e SYSTEM "file:///dev/zero">%e;')),
    "long entity": ("told", lambda: doctype(f'<!ENTITY e "{"a" * 100_000}">', "&e;" * 1000)),
    "DTD of a server": (
        "told", lambda: beside(b'<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x">' + page())),
    "DOCTYPE in UTF-16": (
        "told", lambda: beside('<!DOCTYPE x [<!ENTITY e "a">]><PcGts/>'.encode("utf-16"))),
    "too many elements": ("told", lambda: beside(b"<a>" + b"<b/>" * (MAX_TAGS + 1) + b"</a>")),
    "too deep": (
        "told", lambda: beside(b"<a>" * (MAX_DEPTH + 1) + b"</a>" * (MAX_DEPTH + 1))),
    "100 MB single line": ("told", lambda: beside(page("a" * 100_000_000))),
    "30 MB single line": ("told", lambda: beside(page(LONG))),
    "33 MB attribute": (
        "told", lambda: beside(page(size=f'custom="{"a" * MAX_BYTES}" imageWidth="9"'))),
    "20,000 lines": ("told", lambda: beside(page(
        "a</Unicode></TextEquiv></TextLine>" + f"<TextLine>{PLACE}</TextLine>" * 20_000
        + f"<TextLine>{PLACE}<TextEquiv><Unicode>a"))),
    # XML that is not what it should be
    "invalid UTF-8": ("told", lambda: beside(page().replace(b">a<", b">\xff\xfe<"))),
    "control character": ("told", lambda: beside(page("a\x01b"))),
    "character zero": ("told", lambda: beside(page("a&#0;b"))),
    "unpaired surrogate": ("told", lambda: beside(page("a&#xD800;b"))),
    "wrong namespace of PAGE": ("told", lambda: beside(page(space="http://example.org/PAGE"))),
    "wrong namespace of ALTO": (
        "told", lambda: beside(b'<alto xmlns="http://example.org/"><Layout><Page/></Layout></alto>')),
    "PAGE in the namespace of ALTO": ("told", lambda: beside(page(space=ALTO_SPACE))),
    "other XML": ("told", lambda: beside(b"<svg xmlns='http://www.w3.org/2000/svg'/>")),
    "web page": ("told", lambda: beside(b"<html><script>alert(1)</script></html>")),
    "cut off": ("told", lambda: beside(page()[:-30])),
    "empty": ("told", lambda: beside(b"")),
    "unknown encoding": ("told", lambda: beside(b'<?xml version="1.0" encoding="cp037"?><a/>')),
    "unit of paper without a size": (
        "told", lambda: beside(f'<alto xmlns="{ALTO_SPACE}"><Description><MeasurementUnit>mm10'
                               "</MeasurementUnit></Description><Layout><Page><PrintSpace>"
                               '<TextBlock><TextLine HPOS="1" VPOS="1" WIDTH="50" HEIGHT="9"/>'
                               "</TextBlock></PrintSpace></Page></Layout></alto>".encode())),
    "line without a place": ("told", lambda: beside(page(place=""))),
    "no numbers for points": (
        "told", lambda: beside(page(place='<Coords points="a,b"/><Baseline points="NaN,1 ∞,2"/>'))),
    "endless coordinates": (
        "told", lambda: beside(page(place='<Baseline points="1e308,1e308 -1e308,5"/>'))),
    "text of 3,000 characters": ("told", lambda: beside(page("a" * 3000))),
    "turned by a quarter": (
        "told", lambda: {"1.png": image(1, HEIGHT, WIDTH),
                         "1.xml": write_page_xml(described(1), NOW)}),
    "swapped width and height": (
        "mended", lambda: beside(write_page_xml(described(1), NOW)
            .replace(b'imageWidth="400"', b'imageWidth="300"')
            .replace(b'imageHeight="300"', b'imageHeight="400"'))),
    "swapped size in ALTO": (
        "mended", lambda: beside(write_alto(described(1), NOW)
            .replace(b'WIDTH="400" HEIGHT="300"', b'WIDTH="300" HEIGHT="400"'))),
    "no size": ("mended", lambda: beside(page(size=""))),
    "size below zero": ("mended", lambda: beside(page(size='imageWidth="-5" imageHeight="x"'))),
    "points outside": (
        "mended", lambda: beside(page(place='<Baseline points="9000,9000 9900,9000"/>'))),
    "formula and markup as text": (
        "mended", lambda: beside(page("=cmd|' /C calc'!A0 &lt;script&gt;alert(1)&lt;/script&gt;"))),
    "image name that leads out": (
        "mended", lambda: beside(page().replace(b'"1.png"', b'"../../../etc/1.png"'))),
    "layout without an image": ("refused", lambda: {"1.xml": page()}),
    # archives
    "parent path": ("told", lambda: archive("../evil.png", image(2))),
    "hidden parent path": ("told", lambda: archive("a/../../evil.xml")),
    "absolute path": ("told", lambda: archive("/tmp/evil-import.png", image(2))),
    "path of Windows": ("told", lambda: archive("C:\\evil.png", image(2))),
    "backslashes": ("told", lambda: archive("..\\..\\evil.png", image(2))),
    "link": ("told", lambda: archive("evil.png", b"/etc/passwd", stat.S_IFLNK | 0o777)),
    "device": ("told", lambda: archive("evil.png", b"", stat.S_IFCHR | 0o666)),
    "control characters in a name": ("told", lambda: archive("e\nvil\x1b[2J.png", image(2))),
    "name of 5,000 characters": ("told", lambda: archive("a" * 5000 + ".png", image(2))),
    "encrypted": ("told", encrypted),
    "wrong checksum": ("told", lying),
    "overlapping files": ("told", overlapping),
    "bomb of XML": ("told", lambda: bomb("1.xml", 40_000_000)),
    "bomb of an image": ("told", lambda: bomb("1.png", 60_000_000)),
    "bomb of labels": ("told", lambda: bomb("labels.jsonl", 140_000_000)),
    "bomb of a text": ("told", lambda: bomb("2.gt.txt", 10_000_000)),
    "archive in an archive": ("refused", lambda: {"up.zip": zipped({"in.zip": zipped({})})}),
    "no archive": ("refused", lambda: {"up.zip": b"PK\x03\x04 and nothing"}),
    "archive cut off": ("refused", lambda: {"up.zip": zipped({"1.png": image(1)})[:-40]}),
    "empty archive": ("refused", lambda: {"up.zip": zipped({})}),
    "100,001 files": (
        "refused", lambda: {"up.zip": zipped({f"{n}.txt": b"" for n in range(100_001)})}),
    "same name twice": (
        "told", lambda: {"a/1.png": image(1), "a.zip": zipped({"1.png": image(2)})}),
    # images
    "image of 60,000 x 60,000": ("told", lambda: {"1.png": png_bomb(), "1.xml": page()}),
    "image that is a web page": ("told", lambda: {"1.png": b"<html>", "2.xml": b"<html/>"}),
    "image that is empty": ("told", lambda: {"1.png": b"", "1.xml": page()}),
    # data sets
    "labels that lead out": ("told", lambda: labelled({"file": "../../etc/passwd", "text": "x"},
                                                      GOOD_ROW)),
    "labels that are no JSON": ("told", lambda: labelled(b"{", GOOD_ROW)),
    "labels nested without end": ("told", lambda: labelled(b"[" * 1_000_000)),
    "labels of the wrong kinds": ("told", lambda: labelled({"file": 5, "text": []}, GOOD_ROW)),
    "labels not in UTF-8": ("told", lambda: labelled(b"\xff\xfe")),
    "text with control characters": ("told", lambda: labelled({"file": "1.png", "text": "a\x00b"})),
    "text too long for a line": ("told", lambda: labelled({"file": "1.png", "text": "a" * 5000})),
    "list with a field of 1 MB": (
        "told", lambda: {"up.zip": zipped({"1.png": image(1), "metadata.csv":
                         b"file_name,text\n1.png," + b"a" * 1_000_000})}),
    "parquet that is none": ("told", lambda: {"a.parquet": b"PAR1 and so on PAR1",
                                              "1.png": image(1)}),
    # METS
    "METS with files elsewhere": (
        "mended", lambda: {**beside(page()), "mets.xml":
            b'<mets xmlns="http://www.loc.gov/METS/" xmlns:x="http://www.w3.org/1999/xlink">'
            b'<fileSec><fileGrp><file ID="a"><FLocat x:href="file:///etc/passwd"/></file>'
            b'</fileGrp></fileSec></mets>'}),
    "title of 100,000 characters": (
        "mended", lambda: {**beside(page()), "mets.xml":
            b'<mets xmlns="http://www.loc.gov/METS/" LABEL="' + b"a" * 100_000 + b'"/>'}),
    "page name of 5,000 characters": (
        "mended", lambda: beside(write_page_xml(
            replace(described(1), image_name="a" * 5000), NOW))),
}  # fmt: skip
