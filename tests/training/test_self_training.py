"""Runs in two parts: what undecided lines teach, and when a run has only one part."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from htr.beam import BeamSearch
from htr.character_counts import build_character_model
from htr.language_file import save_beam_search
from tests.htr.tiny import ALPHABET
from tests.training.line_sets import QUICK, TEXTS, drawn_lines, go, line_of, tiny_trainable
from training import self_training
from training.finetune_config import FinetuneConfig, FinetuneResult, Progress
from training.lines import TrainLine
from training.self_training import FIRST_PART, language_that_helps, surest_readings, teach

CPU = torch.device("cpu")
TWO_PARTS = replace(QUICK, self_training=True, undecided_least=4)
STEPS = (6, 12)  # of the parts


class Killed(BaseException):
    """Ends a run as a signal would: nothing is cleaned up."""


def undecided_lines(count: int = 6) -> list[TrainLine]:
    """Lines with the reading of a machine for a text, which must not teach."""
    return [replace(line_of(TEXTS[n % 8], n), text="cc") for n in range(50, 50 + count)]


def a_box() -> BeamSearch:
    return BeamSearch(build_character_model(TEXTS, ALPHABET.characters))


@pytest.fixture
def helped(monkeypatch: pytest.MonkeyPatch) -> list[list[TrainLine]]:
    """The language model helps, and the model reads "bad" on all lines; what was read is kept."""
    asked: list[list[TrainLine]] = []

    def read(model, lines, beam, device):
        asked.append(list(lines))
        sure = [1 - 0.1 * number for number in range(len(lines))]
        return ["bad"] * len(lines), sure

    monkeypatch.setattr(self_training, "language_that_helps", lambda *_: a_box())
    monkeypatch.setattr(self_training, "_read", read)
    return asked


def taught(config: FinetuneConfig = TWO_PARTS, lines: int = 3, **given) -> FinetuneResult:
    given = {"undecided": undecided_lines(), "report": go} | given
    return teach(tiny_trainable(), drawn_lines(lines), drawn_lines(2, 20), config, **given)


def same(first: FinetuneResult, second: FinetuneResult) -> bool:
    states = [result.trainable.model.state_dict() for result in (first, second)]
    return all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_second_part_learns_the_surest_readings_from_the_old_weights(helped) -> None:
    seen: list[Progress] = []
    result = taught(report=lambda progress: seen.append(progress) is None)
    assert [line.key for line in helped[0]] == [line.key for line in undecided_lines()]
    assert result.settings["readings"] == round(0.7 * 6)
    assert result.settings["steps_of_first_part"] == STEPS[0]
    assert result.steps == sum(STEPS)
    steps = [progress.step for progress in seen]
    assert steps == sorted(steps)
    assert {progress.steps for progress in seen} == {sum(STEPS)}
    assert [point.step for point in result.curve][-1] == sum(STEPS)
    base = tiny_trainable().model.state_dict()
    assert all(torch.equal(result.start[name], base[name]) for name in base)


def test_same_arguments_give_the_same_bits(helped) -> None:
    assert same(taught(), taught())


@pytest.mark.parametrize(
    ("config", "undecided"),
    [(TWO_PARTS, 3), (replace(TWO_PARTS, self_training=False), 6)],
    ids=["too few undecided", "not wanted"],
)
def test_run_has_one_part_where_readings_cannot_help_or_are_not_wanted(
    helped, config, undecided
) -> None:
    result = taught(config, undecided=undecided_lines(undecided))
    told = 0 if config.self_training else None
    assert (result.steps, result.settings.get("readings"), helped) == (6, told, [])


def test_readings_let_few_lines_go_half_way(helped) -> None:
    assert taught().interpolation == QUICK.interpolation
    assert taught(QUICK).interpolation == QUICK.interpolation_of_few


def test_run_has_one_part_where_no_language_model_helps(monkeypatch) -> None:
    monkeypatch.setattr(self_training, "language_that_helps", lambda *_: None)
    assert taught().steps == 6


def test_stopped_in_its_first_part_a_run_ends_with_what_that_gave(helped) -> None:
    result = taught(report=lambda progress: progress.step < 2)
    assert (result.steps, result.stopped, helped) == (2, "cancelled", [])


def test_stopped_in_its_second_part_a_run_ends_with_what_there_is(helped) -> None:
    result = taught(report=lambda progress: progress.step < STEPS[0] + 3)
    assert (result.steps, result.stopped) == (STEPS[0] + 3, "cancelled")


def test_time_that_ends_with_the_first_part_leaves_its_model(helped) -> None:
    ticks = iter(range(10_000))
    result = taught(replace(TWO_PARTS, time_limit_s=3.0), clock=lambda: float(next(ticks)))
    assert result.stopped == "time"
    assert 0 < result.steps < sum(STEPS)


@pytest.mark.parametrize("kill_at", [2, STEPS[0] + 4])
def test_killed_run_goes_on_to_the_same_bits(helped, tmp_path: Path, kill_at: int) -> None:
    config = replace(TWO_PARTS, save_s=0.0)

    def report(progress: Progress) -> bool:
        if progress.step >= kill_at:
            raise Killed
        return True

    with pytest.raises(Killed):
        taught(config, run_dir=tmp_path, report=report)
    assert (tmp_path / FIRST_PART).is_dir()
    steps: list[int] = []
    resumed = taught(config, run_dir=tmp_path, report=lambda one: steps.append(one.step) is None)
    assert max(steps[0], 0) <= kill_at
    assert same(resumed, taught(config))


def test_readings_are_the_surest_in_the_order_of_the_lines_and_never_empty(monkeypatch) -> None:
    lines = undecided_lines(4)
    monkeypatch.setattr(
        self_training, "_read", lambda *_: (["a", "b", " ", "d"], [0.2, 0.8, 0.95, 0.9])
    )
    found = surest_readings(tiny_trainable(), drawn_lines(2), lines, a_box(), 0.75, CPU)
    assert [(line.key, line.text) for line in found] == [("line-51", "b"), ("line-53", "d")]


@pytest.mark.parametrize(("with_it", "helps"), [("ab cd", True), ("zz", False)])
def test_language_model_helps_where_corrected_lines_are_read_better_with_it(
    monkeypatch, tmp_path: Path, with_it: str, helps: bool
) -> None:
    save_beam_search(tmp_path / "box.safetensors", a_box())
    monkeypatch.setattr("htr.shipped.LANGUAGE", tmp_path / "box.safetensors")
    monkeypatch.setattr(self_training, "_read", lambda *_: ([with_it], [1.0]))
    monkeypatch.setattr(self_training, "read_lines", lambda *_: ["ab ce"])
    found = language_that_helps(tiny_trainable(), [line_of("ab cd")], CPU)
    assert (found is not None) == helps


def test_language_model_of_other_characters_does_not_help(monkeypatch, tmp_path: Path) -> None:
    other = BeamSearch(build_character_model(["жж ж"], tuple("ж ")))
    save_beam_search(tmp_path / "box.safetensors", other)
    monkeypatch.setattr("htr.shipped.LANGUAGE", tmp_path / "box.safetensors")
    assert language_that_helps(tiny_trainable(), [line_of("ab cd")], CPU) is None


def test_undecided_lines_are_really_read_with_the_language_model(tmp_path: Path) -> None:
    found = surest_readings(tiny_trainable(), drawn_lines(2), undecided_lines(5), a_box(), 1.0, CPU)
    assert all(set(line.text) <= set(ALPHABET.characters) for line in found)
