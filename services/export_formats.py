"""The formats that can be exported: what each is good for, and what it takes along."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ExportFormat:
    """A format as the dialog and the command line offer it.

    name: as people call it. about: what it is good for, one sentence. group: under which heading
    it stands. suffix: of its file. images: whether page images come along: "may": as the person
    wishes; "always" or "never": the format decides; "inside": they are a part of its file.
    keeps_aside, keeps_ignored: whether lines that were set aside, or are to be ignored, come along.
    places: whether it says where words and characters stand; finding that out takes time.
    teaches: a data set, which takes only lines that have a text to learn from.
    per_page: one file a page; more than one file needs an archive.
    """

    name: str
    about: str
    group: str
    suffix: str
    images: str = "may"
    keeps_aside: bool = False
    keeps_ignored: bool = False
    places: bool = False
    teaches: bool = False
    per_page: bool = False


READING, EXCHANGE, TABLES, TRAINING = "To read", "For other programs", "Tables", "To train with"

FORMATS: dict[str, ExportFormat] = {
    "txt": ExportFormat("Plain text", "A line of the page a line of the file.", READING, ".txt"),
    "md": ExportFormat("Markdown", "Text with headings, for notes and wikis.", READING, ".md"),
    "docx": ExportFormat(
        "Word, line by line",
        "For Word and LibreOffice; each line of the page is a numbered line.",
        READING,
        ".docx",
    ),
    "docx-text": ExportFormat(
        "Word, running text",
        "For Word and LibreOffice; lines run on, and words that a hyphen parts are joined.",
        READING,
        ".docx",
    ),
    "pdf": ExportFormat(
        "PDF, searchable",
        "PDF/A-2b for reading and keeping: the page images, with the text under them to be "
        "searched, selected and copied.",
        READING,
        ".pdf",
        images="inside",
        places=True,
    ),
    "page": ExportFormat(
        "PAGE XML",
        "PAGE XML 2019 with METS: Transkribus, eScriptorium, kraken and this app read it. "
        "It keeps the most.",
        EXCHANGE,
        ".xml",
        keeps_aside=True,
        places=True,
        keeps_ignored=True,
        per_page=True,
    ),
    "alto": ExportFormat(
        "ALTO XML",
        "ALTO 4.4 with METS, with the places of words and characters: for libraries, "
        "eScriptorium and kraken.",
        EXCHANGE,
        ".xml",
        keeps_aside=True,
        places=True,
        per_page=True,
    ),
    "tei": ExportFormat(
        "TEI XML",
        "TEI P5 for editions: the text with its marks, each line linked to its place.",
        EXCHANGE,
        ".xml",
    ),
    "hocr": ExportFormat(
        "hOCR", "A web page that says where each word stands.", EXCHANGE, ".hocr.html", places=True
    ),
    "csv": ExportFormat("CSV", "For Excel and LibreOffice; a row a line.", TABLES, ".csv"),
    "jsonl": ExportFormat(
        "JSON Lines",
        "For programs: an object a line, with geometry and words.",
        TABLES,
        ".jsonl",
        places=True,
    ),
    "labels": ExportFormat(
        "Line images for this app",
        "A zip of line images with labels.jsonl; “htr evaluate” and this app read it.",
        TRAINING,
        ".zip",
        images="never",
        teaches=True,
    ),
    "kraken": ExportFormat(
        "Pages for kraken",
        "PAGE XML with the page images; only lines that have a text to learn from.",
        TRAINING,
        ".zip",
        images="always",
        places=True,
        teaches=True,
        per_page=True,
    ),
    "pairs": ExportFormat(
        "Line images with .gt.txt",
        "An image and a text of the same name, for kraken, Calamari and Tesseract.",
        TRAINING,
        ".zip",
        images="never",
        teaches=True,
    ),
    "pylaia": ExportFormat(
        "PyLaia",
        "Line images with the lists of characters that PyLaia wants.",
        TRAINING,
        ".zip",
        images="never",
        teaches=True,
    ),
    "imagefolder": ExportFormat(
        "Hugging Face image folder",
        "Line images with metadata.jsonl, for “datasets”.",
        TRAINING,
        ".zip",
        images="never",
        teaches=True,
    ),
    "parquet": ExportFormat(
        "Hugging Face parquet",
        "One table of line images and texts, for Hugging Face; needs pyarrow on the server.",
        TRAINING,
        ".zip",
        images="never",
        teaches=True,
    ),
}
