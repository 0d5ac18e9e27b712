"""Pages -> a DOCX file for word processors: line by line with numbers, or as running text.

Source: ECMA-376, Office Open XML, part 1 (WordprocessingML) and part 2 (packages).
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby
from typing import IO

from lxml import etree

from exchange.errors import ExchangeError
from exchange.records import PageDocument, TextLine
from exchange.xml_input import Element
from exchange.xml_output import PROGRAM, outer, time_text, xml_text
from exchange.zip_output import add_file, file_info

FORMS = ("lines", "paragraphs")
HYPHENS = "-=¬⸗\u00ad"
_WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_CORE = "http://schemas.openxmlformats.org/package/2006/metadata/core-properties"
_DUBLIN = "http://purl.org/dc/elements/1.1/"
_TERMS = "http://purl.org/dc/terms/"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_MIME = "application/vnd.openxmlformats-"
_DOCUMENT = "word/document.xml"
_SPACE = "{http://www.w3.org/XML/1998/namespace}space"
_STYLES = (  # id, name, half points, bold
    ("Title", "Title", 40, True),
    ("Heading1", "heading 1", 28, True),
    ("Heading2", "heading 2", 24, True),
    ("Line", "Line of the page", 22, False),
)
NUMBER_TWIPS = 567  # 1 cm between the number of a line and its text


def write_docx(
    pages: Iterable[PageDocument],
    title: str,
    now: datetime,
    form: str = "lines",
    with_numbers: bool = True,
) -> bytes:
    """Return the text of the pages as a DOCX file; see `stream_docx`."""
    out = io.BytesIO()
    stream_docx(out, pages, title, now, form, with_numbers)
    return out.getvalue()


def stream_docx(
    out: IO[bytes],
    pages: Iterable[PageDocument],
    title: str,
    now: datetime,
    form: str = "lines",
    with_numbers: bool = True,
) -> None:
    """Write the text of the pages into a DOCX file; one page is in memory at a time.

    form: "lines": each line of the page a paragraph, with its number if `with_numbers`;
    "paragraphs": lines of one region together, words that a hyphen parts joined.

    Raises: ExchangeError for another form.
    """
    if form not in FORMS:
        raise ExchangeError(f"There is no form {form!r}; choose one of {', '.join(FORMS)}.")
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        for name, element in _parts_beside(title, now).items():
            data = etree.tostring(element, xml_declaration=True, encoding="UTF-8", standalone=True)
            add_file(package, name, data, now)
        with package.open(file_info(_DOCUMENT, now), "w", force_zip64=True) as target:
            _stream_document(target, pages, title, form, with_numbers)


def _stream_document(
    out: IO[bytes], pages: Iterable[PageDocument], title: str, form: str, with_numbers: bool
) -> None:
    root = etree.Element(f"{{{_WORD}}}document", nsmap={"w": _WORD})

    def write_body() -> None:
        for element in root[0]:
            file.write(element)
        root.remove(root[0])

    with etree.xmlfile(out, encoding="UTF-8") as file:
        file.write_declaration(standalone=True)
        with outer(file, root), outer(file, root, "body"):
            _paragraph(_add(root, "body"), "Title", title)
            write_body()
            for page in pages:
                body = _add(root, "body")
                _paragraph(body, "Heading1", page.image_name)
                _page_paragraphs(body, page, form, with_numbers)
                write_body()
            _add(_add(root, "body"), "sectPr")
            write_body()


def _page_paragraphs(body: Element, page: PageDocument, form: str, with_numbers: bool) -> None:
    if form == "lines":
        for number, line in enumerate(page.lines, start=1):
            _paragraph(body, _style(line), line.text, number if with_numbers else None)
    else:
        for style, text in paragraphs(page.lines):
            _paragraph(body, style, text)


def paragraphs(lines: Sequence[TextLine]) -> list[tuple[str, str]]:
    """Return style and running text of each paragraph: the lines of one region and kind."""
    written = [line for line in lines if line.text.strip()]
    return [
        (style, joined([line.text for line in group]))
        for (_, style), group in groupby(written, lambda line: (line.region_id, _style(line)))
    ]


def joined(texts: Iterable[str]) -> str:
    """Return lines as running text; a word that a hyphen parts is one word again.

    It is parted if letters stand before the hyphen and the next line goes on in small letters.
    """
    whole = ""
    for text in (" ".join(text.split()) for text in texts):
        parted = len(whole) > 1 and whole[-1] in HYPHENS and whole[-2].isalpha()
        if parted and text[:1].islower():
            whole = whole[:-1] + text
        else:
            whole = f"{whole} {text}".strip()
    return whole


def _style(line: TextLine) -> str:
    return "Heading2" if line.kind.lower().startswith("heading") else "Line"


def _paragraph(body: Element, style: str, text: str, number: int | None = None) -> None:
    paragraph = _add(body, "p")
    properties = _add(paragraph, "pPr")
    _add(properties, "pStyle", style)
    if number is not None:
        stop = _add(_add(properties, "tabs"), "tab", "left")
        stop.set(f"{{{_WORD}}}pos", str(NUMBER_TWIPS))
        indent = _add(properties, "ind")
        indent.set(f"{{{_WORD}}}left", str(NUMBER_TWIPS))
        indent.set(f"{{{_WORD}}}hanging", str(NUMBER_TWIPS))
        run = _add(paragraph, "r")
        _add(run, "t").text = str(number)
        _add(run, "tab")
    shown = _add(_add(paragraph, "r"), "t")
    shown.text = xml_text(re.sub(r"[\r\n\t]+", " ", text))
    shown.set(_SPACE, "preserve")


def _styles() -> Element:
    root = etree.Element(f"{{{_WORD}}}styles", nsmap={"w": _WORD})
    for style_id, name, half_points, bold in _STYLES:
        style = _add(root, "style")
        style.set(f"{{{_WORD}}}type", "paragraph")
        style.set(f"{{{_WORD}}}styleId", style_id)
        _add(style, "name", name)
        properties = _add(style, "rPr")
        if bold:
            _add(properties, "b")
        _add(properties, "sz", str(half_points))
    return root


def _parts_beside(title: str, now: datetime) -> dict[str, Element]:
    """Return what a package needs besides its text: types, relations, properties and styles."""
    types = etree.Element(f"{{{_TYPES}}}Types", nsmap={None: _TYPES})
    etree.SubElement(
        types,
        f"{{{_TYPES}}}Default",
        Extension="rels",
        ContentType=f"{_MIME}package.relationships+xml",
    )
    kinds = {
        _DOCUMENT: f"{_MIME}officedocument.wordprocessingml.document.main+xml",
        "word/styles.xml": f"{_MIME}officedocument.wordprocessingml.styles+xml",
        "docProps/core.xml": f"{_MIME}package.core-properties+xml",
    }
    for name, kind in kinds.items():
        etree.SubElement(types, f"{{{_TYPES}}}Override", PartName=f"/{name}", ContentType=kind)
    return {
        "[Content_Types].xml": types,
        "_rels/.rels": _relations(
            (f"{_OFFICE}/officeDocument", _DOCUMENT),
            (_CORE.replace("/metadata/", "/relationships/metadata/"), "docProps/core.xml"),
        ),
        "docProps/core.xml": _properties(title, now),
        "word/_rels/document.xml.rels": _relations((f"{_OFFICE}/styles", "styles.xml")),
        "word/styles.xml": _styles(),
    }


def _relations(*targets: tuple[str, str]) -> Element:
    root = etree.Element(f"{{{_RELATIONS}}}Relationships", nsmap={None: _RELATIONS})
    for number, (kind, target) in enumerate(targets, start=1):
        etree.SubElement(
            root, f"{{{_RELATIONS}}}Relationship", Id=f"rId{number}", Type=kind, Target=target
        )
    return root


def _properties(title: str, now: datetime) -> Element:
    names = {"cp": _CORE, "dc": _DUBLIN, "dcterms": _TERMS, "xsi": _XSI}
    root = etree.Element(f"{{{_CORE}}}coreProperties", nsmap=names)
    etree.SubElement(root, f"{{{_DUBLIN}}}title").text = xml_text(title)
    etree.SubElement(root, f"{{{_DUBLIN}}}creator").text = PROGRAM
    created = etree.SubElement(root, f"{{{_TERMS}}}created")
    created.set(f"{{{_XSI}}}type", "dcterms:W3CDTF")
    created.text = time_text(now)
    return root


def _add(parent: Element, name: str, value: str | None = None) -> Element:
    """Return a new child in the namespace of documents, with its `val` if there is one."""
    element = etree.SubElement(parent, f"{{{_WORD}}}{name}")
    if value is not None:
        element.set(f"{{{_WORD}}}val", value)
    return element
