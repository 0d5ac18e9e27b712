"""Lines to train on, cut out of pages that come with PAGE or ALTO."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from exchange import write_alto, write_page_xml
from htr.lines_data import open_line_set
from segmentation.crops import crop_line
from services.export_lines import OWN_SIZE_PX
from services.page_lines import holds_pages, line_set_of
from synthesis.example import encode_png
from tests.htr_lines import drawn_line
from tests.projects import NOW, described
from training.errors import TrainingError
from training.pretrain import main
from training.pretraining import LOG

WRITERS = {"page": write_page_xml, "alto": write_alto}


def drawn_page(number: int) -> np.ndarray:
    pixels = np.full((300, 400), 255, np.uint8)
    for line in range(3):
        strip = drawn_line(f"ab{number}")[:50, :200]
        pixels[10 + 60 * line : 10 + 60 * line + strip.shape[0], 30 : 30 + strip.shape[1]] = strip
    return pixels


@pytest.fixture(params=sorted(WRITERS))
def pages(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Two pages of three lines; the layout of a third has no image."""
    folder = tmp_path / "box"
    (folder / "layouts").mkdir(parents=True)
    for number in (1, 2, 3):
        layout = WRITERS[request.param](described(number), NOW)
        (folder / "layouts" / f"scan {number}.xml").write_bytes(layout)
        if number < 3:
            (folder / f"scan {number}.png").write_bytes(encode_png(drawn_page(number)))
    return folder


def test_lines_are_cut_as_the_app_cuts_them(pages: Path, tmp_path: Path) -> None:
    told: list[str] = []
    with open_line_set(line_set_of(pages, tmp_path / "cut", told.append)) as cut:
        assert [line.text for line in cut.lines] == [
            f"page {page} line {line} œuvre" for page in (1, 2) for line in range(3)
        ]
        assert [line.source for line in cut.lines] == ["box"] * 6
        assert {line.page for line in cut.lines} == {"box/scan 1.png", "box/scan 2.png"}
        first = cut.image(cut.lines[0])
    expected = crop_line(drawn_page(1), described(1).lines[0].baseline, 60.0, *OWN_SIZE_PX)
    assert first.shape == expected.shape
    assert np.abs(first.astype(int) - expected).mean() < 1.0
    assert any("scan 3.xml" in one and "image" in one for one in told)


def test_archive_of_pages_is_one_as_well(pages: Path, tmp_path: Path) -> None:
    packed = tmp_path / "box.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for path in sorted(path for path in pages.rglob("*") if path.is_file()):
            archive.write(path, path.relative_to(pages).as_posix())
    with open_line_set(line_set_of(packed, tmp_path / "cut", lambda _: None)) as cut:
        assert len(cut.lines) == 6


def test_same_pages_are_cut_once_and_give_the_same_bytes(pages: Path, tmp_path: Path) -> None:
    first = line_set_of(pages, tmp_path / "cut", lambda _: None)
    told: list[str] = []
    assert line_set_of(pages, tmp_path / "cut", told.append) == first
    assert told == []
    assert line_set_of(pages, tmp_path / "anew", told.append).read_bytes() == first.read_bytes()
    (pages / "scan 2.png").unlink()
    assert line_set_of(pages, tmp_path / "cut", told.append) != first


def test_sets_of_lines_are_left_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "1.png").write_bytes(encode_png(drawn_line("ab")))
    (tmp_path / "1.gt.txt").write_text("ab")
    (tmp_path / "1.xml").write_text("<PcGts/>")
    assert not holds_pages(tmp_path)
    assert line_set_of(tmp_path, tmp_path / "cut", lambda _: None) == tmp_path
    (tmp_path / "1.gt.txt").unlink()
    assert holds_pages(tmp_path)
    (tmp_path / "labels.jsonl").write_text("")
    assert not holds_pages(tmp_path)


def test_pages_without_a_line_of_text_say_so(tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    (folder / "a.png").write_bytes(encode_png(drawn_page(1)))
    (folder / "a.xml").write_bytes(write_page_xml(described(1, lines=0), NOW))
    with pytest.raises(TrainingError, match="None of the 1 pages with a layout in empty"):
        line_set_of(folder, tmp_path / "cut", lambda _: None)
    assert list((tmp_path / "cut").iterdir()) == []


def test_pretraining_takes_a_folder_of_pages(pages: Path, tmp_path: Path) -> None:
    arguments = (
        "--steps 2 --batch-lines 2 --embed-dim 32 --heads 2 --device cpu --no-tcm --drawn-share 0"
    ).split()
    run = ["--run-dir", str(tmp_path / "run"), "--validation", str(pages)]
    assert main([str(pages), *run, *arguments]) == 0
    log = (tmp_path / "run" / LOG).read_text().splitlines()
    assert '"name": "box"' in log[0]
    assert '"cer"' in log[-1]
