"""The network gives the published numbers, and refuses what it cannot take."""

from __future__ import annotations

import json
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from htr.config import ModelConfig, config_from
from htr.dropout import DropPath
from htr.errors import ModelConfigError, ModelInputError
from htr.model import (
    PUBLISHED_LAYER_SCALE,
    PX_PER_STEP,
    HTRConvText,
    RelativeBias,
    RestoreTime,
)
from tests.htr.tiny import TINY, tiny_model

PARITY = Path(__file__).with_name("parity")
SHAPES = {
    name: tuple(shape)
    for name, shape in json.loads((PARITY / "state_dict_shapes.json").read_text()).items()
}


def formula_weights() -> dict[str, Tensor]:
    """Weights made from their names alone, as the expected values were made."""
    weights = {}
    for name, shape in SHAPES.items():
        rng = np.random.default_rng(zlib.crc32(name.encode()))
        v = rng.standard_normal(shape).astype(np.float32)
        if name.endswith("running_var"):
            v = 1 + 0.1 * np.abs(v)
        elif name.endswith("running_mean"):
            v = 0.1 * v
        elif name.endswith("gamma"):
            v = 0.5 + 0.1 * v
        elif len(shape) <= 1:
            v = 1 + 0.1 * v if name.endswith("weight") else 0.1 * v
        else:
            v = v / np.sqrt(np.prod(shape[1:]))
        counter = name.endswith("num_batches_tracked")
        weights[name] = torch.tensor(0) if counter else torch.tensor(v, dtype=torch.float32)
    return weights


@pytest.fixture(scope="module")
def published() -> HTRConvText:
    with torch.device("meta"):
        model = HTRConvText(ModelConfig())
    model.load_state_dict(formula_weights(), assign=True)
    return model.eval()


def random_images(batch: int, width: int) -> Tensor:
    rng = np.random.default_rng(width)
    return torch.from_numpy(rng.random((batch, 1, 64, width), dtype=np.float32))


def test_parameters_have_the_published_names_and_shapes(published: HTRConvText) -> None:
    own = {name: tuple(value.shape) for name, value in published.state_dict().items()}
    assert own == SHAPES
    assert sum(value.numel() for value in published.parameters()) == 65_920_016


@pytest.mark.parametrize("width", [512, 300, 130])
def test_network_gives_the_published_numbers(published: HTRConvText, width: int) -> None:
    expected = np.load(PARITY / "network.npz")
    with torch.inference_mode():
        features = published.features(random_images(2, width))
        logits = published.head(features)
    np.testing.assert_allclose(logits, expected[f"logits_{width}"], rtol=0, atol=1e-4)
    np.testing.assert_allclose(
        features.mean(dim=2), expected[f"features_mean_{width}"], rtol=0, atol=1e-4
    )


def test_stem_in_channels_last_gives_the_same_numbers() -> None:
    model, images = tiny_model(), random_images(2, 100)
    with torch.inference_mode():
        expected = model(images)
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        torch.testing.assert_close(model(images), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("width", [1, 2, 3, 4, 5, 7, 31, 64, 65, 67, 129])
def test_every_width_gives_one_step_for_each_four_pixels(width: int) -> None:
    steps = -(-width // PX_PER_STEP)
    with torch.inference_mode():
        logits = tiny_model()(random_images(1, width))
    assert logits.shape == (1, steps, TINY.classes)
    assert torch.isfinite(logits).all()


def test_a_line_is_read_the_same_alone_and_in_a_batch() -> None:
    images = random_images(3, 96)
    with torch.inference_mode():
        together = tiny_model()(images)
        alone = torch.cat([tiny_model()(image[None]) for image in images])
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("embed_dim", "heads", "stem_head_dim"), [(128, 4, 32), (256, 8, 64), (96, 3, 12)]
)
def test_smaller_networks_work(embed_dim: int, heads: int, stem_head_dim: int) -> None:
    config = replace(
        TINY, embed_dim=embed_dim, heads=heads, stem_head_dim=stem_head_dim, depth=3, up_after=2
    )
    with torch.inference_mode():
        model = tiny_model(config)
        assert model.features(random_images(1, 40)).shape == (1, 10, embed_dim)


def test_relative_bias_depends_on_query_minus_key_and_is_clamped() -> None:
    bias = RelativeBias(max_positions=3, heads=1)
    with torch.no_grad():
        bias.bias.weight.copy_(torch.tensor([[-2.0], [-1.0], [0.0], [1.0], [2.0]]))
        table = bias(5)
    assert table.shape == (1, 1, 5, 5)
    assert table[0, 0, 0].tolist() == [0, -1, -2, -2, -2]
    assert table[0, 0, 4].tolist() == [2, 2, 2, 1, 0]


def test_time_is_restored_by_nearest_neighbour_plus_skip() -> None:
    restore = RestoreTime(1)
    with torch.no_grad():
        restore.proj.weight.fill_(1)
        restore.proj.bias.fill_(0)
        half = torch.tensor([[[1.0], [2.0]]])
        skip = torch.tensor([[[10.0], [20.0], [30.0]]])
        assert restore(half, skip).flatten().tolist() == [11, 21, 32]


def test_training_starts_as_the_recipe_says() -> None:
    model = HTRConvText(TINY, layer_scale=PUBLISHED_LAYER_SCALE)
    assert torch.all(model.blocks[0].ls_conv.gamma == 1e-5)
    assert torch.all(HTRConvText(TINY).blocks[0].ls_conv.gamma == 0.1)
    assert [round(block.drop_path.share, 4) for block in model.blocks] == [0, 0.0333, 0.0667, 0.1]
    assert torch.all(model.down1.dw.weight == 1 / 3)
    assert torch.all(model.blocks[0].attn.rel_pos_bias.bias.weight == 0)


def test_drop_path_drops_whole_samples_and_only_in_training() -> None:
    drop = DropPath(0.5)
    x = torch.ones(64, 3, 2)
    with torch.random.fork_rng():
        torch.manual_seed(3)
        dropped = drop(x).reshape(64, -1)
    assert set(dropped.unique().tolist()) == {0.0, 2.0}
    assert torch.all(dropped.min(dim=1).values == dropped.max(dim=1).values)
    assert torch.equal(drop.eval()(x), x)


def test_every_parameter_learns() -> None:
    model = HTRConvText(TINY).train()
    model(random_images(2, 32)).square().sum().backward()
    idle = [name for name, value in model.named_parameters() if value.grad is None]
    assert idle == []


@pytest.mark.parametrize("shape", [(1, 64, 32), (1, 3, 64, 32), (1, 1, 32, 32), (1, 1, 64, 0)])
def test_images_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ModelInputError, match=r"expected \(batch, 1, 64, width\)"):
        tiny_model()(torch.zeros(shape))


def test_integer_images_are_refused() -> None:
    with pytest.raises(ModelInputError, match="expected floating point from 0 to 1"):
        tiny_model()(torch.zeros((1, 1, 64, 32), dtype=torch.uint8))


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("embed_dim", 510, "embed_dim 510 is not a multiple of 4"),
        ("embed_dim", 10**30, "embed_dim is a huge number, expected 8 to 2048"),
        ("embed_dim", "512", "embed_dim is '512', expected a whole number from 8 to 2048"),
        ("heads", 7, "embed_dim 512 does not divide by its 7 heads"),
        ("stem_head_dim", 48, "does not divide by stem_head_dim 48"),
        ("conv_kernel", 6, "conv_kernel is 6, expected an odd number"),
        ("depth", True, "depth is True, expected a whole number"),
        ("depth", 0, "depth is 0, expected 1 to 48"),
        ("up_after", 3, "expected down_after < up_after <= depth"),
        ("image_height", 48, "image_height is 48, expected 64"),
        ("contrast", "loud", "contrast is 'loud', expected one of none, percentile"),
        ("contrast", ["none"], "expected one of none, percentile"),
    ],
)
def test_impossible_configurations_are_refused(field: str, value: object, message: str) -> None:
    with pytest.raises(ModelConfigError) as caught:
        ModelConfig(**{field: value})  # type: ignore[arg-type]
    assert message in str(caught.value)


def test_configuration_survives_as_a_dictionary() -> None:
    assert config_from(TINY.as_dict()) == TINY


def test_configuration_with_missing_or_unknown_fields_is_refused() -> None:
    values = {**TINY.as_dict(), "width": 3}
    del values["heads"]
    with pytest.raises(ModelConfigError, match="lacks heads and has unknown fields width"):
        config_from(values)
