"""Exchange: pages in and out of this program, in the formats of the field.

`page = read_page(data, "scan.xml")`, then `fit_to_image(page, width_px, height_px)`;
`write_page_xml(page, now)`, `write_alto(page, now)`.
"""

from exchange.alto import read_alto
from exchange.alto_output import write_alto
from exchange.errors import ExchangeError, UnknownFormat, UnsafeFile
from exchange.fit import fit_to_image
from exchange.page_xml import read_page_xml
from exchange.page_xml_output import write_page_xml
from exchange.read import read_page
from exchange.records import Character, PageDocument, Region, Tag, TextLine, Word

__all__ = [
    "Character",
    "ExchangeError",
    "PageDocument",
    "Region",
    "Tag",
    "TextLine",
    "UnknownFormat",
    "UnsafeFile",
    "Word",
    "fit_to_image",
    "read_alto",
    "read_page",
    "read_page_xml",
    "write_alto",
    "write_page_xml",
]
