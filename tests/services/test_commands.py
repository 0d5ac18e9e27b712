"""The commands that work on a data folder: import, backup, restore."""

from __future__ import annotations

from pathlib import Path

import pytest

import storage
from exchange import write_page_xml
from htr.__main__ import main
from tests.projects import NOW, described, image, pages_in, project_zip


def test_project_comes_in_by_command_and_goes_through_a_backup(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, project = str(tmp_path / "data"), str(project_zip(tmp_path))
    assert main(["import", project, "--data", data]) == 1
    assert "--text-by human or --text-by machine" in capsys.readouterr().err
    assert main(["import", project, "--data", data, "--text-by", "human", "--dry-run"]) == 0
    assert "Box 12: 3 pages" in capsys.readouterr().out
    with storage.open_store(data) as store:
        assert storage.documents(store) == []

    arguments = ["--text-by", "human", "--author", "ada", "--title", "Box 13"]
    assert main(["import", project, "--data", data, *arguments]) == 0
    assert "3 pages with 9 lines are in (document 1)" in capsys.readouterr().out
    assert main(["backup", str(tmp_path / "all.zip"), "--data", data]) == 0
    assert main(["restore", str(tmp_path / "all.zip"), "--data", str(tmp_path / "new")]) == 0
    with storage.open_store(tmp_path / "new") as store:
        (summary,) = storage.documents(store)
        assert (summary.document.title, summary.corrected) == ("Box 13", 9)
        line = storage.lines_of(store, pages_in(store)[0].id)[0]
        assert line.revision is not None and line.revision.author == "ada"
        (run,) = storage.runs(store)
        assert (run.kind, run.state) == ("import-command", "done")


def test_folder_with_problems_comes_in_partly_only_if_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "Letters"
    folder.mkdir()
    (folder / "scan 1.png").write_bytes(image(1))
    (folder / "scan 1.xml").write_bytes(write_page_xml(described(1), NOW))
    (folder / "broken.xml").write_bytes(b"<alto")
    command = ["import", str(folder), "--data", str(tmp_path / "data"), "--text-by", "machine"]
    assert main([*command, "--no-reading"]) == 1
    told = capsys.readouterr().err
    assert "Letters/broken.xml is not well-formed" in told
    assert "Nothing was taken in; --partly takes the rest." in told
    assert main([*command, "--no-reading", "--partly"]) == 0
    with storage.open_store(tmp_path / "data") as store:
        (summary,) = storage.documents(store)
        assert (summary.document.title, summary.machine) == ("Letters", 3)


@pytest.mark.parametrize(
    "arguments",
    [["import", "nowhere.zip"], ["backup", "all.zip"], ["restore", "nowhere.zip"]],
)
def test_what_is_not_there_is_said_in_a_sentence(
    tmp_path: Path, arguments: list[str], capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert main([*arguments, "--data", str(tmp_path / "none")]) == 1
    assert capsys.readouterr().err.startswith("htr: ")
