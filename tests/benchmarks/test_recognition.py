from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.recognition import (
    Contestant,
    compete,
    contestants,
    main,
    measure_pages,
    page_text,
    rows_of,
    table,
)
from benchmarks.recognition_gpu import flops_a_line
from benchmarks.recognition_gpu import main as measure_gpu
from htr.recognizer import Recognizer
from tests.htr.tiny import ALPHABET, TINY, tiny_model
from tests.htr_lines import drawn_line


def test_all_read_all_lines_and_the_first_is_the_measure() -> None:
    lines = [np.full((64, width), 200, np.uint8) for width in range(10, 50)]
    seen: dict[str, list[int]] = {"plain": [], "ours": []}

    def reader(name: str, text: str):
        def read(crops):
            seen[name] += [crop.shape[1] for crop in crops]
            return [text] * len(crops)

        return read

    rivals = [Contestant("n", name, reader(name, name), []) for name in seen]
    compete(rivals, lines)
    assert all(widths[2:] == list(range(10, 50)) for widths in seen.values())
    rivals[0].cpu_s, rivals[1].cpu_s = 4.0, 1.0
    first, second = rows_of(rivals, ["plain"] * 40)
    assert (first.faster, first.unlike, first.cer) == (1.0, 0.0, 0.0)
    assert (second.faster, second.unlike) == (4.0, 1.0) and second.cer
    assert "| n | ours | 40 |" in table([first, second])


def test_plain_path_reads_what_ours_reads_at_the_full_width() -> None:
    torch.set_num_threads(1)
    rivals = contestants("tiny", tiny_model, TINY, ALPHABET, torch.device("cpu"))
    crops = [drawn_line(text) for text in ("ab cd", "dé", "bad")]
    plain, ours = rivals[0], rivals[1]
    assert (plain.name, ours.name) == ("plain", "ours, fp32, full width")
    assert plain.read(crops) == ours.read(crops)


def test_pages_are_read_from_their_files() -> None:
    reader = Recognizer(tiny_model(), TINY, ALPHABET, torch.device("cpu"))
    figures = measure_pages(reader, 1, line_count=3)
    assert figures.pages == 1 and figures.lines >= 3
    assert figures.peak_mb * 1.1 > figures.late_mb > 0
    assert "1 drawn pages" in page_text(figures)


def test_set_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert main([str(tmp_path / "no.zip"), "--device", "cpu", "--threads", "1"]) == 1
    assert "does not exist" in capsys.readouterr().err


def test_gpu_benchmark_counts_operations_by_the_width_of_a_line() -> None:
    model = tiny_model().eval()
    narrow, wide = flops_a_line(model, 128), flops_a_line(model, 256)
    assert 1.8 * narrow < wide < 4 * narrow  # attention grows by the square


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_gpu_benchmark_says_that_it_needs_a_gpu(capsys: pytest.CaptureFixture[str]) -> None:
    assert measure_gpu([]) == 1
    assert "torch sees no GPU here" in capsys.readouterr().err
