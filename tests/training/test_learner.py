"""One step of training: what it changes, and what it must not."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from tests.htr.tiny import ALPHABET, TINY
from tests.training.line_sets import QUICK, drawn_lines, tiny_trainable
from training.finetune_config import FinetuneConfig
from training.learner import Learner
from training.line_batches import LineBatches, prepare_lines


def batches() -> LineBatches:
    return LineBatches(prepare_lines(drawn_lines(4), TINY, ALPHABET), TINY, 4, seed=1)


def learner(**settings) -> Learner:
    return Learner(tiny_trainable(), replace(QUICK, **settings), torch.device("cpu"))


def statistics(model: nn.Module) -> list[torch.Tensor]:
    return [v.clone() for k, v in model.state_dict().items() if "running_" in k]


def test_statistics_of_batch_norm_stay_as_they_are() -> None:
    trained = learner()
    before = statistics(trained.model)
    trained.step(batches().batch(0), 0, 1.0)
    assert all(torch.equal(a, b) for a, b in zip(before, statistics(trained.model), strict=True))


def test_all_weights_of_the_network_learn() -> None:
    trained = learner(learning_rate=1e-2, weight_decay=0.0)
    before = {name: p.detach().clone() for name, p in trained.model.named_parameters()}
    for step in range(3):
        trained.step(batches().batch(step), step, 1.0)
    still = [n for n, p in trained.model.named_parameters() if torch.equal(p, before[n])]
    # in the tiny network's short lines not every relative distance occurs
    assert [name for name in still if "rel_pos_bias" not in name] == []


def test_step_in_parts_has_the_gradient_of_the_whole() -> None:
    """The mean over parts is that over the batch; only the order of sums differs."""
    gradients = []
    for micro_lines in (4, 1):
        trained = learner(batch_lines=4, precision="fp32", tcm_weight=0.0)
        trained.micro_lines = micro_lines
        for module in trained.model.modules():
            if isinstance(module, nn.Dropout):
                module.p = 0.0
            if hasattr(module, "share"):
                module.share = 0.0
        trained._mode()
        trained._gradients(batches().batch(0), 0)
        gradients.append(trained.model.head.weight.grad.clone())
    assert torch.allclose(gradients[0], gradients[1], rtol=1e-3, atol=1e-5)


def test_rate_of_nothing_changes_nothing() -> None:
    trained = learner()
    before = {name: p.detach().clone() for name, p in trained.model.named_parameters()}
    assert trained.step(batches().batch(0), 0, 0.0) is not None
    assert all(torch.equal(p, before[name]) for name, p in trained.model.named_parameters())


def test_tcm_head_learns_only_where_it_has_weight() -> None:
    for weight in (0.0, 1.0):
        trained = learner(tcm_weight=weight)
        head = trained.trainable.tcm
        assert head is not None
        before = head.classifier.weight.detach().clone()
        trained.step(batches().batch(0), 0, 1.0)
        assert torch.equal(before, head.classifier.weight) == (weight == 0.0)


def test_steps_grow_with_the_lines_within_their_bounds() -> None:
    config = FinetuneConfig(steps_least=50, steps_most=400)
    steps = [config.planned_steps(lines) for lines in (1, 8, 64, 128, 5000)]
    assert steps == sorted(steps)
    assert steps[0] >= 50 and steps[-1] == 400
    assert replace(config, steps=7).planned_steps(64) == 7


@pytest.mark.parametrize("lines", [1, 2, 1000])
def test_steps_are_whole_numbers(lines: int) -> None:
    assert isinstance(FinetuneConfig().planned_steps(lines), int)
