"""Scores of a model on a labelled set."""

from __future__ import annotations

import io
import json
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from htr_lines import FakeRecognizer
from PIL import Image

from htr.errors import RecognitionError
from htr.evaluate import as_json, as_text, evaluate_lines
from htr.lines_data import open_line_set
from htr.recognizer import Recognizer
from htr.shipped import default_model_path


def line_set(folder: Path, rows: list[tuple[int, str, str]]) -> Path:
    """Write lines (width in px, text, source); the fake recognizer reads the width."""
    labels = []
    for number, (width, text, source) in enumerate(rows):
        file = io.BytesIO()
        Image.new("L", (width, 64), 255).save(file, "PNG")
        (folder / f"{number}.png").write_bytes(file.getvalue() if width > 1 else b"damaged")
        labels.append({"file": f"{number}.png", "text": text, "source": source, "page": source})
    (folder / "labels.jsonl").write_text("\n".join(json.dumps(row) for row in labels))
    return folder


ROWS = [(100, "100", "a"), (200, "299", "b"), (300, "300", "b"), (40, "40 50", "c")]


def evaluate(folder: Path, rows: list[tuple[int, str, str]], **settings):
    with open_line_set(line_set(folder, rows)) as found:
        rng = np.random.default_rng(1)
        return evaluate_lines(found, FakeRecognizer(), rng, clock=count().__next__, **settings)


def test_rates_are_of_all_lines_and_by_source(tmp_path: Path) -> None:
    found = evaluate(tmp_path, ROWS)
    assert (found.score.lines, found.score.cer, found.score.wer) == (4, 5 / 14, 2 / 5)
    assert {name: part.cer for name, part in found.by_source.items()} == {
        "a": 0.0,
        "b": 2 / 6,
        "c": 3 / 5,
    }
    assert found.cer_interval.low < found.score.cer < found.cer_interval.high
    assert found.lines_per_s == 4.0


def test_unreadable_images_are_counted_and_left_out(tmp_path: Path) -> None:
    found = evaluate(tmp_path, [*ROWS, (1, "lost", "a")])
    assert found.score.lines == 4
    assert len(found.skipped) == 1
    assert "4.png is not a readable image" in as_text(found)


def test_set_without_a_readable_line_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RecognitionError, match="None of the 1 lines .* 0.png is not a readable"):
        evaluate(tmp_path, [(1, "lost", "a")])


def test_limit_takes_lines_from_the_whole_set(tmp_path: Path) -> None:
    rows = [(10 + n, "x", "abc"[n // 10]) for n in range(30)]
    found = evaluate(tmp_path, rows, limit=6)
    assert {name: part.lines for name, part in found.by_source.items()} == {"a": 2, "b": 2, "c": 2}
    assert evaluate(tmp_path, rows, limit=99).score.lines == 30


def test_progress_runs_over_all_chunks(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("htr.evaluate.CHUNK_LINES", 2)
    shares: list[float] = []
    evaluate(tmp_path, ROWS, progress=shares.append)
    assert shares == [0.5, 1.0]


def test_json_holds_the_figures_as_fractions(tmp_path: Path) -> None:
    found = json.loads(json.dumps(as_json(evaluate(tmp_path, ROWS))))
    assert found["cer"] == pytest.approx(5 / 14)
    assert found["by_source"]["b"] == {
        "lines": 2, "characters": 6, "words": 2, "cer": pytest.approx(1 / 3), "wer": 0.5,
    }  # fmt: skip
    assert (found["model"], found["lines_per_s"], found["skipped"]) == ("fake", 4.0, [])
    assert len(found["cer_interval"]) == len(found["wer_interval"]) == 2


def test_table_shows_every_source(tmp_path: Path) -> None:
    lines = as_text(evaluate(tmp_path, ROWS)).splitlines()
    assert "4 lines read by fake (cpu, fp32), 4.0 lines/s" in lines[0]
    assert lines[1].startswith("CER 0.357  (95 % ")
    assert lines[2].startswith("WER 0.400  (95 % ")
    assert [line.split() for line in lines[4:7]] == [
        ["a", "1", "0.000", "0.000"],
        ["b", "2", "0.333", "0.500"],
        ["c", "1", "0.600", "0.500"],
    ]
    assert lines[7:] == [
        "Confidences are off by 0.082 (expected calibration error); "
        "the 20% most doubtful lines hold 0% of all wrong characters"
    ]


def test_shipped_model_reads_real_lines_as_its_card_says(shared: Path) -> None:
    # 40 of the 2,055 test lines, which happen to be harder than the whole set with its .095
    recognizer = Recognizer.load(default_model_path(), "cpu", "fp32")
    with open_line_set(shared / "data" / "lines-test.zip") as found:
        scored = evaluate_lines(found, recognizer, np.random.default_rng(1), limit=40)
    assert scored.skipped == ()
    assert scored.score.cer == pytest.approx(0.125, abs=0.01)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "expected"), [("lines-test", 0.095), ("lines-val", 0.099)])
def test_whole_sets_score_within_half_a_point_of_the_card(
    shared: Path, name: str, expected: float
) -> None:
    recognizer = Recognizer.load(default_model_path(), "cpu", "fp32")
    with open_line_set(shared / "data" / f"{name}.zip") as found:
        scored = evaluate_lines(found, recognizer, np.random.default_rng(1))
    assert scored.score.cer == pytest.approx(expected, abs=0.005)
