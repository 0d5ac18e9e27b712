"""Searchable PDF: the text is found, selected and copied at its place; the image is untouched."""

from __future__ import annotations

import io
import shutil
import struct
import subprocess
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pypdfium2 as pdfium
import pytest
from PIL import Image, ImageCms

from exchange import ExchangeError, PageDocument, TextLine, Word
from exchange.pdf import POINTS_A_PX, write_pdf
from exchange.pdf_archival import srgb_profile
from exchange.pdf_image import pdf_image
from exchange.records import Points
from exchange.spans import Span, placed_words

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
WIDTH, HEIGHT = 900, 600
LEVEL = ((100.0, 200.0), (800.0, 200.0))
SLANTED = ((100.0, 400.0), (700.0, 250.0))
CURVED = ((100.0, 500.0), (400.0, 540.0), (800.0, 480.0))


def written_line(text: str, baseline: Points, spacing_px: float = 50.0) -> TextLine:
    """A line whose characters were read at widths that differ."""
    edges = np.cumsum([10] + [6 + 3 * (ord(character) % 5) for character in text])
    spans = [
        Span(character, 0.9, float(start), float(end))
        for character, start, end in zip(text, edges[:-1], edges[1:], strict=True)
    ]
    words = placed_words(text, spans, float(edges[-1] + 10), baseline, spacing_px)
    return TextLine("l", baseline, (), text, words=words, spacing_px=spacing_px)


def page_of(*lines: TextLine, width: int = WIDTH, height: int = HEIGHT) -> PageDocument:
    return PageDocument("a.png", width, height, lines)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """Noise: whatever is done to its pixels shows."""
    pixels = np.random.default_rng(5).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    path = tmp_path / "a.png"
    Image.fromarray(pixels).save(path)
    return path


def refuse(path: Path) -> bytes:
    raise AssertionError(f"{path} was decoded without need")


def pdf_bytes(
    pages: list[tuple[PageDocument, Path]],
    title: str = "Title",
    other_image: Callable[[Path], bytes] = refuse,
) -> bytes:
    out = io.BytesIO()
    assert write_pdf(out, pages, title, NOW, other_image) == len(pages)
    return out.getvalue()


def text_page(data: bytes, number: int = 0) -> pdfium.PdfTextPage:
    return pdfium.PdfDocument(data)[number].get_textpage()


def box_px(text: pdfium.PdfTextPage, first: int, last: int) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of characters, in pixels of the page image."""
    boxes = [text.get_charbox(number) for number in range(first, last + 1)]
    scale = 1 / POINTS_A_PX
    return (
        min(box[0] for box in boxes) * scale,
        HEIGHT - max(box[3] for box in boxes) * scale,
        max(box[2] for box in boxes) * scale,
        HEIGHT - min(box[1] for box in boxes) * scale,
    )


def inside(inner: tuple[float, float, float, float], word: Word) -> bool:
    """Whether a box lies within the box around a word's outline, give or take 2 px."""
    xs, ys = [x for x, _ in word.polygon], [y for _, y in word.polygon]
    left, top, right, bottom = inner
    return (
        min(xs) - 2 <= left and max(xs) + 2 >= right
        and min(ys) - 2 <= top and max(ys) + 2 >= bottom
        and right - left > 0.9 * (max(xs) - min(xs)) - 20  # a slanted word's outline leans out
    )  # fmt: skip


@pytest.mark.parametrize("baseline", [LEVEL, SLANTED, CURVED])
def test_every_word_is_found_where_it_is_written(image: Path, baseline: Points) -> None:
    line = written_line("grande douleur a l’œil, mais", baseline)
    text = text_page(pdf_bytes([(page_of(line), image)]))
    assert text.get_text_range() == line.text
    at = 0
    for word in line.words:
        box = box_px(text, at, at + len(word.text) - 1)
        assert inside(box, word), (word.text, box, word.polygon)
        at += len(word.text) + 1
    found = text.search("douleur")
    assert found.get_next() == (7, 7)


def test_text_without_places_is_spread_over_its_line(image: Path) -> None:
    line = TextLine("l", LEVEL, (), "one  four5", spacing_px=50.0)
    text = text_page(pdf_bytes([(page_of(line), image)]))
    assert text.get_text_range() == "one four5"
    left, _, right, _ = box_px(text, 4, 8)
    step = 700 / len("one four5")
    assert abs(left - (100 + 4 * step)) < 1 and abs(right - 800) < 1


def test_any_script_is_copied_as_it_was_written(image: Path) -> None:
    texts = ["sſꝓ ⁊ ꝗ", "𝔄𝔟 😀 x", "Tiếng Việt", "Ελληνικά и русский", "日本語", "\ue665 ẽ"]
    lines = [
        TextLine(f"l{n}", ((50.0, 80.0 * (n + 1)), (600.0, 80.0 * (n + 1))), (), text)
        for n, text in enumerate(texts)
    ]
    found = text_page(pdf_bytes([(page_of(*lines), image)])).get_text_range()
    assert found.split("\r\n") == texts


def test_more_characters_than_one_block_of_the_table_holds(image: Path) -> None:
    texts = ["".join(chr(0x4E00 + 60 * n + k) for k in range(60)) for n in range(5)]
    lines = [
        TextLine(f"l{n}", ((9.0, 80.0 * (n + 1)), (890.0, 80.0 * (n + 1))), (), text)
        for n, text in enumerate(texts)
    ]
    found = text_page(pdf_bytes([(page_of(*lines), image)])).get_text_range()
    assert found.split("\r\n") == texts


def test_text_and_geometry_that_make_no_sense_do_no_harm(image: Path) -> None:
    lines = (
        TextLine("a", ((5.0, 50.0), (5.0, 50.0)), (), "no length"),
        TextLine("b", (), (), "no baseline"),
        TextLine("c", LEVEL, (), "half \ud800 pair) Tj"),
        TextLine("d", ((800.0, 300.0), (100.0, 300.0)), (), "backwards", spacing_px=50.0),
        TextLine("e", LEVEL, (), "   "),
    )
    data = pdf_bytes([(page_of(*lines), image)], title="(Title) \\ ) /x")
    text = text_page(data).get_text_range()
    for part in ("no length", "half \ufffd pair) Tj", "backwards"):
        assert part in text
    assert pdfium.PdfDocument(data).get_metadata_dict()["Title"] == "(Title) \\ ) /x"


def rendered(data: bytes, number: int = 0) -> np.ndarray:
    scale = (1 - 1e-7) / POINTS_A_PX  # a rounding error must not make one pixel more
    bitmap = pdfium.PdfDocument(data)[number].render(scale=scale, rev_byteorder=True)
    return bitmap.to_numpy()[..., :3]


@pytest.mark.parametrize("mode", ["RGB", "L", "1", "P", "I;16"])
def test_png_goes_in_as_it_is_and_looks_the_same(tmp_path: Path, image: Path, mode: str) -> None:
    path = tmp_path / "b.png"
    with Image.open(image) as opened:
        gray = opened.convert("L")
        made = (
            Image.fromarray(np.asarray(gray).astype(np.uint16) * 257)
            if mode == "I;16"
            else opened.convert(mode)
        )
    made.save(path)
    data = pdf_bytes([(page_of(written_line("text", LEVEL)), path)])
    with Image.open(path) as opened:
        shown = np.asarray(gray if mode == "I;16" else opened.convert("L").convert("RGB"))
    if mode in ("RGB", "P"):
        shown = np.asarray(made.convert("RGB"))
    shown = shown if shown.ndim == 3 else np.repeat(shown[..., None], 3, axis=2)
    assert np.abs(rendered(data).astype(int) - shown).max() <= 2


@pytest.mark.parametrize(("mode", "progressive"), [("RGB", False), ("L", False), ("RGB", True)])
def test_jpeg_goes_in_byte_by_byte(
    tmp_path: Path, image: Path, mode: str, progressive: bool
) -> None:
    path = tmp_path / "b.jpg"
    with Image.open(image) as opened:
        opened.convert(mode).save(path, quality=90, progressive=progressive)
    data = pdf_bytes([(page_of(), path)])
    assert path.read_bytes() in data
    with Image.open(path) as opened:
        shown = np.asarray(opened.convert("RGB")).astype(int)
    assert np.abs(rendered(data) - shown).mean() < 2


@pytest.mark.parametrize(
    ("name", "mode", "options"),
    [("b.png", "RGBA", {}), ("b.jpg", "CMYK", {}), ("b.webp", "RGB", {}), ("b.png", "LA", {})],
)
def test_what_a_pdf_cannot_take_is_made_anew(
    tmp_path: Path, image: Path, name: str, mode: str, options: dict
) -> None:
    path = tmp_path / name
    with Image.open(image) as opened:
        opened.convert("L" if mode == "LA" else "RGB").convert(mode).save(path, **options)
    asked = []

    def made(path: Path) -> bytes:
        asked.append(path)
        return image.read_bytes()

    data = pdf_bytes([(page_of(), path)], other_image=made)
    assert asked == [path]
    with Image.open(image) as opened:
        assert np.abs(rendered(data).astype(int) - np.asarray(opened)).max() <= 2


def test_image_of_another_size_than_the_page_is_made_anew(image: Path) -> None:
    page = page_of(width=300, height=200)
    data = pdf_bytes([(page, image)], other_image=lambda path: path.read_bytes())
    assert pdfium.PdfDocument(data)[0].get_size() == pytest.approx((72.0, 48.0))


@pytest.mark.parametrize("cut", [0, 1, 2, 9, 30, 60])
def test_damaged_image_is_told(tmp_path: Path, image: Path, cut: int) -> None:
    path = tmp_path / "b.png"
    path.write_bytes(image.read_bytes()[:cut])
    with pytest.raises(ExchangeError, match="cannot be put into a PDF"):
        pdf_bytes([(page_of(), path)], other_image=lambda path: path.read_bytes())
    assert pdf_image(io.BytesIO(b"\xff\xd8\xff\xe0\x00\x02" * 5)) is None
    with pytest.raises(ExchangeError, match="cannot be read"):
        pdf_bytes([(page_of(), tmp_path / "gone.png")])


def test_interlaced_and_transparent_png_are_not_taken_as_they_are() -> None:
    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    def png(interlaced: int, *more: bytes) -> io.BytesIO:
        head = struct.pack(">IIBBBBB", 4, 4, 8, 0, 0, 0, interlaced)
        parts = [chunk(b"IHDR", head), *more, chunk(b"IDAT", b"x"), chunk(b"IEND", b"")]
        return io.BytesIO(b"\x89PNG\r\n\x1a\n" + b"".join(parts))

    assert pdf_image(png(0)) is not None
    assert pdf_image(png(1)) is None
    assert pdf_image(png(0, chunk(b"tRNS", b"\0\0"))) is None


def test_file_says_what_archives_ask_for(image: Path) -> None:
    data = pdf_bytes([(page_of(written_line("text", LEVEL)), image)] * 2, title="Été <1847> & 𝔄")
    assert data.startswith(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    for needed in (
        b"<pdfaid:part>2</pdfaid:part>",
        b"<pdfaid:conformance>B</pdfaid:conformance>",
        "Été &lt;1847&gt; &amp; 𝔄".encode(),
        b"/OutputIntents",
        b"/S /GTS_PDFA1",
        b"/DestOutputProfile",
        b"/FontFile2",
        b"/ToUnicode",
        b"/ID [<",
    ):
        assert needed in data
    for forbidden in (b"/Encrypt", b"/JavaScript", b"/SMask", b"/Interpolate", b"/LZWDecode"):
        assert forbidden not in data
    assert data.count(b"/FontFile2") == 1  # one font for all pages
    read = pdfium.PdfDocument(data)
    assert len(read) == 2
    assert read.get_metadata_dict()["CreationDate"] == "D:20260131120000Z"


def test_profile_is_srgb() -> None:
    profile = ImageCms.ImageCmsProfile(io.BytesIO(srgb_profile()))
    colours = Image.fromarray(np.arange(192, dtype=np.uint8).reshape(8, 8, 3))
    other = ImageCms.createProfile("sRGB")
    changed = ImageCms.profileToProfile(colours, profile, other)
    assert changed is not None
    assert np.abs(np.asarray(changed).astype(int) - np.asarray(colours)).max() <= 1


def test_same_pages_give_the_same_file_and_it_needs_no_seeking(image: Path) -> None:
    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.data = bytearray()

        def writable(self) -> bool:
            return True

        def write(self, data) -> int:
            self.data += data
            return len(data)

    pages = [(page_of(written_line("text", LEVEL)), image)]
    pipe = Pipe()
    write_pdf(pipe, pages, "Title", NOW, refuse)
    assert bytes(pipe.data) == pdf_bytes(pages)


def test_qpdf_finds_nothing_wrong(tmp_path: Path, image: Path) -> None:
    program = shutil.which("qpdf")
    if program is None:
        pytest.skip("qpdf is not installed")
    path = tmp_path / "a.pdf"
    path.write_bytes(pdf_bytes([(page_of(written_line("text", SLANTED)), image)] * 3))
    done = subprocess.run([program, "--check", str(path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
