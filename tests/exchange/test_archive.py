"""Hostile archives: nothing is written anywhere, and each file has its limit."""

from __future__ import annotations

import io
import stat
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from exchange import ExchangeError, UnsafeFile
from exchange.archive import Archive
from exchange.pairing import natural, paired, split_names


def packed(files: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> io.BytesIO:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    out.seek(0)
    return out


def test_files_are_read_by_name() -> None:
    files = {"a/1.png": b"image", "a/1.xml": b"<x/>", "__MACOSX/._1.png": b"", "a/.DS_Store": b""}
    with Archive(packed(files), "up.zip") as archive:
        assert archive.names == ("a/1.png", "a/1.xml")
        assert archive.refused == ()
        assert archive.read("a/1.png") == b"image"
        with pytest.raises(ExchangeError, match="'b' is not in up.zip"):
            archive.read("b")


@pytest.mark.parametrize(
    "name",
    ["../evil", "a/../../evil", "/evil", "\\evil", "C:\\evil", "C:evil", "a\\..\\evil", "..\\evil"],
)
def test_name_that_leads_out_is_refused(name: str) -> None:
    archive = Archive(packed({name: b"x", "good": b"y"}), "up.zip")
    assert archive.names == ("good",)
    assert "leads out of the archive" in archive.refused[0]


def test_links_devices_and_control_characters_are_refused() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, mode in (
            ("link", stat.S_IFLNK),
            ("device", stat.S_IFCHR),
            ("file", stat.S_IFREG),
        ):
            info = zipfile.ZipInfo(name)
            info.external_attr = (mode | 0o644) << 16
            archive.writestr(info, b"/etc/passwd")
        archive.writestr("bell\x07", b"")
        archive.writestr("n" * 501, b"")
    opened = Archive(out, "up.zip")
    assert opened.names == ("file",)
    assert len(opened.refused) == 4


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_second_file_of_a_name_is_refused() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a", b"1")
        archive.writestr("a", b"2")
    opened = Archive(out, "up.zip")
    assert opened.read("a") == b"1"
    assert opened.refused == ("'a' was left out: there is another file of this name in it.",)


def test_bomb_ends_at_the_limit() -> None:
    with Archive(packed({"bomb": bytes(50_000_000)}), "up.zip") as archive:
        tracemalloc.start()
        with pytest.raises(UnsafeFile, match="'bomb' in up.zip has more than 1,000,000 bytes"):
            archive.read("bomb", limit_bytes=1_000_000)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 10_000_000


def test_all_files_together_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exchange.archive.MAX_UNPACKED_BYTES", 10)
    with Archive(packed({"a": b"12345678", "b": b"12345678"}), "up.zip") as archive:
        assert archive.read("a") == b"12345678"
        with pytest.raises(UnsafeFile, match="more than 2 bytes"):
            archive.read("b")


def test_damage_and_encryption_are_told() -> None:
    data = bytearray(packed({"a": b"hello hello"}, zipfile.ZIP_STORED).getvalue())
    data[data.index(b"hello")] ^= 1
    with pytest.raises(ExchangeError, match="'a' in up.zip cannot be read: Bad CRC-32"):
        Archive(io.BytesIO(data), "up.zip").read("a")
    data = bytearray(packed({"a": b"hello"}).getvalue())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    assert Archive(io.BytesIO(data), "up.zip").refused == ("'a' was left out: it is encrypted.",)
    for broken in (b"", b"no zip", bytes(data[:-30])):
        with pytest.raises(ExchangeError, match="up.zip is no readable zip archive"):
            Archive(io.BytesIO(broken), "up.zip")


def test_archive_may_be_a_file_on_disk(tmp_path: Path) -> None:
    path = tmp_path / "up.zip"
    path.write_bytes(packed({"a": b"1"}).getvalue())
    with Archive(path, path.name) as archive:
        assert archive.read("a") == b"1"
    assert sorted(tmp_path.iterdir()) == [path]


def test_layouts_find_their_images() -> None:
    images = ["x/p10.jpg", "x/p2.JPG", "x/scan.tif", "y/p2.jpg", "lone.png"]
    layouts = {
        "x/page/p2.xml": "p2.jpg",
        "x/page/p10.xml": "c:\\old\\P10.JPG",
        "x/page/scan.xml": "scan.png",
        "y/whatever.xml": "p2.jpg",
        "z/lone.xml": "",
        "z/none.xml": "none.png",
        "x/alto/p10.xml": "p10.jpg",
    }
    found = paired(images, layouts)
    assert [(pair.image, pair.layout) for pair in found.pairs] == [
        ("lone.png", "z/lone.xml"),
        ("x/p2.JPG", "x/page/p2.xml"),
        ("x/p10.jpg", "x/alto/p10.xml"),
        ("x/scan.tif", "x/page/scan.xml"),
        ("y/p2.jpg", "y/whatever.xml"),
        ("", "z/none.xml"),
    ]
    assert found.spare == ("x/page/p10.xml",)
    assert found.without_image == ("z/none.xml",)


def test_image_in_the_nearest_folder_is_taken() -> None:
    found = paired(["a/p.jpg", "b/p.jpg"], {"a/page/p.xml": "p.jpg", "b/page/p.xml": "p.jpg"})
    assert [(pair.image, pair.layout) for pair in found.pairs] == [
        ("a/p.jpg", "a/page/p.xml"),
        ("b/p.jpg", "b/page/p.xml"),
    ]


def test_order_of_a_mets_file_counts_before_names() -> None:
    found = paired(["1.jpg", "2.jpg", "3.jpg"], {}, order=["3.jpg", "x", "1.jpg"])
    assert [pair.image for pair in found.pairs] == ["3.jpg", "1.jpg", "2.jpg"]


def test_names_sort_as_people_count() -> None:
    names = ["p10", "p2", "P1", "p2b", "²", "12", "x" + "9" * 30]
    assert sorted(names, key=natural) == ["12", "P1", "p2", "p2b", "p10", "x" + "9" * 30, "²"]


def test_images_and_layouts_are_told_apart_by_their_endings() -> None:
    names = ["a.JPG", "a.xml", "b.XML", "c.txt", "jpg"]
    assert split_names(names, (".jpg", ".png")) == (["a.JPG"], ["a.xml", "b.XML"])
