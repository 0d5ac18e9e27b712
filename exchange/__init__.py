"""Exchange: pages in and out of this program, in the formats of the field.

`page = read_page(data, "scan.xml")`, then `fit_to_image(page, width_px, height_px)`;
`write_page_xml(page, now)`, `write_alto(page, now)`.
"""

from exchange.alto import read_alto
from exchange.alto_output import write_alto
from exchange.errors import ExchangeError, UnknownFormat, UnsafeFile
from exchange.fit import fit_to_image
from exchange.hocr import write_hocr
from exchange.mapping import NewText, new_texts, page_document
from exchange.page_xml import read_page_xml
from exchange.page_xml_output import write_page_xml
from exchange.read import read_page
from exchange.records import Character, PageDocument, Region, Tag, TextLine, Word
from exchange.tei import write_tei
from exchange.text_out import to_csv, to_jsonl, to_markdown, to_txt

__all__ = [
    "Character",
    "ExchangeError",
    "NewText",
    "PageDocument",
    "Region",
    "Tag",
    "TextLine",
    "UnknownFormat",
    "UnsafeFile",
    "Word",
    "fit_to_image",
    "new_texts",
    "page_document",
    "read_alto",
    "read_page",
    "read_page_xml",
    "to_csv",
    "to_jsonl",
    "to_markdown",
    "to_txt",
    "write_alto",
    "write_hocr",
    "write_page_xml",
    "write_tei",
]
