"""The TCM gives the published numbers, and its contexts are those of a plain loop."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from htr.header import TCM_WIDTH, tcm_shapes
from htr.model import HTRConvText, ModelConfig
from tests.htr.tiny import TINY, tiny_model
from training.errors import TrainingTextError
from training.tcm import CONTEXT_LENGTH, TCMHead, fresh_head, tcm_contexts, tcm_loss

PAD = 28
LETTERS = " abcdefghijklmnopqrstuvwxyz"
TEXTS = ("the quick brown fox", "a", "handwritten text recognition")


def classes_of(text: str) -> list[int]:
    return [LETTERS.index(character) + 1 for character in text]


def plain_contexts(
    texts: list[list[int]], pad: int
) -> tuple[list[list[list[int]]], list[list[list[int]]]]:
    """Left and right neighbours by a loop over every character, as one would explain them."""
    longest = max((len(text) for text in texts), default=0)
    lefts, rights = [], []
    for text in texts:
        left_rows, right_rows = [], []
        for position in range(longest):
            left = right = [pad] * CONTEXT_LENGTH
            if position < len(text):
                before = text[max(0, position - CONTEXT_LENGTH) : position]
                after = text[position + 1 : position + 1 + CONTEXT_LENGTH]
                left = [pad] * (CONTEXT_LENGTH - len(before)) + before
                right = after + [pad] * (CONTEXT_LENGTH - len(after))
            left_rows.append(left)
            right_rows.append(right)
        lefts.append(left_rows)
        rights.append(right_rows)
    return lefts, rights


@pytest.fixture(scope="module")
def parity(shared: Path) -> Path:
    return shared / "parity"


@pytest.fixture(scope="module")
def published(parity: Path) -> TCMHead:
    """A head with weights made from their names, as the expected values were made."""
    shapes = json.loads((parity / "tcm_state_dict_shapes.json").read_text())
    state = {}
    for name, shape in shapes.items():
        rng = np.random.default_rng(zlib.crc32(name.encode()))
        v = rng.standard_normal(shape).astype(np.float32)
        if len(shape) <= 1:
            v = 1 + 0.1 * v if name.endswith("weight") else 0.1 * v
        else:
            v = v / np.sqrt(np.prod(shape[1:]))
        state[name] = torch.tensor(v, dtype=torch.float32)
    state["emb.weight"][-1] = 0
    head = TCMHead(512, PAD)
    head.load_state_dict(state)
    return head.eval()


def test_contexts_are_the_published_ones(parity: Path) -> None:
    expected = np.load(parity / "tcm.npz")
    contexts = tcm_contexts([classes_of(text) for text in TEXTS], PAD)
    np.testing.assert_array_equal(contexts.left, expected["left"])
    np.testing.assert_array_equal(contexts.right, expected["right"])
    np.testing.assert_array_equal(contexts.target, expected["target"])
    np.testing.assert_array_equal(contexts.mask, expected["mask"].astype(bool))


def test_head_gives_the_published_numbers(parity: Path, published: TCMHead) -> None:
    expected = np.load(parity / "tcm.npz")
    features = np.random.default_rng(5).standard_normal((3, 128, 512)).astype(np.float32)
    contexts = tcm_contexts([classes_of(text) for text in TEXTS], PAD)
    with torch.inference_mode():
        left, right = published(torch.from_numpy(features), contexts)
        loss = tcm_loss(published, torch.from_numpy(features), contexts)
    np.testing.assert_allclose(left, expected["logits_left"], rtol=0, atol=1e-4)
    np.testing.assert_allclose(right, expected["logits_right"], rtol=0, atol=1e-4)
    assert float(loss) == pytest.approx(float(expected["loss"]), abs=1e-4)


@pytest.mark.parametrize("config", [TINY, ModelConfig(embed_dim=128, stem_head_dim=32), None])
def test_parameters_have_the_names_and_shapes_of_the_file_format(
    config: ModelConfig | None,
) -> None:
    config = config or ModelConfig()
    head = TCMHead(config.embed_dim, config.classes)
    own = {name: tuple(value.shape) for name, value in head.state_dict().items()}
    assert own == tcm_shapes(config)


def test_parameters_have_the_published_names_and_shapes(parity: Path) -> None:
    shapes = json.loads((parity / "tcm_state_dict_shapes.json").read_text())
    assert tcm_shapes(ModelConfig(classes=28)) == {
        name: tuple(shape) for name, shape in shapes.items()
    }


@pytest.mark.parametrize(
    "lengths",
    [[1], [0], [0, 0], [5], [6], [11, 1, 0, 4], [3, 40, 17, 0, 2]],
)
def test_contexts_agree_with_a_plain_loop(lengths: list[int]) -> None:
    rng = np.random.default_rng(sum(lengths))
    texts = [rng.integers(1, PAD, length).tolist() for length in lengths]
    left, right = plain_contexts(texts, PAD)
    contexts = tcm_contexts(texts, PAD)
    assert contexts.left.tolist() == left
    assert contexts.right.tolist() == right
    assert contexts.left.shape == (len(lengths), max(lengths), CONTEXT_LENGTH)
    assert contexts.mask.sum(1).tolist() == lengths


def test_neighbours_of_one_character() -> None:
    contexts = tcm_contexts([[1, 2, 3, 4, 5, 6, 7, 8], [9]], pad=10)
    assert contexts.left[0, 6].tolist() == [2, 3, 4, 5, 6]
    assert contexts.right[0, 4].tolist() == [6, 7, 8, 10, 10]
    assert contexts.left[1, 0].tolist() == contexts.right[1, 0].tolist() == [10] * 5
    assert contexts.target[1].tolist() == [9] + [10] * 7
    assert contexts.mask[1].tolist() == [True] + [False] * 7


def test_padded_tensor_gives_the_same_contexts_as_a_list() -> None:
    listed = tcm_contexts([[1, 2, 3], [4]], pad=9)
    padded = tcm_contexts(torch.tensor([[1, 2, 3], [4, 9, 9]], dtype=torch.int32), pad=9)
    for name in ("left", "right", "target", "mask"):
        assert torch.equal(getattr(listed, name), getattr(padded, name))


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        ([[1, 0, 2]], "the class 0, expected 1 to 8"),
        ([[1, 12]], "the class 12, expected 1 to 8"),
        ([[-1]], "the class -1"),
        (torch.tensor([[9, 1]]), "<pad> before its end"),
        (torch.tensor([1, 2]), "shape (2,)"),
        (torch.tensor([[1.0]]), "expected whole numbers"),
    ],
)
def test_texts_of_another_alphabet_are_refused(
    targets: list[list[int]] | Tensor, message: str
) -> None:
    with pytest.raises(TrainingTextError) as caught:
        tcm_contexts(targets, pad=9)
    assert message in str(caught.value)


def test_query_is_the_mean_of_the_convolution_over_the_context() -> None:
    head = fresh_head(32, 9, seed=3)
    contexts = tcm_contexts([[1, 2, 3, 4, 5, 6, 7], [8, 1]], pad=9)
    # (B, L, S, K) -> (B * L, K, S): one convolution over every context, as the paper draws it
    embedded = head.emb(contexts.left).flatten(0, 1).transpose(1, 2)
    mean = head.ctx_conv(embedded).mean(2).unflatten(0, (2, 7))
    expected = head.q_norm(head.txt_proj(mean + head.dir_left))
    torch.testing.assert_close(
        head._query(contexts.left, head.dir_left), expected, rtol=0, atol=2e-6
    )


def test_attention_scales_by_the_width_of_the_network() -> None:
    head = fresh_head(32, 9, seed=3)
    rng = torch.Generator().manual_seed(4)
    queries = torch.randn(2, 5, 32, generator=rng)
    features = torch.randn(2, 7, 32, generator=rng)
    keys = head.kv_norm(features)
    expected = F.scaled_dot_product_attention(queries, keys, keys)
    torch.testing.assert_close(head._attend(queries, features, None), expected, rtol=0, atol=2e-6)


def test_loss_averages_over_real_characters_only() -> None:
    head = fresh_head(32, 9, seed=1).eval()
    features = torch.randn(2, 8, 32, generator=torch.Generator().manual_seed(2))
    texts = [[1, 2, 3, 4], [5]]
    contexts = tcm_contexts(texts, pad=9)
    left, right = (logits.detach().log_softmax(2) for logits in head(features, contexts))
    true_ones = [
        float(logits[row, position, number])
        for logits in (left, right)
        for row, text in enumerate(texts)
        for position, number in enumerate(text)
    ]
    assert len(true_ones) == 10
    expected = -sum(true_ones) / 10
    assert float(tcm_loss(head, features, contexts).detach()) == pytest.approx(expected, abs=1e-5)


def test_loss_of_a_line_does_not_depend_on_longer_texts_beside_it() -> None:
    head = fresh_head(32, 9, seed=1).eval()
    features = torch.randn(2, 8, 32, generator=torch.Generator().manual_seed(2))
    alone = head(features[:1], tcm_contexts([[1, 2]], pad=9))[0]
    beside = head(features, tcm_contexts([[1, 2], [3] * 12], pad=9))[0]
    torch.testing.assert_close(beside[:1, :2], alone, rtol=0, atol=1e-6)


def test_texts_without_characters_give_no_loss_and_no_gradient() -> None:
    head = fresh_head(32, 9, seed=1)
    features = torch.randn(2, 8, 32, requires_grad=True)
    loss = tcm_loss(head, features, tcm_contexts([[], []], pad=9))
    loss.backward()
    assert float(loss.detach()) == 0
    assert features.grad is not None
    assert not features.grad.any()


def test_padded_steps_are_not_looked_at_when_counted() -> None:
    head = fresh_head(32, 9, seed=1).eval()
    features = torch.randn(2, 8, 32, generator=torch.Generator().manual_seed(2))
    contexts = tcm_contexts([[1, 2], [3]], pad=9)
    counts = torch.tensor([8, 5])
    before = head(features, contexts, counts)[0]
    features[1, 5:] = 100 * torch.arange(32)
    after = head(features, contexts, counts)[0]
    torch.testing.assert_close(after, before, rtol=0, atol=0)
    assert not torch.allclose(head(features, contexts)[0], before)


def test_loss_is_finite_in_bfloat16_and_near_that_in_fp32() -> None:
    head = fresh_head(32, 9, seed=1).eval()
    features = torch.randn(2, 8, 32, generator=torch.Generator().manual_seed(2))
    contexts = tcm_contexts([[1, 2, 3], [4]], pad=9)
    with torch.no_grad():
        whole = tcm_loss(head, features, contexts, torch.tensor([8, 3]))
        with torch.autocast("cpu", torch.bfloat16):
            rough = tcm_loss(head, features, contexts, torch.tensor([8, 3]))
    assert rough.dtype == torch.float32
    torch.testing.assert_close(rough, whole, rtol=0.02, atol=0)


def test_row_of_padding_stays_zero_while_training() -> None:
    head = fresh_head(32, 9, seed=1)
    optimizer = torch.optim.AdamW(head.parameters(), lr=0.01, weight_decay=0.1)
    features = torch.randn(2, 8, 32, generator=torch.Generator().manual_seed(2))
    contexts = tcm_contexts([[1, 2, 3], [4]], pad=9)
    first = float(tcm_loss(head.eval(), features, contexts).detach())
    head.train()
    for _ in range(20):
        optimizer.zero_grad()
        tcm_loss(head, features, contexts).backward()
        optimizer.step()
    assert not head.emb.weight[9].any()
    assert head.emb.weight[:9].any(1).all()
    assert float(tcm_loss(head.eval(), features, contexts).detach()) < 0.2 * first


def test_gradient_reaches_the_encoder_down_to_its_first_layer() -> None:
    model: HTRConvText = tiny_model().train()
    head = fresh_head(TINY.embed_dim, TINY.classes, seed=1)
    images = torch.rand(2, 1, 64, 80, generator=torch.Generator().manual_seed(2))
    contexts = tcm_contexts([[1, 2, 3], [4, 5]], pad=TINY.classes)
    tcm_loss(head, model.features(images), contexts).backward()
    lacking = [
        name
        for name, parameter in model.named_parameters()
        if parameter.grad is None or not parameter.grad.any()
    ]
    # The CTC head is no part of it; a block's drop path may drop every sample's branch.
    assert {name.split(".")[0] for name in lacking} <= {"head", "blocks"}
    stem = next(model.patch_embed.parameters()).grad
    assert stem is not None and stem.abs().sum() > 0


def test_same_seed_gives_the_same_head_and_leaves_torch_alone() -> None:
    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)
    one, same, other = fresh_head(32, 9, 1), fresh_head(32, 9, 1), fresh_head(32, 9, 2)
    assert torch.equal(torch.rand(1), expected)
    assert torch.equal(one.txt_proj.weight, same.txt_proj.weight)
    assert not torch.equal(one.txt_proj.weight, other.txt_proj.weight)
    assert one.emb.weight.shape == (10, TCM_WIDTH)
    assert not one.emb.weight[9].any()
