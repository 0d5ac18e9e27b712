"""The command line: what it writes, what it prints, and how it fails."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from conftest import REPOSITORY
from htr_lines import drawn_line
from PIL import Image
from safetensors.numpy import load_file

from htr import pipeline
from htr.__main__ import main
from htr.checkpoint import read_header, save_checkpoint
from segmentation import Line
from tests.htr.tiny import ALPHABET, tiny_model

LINE = Line(((20.0, 50.0), (300.0, 50.0)), ((20, 0), (300, 0), (300, 64)), spacing_px=50.0)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "tiny.safetensors"
    return save_checkpoint(path, tiny_model(), ALPHABET, name="tiny", created=datetime.now(UTC))


@pytest.fixture
def one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Find the same line on every page; none on a page that is narrower than it."""
    monkeypatch.setattr(
        pipeline, "segment", lambda page, method: [LINE] if page.shape[1] >= 300 else []
    )


def page_file(path: Path, pages: int = 1, width_px: int = 400) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    images = [Image.fromarray(drawn_line("abc", width_px, 200)) for _ in range(pages)]
    more = {"save_all": True, "append_images": images[1:]} if pages > 1 else {}
    images[0].save(path, **more)
    return path


def recognize(model: Path, out: Path, *pages: Path) -> int:
    return main(
        ["recognize", *map(str, pages), "--out", str(out), "--model", str(model), "--device", "cpu",
         "--precision", "fp32"]
    )  # fmt: skip


@pytest.mark.usefixtures("one_line")
def test_page_gives_text_and_json(tmp_path: Path, model: Path, capsys) -> None:
    out = tmp_path / "new" / "out"
    assert recognize(model, out, page_file(tmp_path / "p.png")) == 0
    described = json.loads((out / "p.json").read_text(encoding="utf-8"))
    (line,) = described.pop("lines")
    assert described == {
        "source": "p.png", "index": 0, "width_px": 400, "height_px": 200, "model": "tiny",
    }  # fmt: skip
    assert line["baseline"] == [[20.0, 50.0], [300.0, 50.0]]
    assert (out / "p.txt").read_text(encoding="utf-8") == line["text"] + "\n"
    assert "".join(character["text"] for character in line["characters"]) == line["text"]
    assert all(c["end_px"] <= line["crop_width_px"] for c in line["characters"])
    assert "p.png, page 1: 1 lines in " in capsys.readouterr().out


@pytest.mark.usefixtures("one_line")
def test_pages_of_one_file_are_numbered(tmp_path: Path, model: Path) -> None:
    out = tmp_path / "out"
    assert recognize(model, out, page_file(tmp_path / "book.tiff", pages=3)) == 0
    assert sorted(path.name for path in out.glob("*.txt")) == [
        "book-0001.txt", "book-0002.txt", "book-0003.txt",
    ]  # fmt: skip


@pytest.mark.usefixtures("one_line")
def test_files_of_the_same_name_do_not_overwrite_each_other(tmp_path: Path, model: Path) -> None:
    out = tmp_path / "out"
    pages = [page_file(tmp_path / folder / "p.png") for folder in "ab"]
    assert recognize(model, out, *pages) == 0
    assert sorted(path.name for path in out.glob("*.json")) == ["p.json", "p_2.json"]


@pytest.mark.usefixtures("one_line")
def test_blank_page_gives_an_empty_text(tmp_path: Path, model: Path) -> None:
    assert recognize(model, tmp_path, page_file(tmp_path / "p.png", width_px=200)) == 0
    assert (tmp_path / "p.txt").read_text() == ""


@pytest.mark.usefixtures("one_line")
def test_bad_files_are_reported_and_the_others_read(tmp_path: Path, model: Path, capsys) -> None:
    out = tmp_path / "out"
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"\xff\xd8\xff\xe0 cut off")
    empty = tmp_path / "empty.png"
    empty.touch()
    pages = [bad, tmp_path / "missing.png", tmp_path, empty, page_file(tmp_path / "good.png")]
    assert recognize(model, out, *pages) == 1
    assert sorted(path.name for path in out.iterdir()) == ["good.json", "good.txt"]
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 5
    assert "bad.jpg" in errors[0]
    assert errors[1].endswith("missing.png: no such file")
    assert errors[4] == "htr: 4 of the files or pages could not be read"


def test_missing_model_is_one_line_without_a_traceback(tmp_path: Path, capsys) -> None:
    assert recognize(tmp_path / "no.safetensors", tmp_path, page_file(tmp_path / "p.png")) == 1
    error = capsys.readouterr().err
    assert error.startswith("htr: ") and "no.safetensors" in error
    assert error.count("\n") == 1


def test_output_that_cannot_be_a_folder_is_refused(tmp_path: Path, model: Path, capsys) -> None:
    file = page_file(tmp_path / "p.png")
    assert recognize(model, file / "out", file) == 1
    assert "cannot be made" in capsys.readouterr().err


def labelled_lines(folder: Path) -> Path:
    folder.mkdir()
    for number in range(3):
        file = io.BytesIO()
        Image.fromarray(np.full((64, 60), 200, np.uint8)).save(file, "PNG")
        (folder / f"{number}.png").write_bytes(file.getvalue())
        (folder / f"{number}.gt.txt").write_text("abc")
    return folder


def test_evaluate_prints_a_table_or_json(tmp_path: Path, model: Path, capsys) -> None:
    arguments = ["evaluate", str(labelled_lines(tmp_path / "set")), "--model", str(model)]
    arguments += ["--device", "cpu", "--precision", "fp32"]
    assert main(arguments) == 0
    assert "3 lines read by tiny (cpu, fp32)" in capsys.readouterr().out
    assert main([*arguments, "--json", "--limit", "2"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["lines"], found["characters"]) == (2, 6)


def test_evaluate_names_a_set_that_is_not_there(tmp_path: Path, capsys) -> None:
    assert main(["evaluate", str(tmp_path / "no.zip")]) == 1
    assert "no.zip does not exist" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["recognize"],
        ["recognize", "p.png"],
        ["evaluate", "set.zip", "--limit", "0"],
        ["evaluate", "set.zip", "--precision", "int8"],
        ["language", "t.txt"],
        ["evaluate", "set.zip", "--beam-width", "9999"],
        ["unknown"],
    ],
)
def test_wrong_usage_exits_with_2(arguments: list[str], capsys) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(arguments)
    assert exit_.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_convert_refuses_what_is_no_checkpoint(tmp_path: Path, capsys) -> None:
    source = tmp_path / "model.pth"
    source.write_bytes(b"no checkpoint")
    target = tmp_path / "model.safetensors"
    assert main(["convert", str(source), str(target), "--dataset", "iam"]) == 1
    assert "model.pth" in capsys.readouterr().err
    assert not target.exists()


def test_download_passes_what_was_asked_for(tmp_path: Path, monkeypatch, capsys) -> None:
    asked = {}

    def download(repository, filename, revision, *, folder, dataset):
        asked.update(
            repository=repository, filename=filename, revision=revision, folder=folder,
            dataset=dataset,
        )  # fmt: skip
        return folder / "model.safetensors"

    monkeypatch.setattr("htr.hub.download_checkpoint", download)
    assert main(["download", "o/n", "--file", "m.pth", "--out", str(tmp_path)]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "model.safetensors")
    assert asked == {
        "repository": "o/n", "filename": "m.pth", "revision": None, "folder": tmp_path,
        "dataset": None,
    }  # fmt: skip


def test_interruption_is_no_traceback(monkeypatch, tmp_path: Path, capsys) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("htr.lines_data.open_line_set", interrupt)
    assert main(["evaluate", str(tmp_path)]) == 130
    assert capsys.readouterr().err == "htr: interrupted\n"


def test_help_does_not_load_torch() -> None:
    script = "import sys, htr.__main__; sys.exit('torch' in sys.modules or 'cv2' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", script], cwd=REPOSITORY, check=False)
    assert result.returncode == 0
    shown = subprocess.run(
        [sys.executable, "-m", "htr", "--help"],
        cwd=REPOSITORY, env=os.environ, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    for command in ("recognize", "evaluate", "language", "calibrate", "convert", "download"):
        assert command in shown


CPU = ("--device", "cpu", "--precision", "fp32")


def test_language_model_is_built_tuned_and_read_with(tmp_path: Path, model: Path, capsys) -> None:
    lines = labelled_lines(tmp_path / "set")
    text = tmp_path / "letters.txt"
    text.write_text("abc\nabc dab\n\ncab\n", encoding="utf-8")
    built = tmp_path / "built.language"
    arguments = ["language", str(text), str(lines), "--out", str(built), "--order", "3"]
    assert main([*arguments, "--model", str(model), "--tune", str(lines), *CPU]) == 0
    said = capsys.readouterr().out
    assert "3 lines of set: CER " in said
    assert "built from 7 lines of text" in said
    read_with = ["evaluate", str(lines), "--model", str(model), *CPU, "--json"]
    assert main([*read_with, "--language", str(built), "--beam-width", "4"]) == 0
    assert json.loads(capsys.readouterr().out)["lines"] == 3


def test_language_model_of_another_model_is_refused(tmp_path: Path, model: Path, capsys) -> None:
    text = tmp_path / "letters.txt"
    text.write_text("abc")
    built = tmp_path / "built.language"
    assert main(["language", str(text), "--out", str(built)]) == 0  # for the shipped model
    lines = labelled_lines(tmp_path / "set")
    read_with = ["evaluate", str(lines), "--model", str(model), *CPU, "--language", str(built)]
    assert main(read_with) == 1
    assert "another alphabet than that of model 'tiny'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("data", "message"),
    [(b"\xff\xfe\x00", "is no text in UTF-8"), ("ЖЖЖ".encode(), "no character that the")],
)
def test_text_that_teaches_no_language_is_refused(
    tmp_path: Path, model: Path, capsys, data: bytes, message: str
) -> None:
    text = tmp_path / "t.txt"
    text.write_bytes(data)
    arguments = ["language", str(text), "--out", str(tmp_path / "o"), "--model", str(model)]
    assert main(arguments) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "o").exists()


def test_calibrate_writes_the_same_model_with_its_temperature(
    tmp_path: Path, model: Path, capsys
) -> None:
    lines = labelled_lines(tmp_path / "set")
    out = tmp_path / "calibrated.safetensors"
    assert main(["calibrate", str(lines), "--model", str(model), "--out", str(out), *CPU]) == 0
    said = capsys.readouterr().out
    assert "before (temperature 1.000): Expected calibration error" in said
    before, after = load_file(model), load_file(out)
    assert before.keys() == after.keys()
    assert all((before[name] == after[name]).all() for name in before)
    assert 0.2 <= read_header(out).metrics["temperature"] <= 5.0
    assert read_header(out).name == "tiny"
