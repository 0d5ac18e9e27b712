"""Fetched fonts: packages are checked, and their files act as one font."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from synthesis.fetch_fonts import NAMES, fetch_fonts, main, unpack
from synthesis.font import FOLDER, Font, SynthesisError, font_named, fonts, fonts_in
from synthesis.line import draw_line


def package(name: str, licence: str = "OFL-1.1", parts: tuple[str, ...] = ("latin",)) -> bytes:
    """Return a package as the registry has it; its parts are fonts of the project."""
    data = io.BytesIO()
    files = {
        "package.json": json.dumps({"license": licence, "version": "5.9.9"}).encode(),
        "LICENSE": b"Copyright ...",
        "files/evil.woff2": b"no",
    }
    for number, part in enumerate(parts):
        files[f"files/{name}-{part}-400-normal.woff"] = fonts()[number].paths[0].read_bytes()
    with tarfile.open(fileobj=data, mode="w:gz") as archive:
        for path, content in files.items():
            member = tarfile.TarInfo(f"package/{path}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return data.getvalue()


def test_font_of_a_package_is_kept_with_its_licence_and_version(tmp_path: Path) -> None:
    unpack(package("hand", parts=("latin", "latin-ext")), "hand", tmp_path)
    kept = sorted(path.name for path in (tmp_path / "hand").iterdir())
    assert kept == ["hand-latin-ext.woff", "hand-latin.woff", "hand.OFL.txt", "version.txt"]
    (font,) = fonts_in(tmp_path)
    assert font.name == "hand" and font.licence_path.read_text().startswith("Copyright")
    assert font.paths[0].name == "hand-latin.woff"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (package("hand", licence="MIT"), "its licence is 'MIT'"),
        (package("hand", parts=()), "no upright font"),
        (package("hand", parts=("cyrillic",)), "no upright font"),
    ],
)
def test_package_that_is_not_wanted_leaves_nothing(
    data: bytes, message: str, tmp_path: Path
) -> None:
    with pytest.raises(SynthesisError, match=message):
        unpack(data, "hand", tmp_path)
    assert not list(tmp_path.iterdir())


def test_without_npm_it_says_so(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["--folder", str(tmp_path)]) == 1
    assert "npm is not installed" in capsys.readouterr().err


def test_font_that_is_there_is_not_fetched_again(tmp_path: Path, monkeypatch) -> None:
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\nexit 1\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    (tmp_path / "cache" / "kalam").mkdir(parents=True)
    assert fetch_fonts(tmp_path / "cache", ["kalam"]) == []
    (failure,) = fetch_fonts(tmp_path / "cache", ["sriracha"])
    assert failure.startswith("sriracha: npm could not fetch it")


def test_at_least_sixty_fonts_can_be_had_with_those_of_the_project() -> None:
    assert len(set(NAMES) | {font.name for font in fonts()}) == len(NAMES) + len(fonts()) >= 60


def test_folder_that_is_not_there_holds_no_fonts(tmp_path: Path) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "broken-latin.woff").write_bytes(b"wOFF no font")
    assert fonts_in(tmp_path / "nowhere") == () == fonts_in(tmp_path)


def test_word_of_two_files_is_drawn_by_both() -> None:
    """Kristi has no œ, La Belle Aurore has: together they write it, a is Kristi's."""
    first, second = font_named("kristi"), font_named("la-belle-aurore")
    both = Font("both", (*first.paths, *second.paths))
    assert both.covers("cœur") and not first.covers("cœur")
    face = both.at(60)
    assert face.width("cœ") == first.at(60).width("c") + second.at(60).width("œ")
    assert face.box("c") == first.at(60).box("c")
    canvas = Image.new("L", (200, 120), 0)
    face.draw(ImageDraw.Draw(canvas), (20, 80), "cœ")
    left, _, right, _ = face.box("cœ")
    columns = np.flatnonzero(np.asarray(canvas).max(axis=0))
    assert (columns[0] - 20, columns[-1] - 19) == pytest.approx((left, right), abs=2)


def test_line_is_drawn_in_a_font_of_the_pool() -> None:
    only = (font_named("kristi"),)
    image, text = draw_line(1, "cœur", pool=only)
    assert text == "coeur" and image.shape[0] == 64
    assert not np.array_equal(image, draw_line(1, "cœur")[0])


def test_project_knows_where_its_own_fonts_are() -> None:
    assert all(font.paths[0].parent == FOLDER for font in fonts())
