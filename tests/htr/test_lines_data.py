"""Labelled line sets: ours, others', damaged ones and hostile ones."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from htr.errors import RecognitionError
from htr.lines_data import LabelledLine, open_line_set
from htr.members import LineSetLimits


def png(width: int = 20, height: int = 64, mode: str = "L") -> bytes:
    file = io.BytesIO()
    Image.new(mode, (width, height), "white").save(file, "PNG")
    return file.getvalue()


def packed(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def labels(*rows: dict[str, object]) -> bytes:
    return "\n".join(json.dumps(row) for row in rows).encode()


def unpacked(folder: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


OURS = {
    "a/1.png": png(30),
    "a/2.png": png(40),
    "labels.jsonl": labels(
        {"file": "a/1.png", "text": "e\u0301te\u0301", "source": "a", "page": "p1"},
        {"file": "a/2.png", "text": " two ", "hand": "b"},
    ),
}
PAIRS = {
    "x/1.png": png(30),
    "x/1.gt.txt": "one\n".encode("utf-8-sig"),
    "2.jpg.png": png(40),
    "2.jpg.txt": b"two",
}


@pytest.mark.parametrize("container", [packed, unpacked])
def test_labels_and_images_are_read(tmp_path: Path, container) -> None:
    with open_line_set(container(tmp_path / "set", OURS)) as found:
        assert found.name == "set"
        assert found.lines == (
            LabelledLine("a/1.png", "\u00e9t\u00e9", "a", "p1"),
            LabelledLine("a/2.png", "two", "b", "a/2.png"),
        )
        assert found.skipped == ()
        assert [found.image(line).shape for line in found.lines] == [(64, 30), (64, 40)]
        assert found.image(found.lines[0]).dtype == np.uint8


@pytest.mark.parametrize("container", [packed, unpacked])
def test_images_with_texts_beside_them_are_read(tmp_path: Path, container) -> None:
    with open_line_set(container(tmp_path / "set", PAIRS)) as found:
        assert set(found.lines) == {
            LabelledLine("x/1.png", "one", "x", "x/1.png"),
            LabelledLine("2.jpg.png", "two", "", "2.jpg.png"),
        }


def test_colour_images_become_gray(tmp_path: Path) -> None:
    files = {"1.png": png(mode="RGBA"), "1.txt": b"one"}
    with open_line_set(unpacked(tmp_path, files)) as found:
        assert found.image(found.lines[0]).shape == (64, 20)


def test_unusable_lines_are_counted_and_the_others_read(tmp_path: Path) -> None:
    files = OURS | {
        "labels.jsonl": labels(
            {"file": "a/1.png", "text": "one"},
            {"file": "a/2.png", "text": "  "},
            {"file": "../../etc/passwd", "text": "root"},
        )
    }
    with open_line_set(packed(tmp_path / "set.zip", files)) as found:
        assert [line.file for line in found.lines] == ["a/1.png"]
        assert found.skipped == (
            "a/2.png: has no text",
            "../../etc/passwd: the labels name it, but it is not there",
        )


def test_pairs_that_cannot_be_used_are_counted(tmp_path: Path) -> None:
    files = {
        "1.png": png(),
        "1.txt": b"one",
        "2.png": png(),
        "3.png": png(),
        "3.txt": b"\xff\xfe\xff",
        "4.png": png(),
        "4.txt": b" \n",
    }
    with open_line_set(unpacked(tmp_path, files)) as found:
        assert [line.file for line in found.lines] == ["1.png"]
        assert [message.split(":")[0] for message in found.skipped] == ["2.png", "3.txt", "4.png"]


def test_folder_never_follows_links_out(tmp_path: Path) -> None:
    outside = unpacked(tmp_path / "outside", {"1.png": png(), "1.txt": b"secret"})
    inside = unpacked(tmp_path / "inside", {"2.png": png(), "2.txt": b"two"})
    (inside / "1.png").symlink_to(outside / "1.png")
    (inside / "1.txt").symlink_to(outside / "1.txt")
    (inside / "more").symlink_to(outside)
    with open_line_set(inside) as found:
        assert [line.text for line in found.lines] == ["two"]


def test_damaged_image_is_an_error_of_that_line_alone(tmp_path: Path) -> None:
    files = OURS | {"a/1.png": png()[:60]}
    with open_line_set(packed(tmp_path / "set.zip", files)) as found:
        with pytest.raises(RecognitionError, match="a/1.png is not a readable image"):
            found.image(found.lines[0])
        assert found.image(found.lines[1]).shape == (64, 40)


def test_gigantic_image_is_refused_by_its_header(tmp_path: Path) -> None:
    bomb = bytearray(png())
    bomb[16:24] = struct.pack(">II", 60_000, 60_000)
    files = OURS | {"a/1.png": bytes(bomb)}
    with open_line_set(packed(tmp_path / "set.zip", files)) as found:
        with pytest.raises(RecognitionError, match="a/1.png"):
            found.image(found.lines[0])


def test_image_larger_than_the_limit_is_refused(tmp_path: Path) -> None:
    limits = LineSetLimits(image_pixels=64 * 35)
    with open_line_set(packed(tmp_path / "set.zip", OURS), limits) as found:
        with pytest.raises(RecognitionError, match="40 x 64 px; the limit"):
            found.image(found.lines[1])


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (LineSetLimits(members=2), "holds 3 files"),
        (LineSetLimits(unpacked_bytes=50), "bytes unpacked; the limit"),
        (LineSetLimits(labels_bytes=10), "labels.jsonl is larger than 10 bytes"),
    ],
)
def test_archive_beyond_the_limits_is_refused(
    tmp_path: Path, limits: LineSetLimits, message: str
) -> None:
    with pytest.raises(RecognitionError, match=message):
        open_line_set(packed(tmp_path / "set.zip", OURS), limits)


def test_folder_beyond_the_limit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecognitionError, match="more than 2 files"):
        open_line_set(unpacked(tmp_path, OURS), LineSetLimits(members=2))


def test_member_that_unpacks_to_more_than_it_claims_is_stopped(tmp_path: Path) -> None:
    path = packed(tmp_path / "set.zip", OURS | {"a/1.png": bytes(1_000_000)})
    with open_line_set(path, LineSetLimits(image_bytes=1000)) as found:
        with pytest.raises(RecognitionError, match="a/1.png is larger than 1,000 bytes"):
            found.image(found.lines[0])


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (b"{", "labels.jsonl, line 2 is not JSON"),
        (b"[1]", "line 2 is not an object"),
        (b'{"file": "a/1.png"}', 'line 2: "text" is None'),
        (b'{"file": 7, "text": "a"}', 'line 2: "file" is 7'),
        (b'{"file": "a/1.png", "text": "a", "page": 3}', 'line 2: "page" is 3'),
        (b"[" * 100_000, "line 2 is not"),
        (b"\xff\xfe", "line 2 is not JSON"),
    ],
)
def test_broken_labels_name_their_line(tmp_path: Path, row: bytes, message: str) -> None:
    good = labels({"file": "a/1.png", "text": "one"})
    path = packed(tmp_path / "set.zip", OURS | {"labels.jsonl": good + b"\n" + row})
    with pytest.raises(RecognitionError, match=message):
        open_line_set(path)


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 no archive", bytes(5000)])
def test_file_that_is_no_archive_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "set.zip"
    path.write_bytes(data)
    with pytest.raises(RecognitionError, match="set.zip is not a readable zip archive"):
        open_line_set(path)


def test_damaged_archives_never_raise_anything_else(tmp_path: Path) -> None:
    whole = packed(tmp_path / "set.zip", OURS).read_bytes()
    rng = np.random.default_rng(5)
    for number in range(200):
        data = bytearray(whole)
        for place in rng.integers(len(data), size=6):
            data[place] = rng.integers(256)
        path = tmp_path / f"{number}.zip"
        path.write_bytes(data[: rng.integers(len(data)) if number % 2 else len(data)])
        try:
            with open_line_set(path) as found:
                for line in found.lines:
                    found.image(line)
        except RecognitionError as error:
            assert str(error)


def test_set_without_lines_says_what_was_expected(tmp_path: Path) -> None:
    with pytest.raises(RecognitionError, match="no usable labelled line .* Expected labels.jsonl"):
        open_line_set(tmp_path)
    with pytest.raises(RecognitionError, match="does not exist; expected a zip archive"):
        open_line_set(tmp_path / "nothing.zip")
