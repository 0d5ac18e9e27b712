"""`htr export`: the files of the app from the command line, while the app runs or not."""

from __future__ import annotations

from pathlib import Path

import pytest

import storage
from htr.__main__ import main
from tests.services.model_files import put_model, put_page, sleeping_services


@pytest.fixture
def data(tmp_path: Path) -> Path:
    services = sleeping_services(tmp_path)
    model = put_model(services, tmp_path)
    storage.set_current_model(services.store, model.id)
    put_page(services, model)
    folder = services.store.data_dir
    services.close()
    return folder


def test_document_is_written_to_the_file(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.txt"
    arguments = ["export", "--data", str(data), "--document", "1", "--format", "txt"]
    assert main([*arguments, "--out", str(out)]) == 0
    assert out.read_text().splitlines()[0] == "machine 1"
    assert f"{out}: {out.stat().st_size} bytes" in capsys.readouterr().out
    assert list(tmp_path.glob("*.part")) == []


def test_file_is_named_after_what_it_holds(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["export", "--data", str(data), "--format", "alto", "--images"]) == 0
    assert (tmp_path / "Library.zip").is_file()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--document", "99"], "There is no document 99."),
        (["--document", "0"], "To export a document, say its number."),
        (["--page", "-1"], "it is a whole number"),
        (["--project", "Box 7"], "There is no page to export in “Box 7”."),
    ],
)
def test_what_is_not_there_is_said_and_nothing_is_written(
    data: Path,
    tmp_path: Path,
    arguments: list[str],
    words: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "x.txt"
    command = ["export", "--data", str(data), "--format", "txt", "--out", str(out)]
    assert main([*command, *arguments]) == 1
    assert words in capsys.readouterr().err
    assert not out.exists()


def test_folder_without_a_database_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", "--data", str(tmp_path / "none"), "--format", "txt"]) == 1
    assert "is no data folder" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()
