"""The mean of the weights, and the mix of old and new ones."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from training.weight_average import WeightAverage, blended


def linear(weight: float) -> nn.Linear:
    module = nn.Linear(1, 1, bias=False)
    nn.init.constant_(module.weight, weight)
    return module


def test_mean_moves_far_in_a_short_run_whatever_its_decay() -> None:
    average, module = WeightAverage(linear(0.0), decay=0.9999), linear(1.0)
    for _ in range(30):
        average.update(module)
    # a mean with its full memory from the start would be at 1 - 0.9999^30 = 0.003
    assert average.state["weight"].item() > 0.99


def test_memory_of_the_mean_ends_at_its_decay() -> None:
    average = WeightAverage(linear(0.0), decay=0.5)
    average.updates = 1000
    average.update(linear(1.0))
    assert average.state["weight"].item() == pytest.approx(0.5)


def test_mean_shares_no_numbers_with_the_module() -> None:
    module = linear(1.0)
    average = WeightAverage(module, decay=0.9)
    nn.init.constant_(module.weight, 5.0)
    assert average.state["weight"].item() == 1.0


def test_counters_are_taken_over_as_they_are() -> None:
    module = nn.BatchNorm1d(1)
    average = WeightAverage(module, decay=0.9)
    module.num_batches_tracked.fill_(7)
    average.update(module)
    assert average.state["num_batches_tracked"].item() == 7


@pytest.mark.parametrize(("share", "expected"), [(0.0, 2.0), (0.25, 3.0), (1.0, 6.0)])
def test_mix_lies_between_old_and_new(share: float, expected: float) -> None:
    old, new = {"w": torch.tensor([2.0])}, {"w": torch.tensor([6.0])}
    assert blended(old, new, share)["w"].item() == expected
