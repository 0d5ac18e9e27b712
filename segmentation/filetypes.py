"""First bytes of a file -> what kind of file it is, whatever its name says."""

from __future__ import annotations

from segmentation.limits import shown_name
from segmentation.lines import SegmentationError

ACCEPTED = "JPEG, PNG, WebP, TIFF and PDF"

EXTENSIONS = {
    "jpeg": ("jpg", "jpeg", "jpe", "jfif"),
    "png": ("png",),
    "webp": ("webp",),
    "tiff": ("tif", "tiff"),
    "pdf": ("pdf",),
}
_TITLES = {"jpeg": "JPEG", "png": "PNG", "webp": "WebP", "tiff": "TIFF", "pdf": "PDF"}

_EXPORT = "Export it as JPEG, PNG or TIFF and upload that."
_AS_PDF = "Save it as PDF and upload that."

# first bytes, what they are, what to do
_KNOWN: tuple[tuple[bytes, str, str], ...] = (
    (b"GIF8", "a GIF image", _EXPORT),
    (b"BM", "a BMP image", _EXPORT),
    (b"\x00\x00\x00\x0cjP  ", "a JPEG 2000 image", _EXPORT),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 image", _EXPORT),
    (b"\xff\x0a", "a JPEG XL image", _EXPORT),
    (b"\x00\x00\x00\x0cJXL ", "a JPEG XL image", _EXPORT),
    (b"8BPS", "a Photoshop file", _EXPORT),
    (b"AT&TFORM", "a DjVu file", _AS_PDF),
    (b"%!PS", "a PostScript file", _AS_PDF),
    (b"{\\rtf", "an RTF text", _AS_PDF),
    (b"\xd0\xcf\x11\xe0", "an old Office document", _AS_PDF),
    (b"Rar!", "a RAR archive", "Unpack it and upload the page images inside."),
    (b"7z\xbc\xaf", "a 7z archive", "Unpack it and upload the page images inside."),
    (b"\x1f\x8b", "a gzip archive", "Unpack it and upload the page images inside."),
    (b"MZ", "a Windows program", "Upload page images instead."),
    (b"\x7fELF", "a program", "Upload page images instead."),
)
_INSIDE_ZIP: tuple[tuple[bytes, str, str], ...] = (
    (b"word/", "a Word document (DOCX)", _AS_PDF),
    (b"xl/", "an Excel document (XLSX)", _AS_PDF),
    (b"ppt/", "a PowerPoint document (PPTX)", _AS_PDF),
    (b"opendocument", "an OpenDocument file", _AS_PDF),
    (b"epub", "an EPUB book", _AS_PDF),
)
_ISO_BRANDS = {
    b"avif": "an AVIF image",
    b"avis": "an AVIF image",
    b"heic": "a HEIC photograph",
    b"heix": "a HEIC photograph",
    b"hevc": "a HEIC photograph",
    b"mif1": "a HEIF photograph",
    b"msf1": "a HEIF photograph",
}


def file_type(data: bytes, name: str) -> str:
    """Return "jpeg", "png", "webp", "tiff" or "pdf", by content.

    Raises: SegmentationError for anything else, saying what was found and what to do.
    """
    if not data:
        raise SegmentationError(
            f"{shown_name(name)} is empty (0 bytes). The copy or upload broke off; upload it again."
        )
    if data.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "webp"
    if data.startswith((b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")):
        return "tiff"
    if b"%PDF-" in data[:1024]:
        return "pdf"
    found, advice = _unsupported(data)
    raise SegmentationError(
        f"{shown_name(name)} is {found}; pages are read from {ACCEPTED}. {advice}"
    )


def extension_note(kind: str, name: str) -> str | None:
    """Return a remark if the name's extension is not one of the content's type, else None."""
    extension = name.rsplit(".", 1)[-1].lower() if "." in name else ""
    if extension in EXTENSIONS[kind]:
        return None
    return f"{shown_name(name)} is a {_TITLES[kind]} file by its content and was read as one."


def _unsupported(data: bytes) -> tuple[str, str]:
    """Return what the bytes are, with an article, and what to do."""
    for start, found, advice in _KNOWN:
        if data.startswith(start):
            return found, advice
    if data.startswith(b"PK\x03\x04"):
        for mark, found, advice in _INSIDE_ZIP:
            if mark in data[:4096] or mark in data[-65536:]:
                return found, advice
        return "a ZIP archive", "Unpack it and upload the page images inside."
    if data[4:8] == b"ftyp":
        return _ISO_BRANDS.get(data[8:12], "a video"), _EXPORT
    head = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if b"<svg" in head:
        return "an SVG drawing", _EXPORT
    if head.startswith((b"<!doctype html", b"<html")) or b"<html" in head or b"<head" in head:
        return "a web page (HTML)", "Upload the page image itself, not the page that shows it."
    if head.startswith((b"<?xml", b"<")):
        return "an XML file", "Upload the page images that it belongs to."
    if not any(byte < 9 or 13 < byte < 32 for byte in data[:1024]):
        return "a text file", "Upload page images instead."
    return (
        "of an unknown type or damaged at its start",
        "Check that it opens in an image viewer, then export it as JPEG, PNG or PDF.",
    )
