"""The fine-tuning benchmark: what it trains and tests on, how it goes on, what it prints."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks import finetune
from benchmarks.finetune import Task, planned, read_outcomes, recipe
from benchmarks.finetune_picture import draw_curves
from benchmarks.finetune_scores import new_character_recall
from benchmarks.finetune_sets import Hand, held_out_pages, read_hands
from benchmarks.finetune_table import FULL, WITHOUT_TCM, Outcome, curves, report_text
from benchmarks.pages import BenchmarkError
from tests.htr_lines import drawn_line
from training.finetune_config import FinetuneConfig
from training.lines import TrainLine


def line(key: str, page: str = "p", text: str = "ab") -> TrainLine:
    return TrainLine(key, np.full((64, 80), 200, np.uint8), text, page, "hand")


def outcome(hand: str, size: int, seed: int, cer: float, **changed) -> Outcome:
    values = {
        "variant": "full", "reference_cer": 0.35, "bare_cer": cer, "bare_reference_cer": 0.35,
        "new_found": 0, "new_characters": 0, "test_lines": 40, "peak_gb": 1.1,
    }  # fmt: skip
    return Outcome(hand=hand, size=size, seed=seed, cer=cer, **(values | changed))


def test_held_out_pages_hold_as_many_lines_as_fit() -> None:
    assert held_out_pages({"a": 11, "b": 8, "c": 27, "d": 29}, 31) == {"d"}
    assert held_out_pages({"a": 11, "b": 8, "c": 27, "d": 29}, 40) == {"a", "d"}


def test_lines_to_learn_are_a_draw_of_the_seed_and_grow_by_more() -> None:
    hand = Hand("hand", tuple(line(f"{n}") for n in range(20)), (line("test", "held out"),))
    few, more, other = ([one.key for one in hand.drawn(count, seed)] for count, seed in
                        ((4, 1), (8, 1), (4, 2)))  # fmt: skip
    assert len(few) == 4 and set(few) < set(more)
    assert few != other


def test_hand_without_room_for_held_out_pages_is_refused(tmp_path: Path) -> None:
    rows = []
    for number in range(4):
        Image.fromarray(drawn_line("ab")).save(tmp_path / f"{number}.png")
        rows.append({"file": f"{number}.png", "text": "ab", "hand": "x", "page": "one"})
    (tmp_path / "labels.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    with pytest.raises(BenchmarkError, match="no page can be held out"):
        read_hands(tmp_path, largest=2)


def test_recipe_without_tcm_differs_by_nothing_else() -> None:
    full, without = (recipe(Task("hand", 16, 2, variant), None) for variant in (FULL, WITHOUT_TCM))
    assert full == FinetuneConfig(seed=2)
    assert without == replace(full, tcm_weight=0.0)


def test_first_seed_is_run_for_all_hands_and_sizes_before_the_second() -> None:
    tasks = planned(["x", "y"], [8, 64], [1, 2], without_tcm=64)
    seeds = [task.seed for task in tasks if task.size]
    assert seeds == sorted(seeds)
    assert len(tasks) == 2 + 2 * 2 * 2 + 4
    assert [task for task in tasks if task.variant == WITHOUT_TCM] == [
        Task(hand, 64, seed, WITHOUT_TCM) for seed in (1, 2) for hand in ("x", "y")
    ]


def test_benchmark_goes_on_where_it_was_stopped(tmp_path, monkeypatch, capsys) -> None:
    ran: list[Task] = []

    def fake(options, task: Task) -> dict:
        ran.append(task)
        if len(ran) == 3:
            raise BenchmarkError("killed")
        return outcome(task.hand, task.size, task.seed, 0.4).__dict__ | {"variant": task.variant}

    monkeypatch.setattr(finetune, "_in_own_process", fake)
    monkeypatch.setattr(finetune, "read_hands", lambda *_: [Hand("x", (), ()), Hand("y", (), ())])
    (tmp_path / "set.zip").write_bytes(b"lines")
    options = [str(tmp_path / "set.zip"), "--reference", str(tmp_path / "set.zip"),
               "--sizes", "8", "--seeds", "1", "--without-tcm", "0",
               "--out", str(tmp_path)]  # fmt: skip
    assert finetune.main(options) == 1
    results = tmp_path / "results.jsonl"
    results.write_text(results.read_text() + '{"hand": "cut sho\n')
    picture = tmp_path / "pictures" / "curve.png"
    assert finetune.main([*options, "--picture", str(picture)]) == 0
    assert [(task.hand, task.size) for task in ran] == [
        ("x", 0), ("y", 0), ("x", 8), ("y", 8), ("x", 8),
    ]  # fmt: skip
    assert "| mean | 0.400 | 0.400 (+0.0 %) |" in capsys.readouterr().out
    with Image.open(picture) as shown:
        assert shown.size == (960, 560)


def test_outcomes_of_another_recipe_do_not_count(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    row = outcome("x", 8, 1, 0.4).__dict__
    path.write_text("".join(json.dumps(row | {"recipe": key}) + "\n" for key in ("one", "two")))
    assert len(read_outcomes(path, "one")) == 1


def test_curve_is_the_median_of_the_seeds_and_their_mean_over_hands() -> None:
    outcomes = [outcome("x", 0, 0, 0.5), outcome("y", 0, 0, 0.3)]
    outcomes += [outcome("x", 8, seed, cer) for seed, cer in ((1, 0.4), (2, 0.1), (3, 0.45))]
    outcomes += [outcome("y", 8, 1, 0.2), outcome("x", 16, 1, 0.2)]
    found = curves(outcomes)
    assert found["x"] == [(0, 0.5), (8, 0.4), (16, 0.2)]
    assert found["mean"] == [(0, 0.4), (8, pytest.approx(0.3))]


def test_tables_tell_change_forgetting_and_new_characters() -> None:
    outcomes = [
        outcome("x", 0, 0, 0.5),
        outcome(
            "x",
            64,
            1,
            0.25,
            reference_cer=0.36,
            bare_cer=0.24,
            bare_reference_cer=0.45,
            new_found=3,
            new_characters=4,
            seconds=90,
            readings=5,
        ),
        outcome("x", 64, 1, 0.24, bare_cer=0.22, variant="without tcm"),
    ]
    text = report_text(outcomes)
    assert "| x | 0.500 | 0.250 (-50.0 %) |" in text
    assert "| 64 | 1 | 1 | 0 | 1.5 | 0.0 | 1.10 | 0.00 | +1.00 (+1.00) |" in text
    assert "| x | - | 3 of 4 |" in text or "| x | 3 of 4 |" in text
    assert "| 64 | 0.250 / 0.240 | +1.00 / +10.00 |" in text
    assert "| x, 64, 1 | 0.240 / 0.220 | +0.020 |" in text


def test_only_characters_that_the_lines_to_learn_hold_count_as_new() -> None:
    lines = [line("1", text="b \u0303 ꝗa"), line("2", text="dẽ")]
    new = {"\u0303", "ẽ"}
    assert new_character_recall(new, lines, ["b \u0303 qa", "de"]) == (1, 2)
    assert new_character_recall(new, lines, ["b ꝗ\u0303", "dẽ"]) == (1, 2)  # not in its place


def test_picture_is_drawn_for_a_single_size(tmp_path: Path) -> None:
    draw_curves({"x": [(0, 0.4)], "mean": [(0, 0.4)]}, tmp_path / "one.png", "title")
    assert (tmp_path / "one.png").stat().st_size > 1000
