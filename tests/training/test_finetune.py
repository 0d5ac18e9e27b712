"""The run as a whole: repeatable, resumable, stoppable; chosen by lines that it did not learn."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from tests.training.line_sets import QUICK, drawn_lines, go, line_of, tiny_trainable
from training.errors import TrainingError
from training.finetune import (
    chosen_interpolation,
    estimate_s,
    finetune,
    measure_reading_s,
    measure_step_s,
    set_aside,
)
from training.finetune_checkpoint import CHECKPOINT
from training.finetune_config import FinetuneConfig, FinetuneResult, Progress
from training.learner import Learner
from training.lines import TrainLine


def numbers(result: FinetuneResult) -> dict[str, torch.Tensor]:
    return result.trainable.model.state_dict()


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[k], second[k]) for k in first)


class Stopping:
    """Reports go here; says stop after so many steps, and keeps all that was reported."""

    def __init__(self, after: int) -> None:
        self.after = after
        self.seen: list[Progress] = []

    def __call__(self, progress: Progress) -> bool:
        self.seen.append(progress)
        return progress.step < self.after


class Killed(BaseException):
    """Ends a run as a signal would: nothing is cleaned up."""


def killed_after(steps: int):
    def report(progress: Progress) -> bool:
        if progress.step >= steps:
            raise Killed
        return True

    return report


def test_loss_falls_on_the_lines_that_are_learned() -> None:
    lines = drawn_lines(2)
    config = replace(QUICK, steps=30, points=3, learning_rate=5e-3, strength=0.0)
    result = finetune(tiny_trainable(), lines, (), config, report=go)
    losses = [point.loss for point in result.curve]
    assert losses[-1] < 0.9 * losses[0]


def test_base_stays_as_it_is() -> None:
    base = tiny_trainable()
    before = {k: v.clone() for k, v in base.model.state_dict().items()}
    finetune(base, drawn_lines(3), (), QUICK, report=go)
    assert same(before, base.model.state_dict())


def test_same_arguments_give_the_same_bits() -> None:
    runs = [
        finetune(tiny_trainable(), drawn_lines(5), drawn_lines(2, 5), QUICK, report=go)
        for _ in range(2)
    ]
    assert same(numbers(runs[0]), numbers(runs[1]))


def test_another_seed_gives_other_weights() -> None:
    runs = [
        finetune(tiny_trainable(), drawn_lines(5), (), replace(QUICK, seed=seed), report=go)
        for seed in (1, 2)
    ]
    assert not same(numbers(runs[0]), numbers(runs[1]))


@pytest.mark.parametrize("killed_at", [2, 5])
def test_resumed_run_ends_with_the_bits_of_an_uninterrupted_one(tmp_path, killed_at: int) -> None:
    config = replace(QUICK, save_s=0.0, selection_lines_least=4, selection_share=0.3)
    arguments = (drawn_lines(6), drawn_lines(2, 6), config)
    whole = finetune(tiny_trainable(), *arguments, report=go)
    with pytest.raises(Killed):
        finetune(tiny_trainable(), *arguments, run_dir=tmp_path, report=killed_after(killed_at))
    seen = Stopping(99)
    resumed = finetune(tiny_trainable(), *arguments, run_dir=tmp_path, report=seen)
    assert seen.seen[0].step == killed_at
    assert same(numbers(whole), numbers(resumed))
    assert [p.cer for p in whole.curve] == [p.cer for p in resumed.curve]


def test_resumed_run_with_new_characters_ends_with_the_same_bits(tmp_path) -> None:
    config = replace(QUICK, save_s=0.0)
    lines, others = [*drawn_lines(3), line_of("bãd", 3)], drawn_lines(2, 6)
    whole = finetune(tiny_trainable(), lines, (), config, others=others, report=go)
    again = {"others": others, "run_dir": tmp_path}
    with pytest.raises(Killed):
        finetune(tiny_trainable(), lines, (), config, **again, report=killed_after(4))
    seen = Stopping(99)
    resumed = finetune(tiny_trainable(), lines, (), config, **again, report=seen)
    assert max(progress.step for progress in seen.seen[:2]) == 4  # not begun anew
    assert same(numbers(whole), numbers(resumed))


def test_state_of_another_run_is_not_gone_on_from(tmp_path, caplog) -> None:
    config = replace(QUICK, save_s=0.0)
    with pytest.raises(Killed):
        finetune(tiny_trainable(), drawn_lines(4), (), config, run_dir=tmp_path,
                 report=killed_after(4))  # fmt: skip
    seen = Stopping(99)
    finetune(tiny_trainable(), drawn_lines(5), (), config, run_dir=tmp_path, report=seen)
    assert seen.seen[0].step == 0
    assert "another training" in caplog.text


def test_damaged_state_starts_from_the_beginning(tmp_path, caplog) -> None:
    (tmp_path / CHECKPOINT).write_bytes(b"\x80\x04" * 50)
    seen = Stopping(99)
    result = finetune(tiny_trainable(), drawn_lines(4), (), QUICK, run_dir=tmp_path, report=seen)
    assert seen.seen[0].step == 0 and result.steps == 6
    assert "is damaged" in caplog.text


def test_disk_that_takes_no_state_is_reported(tmp_path) -> None:
    (tmp_path / "file").write_text("in the way")
    config = replace(QUICK, save_s=0.0)
    with pytest.raises(TrainingError, match="Free some space and resume"):
        finetune(tiny_trainable(), drawn_lines(4), (), config, run_dir=tmp_path / "file", report=go)


def test_cancelled_run_keeps_what_it_has() -> None:
    result = finetune(tiny_trainable(), drawn_lines(4), (), QUICK, report=Stopping(3))
    assert (result.stopped, result.steps) == ("cancelled", 3)
    assert not same(numbers(result), tiny_trainable().model.state_dict())


def test_run_cancelled_before_its_first_step_gives_the_base_back() -> None:
    result = finetune(tiny_trainable(), drawn_lines(4), (), QUICK, report=Stopping(0))
    assert (result.stopped, result.steps) == ("cancelled", 0)
    assert same(numbers(result), tiny_trainable().model.state_dict())


def test_time_limit_ends_the_run_with_the_learning_rate_at_nothing() -> None:
    seconds = iter(float(n) for n in range(100_000))
    config = replace(QUICK, steps=10_000, time_limit_s=15.0)
    result = finetune(
        tiny_trainable(), drawn_lines(4), (), config, report=go, clock=lambda: next(seconds)
    )
    assert result.stopped == "time"
    assert 8 <= result.steps <= 15


def test_unknown_characters_are_added() -> None:
    result = finetune(tiny_trainable(), [*drawn_lines(3), line_of("bãd", 3)], (), QUICK, report=go)
    assert result.trainable.alphabet.characters[-1] == "ã"
    assert result.trainable.model.head.out_features == result.trainable.config.classes == 8


def test_single_line_can_be_learned() -> None:
    result = finetune(tiny_trainable(), drawn_lines(1), (), QUICK, report=go)
    assert result.steps == 6


def test_no_lines_are_refused() -> None:
    with pytest.raises(TrainingError, match="no lines to learn from"):
        finetune(tiny_trainable(), [], (), QUICK, report=go)


def test_held_out_lines_do_not_change_the_result() -> None:
    results = [
        finetune(tiny_trainable(), drawn_lines(5), held_out, QUICK, report=go)
        for held_out in ((), drawn_lines(3, 5))
    ]
    assert same(numbers(results[0]), numbers(results[1]))


def test_small_set_gives_no_line_away_for_choosing() -> None:
    config = FinetuneConfig(selection_lines_least=10, selection_share=0.2)
    learn, choose = set_aside(drawn_lines(9), config)
    assert (len(learn), len(choose)) == (9, 0)


def test_lines_set_aside_are_not_learned() -> None:
    config = FinetuneConfig(selection_lines_least=10, selection_share=0.2)
    lines = drawn_lines(10)
    learn, choose = set_aside(lines, config)
    assert len(choose) == 2
    assert sorted(line.key for line in learn + choose) == sorted(line.key for line in lines)


def test_of_mixes_that_read_alike_the_one_nearest_the_old_weights_is_chosen() -> None:
    shares = (0.4, 0.6, 0.8, 1.0)
    assert chosen_interpolation(shares, (0.30, 0.254, 0.25, 0.26), tolerance=0.02) == 0.6
    assert chosen_interpolation(shares, (0.30, 0.27, 0.26, 0.20), tolerance=0.02) == 1.0


def test_fewer_lines_change_the_model_less() -> None:
    config = FinetuneConfig(few_lines=4, interpolation_of_few=0.1, interpolation=0.3, steps=1)
    for count, expected in ((3, 0.1), (4, 0.3)):
        result = finetune(tiny_trainable(), drawn_lines(count), (), config, report=go)
        assert result.interpolation == expected


def test_samples_are_held_out_lines_with_their_readings() -> None:
    seen = Stopping(99)
    held_out = drawn_lines(3, 4)
    finetune(tiny_trainable(), drawn_lines(4), held_out, QUICK, report=seen)
    last = seen.seen[-1]
    assert [(key, truth) for key, truth, _ in last.samples] == [
        (held_out[0].key, held_out[0].text),
        (held_out[2].key, held_out[2].text),
    ]


def test_progress_counts_to_the_planned_steps_and_time_left_ends_at_nothing() -> None:
    seen = Stopping(99)
    finetune(tiny_trainable(), drawn_lines(4), (), QUICK, report=seen)
    training = [progress for progress in seen.seen if progress.phase == "training"]
    assert [progress.step for progress in training] == [1, 2, 3, 4, 5, 6]
    assert training[-1].steps == 6 and training[-1].time_left_s == 0.0


class ShortOfMemory(Learner):
    """Has room for a single line at once."""

    def loss(self, networks, images, step_counts, targets):
        if len(targets) > 1:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried")
        return super().loss(networks, images, step_counts, targets)


def test_batch_is_halved_when_memory_runs_out(monkeypatch) -> None:
    monkeypatch.setattr("training.finetune.Learner", ShortOfMemory)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)  # two would take a line each
    config = replace(QUICK, batch_lines=4)
    result = finetune(tiny_trainable(), drawn_lines(4), (), config, report=go)
    assert result.steps == 6
    assert result.settings["micro_lines"] == 1


class NoMemory(Learner):
    """Has room for nothing."""

    def loss(self, networks, images, step_counts, targets):
        raise MemoryError


def test_no_memory_for_a_single_line_is_said(monkeypatch) -> None:
    monkeypatch.setattr("training.finetune.Learner", NoMemory)
    with pytest.raises(TrainingError, match="not enough memory on cpu to train on a single line"):
        finetune(tiny_trainable(), drawn_lines(4), (), QUICK, report=go)


class Overflowing(Learner):
    """Gives a loss that is no number at the steps in `bad`."""

    bad = range(0, 0)

    def loss(self, networks, images, step_counts, targets):
        loss = super().loss(networks, images, step_counts, targets)
        self.calls = getattr(self, "calls", 0) + 1
        return loss * float("nan") if self.calls in self.bad else loss


def test_step_without_a_number_is_left_out(monkeypatch) -> None:
    monkeypatch.setattr(Overflowing, "bad", range(2, 3))
    monkeypatch.setattr("training.finetune.Learner", Overflowing)
    result = finetune(tiny_trainable(), drawn_lines(4), (), QUICK, report=go)
    assert all(bool(torch.isfinite(tensor).all()) for tensor in numbers(result).values())
    assert result.steps == 6


def test_run_that_goes_wrong_for_good_says_so(monkeypatch) -> None:
    monkeypatch.setattr(Overflowing, "bad", range(1, 99))
    monkeypatch.setattr("training.finetune.Learner", Overflowing)
    with pytest.raises(TrainingError, match="not a finite number 20 times in a row"):
        finetune(tiny_trainable(), drawn_lines(4), (), replace(QUICK, steps=40), report=go)


def test_trial_step_leaves_the_base_as_it_is_and_takes_time() -> None:
    base = tiny_trainable()
    before = {k: v.clone() for k, v in base.model.state_dict().items()}
    assert measure_step_s(base, drawn_lines(3), QUICK) > 0
    assert measure_reading_s(base, drawn_lines(3), QUICK) > 0
    assert same(before, base.model.state_dict())


def test_estimate_grows_with_the_lines_and_ends_at_the_time_limit() -> None:
    config = FinetuneConfig()
    few, many = (estimate_s(0.5, 0.1, lines, 20, config) for lines in (8, 64))
    assert 0 < few < many
    assert estimate_s(0.5, 0.1, 64, 20, replace(config, time_limit_s=10.0)) == 10.0


def test_lines_without_ink_or_width_do_no_harm() -> None:
    import numpy as np

    blank = TrainLine("blank", np.full((64, 40), 255, np.uint8), "abc", "page")
    narrow = TrainLine("narrow", np.zeros((64, 1), np.uint8), "abcd", "page")
    result = finetune(tiny_trainable(), [blank, narrow], (), QUICK, report=go)
    assert all(bool(torch.isfinite(tensor).all()) for tensor in numbers(result).values())
