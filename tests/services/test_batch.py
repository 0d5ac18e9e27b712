"""Many pages are read into files; a stop, a bad file or a dead worker loses none of the others."""

from __future__ import annotations

import json
import multiprocessing
import os
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from exchange import read_alto, read_page_xml
from htr.__main__ import main
from htr.checkpoint import save_checkpoint
from services.batch import FAILURES, JOURNAL, run_batch
from services.batch_errors import BatchError
from services.batch_pages import FileResult, PageOutput
from services.batch_source import PageFile, page_files, read_bytes
from services.batch_worker import ModelChoice
from tests.htr.tiny import ALPHABET, tiny_model


def drawn_page(text: str = "ab cd") -> np.ndarray:
    page = np.full((260, 360, 3), 230, np.uint8)
    for y in (60, 120, 180):
        cv2.putText(page, text, (40, y), cv2.FONT_HERSHEY_SCRIPT_SIMPLEX, 1.0, (40, 40, 40), 2)
    return page


@pytest.fixture
def model(tmp_path: Path) -> ModelChoice:
    path = tmp_path / "tiny.safetensors"
    save_checkpoint(path, tiny_model(), ALPHABET, name="tiny", created=datetime.now(UTC))
    return ModelChoice(path, "cpu", "fp32")


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """Two pages in folders, a file with two pages, a broken file, and something else."""
    folder = tmp_path / "scans"
    (folder / "box").mkdir(parents=True)
    cv2.imwrite(str(folder / "a.png"), drawn_page())
    cv2.imwrite(str(folder / "box" / "a.png"), drawn_page("cd ab"))
    pages = [Image.fromarray(drawn_page(text)) for text in ("ab cd", "cd ab")]
    pages[0].save(folder / "book.tif", save_all=True, append_images=pages[1:])
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff no picture")
    (folder / "notes.txt").write_text("not a page")
    return folder


def rows(path: Path) -> list[dict]:
    return [json.loads(row) for row in path.read_text().splitlines()]


def run(scans: Path, out: Path, model: ModelChoice, form: str = "page", **more):
    return run_batch(page_files(str(scans)), PageOutput(out, form, "opencv"), model, **more)


def test_folder_is_listed_with_what_is_in_its_folders(scans: Path) -> None:
    assert [file.name for file in page_files(str(scans))] == [
        "a.png", "book.tif", "broken.jpg", "box/a.png",
    ]  # fmt: skip


def test_list_names_files_beside_it_and_elsewhere(scans: Path) -> None:
    listed = scans / "some.txt"
    listed.write_text("# pages\na.png\n\nbox/a.png\nmemory://far/b.png\n", encoding="utf-8")
    files = list(page_files(str(listed)))
    assert [file.name for file in files] == ["a.png", "box/a.png", "far/b.png"]
    assert read_bytes(files[1], 1 << 20) == (scans / "box" / "a.png").read_bytes()


def test_address_is_listed_and_read() -> None:
    import fsspec

    system = fsspec.filesystem("memory")
    system.pipe({"/shelf/one/b.png": b"12345", "/shelf/a.jpg": b"1", "/shelf/x.doc": b"2"})
    files = list(page_files("memory://shelf"))
    assert [file.name for file in files] == ["a.jpg", "one/b.png"]
    assert read_bytes(files[1], 3) == b"1234"  # one byte more than the limit tells of a larger file
    assert [file.name for file in page_files("memory://shelf/a.jpg")] == ["a.jpg"]
    with pytest.raises(BatchError, match="There is nothing at"):
        list(page_files("memory://nothing"))


@pytest.mark.parametrize(
    ("source", "message"),
    [("nowhere", "nowhere does not exist"), ("strange9://a", "cannot be opened")],
)
def test_source_that_cannot_be_read_is_named(source: str, message: str) -> None:
    with pytest.raises(BatchError, match=message):
        list(page_files(source))


def test_name_in_a_list_cannot_lead_out_of_the_folder(tmp_path: Path) -> None:
    from segmentation.images import PageImage

    page = PageImage(drawn_page(), b"", "png", "a.png", 0)
    name = PageOutput(tmp_path).name_of(PageFile("x", "../../etc/a.png"), page)
    assert name == "etc/a.png.xml"
    assert PageOutput(tmp_path).name_of(PageFile("x", "/.."), page) == "page.xml"


def test_every_page_gives_a_file_and_a_broken_file_is_listed(
    scans: Path, tmp_path: Path, model: ModelChoice
) -> None:
    out = tmp_path / "out"
    told: list[FileResult] = []
    totals = run(scans, out, model, report=told.append)
    assert (totals.files, totals.pages, totals.failures) == (4, 4, 1)
    made = sorted(path.relative_to(out).as_posix() for path in out.rglob("*.xml"))
    assert made == ["a.png.xml", "book.tif-0001.xml", "book.tif-0002.xml", "box/a.png.xml"]
    page = read_page_xml((out / "a.png.xml").read_bytes(), "a.png.xml")
    assert page.image_name == "a.png" and (page.width, page.height) == (360, 260)
    assert len(page.lines) == 3 and totals.lines == 12
    (failure,) = rows(out / FAILURES)
    assert failure["file"] == "broken.jpg" and failure["page"] is None and failure["reason"]
    assert [result.file for result in told if result.failures] == ["broken.jpg"]
    assert not list(out.rglob("*part"))


def test_what_a_killed_process_left_half_written_is_deleted_and_nothing_else(
    scans: Path, tmp_path: Path, model: ModelChoice
) -> None:
    out = tmp_path / "out"
    (out / "box").mkdir(parents=True)
    left, being_written, other = (
        out / "box" / name for name in (".a.png.xml.7.htr-part", ".b.xml.8.htr-part", ".c.part")
    )
    for path in (left, being_written, other):
        path.write_bytes(b"<PcGts")
    os.utime(left, (0, 0))
    os.utime(other, (0, 0))
    run(scans, out, model)
    assert [path.exists() for path in (left, being_written, other)] == [False, True, True]


def test_what_is_done_is_not_read_again(scans: Path, tmp_path: Path, model: ModelChoice) -> None:
    out = tmp_path / "out"
    run(scans, out, model)
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.xml")}
    (out / "box" / "a.png.xml").unlink()
    (out / "book.tif-0002.xml").unlink()
    with (out / JOURNAL).open("a") as journal:
        journal.write('{"file": "torn')
    totals = run(scans, out, model)
    assert (totals.skipped, totals.pages, totals.failures) == (1, 2, 1)
    after = {path: path.stat().st_mtime_ns for path in out.rglob("*.xml")}
    changed = {path.name for path in before if before[path] != after[path]}
    assert changed == {"a.png.xml", "book.tif-0002.xml"}
    assert run(scans, out, model).skipped == 3


@pytest.mark.parametrize("form", ["alto", "jsonl", "txt"])
def test_other_formats(form: str, scans: Path, tmp_path: Path, model: ModelChoice) -> None:
    out = tmp_path / form
    run_batch(page_files(str(scans / "a.png")), PageOutput(out, form, "opencv"), model)
    (made,) = (path for path in out.iterdir() if path.name.startswith("a.png"))
    if form == "alto":
        assert len(read_alto(made.read_bytes(), made.name).lines) == 3
    elif form == "jsonl":
        assert [row["line"] for row in rows(made)] == [1, 2, 3]
    else:
        assert len(made.read_text().splitlines()) >= 3


def test_folder_that_cannot_be_written_stops_the_batch(
    scans: Path, tmp_path: Path, model: ModelChoice
) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(BatchError, match="choose another folder"):
        run(scans, tmp_path / "out", model)


def test_command_tells_totals_and_fails_where_a_file_failed(
    scans: Path, tmp_path: Path, model: ModelChoice, capsys
) -> None:
    out = str(tmp_path / "out")
    chosen = ["--model", str(model.path), "--device", "cpu", "--precision", "fp32"]
    chosen += ["--segmentation", "opencv", "--out", out]
    assert main(["batch", str(scans), *chosen]) == 1
    shown = capsys.readouterr()
    assert "4 pages with 12 lines" in shown.out and "1 failures" in shown.out
    assert "broken.jpg" in shown.err
    assert main(["batch", str(scans / "nothing"), *chosen]) == 1
    assert "does not exist" in capsys.readouterr().err


@pytest.mark.slow
def test_killed_worker_costs_no_page_and_reads_none_twice(
    tmp_path: Path, model: ModelChoice
) -> None:
    folder, out = tmp_path / "scans", tmp_path / "out"
    folder.mkdir()
    for number in range(12):
        cv2.imwrite(str(folder / f"{number:02d}.png"), drawn_page())
    killed: list[int | None] = []

    def kill_one(result: FileResult) -> None:
        if not killed:
            victim = multiprocessing.active_children()[0]
            killed.append(victim.pid)
            victim.kill()

    totals = run(folder, out, model, workers=2, report=kill_one)
    assert killed and totals.failures == 0
    assert sorted(row["file"] for row in rows(out / JOURNAL)) == [
        f"{number:02d}.png" for number in range(12)
    ]
    assert len(list(out.glob("*.xml"))) == 12
