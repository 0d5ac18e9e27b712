"""What comes out of uploaded files: pixels, kept bytes, pages, messages."""

from __future__ import annotations

import io
import zlib

import numpy as np
import pypdfium2 as pdfium
import pytest
from PIL import Image, ImageOps

from segmentation.images import ImageLimits, PageImage, decode_page, read_pages, thumbnail
from segmentation.lines import SegmentationError


def gray_page(width: int = 60, height: int = 40) -> Image.Image:
    image = Image.new("L", (width, height), 230)
    image.paste(20, (5, 5, 25, 12))  # top left is dark, so that turns show
    return image


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def only_page(data: bytes, name: str = "page", **limits: int) -> PageImage:
    (page,) = read_pages(data, name, ImageLimits(**limits))
    assert np.array_equal(page.pixels, decode_page(page.encoded))
    return page


def message_of(data: bytes, name: str, **limits: int) -> str:
    with pytest.raises(SegmentationError) as caught:
        list(read_pages(data, name, ImageLimits(**limits)))
    return str(caught.value)


@pytest.mark.parametrize(
    ("kind", "suffix", "mode"),
    [("JPEG", "jpg", "L"), ("JPEG", "jpg", "RGB"), ("PNG", "png", "L"), ("WEBP", "webp", "RGB")],
)
def test_plain_file_keeps_its_own_bytes(kind: str, suffix: str, mode: str) -> None:
    data = saved(gray_page().convert(mode), kind)
    page = only_page(data, f"folder/will.{suffix}")
    assert page.encoded == data
    assert (page.suffix, page.source_name, page.index, page.notes) == (
        suffix,
        f"will.{suffix}",
        0,
        (),
    )
    assert page.pixels.shape == ((40, 60) if mode == "L" else (40, 60, 3))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_photograph_is_turned_as_its_exif_says(orientation: int) -> None:
    exif = Image.Exif()
    exif[274] = orientation
    for kind, options in (("PNG", {}), ("TIFF", {}), ("TIFF", {"compression": "tiff_lzw"})):
        data = saved(gray_page(), kind, exif=exif, **options)
        with Image.open(io.BytesIO(data)) as opened:
            expected = np.array(ImageOps.exif_transpose(opened))
        page = only_page(data, "p." + kind.lower())
        assert np.array_equal(page.pixels, expected)
        with Image.open(io.BytesIO(page.encoded)) as stored:
            assert stored.getexif().get(274, 1) == 1


def test_turned_jpeg_is_stored_upright() -> None:
    exif = Image.Exif()
    exif[274] = 6
    page = only_page(saved(gray_page(), "JPEG", exif=exif), "phone.jpg")
    assert page.pixels.shape == (60, 40)
    assert page.pixels[15, 32] < 60 < 200 < page.pixels[50, 10]


def test_transparency_becomes_white() -> None:
    image = Image.new("RGBA", (30, 20), (0, 0, 0, 0))
    image.paste((200, 30, 30, 255), (0, 0, 10, 20))
    for kind in ("PNG", "WEBP", "TIFF"):
        pixels = only_page(
            saved(image, kind, **({"lossless": True} if kind == "WEBP" else {})), "x"
        ).pixels
        assert (pixels[:, 14:] >= 250).all()
        assert abs(int(pixels[10, 4, 0]) - 200) < 12
    palette = Image.new("P", (8, 8), 0)
    palette.putpalette([0, 0, 0, 90, 90, 90])
    palette.paste(1, (0, 0, 4, 8))
    pixels = only_page(saved(palette, "PNG", transparency=0), "x.png").pixels
    assert pixels[0, 7].min() == 255 and abs(int(pixels[0, 0, 0]) - 90) < 4


def test_sixteen_bits_are_scaled_not_clipped() -> None:
    ramp = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16)
    for kind in ("PNG", "TIFF"):
        pixels = only_page(saved(Image.fromarray(ramp), kind), "deep").pixels
        assert np.abs(pixels.ravel().astype(int) - np.arange(256)).max() <= 1
    twelve_bits = (ramp // 16).astype(np.uint16)
    pixels = only_page(saved(Image.fromarray(twelve_bits), "TIFF"), "deep.tif").pixels
    assert pixels.max() == 255 and np.unique(pixels).size > 250
    floats = Image.fromarray(np.linspace(-1, 1, 256, dtype=np.float32).reshape(16, 16))
    pixels = only_page(saved(floats, "TIFF"), "float.tif").pixels
    assert (pixels.min(), pixels.max()) == (0, 255)


@pytest.mark.parametrize(
    ("mode", "options"),
    [
        ("1", {"compression": "group4"}),
        ("1", {}),
        ("L", {"compression": "tiff_lzw"}),
        ("CMYK", {}),
        ("RGB", {"compression": "jpeg"}),
        ("RGB", {"compression": "tiff_adobe_deflate"}),
        ("YCbCr", {"compression": "jpeg"}),
        ("LAB", {}),
        ("P", {}),
    ],
)
def test_tiff_of_every_kind_is_read(mode: str, options: dict[str, str]) -> None:
    base = gray_page(64, 48).convert("RGB")
    image = (
        Image.new("LAB", (64, 48), (230, 128, 128))
        if mode == "LAB"
        else base.convert(mode, dither=Image.Dither.NONE)
    )
    if mode == "LAB":
        image.paste((20, 128, 128), (5, 5, 25, 12))
    page = only_page(saved(image, "TIFF", **options), "scan.tif")
    gray = page.pixels if page.pixels.ndim == 2 else page.pixels.mean(axis=2)
    assert gray[8, 15] < 60 and gray[30, 50] > 200
    assert page.suffix in ("png", "jpg")


def test_tiff_gives_its_pages_in_order() -> None:
    pages = [Image.new("1", (40, 30 + k)) for k in range(3)]
    data = saved(pages[0], "TIFF", save_all=True, append_images=pages[1:], compression="group4")
    read = list(read_pages(data, "book.tif"))
    assert [p.pixels.shape for p in read] == [(30, 40), (31, 40), (32, 40)]
    assert [(p.index, p.total, p.suffix) for p in read] == [
        (0, 3, "png"),
        (1, 3, "png"),
        (2, 3, "png"),
    ]


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw"])
def test_pages_before_a_damaged_one_are_given(compression: str) -> None:
    pages = [gray_page(30 + k) for k in range(3)]
    whole = saved(pages[0], "TIFF", save_all=True, append_images=pages[1:], compression=compression)
    ends = [k for k, value in enumerate(whole) if value]
    for cut in range(400 if compression == "tiff_lzw" else 1700, ends[-1], 37):
        given: list[int] = []
        with pytest.raises(SegmentationError, match='of "book.tif" cannot be decoded') as caught:
            for page in read_pages(whole[:cut], "book.tif"):
                assert page.pixels.shape == (40, 30 + page.index)
                given.append(page.index)
        assert given == list(range(len(given)))
        assert str(caught.value).startswith(f"Page {len(given) + 1} of")


def pdf_of(sizes: list[tuple[int, int]]) -> bytes:
    document = pdfium.PdfDocument.new()
    for size in sizes:
        document.new_page(*size)
    buffer = io.BytesIO()
    document.save(buffer)
    document.close()
    return buffer.getvalue()


def test_pdf_is_drawn_at_300_dpi_within_bounds() -> None:
    pages = list(read_pages(pdf_of([(144, 72), (20_000, 40)]), "book.pdf"))
    assert pages[0].pixels.shape == (300, 600)
    assert pages[0].pixels.min() == 255
    assert (pages[0].total, pages[0].suffix) == (2, "png")
    assert max(pages[1].pixels.shape) <= 20_000


def test_scan_in_a_pdf_is_drawn_at_its_own_resolution() -> None:
    scan = gray_page(2000, 3000)
    page = only_page(saved(scan, "PDF", resolution=72.0), "scan.pdf")
    assert page.pixels.shape[:2] == (3000, 2000)
    page = only_page(saved(scan, "PDF", resolution=600.0), "scan.pdf")
    assert abs(page.pixels.shape[0] - 1500) <= 1 and abs(page.pixels.shape[1] - 1000) <= 1


def test_long_pdf_is_read_page_by_page() -> None:
    pages = read_pages(pdf_of([(72, 72)] * 400), "book.pdf")
    assert next(pages).total == 400
    pages.close()  # type: ignore[attr-defined]


def test_wrong_extension_is_read_and_noted() -> None:
    page = only_page(saved(gray_page(), "PNG"), "scan.jpg")
    assert page.suffix == "png"
    assert page.notes == ('"scan.jpg" is a PNG file by its content and was read as one.',)


def test_odd_colour_profile_is_not_kept() -> None:
    data = saved(gray_page().convert("RGB"), "JPEG", icc_profile=b"Wide Gamut of some camera" * 9)
    page = only_page(data, "photo.jpg")
    assert page.encoded != data and b"Wide Gamut" not in page.encoded


def test_message_says_size_limit_and_what_to_do() -> None:
    assert message_of(saved(Image.new("L", (310, 4)), "PNG"), "wide.png", max_side_px=200) == (
        '"wide.png" is 310 px wide; the limit is 200. Scan it at 300 dpi.'
    )
    pages = [Image.new("L", (10, 10)), Image.new("L", (10, 400))]
    tiff = saved(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    assert message_of(tiff, "book.tif", max_side_px=200) == (
        'Page 2 of "book.tif" is 400 px high; the limit is 200. Scan it at 300 dpi.'
    )
    assert message_of(saved(gray_page(), "PNG"), "a.png", max_pixels=1_000_00 // 100) == (
        '"a.png" has 60 x 40 px, 0 megapixels; the limit is 0. Scan it at 300 dpi.'
    )
    assert message_of(b"x" * 2_000_001, "a.png", max_file_bytes=1_000_000) == (
        '"a.png" has 2 MB; the limit is 1. Split it, or scan it at 300 dpi.'
    )
    assert message_of(pdf_of([(72, 72)] * 3), "b.pdf", max_pages=2) == (
        '"b.pdf" has 3 pages; the limit is 2. Split it and upload the parts.'
    )


@pytest.mark.parametrize(
    ("data", "name", "start"),
    [
        (b"", "a.jpg", '"a.jpg" is empty (0 bytes).'),
        (b"GIF89a" + b"\0" * 20, "a.gif", '"a.gif" is a GIF image;'),
        (b"\0\0\0\x18ftypheic" + b"\0" * 20, "a.jpg", '"a.jpg" is a HEIC photograph;'),
        (b"PK\x03\x04....word/document.xml", "a.docx", '"a.docx" is a Word document (DOCX);'),
        (b"PK\x03\x04....", "a.zip", '"a.zip" is a ZIP archive;'),
        (b"<!DOCTYPE html><html>", "a.png", '"a.png" is a web page (HTML);'),
        (b"<svg xmlns=''/>", "a.svg", '"a.svg" is an SVG drawing;'),
        (b"Dear father,", "a.txt", '"a.txt" is a text file;'),
        (b"\x01\x02\x03", "<b>x</b>\n.jpg", '"b_.jpg" is of an unknown type'),
        (b"%PDF-1.7 nothing", "a.pdf", '"a.pdf" cannot be opened: the PDF is cut off'),
        (b"\xff\xd8\xff\xe0 no picture", "a.jpg", '"a.jpg" cannot be decoded'),
    ],
)
def test_message_says_what_was_found(data: bytes, name: str, start: str) -> None:
    message = message_of(data, name)
    assert message.startswith(start)
    assert "\n" not in message and message.endswith(".")


def test_bomb_is_refused_from_its_header() -> None:
    data = bytearray(saved(Image.new("L", (10, 10)), "PNG"))
    data[16:24] = (19_000).to_bytes(4, "big") * 2
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    assert "361 megapixels; the limit is 150." in message_of(bytes(data), "bomb.png")


def test_thumbnail_is_small_and_never_larger_than_the_page() -> None:
    wide = np.full((300, 1200, 3), 200, np.uint8)
    with Image.open(io.BytesIO(thumbnail(wide))) as small:
        assert (small.format, small.size) == ("WEBP", (400, 100))
    with Image.open(io.BytesIO(thumbnail(wide[:20, :30, 0]))) as small:
        assert small.size == (30, 20)


def test_damaged_store_is_said() -> None:
    data = saved(gray_page(), "PNG")
    with pytest.raises(SegmentationError, match="damaged"):
        decode_page(data[:60])
    with pytest.raises(SegmentationError, match="no JPEG, PNG or WebP"):
        decode_page(b"GIF89a")
