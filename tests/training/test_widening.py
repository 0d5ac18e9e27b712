"""A wider network begins as the narrower one, and all that is new in it can learn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from htr.metrics import line_errors, score
from htr.shipped import default_model_path
from synthesis.line import draw_line
from tests.htr.tiny import TINY
from tests.training.line_sets import tiny_trainable
from training.errors import TrainableError
from training.lines import TrainLine
from training.reading import read_lines, reading_errors
from training.trainable import Trainable, load_trainable
from training.widening import widened

NARROW = replace(TINY, embed_dim=64, stem_head_dim=16)
WIDE = 96


@pytest.fixture(scope="module")
def shipped() -> Trainable:
    return load_trainable(default_model_path())


def drawn_lines(count: int) -> list[TrainLine]:
    drawn = [draw_line(np.random.default_rng([3, number])) for number in range(count)]
    return [
        TrainLine(str(number), image, text, "drawn") for number, (image, text) in enumerate(drawn)
    ]


def as_before(grown: torch.Tensor, old: torch.Tensor) -> None:
    """The old features are in front, and differ by what norms take from the new ones alone."""
    kept = grown[..., : old.shape[-1]]
    away = (kept - old).square().mean().sqrt() / old.std()
    assert float(away) < 0.35
    assert float(torch.nn.functional.cosine_similarity(kept, old, dim=-1).min()) > 0.9


def test_wider_network_reads_nearly_as_the_one_that_it_grew_from(shipped: Trainable) -> None:
    lines = drawn_lines(24)
    wide = widened(shipped, shipped.config.embed_dim * 4 // 3, seed=1)
    before, after = read_lines(shipped, lines), read_lines(wide, lines)
    assert score([line_errors(old, new) for old, new in zip(before, after, strict=True)]).cer < 0.25
    assert score(reading_errors(lines, before)).cer < 0.4  # or there was nothing to keep


def test_first_stage_which_has_no_such_norms_computes_the_very_same() -> None:
    old = trainable()
    wide = widened(old, WIDE, seed=1)
    images = torch.rand(2, 1, 64, 96, generator=torch.Generator().manual_seed(5))
    with torch.inference_mode():
        before = old.model.patch_embed.layer1(old.model.patch_embed.conv1(images))
        after = wide.model.patch_embed.layer1(wide.model.patch_embed.conv1(images))
    torch.testing.assert_close(after[:, : before.shape[1]], before)


def test_features_of_before_differ_by_their_norms_alone() -> None:
    old = trainable()
    wide = widened(old, WIDE, seed=1)
    x = torch.randn(2, 40, 64, generator=torch.Generator().manual_seed(6))
    new = torch.randn(2, 40, WIDE - 64, generator=torch.Generator().manual_seed(7))
    with torch.inference_mode():
        for before, after in zip(old.model.blocks, wide.model.blocks, strict=True):
            as_before(after(torch.cat([x, new], 2)), before(x))


def test_all_new_weights_learn_within_two_steps() -> None:
    wide = widened(trainable(), WIDE, seed=1)
    wide.model.train()
    wide.model.set_dropout(0, 0)
    begun = {name: value.clone() for name, value in wide.model.named_parameters()}
    optimizer = torch.optim.SGD(wide.model.parameters(), lr=0.1)
    chance = torch.Generator().manual_seed(9)
    for _ in range(2):
        optimizer.zero_grad()
        logits = wide.model(torch.rand(2, 1, 64, 128, generator=chance))
        logits.log_softmax(2)[..., 3].sum().neg().backward()
        optimizer.step()
    at_rest = [
        name for name, value in wide.model.named_parameters() if torch.equal(value, begun[name])
    ]
    assert at_rest == []
    for name in ("head.weight", "blocks.0.ffn1.lin2.weight", "patch_embed.layer1.1.conv1.weight"):
        moved = dict(wide.model.named_parameters())[name] != begun[name]
        narrow = dict(trainable().model.named_parameters())[name].shape
        assert moved[: narrow[0], narrow[1] :].any(), name


def test_same_seed_widens_alike_and_the_model_given_stays_as_it_is() -> None:
    old = trainable()
    before = {name: value.clone() for name, value in old.model.state_dict().items()}
    first, again, other = (widened(old, WIDE, seed) for seed in (1, 1, 2))
    assert same(first.model.state_dict(), again.model.state_dict())
    assert not same(first.model.state_dict(), other.model.state_dict())
    assert same(old.model.state_dict(), before)


def test_heads_of_the_encoder_become_more_and_those_of_the_stem_wider() -> None:
    wide = widened(trainable(), WIDE, seed=1)
    assert (wide.config.embed_dim, wide.config.heads, wide.config.stem_head_dim) == (96, 3, 24)
    assert wide.tcm is not None
    assert wide.tcm.embed_dim == WIDE
    assert widened(replace(trainable(), tcm=None), WIDE, seed=1).tcm is None


@pytest.mark.parametrize(
    ("width", "why"),
    [
        (64, "Name a larger width"),
        (32, "Name a larger width"),
        (80, "multiple of that"),
        (4096, "embed_dim is 4096"),
    ],
)
def test_width_that_no_network_has_is_refused(width: int, why: str) -> None:
    with pytest.raises(TrainableError, match=f"64 wide cannot be widened to {width}.*{why}"):
        widened(trainable(), width, seed=1)


def trainable() -> Trainable:
    return tiny_trainable(NARROW)


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(value, second[name]) for name, value in first.items())
