"""One step of training: what it changes, and what it must not."""

from __future__ import annotations

from collections.abc import Iterator
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


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    assert torch.get_num_threads() == 2  # of the caller, whatever the steps did
    torch.set_num_threads(before)


def without_chance(trained: Learner) -> Learner:
    trained.model.set_dropout(0.0, 0.0)
    return trained


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("train_batch_norm", [False, True])
def test_threads_that_share_a_step_take_the_step_of_one(train_batch_norm: bool) -> None:
    """Four lines, two at once: the order of sums is all that differs."""
    found = []
    for threads in (2, 1):
        torch.set_num_threads(threads)
        trained = without_chance(
            Learner(
                tiny_trainable(),
                replace(QUICK, batch_lines=4, precision="fp32", tcm_weight=0.0),
                torch.device("cpu"),
                micro_lines=threads,  # one each
                train_batch_norm=train_batch_norm,
            )
        )
        trained._mode()
        for step in range(2):
            trained._gradients(batches().batch(step), step)
        gradients = [p.grad for p in trained.model.parameters() if p.grad is not None]
        found.append([*gradients, *statistics(trained.model)])
    torch.set_num_threads(2)
    assert len(found[0]) == len(found[1])
    assert all(torch.allclose(a, b, rtol=1e-3, atol=1e-5) for a, b in zip(*found, strict=True))


@pytest.mark.usefixtures("two_threads")
def test_threads_that_share_a_step_give_the_same_bits_every_time() -> None:
    """Dropout too, whichever thread comes first."""
    runs = []
    for _ in range(3):
        trained = learner(batch_lines=4, tcm_weight=1.0)
        for step in range(3):
            trained.step(batches().batch(step), step, 1.0)
        runs.append(trained.tensors())
    assert all(torch.equal(runs[0][k], v) for run in runs[1:] for k, v in run.items())


@pytest.mark.usefixtures("two_threads")
def test_threads_drop_by_chance_of_their_own() -> None:
    trained = learner(batch_lines=4)
    trained.step(batches().batch(0), 0, 1.0)
    first, second = trained.replicas.first(2)
    drawn = []
    for networks in (first, second, first):
        networks.draw(7)
        drawn.append(networks.model.blocks[0].attn.dropout(torch.ones(1, 8, 8)))
    assert torch.equal(drawn[0], drawn[1]) and torch.equal(drawn[0], drawn[2])
    assert bool((drawn[0] == 0).any())
    assert all(
        a.data_ptr() == b.data_ptr()
        for a, b in zip(first.parameters, second.parameters, strict=True)
    )


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
