"""Exchange: pages in and out of this program, in the formats of the field.

In: `page = read_page(data, "scan.xml")`, `fit_to_image(page, width_px, height_px)`, then
`new_texts(page, by="human")` for storage; `plan_import(Archive(file, name))` for whole projects.
Out: `page = page_document(stored_page, lines)`, then `write_page_xml(page, now)` and its like;
`write_bundle(out, pages, title, now)` for whole projects.
"""

from exchange.alignment import AlignedLine, Alignment, align_text
from exchange.alto import read_alto
from exchange.alto_output import write_alto
from exchange.archive import Archive
from exchange.bundle import write_bundle
from exchange.docx import write_docx
from exchange.errors import ExchangeError, UnknownFormat, UnsafeFile
from exchange.fit import fit_to_image
from exchange.hocr import write_hocr
from exchange.line_set import SetLine, write_line_set
from exchange.mapping import NewText, new_texts, page_document
from exchange.mets import MetsDocument, MetsFile, MetsPage, read_mets, write_mets
from exchange.origin import origin_of, with_origin
from exchange.page_xml import read_page_xml
from exchange.page_xml_output import write_page_xml
from exchange.pairing import Pair
from exchange.plan import ImportPlan, plan_import
from exchange.read import read_page
from exchange.records import Character, PageDocument, Region, Tag, TextLine, Word
from exchange.tei import write_tei
from exchange.text_out import to_csv, to_jsonl, to_markdown, to_txt

__all__ = [
    "AlignedLine",
    "Alignment",
    "Archive",
    "Character",
    "ExchangeError",
    "ImportPlan",
    "MetsDocument",
    "MetsFile",
    "MetsPage",
    "NewText",
    "PageDocument",
    "Pair",
    "Region",
    "SetLine",
    "Tag",
    "TextLine",
    "UnknownFormat",
    "UnsafeFile",
    "Word",
    "align_text",
    "fit_to_image",
    "new_texts",
    "origin_of",
    "page_document",
    "plan_import",
    "read_alto",
    "read_mets",
    "read_page",
    "read_page_xml",
    "to_csv",
    "to_jsonl",
    "to_markdown",
    "to_txt",
    "with_origin",
    "write_alto",
    "write_bundle",
    "write_docx",
    "write_hocr",
    "write_line_set",
    "write_mets",
    "write_page_xml",
    "write_tei",
]
