"""A model file carries its TCM head to the next training, and never into reading."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import safetensors
import safetensors.torch
import torch
from torch import Tensor

import htr.checkpoint
from htr.alphabet import Alphabet
from htr.checkpoint import load_checkpoint, read_header, save_checkpoint
from htr.errors import CheckpointError, CheckpointMismatchError
from htr.header import TCM_PREFIX
from tests.htr.tiny import ALPHABET, TINY, tiny_model
from training.errors import TrainableError
from training.tcm import TCMHead, fresh_head
from training.trainable import Trainable, load_trainable, save_trainable, trainable_from

CREATED = datetime(2025, 3, 4, 5, 6, 7, tzinfo=UTC)


def tiny_trainable(tcm: TCMHead | None = None) -> Trainable:
    facts = {"name": "tiny", "created": "", "training": {}, "metrics": {}}
    return Trainable(tiny_model(), tcm, ALPHABET, TINY, facts)


def save(path: Path, trainable: Trainable, half: bool = False) -> Path:
    return save_trainable(path, trainable, name="tiny", created=CREATED, half=half)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    head = fresh_head(TINY.embed_dim, TINY.classes, seed=8)
    return save(tmp_path / "trained.safetensors", tiny_trainable(head))


def altered(path: Path, change: Callable[[dict[str, Tensor]], None]) -> Path:
    """The same file with other tensors."""
    with safetensors.safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    tensors = safetensors.torch.load_file(path)
    change(tensors)
    safetensors.torch.save_file(tensors, path, metadata)
    return path


def test_head_comes_back_with_the_model(saved: Path) -> None:
    trainable = load_trainable(saved)
    expected = fresh_head(TINY.embed_dim, TINY.classes, seed=8).state_dict()
    assert trainable.tcm is not None and trainable.tcm.training
    assert not trainable.model.training
    for name, value in trainable.tcm.state_dict().items():
        assert torch.equal(value, expected[name]), name
    for name, value in tiny_model().state_dict().items():
        assert torch.equal(trainable.model.state_dict()[name], value), name
    assert (trainable.alphabet, trainable.config) == (ALPHABET, TINY)
    assert trainable.facts["created"] == "2025-03-04T05:06:07+00:00"


def test_head_survives_half_precision(saved: Path, tmp_path: Path) -> None:
    half = save(tmp_path / "half.safetensors", load_trainable(saved), half=True)
    assert half.stat().st_size < 0.6 * saved.stat().st_size
    tcm = load_trainable(half).tcm
    whole = load_trainable(saved).tcm
    assert tcm is not None and whole is not None
    for name, value in tcm.state_dict().items():
        assert value.dtype == torch.float32
        torch.testing.assert_close(value, whole.state_dict()[name], rtol=1e-3, atol=1e-4)


def test_model_without_head_gets_the_same_new_one_each_time(tmp_path: Path) -> None:
    path = save(tmp_path / "plain.safetensors", tiny_trainable())
    assert not any(name.startswith(TCM_PREFIX) for name in read_header(path).tensors)
    one, same, other = load_trainable(path), load_trainable(path), load_trainable(path, seed=4)
    assert one.tcm is not None and same.tcm is not None and other.tcm is not None
    assert torch.equal(one.tcm.emb.weight, same.tcm.emb.weight)
    assert not torch.equal(one.tcm.emb.weight, other.tcm.emb.weight)


def test_reading_never_loads_the_head(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def spy(path: Path, names: Collection[str]) -> dict[str, Tensor]:
        asked.extend(names)
        return original(path, names)

    original = htr.checkpoint.read_tensors
    monkeypatch.setattr(htr.checkpoint, "read_tensors", spy)
    checkpoint = load_checkpoint(saved)
    assert asked and not any(name.startswith(TCM_PREFIX) for name in asked)
    images = torch.rand(1, 1, 64, 40, generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        assert torch.equal(checkpoint.model(images), tiny_model()(images))


def reshaped(tensors: dict[str, Tensor]) -> None:
    tensors["tcm_head.emb.weight"] = tensors["tcm_head.emb.weight"].T.contiguous()


def enlarged(tensors: dict[str, Tensor]) -> None:
    tensors["tcm_head.classifier.bias"] = torch.zeros(70_000)


def lacking(tensors: dict[str, Tensor]) -> None:
    del tensors["tcm_head.dir_left"]


def foreign(tensors: dict[str, Tensor]) -> None:
    tensors["tcm_head." + "x" * 500] = torch.zeros(3)


def not_finite(tensors: dict[str, Tensor]) -> None:
    tensors["tcm_head.txt_proj.bias"][3] = float("nan")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (reshaped, "'emb.weight' of shape (256, 8), expected (8, 256)"),
        (enlarged, "'classifier.bias' of shape (70000,), expected (8,)"),
        (lacking, "'dir_left' of shape none (it is missing), expected (1, 1, 256)"),
        (foreign, "expected no such tensor"),
        (not_finite, "numbers that are not finite (in txt_proj.bias)"),
    ],
)
def test_damaged_head_stops_training_but_not_reading(
    saved: Path, change: Callable[[dict[str, Tensor]], None], message: str
) -> None:
    altered(saved, change)
    with pytest.raises(TrainableError) as caught:
        load_trainable(saved)
    assert message in str(caught.value)
    assert "It can still read" in str(caught.value) or "it can still read" in str(caught.value)
    assert len(str(caught.value)) < 400
    assert load_checkpoint(saved).alphabet == ALPHABET
    assert read_header(saved).name == "tiny"


def test_row_of_padding_is_zero_whatever_the_file_says(saved: Path) -> None:
    def fill(tensors: dict[str, Tensor]) -> None:
        tensors["tcm_head.emb.weight"][-1] = 5

    tcm = load_trainable(altered(saved, fill)).tcm
    assert tcm is not None and not tcm.emb.weight[tcm.pad].any()


def test_head_that_is_not_finite_is_not_saved(saved: Path, tmp_path: Path) -> None:
    trainable = load_trainable(saved)
    assert trainable.tcm is not None
    with torch.no_grad():
        trainable.tcm.q_norm.bias[0] = float("inf")
    with pytest.raises(CheckpointError, match="tcm_head.q_norm.bias holds numbers that are not"):
        save(tmp_path / "new.safetensors", trainable)
    assert not (tmp_path / "new.safetensors").exists()


def test_head_of_another_network_is_not_saved(tmp_path: Path) -> None:
    head = fresh_head(16, TINY.classes, seed=1).state_dict()
    with pytest.raises(CheckpointMismatchError, match="classifier.weight is .8, 16., expected"):
        save_checkpoint(
            tmp_path / "m.safetensors",
            tiny_model(),
            ALPHABET,
            name="m",
            created=CREATED,
            tcm_head=head,
        )


def test_parts_of_different_models_are_refused() -> None:
    with pytest.raises(TrainableError, match="TCM head is made for 9 classes"):
        tiny_trainable(fresh_head(TINY.embed_dim, 9, seed=1))
    with pytest.raises(TrainableError, match="belong to different models"):
        replace(tiny_trainable(), alphabet=Alphabet(("a", "b")))


def test_copy_shares_no_numbers(saved: Path) -> None:
    original = load_trainable(saved)
    copy = original.copy()
    assert copy.tcm is not None and original.tcm is not None
    with torch.no_grad():
        for parameter in [*copy.model.parameters(), *copy.tcm.parameters()]:
            parameter.zero_()
    assert original.model.head.weight.any()
    assert original.tcm.classifier.weight.any()


def test_model_that_is_loaded_already_becomes_trainable(saved: Path) -> None:
    checkpoint = load_checkpoint(saved)
    trainable = trainable_from(checkpoint, seed=8)
    assert trainable.model is checkpoint.model
    assert trainable.tcm is not None
    expected = fresh_head(TINY.embed_dim, TINY.classes, seed=8)
    assert torch.equal(trainable.tcm.emb.weight, expected.emb.weight)
