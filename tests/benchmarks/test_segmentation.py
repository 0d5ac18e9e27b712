from __future__ import annotations

import json
import shutil
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.draw_pages import SET_ASIDE, SPURIOUS, ScoredPage, drawn, read_found, worst_pages
from benchmarks.kept_answers import KeptAnswers
from benchmarks.page_worker import Answer, Worker, WorkerError
from benchmarks.pages import BenchmarkError, TrueLine, TruePage, read_truth, spread
from benchmarks.segmentation import Contestant, main, race, table, table_by_source
from benchmarks.segmentation_score import score_page
from tests.conftest import REPOSITORY

LINES = ([[50.0, 100.0], [450.0, 100.0]], [[50.0, 160.0], [450.0, 160.0]])


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Two blank pages of two lines each, of two sources."""
    path = tmp_path / "pages.zip"
    image = cv2.imencode(".png", np.full((300, 500), 230, np.uint8))[1].tobytes()
    with zipfile.ZipFile(path, "w") as members:
        rows = []
        for name in ("letters", "registers"):
            members.writestr(f"{name}/1.png", image)
            lines = [{"baseline": line, "spacing": 60, "text": ""} for line in LINES]
            rows.append(json.dumps({"file": f"{name}/1.png", "source": name, "lines": lines}))
        members.writestr("pages.jsonl", "\n".join(rows))
    return path


def worker_command(folder: Path, body: str) -> list[str]:
    """A worker whose segmenter has that body, with `page` and `LINES` at hand."""
    script = folder / f"worker{len(list(folder.glob('worker*')))}.py"
    script.write_text(
        f"import sys; sys.path.insert(0, {str(REPOSITORY)!r})\n"
        "import os, time\n"
        "from benchmarks.page_worker import Found, serve\n"
        f"LINES = {list(LINES)!r}\n"
        f"def found(page):\n{textwrap.indent(body, '    ')}\n"
        "serve(lambda: ('fake 1.0', found))\n"
    )
    return [sys.executable, str(script)]


def test_worker_answers_with_lines_and_their_price(archive: Path, tmp_path: Path) -> None:
    body = "print('loud'); assert page.size == (500, 300) and page.mode == 'L'\n"
    body += "end = time.process_time() + 0.1\nwhile time.process_time() < end: pass\n"
    worker = Worker(worker_command(tmp_path, body + "return Found(LINES, 0.04)"), threads=1)
    try:
        answer = worker.segment(archive, "letters/1.png")
    finally:
        worker.close()
    assert worker.version == "fake 1.0"
    assert answer.lines == list(LINES)
    assert answer.polygon_cpu_s == 0.04
    assert 0.1 <= answer.cpu_s < 5
    assert answer.wall_s >= 0.09
    assert answer.peak_bytes > 1e6


def test_worker_that_cannot_start_says_why(tmp_path: Path) -> None:
    missing = tmp_path / "python"
    with pytest.raises(WorkerError, match="No such file"):
        Worker([str(missing)], 1)
    with pytest.raises(WorkerError, match="No module named 'nowhere'"):
        Worker([sys.executable, "-c", "import nowhere"], 1)


def test_rival_that_does_not_run_is_reported_and_the_others_are_scored(
    archive: Path, tmp_path: Path
) -> None:
    commands = {
        "network": worker_command(tmp_path, "return Found(LINES)"),
        "dying": worker_command(tmp_path, "os._exit(3)"),
        "kraken": [str(tmp_path / "no-python")],
    }
    pages = read_truth(archive)
    contestants = race(archive, pages, commands, threads=1)
    rows = table(pages, contestants).splitlines()
    assert rows[2].startswith("| fake 1.0 | 1.000 | 1.000 | 1.000 | 1.000 | 0 | 0 | 0 | 0 |")
    assert "not run: the process ended with 3 (after 0 pages)" in rows[3]
    assert "| kraken | not run: [Errno 2] No such file" in rows[4]


def test_page_that_a_contestant_fails_on_counts_as_missed_and_is_named(
    archive: Path, tmp_path: Path
) -> None:
    commands = {"opencv": worker_command(tmp_path, "raise ValueError('too dark')")}
    pages = read_truth(archive)
    text = table(pages, race(archive, pages, commands, threads=1))
    assert "| 4 | 0 | 0 | 0 |" in text
    assert "fake 1.0 failed on 2 pages: ValueError: too dark" in text


def contestant(key: str, cpu_s: float, polygon_cpu_s: float = 0.0) -> Contestant:
    answer = Answer([list(line) for line in LINES], cpu_s, cpu_s, 2_000_000, polygon_cpu_s)
    return Contestant(key, key, answers={"letters/1.png": answer, "registers/1.png": answer})


def test_table_compares_cpu_time_with_ours_and_tells_polygons_apart(archive: Path) -> None:
    pages = read_truth(archive)
    rivals = [contestant("network", 0.5), contestant("kraken", 20.0, 15.0)]
    rows = table(pages, rivals).splitlines()
    assert rows[2].endswith("| 0.50 | 0.50 | 2 | 1.0 |")
    assert rows[3].startswith("| kraken, with polygons | 1.000")
    assert rows[3].endswith("| 20.00 | 20.00 | 2 | 40.0 |")
    assert rows[4].startswith("| kraken, polygons' time left out | ”")
    assert rows[4].endswith("| 5.00 | 20.00 | 2 | 10.0 |")
    assert {row.count("|") for row in rows} == {16}


def test_slow_contestant_takes_every_other_page_and_is_compared_on_these(
    archive: Path, tmp_path: Path
) -> None:
    commands = {
        "network": worker_command(tmp_path, "return Found(LINES)"),
        "kraken": worker_command(tmp_path, "return Found(LINES[:1])"),
    }
    pages = read_truth(archive)
    contestants = race(archive, pages, commands, threads=1, every={"kraken": 2})
    assert [list(c.answers) for c in contestants] == [[p.file for p in pages], [pages[1].file]]
    rows = table(pages, contestants).splitlines()
    assert rows[3].startswith("| fake 1.0 on those of the next row | 1.000")
    assert rows[4].startswith("| fake 1.0, 1 of 2 pages | 0.667 | 0.667 | 1.000 | 0.500 |")
    by_source = table_by_source(pages, contestants).splitlines()
    assert by_source[2].endswith("| 0 pages: nan / nan (0, 0) |")


def test_stopped_run_goes_on_with_the_pages_that_were_not_asked(
    archive: Path, tmp_path: Path
) -> None:
    pages = read_truth(archive)
    path = tmp_path / "out" / "answers.jsonl"
    commands = {"kraken": worker_command(tmp_path, "return Found(LINES)")}
    race(archive, pages[:1], commands, 1, kept=KeptAnswers(path, archive, 1))
    with path.open("a") as out:
        out.write('{"setting": "cut off in the mid')
    again = {"kraken": worker_command(tmp_path, "return Found(LINES[:1])")}
    went_on = race(archive, pages, again, 1, kept=KeptAnswers(path, archive, 1))
    assert [len(answer.lines) for answer in went_on[0].answers.values()] == [2, 1]
    other_threads = race(archive, pages, again, 1, kept=KeptAnswers(path, archive, 2))
    assert [len(answer.lines) for answer in other_threads[0].answers.values()] == [1, 1]


def test_answers_of_ours_are_kept_for_the_same_code_and_weights_only(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = read_truth(archive)[:1]
    path = tmp_path / "answers.jsonl"
    for version, lines in (("network a", "LINES"), ("network b", "LINES[:1]")):
        monkeypatch.setattr("benchmarks.segmentation.version_of_ours", lambda key, v=version: v)
        commands = {"network": worker_command(tmp_path, f"return Found({lines})")}
        ours = race(archive, pages, commands, 1, kept=KeptAnswers(path, archive, 1))
    assert [len(answer.lines) for answer in ours[0].answers.values()] == [1]


def test_table_by_source_has_a_row_for_each(archive: Path) -> None:
    rows = table_by_source(read_truth(archive), [contestant("network", 0.5)]).splitlines()
    assert rows[2] == "| letters | 1 | 2 | 1.000 / 1.000 (0, 0) |"
    assert rows[3] == "| registers | 1 | 2 | 1.000 / 1.000 (0, 0) |"


def test_unknown_rival_and_broken_archive_are_refused(tmp_path: Path, capsys, archive) -> None:
    assert main([str(archive), "--rivals", "tesseract"]) == 1
    assert "There is no rival tesseract; choose from kraken, rapidocr" in capsys.readouterr().err
    (tmp_path / "broken.zip").write_bytes(b"nothing")
    assert main([str(tmp_path / "broken.zip"), "--rivals", "none"]) == 1
    assert "broken.zip is no archive of pages" in capsys.readouterr().err


def test_lines_set_aside_are_left_out_of_the_row_and_counted_in_one_below(archive: Path) -> None:
    page = read_truth(archive)[0]
    strip = [[[5000.0, y], [5100.0, y]] for y in (100.0, 140.0)]
    answer = Answer(list(LINES), 1.0, 1.0, 1, aside=strip)
    rows = table([page], [Contestant("network", "network", answers={page.file: answer})])
    own, both = ([cell.strip() for cell in row.split("|")] for row in rows.splitlines()[2:4])
    assert (own[1], own[2], own[7]) == ("network", "1.000", "0")
    assert (both[1], both[7]) == ("network, its 2 lines set aside counted too", "2")
    assert both[3] == "1.000"  # F1on leaves spurious lines out


def test_limited_pages_are_spread_over_the_archive() -> None:
    pages = [TruePage(str(k), "s", ()) for k in range(9)]
    assert [page.file for page in spread(pages, 3)] == ["1", "4", "7"]
    assert spread(pages, None) == spread(pages, 20) == pages


def test_worst_page_is_drawn_with_its_faults_in_colour(archive: Path, tmp_path: Path) -> None:
    rows = [
        {"file": "letters/1.png", "lines": [{"baseline": line} for line in LINES]},
        {
            "file": "registers/1.png",
            "lines": [{"baseline": [[50, 250], [450, 250]]}],
            "aside": [{"baseline": [[50, 280], [450, 280]]}],
        },
    ]
    path = tmp_path / "found.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    worst = worst_pages(read_truth(archive), read_found(path), "f1on")
    assert [scored.page.source for scored in worst] == ["registers", "letters"]
    picture = drawn(np.full((300, 500), 230, np.uint8), worst[0])
    assert picture.shape == (300, 500, 3)
    assert tuple(picture[250, 300]) == SPURIOUS
    assert tuple(picture[280, 300]) == SET_ASIDE


def test_found_lines_of_another_kind_are_refused(tmp_path: Path) -> None:
    (tmp_path / "found.jsonl").write_text('{"page": 1}\n')
    with pytest.raises(BenchmarkError, match="holds no found lines"):
        read_found(tmp_path / "found.jsonl")


def test_blank_page_can_be_drawn() -> None:
    page = TruePage("1", "s", (TrueLine(((10.0, 50.0), (90.0, 50.0)), 40.0),))
    scored = ScoredPage(page, (), score_page(page.lines, []))
    assert drawn(np.full((100, 100, 3), 255, np.uint8), scored).shape == (100, 100, 3)


@pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")
def test_make_installs_the_rivals_apart_from_the_app_and_passes_the_choices_on() -> None:
    def dry_run(*settings: str) -> str:
        command = ["make", "-n", "-B", "bench-segmentation", *settings]
        return subprocess.run(
            command, cwd=REPOSITORY, capture_output=True, text=True, check=True
        ).stdout

    full = dry_run("PAGES=other.zip", "LIMIT=3")
    assert ".venv-rivals/bin/python -m pip install" in full
    assert "-r benchmarks/requirements-rivals.txt" in full
    assert "benchmarks.segmentation other.zip --rivals kraken,rapidocr" in full
    assert "--limit 3" in full
    alone = dry_run("RIVALS=none")
    assert ".venv-rivals" not in alone
    assert "--rivals none" in alone
    app = (REPOSITORY / "requirements.txt").read_text()
    assert "kraken" not in app and "rapidocr" not in app
