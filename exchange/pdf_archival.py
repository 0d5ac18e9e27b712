"""What makes a PDF one for archives, PDF/A-2b: who made it, as XMP, and what its colours mean.

Source: ISO 19005-2 (PDF/A-2); Adobe XMP specification, part 1; ICC.1:2001-04; IEC 61966-2-1 (sRGB).
"""

from __future__ import annotations

import struct
from datetime import datetime
from xml.sax.saxutils import escape

from exchange.xml_output import PROGRAM, time_text, xml_text

CURVE_POINTS = 1024
# Where the primaries and white of sRGB lie, seen under the light D50 that profiles refer to.
_COLOURS = {
    b"wtpt": (0.9642, 1.0, 0.8249),
    b"rXYZ": (0.4360747, 0.2225045, 0.0139322),
    b"gXYZ": (0.3850649, 0.7168786, 0.0971045),
    b"bXYZ": (0.1430804, 0.0606169, 0.7141733),
}


def xmp_packet(title: str, now: datetime) -> bytes:
    """Return the metadata of the file, which claims PDF/A-2b."""
    when, shown = time_text(now), escape(xml_text(title))
    return f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:pdf="http://ns.adobe.com/pdf/1.3/"
    xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/">
   <pdfaid:part>2</pdfaid:part>
   <pdfaid:conformance>B</pdfaid:conformance>
   <dc:format>application/pdf</dc:format>
   <dc:title><rdf:Alt><rdf:li xml:lang="x-default">{shown}</rdf:li></rdf:Alt></dc:title>
   <xmp:CreatorTool>{PROGRAM}</xmp:CreatorTool>
   <xmp:CreateDate>{when}</xmp:CreateDate>
   <xmp:ModifyDate>{when}</xmp:ModifyDate>
   <pdf:Producer>{PROGRAM}</pdf:Producer>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>""".encode()


def srgb_profile() -> bytes:
    """Return an ICC profile, version 2, of the colours that browsers and cameras mean: sRGB."""
    name = b"sRGB IEC61966-2.1\0"
    description = struct.pack(">4sII", b"desc", 0, len(name)) + name + b"\0" * 78
    curve = struct.pack(f">4sII{CURVE_POINTS}H", b"curv", 0, CURVE_POINTS, *_curve())
    tags = {b"desc": description, b"cprt": b"text\0\0\0\0No copyright, use freely\0"}
    for tag, values in _COLOURS.items():
        tags[tag] = struct.pack(">4sIiii", b"XYZ ", 0, *(round(v * 65536) for v in values))
    for tag in (b"rTRC", b"gTRC", b"bTRC"):
        tags[tag] = curve
    table, body = struct.pack(">I", len(tags)), b""
    places: dict[bytes, int] = {}  # the three curves are one
    start = 128 + 4 + 12 * len(tags)
    for tag, data in tags.items():
        if data not in places:
            places[data] = start + len(body)
            body += data + b"\0" * (-len(data) % 4)
        table += struct.pack(">4sII", tag, places[data], len(data))
    size = start + len(body)
    head = struct.pack(
        ">I4sI4s4s4s6H4s4sIIIQIiii4s", size, b"\0\0\0\0", 0x02100000, b"mntr", b"RGB ", b"XYZ ",
        2026, 1, 1, 0, 0, 0, b"acsp", b"\0\0\0\0", 0, 0, 0, 0, 0, 63190, 65536, 54061, b"\0\0\0\0",
    )  # fmt: skip
    return head.ljust(128, b"\0") + table + body


def _curve() -> list[int]:
    """Return the brightness of each level, 0-65535."""
    shares = (step / (CURVE_POINTS - 1) for step in range(CURVE_POINTS))
    return [
        round(65535 * (x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4)) for x in shares
    ]
