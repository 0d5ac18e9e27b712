"""Foreign model files become ours, and no pickle gets to run code."""

from __future__ import annotations

import argparse
import collections
import io
import json
import os
import pickle
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch

from htr.checkpoint import load_checkpoint, read_header, save_checkpoint
from htr.config import ModelConfig
from htr.convert import convert_checkpoint, infer_config, published_alphabets
from htr.errors import (
    CheckpointFormatError,
    CheckpointMismatchError,
    ConversionError,
    RecognitionError,
    UnsafeCheckpointError,
)
from htr.header import tcm_shapes
from htr.shipped import default_model_path
from tests.htr.tiny import ALPHABET, TINY, tiny_model
from training.trainable import load_trainable
from training.widening import widened

CREATED = datetime(2025, 3, 4, tzinfo=UTC)
SMALL = ModelConfig(embed_dim=256, heads=2, max_relative_positions=16, conv_kernel=5)
"""The narrowest network with the head width that published ones have in the stem."""


@pytest.fixture(scope="module")
def weights() -> dict[str, torch.Tensor]:
    return tiny_model(SMALL).half().state_dict()


def published(weights: Mapping[str, torch.Tensor], **changes: Any) -> dict[str, Any]:
    """A dictionary as the published training saves it."""
    worse = {name: tensor[:0] for name, tensor in weights.items() if tensor.dim()}
    content = {
        "model": worse,
        "state_dict_ema": {f"module.{name}": tensor for name, tensor in weights.items()},
        "optimizer": {"state": collections.defaultdict(dict), "param_groups": [{"lr": 1e-3}]},
        "nb_iter": 100_000,
        "best_cer": np.float64(0.04),
        "best_wer": 0.13,
        "args": argparse.Namespace(dataset="IAM", out_dir="out", img_size=[512, 64]),
        "tcm_head": {"emb.weight": torch.zeros(3, 2)},
    }
    return {**content, **changes}


def save(path: Path, content: object) -> Path:
    torch.save(content, path)
    return path


def refused(source: Path, kind: type[RecognitionError], message: str, **options: str) -> None:
    with pytest.raises(kind) as caught:
        convert_checkpoint(source, source.with_name("target.safetensors"), **options)
    assert message in str(caught.value)
    assert not source.with_name("target.safetensors").exists()


def test_published_checkpoint_is_converted_with_its_averaged_weights(
    tmp_path: Path, weights: dict[str, torch.Tensor]
) -> None:
    source = save(tmp_path / "best_CER.pth", published(weights))
    target = convert_checkpoint(source, tmp_path / "iam.safetensors", "iam", CREATED)
    checkpoint = load_checkpoint(target)
    assert checkpoint.config == SMALL
    assert checkpoint.alphabet == published_alphabets()["iam"]
    assert checkpoint.facts == {
        "name": "iam",
        "created": "2025-03-04T00:00:00+00:00",
        "training": {
            "source": "best_CER.pth",
            "dataset": "iam",
            "weights": "state_dict_ema",
            "steps": 100_000,
        },
        "metrics": {"published_best_cer": 0.04, "published_best_wer": 0.13},
    }
    for name, value in checkpoint.model.state_dict().items():
        assert torch.equal(value, weights[name].to(value.dtype)), name
    assert target.stat().st_size < 2.1 * sum(value.numel() for value in weights.values())


def test_published_training_head_comes_along_when_it_fits(
    tmp_path: Path, weights: dict[str, torch.Tensor]
) -> None:
    head = {name: torch.ones(shape) for name, shape in tcm_shapes(SMALL).items()}
    content = published(weights, tcm_head={f"module.{name}": head[name] for name in head})
    target = convert_checkpoint(save(tmp_path / "m.pth", content), tmp_path / "m.st", "iam")
    kept = {name for name in read_header(target).tensors if name.startswith("tcm_head.")}
    assert kept == {f"tcm_head.{name}" for name in head}
    assert load_checkpoint(target).config == SMALL


@pytest.mark.parametrize("trouble", ["shape", "not finite", "no dictionary", "lacking"])
def test_training_head_of_no_use_is_left_out(
    tmp_path: Path, weights: dict[str, torch.Tensor], trouble: str
) -> None:
    head: Any = {name: torch.ones(shape) for name, shape in tcm_shapes(SMALL).items()}
    if trouble == "shape":
        head["emb.weight"] = torch.ones(4, 256)
    elif trouble == "not finite":
        head["emb.weight"][0, 0] = float("nan")
    elif trouble == "lacking":
        del head["dir_left"]
    else:
        head = [1, 2]
    source = save(tmp_path / "m.pth", published(weights, tcm_head=head))
    target = convert_checkpoint(source, tmp_path / "m.st", "iam")
    assert not any(name.startswith("tcm_head.") for name in read_header(target).tensors)


def test_plain_weights_are_used_where_there_are_no_averaged_ones(
    tmp_path: Path, weights: dict[str, torch.Tensor]
) -> None:
    content = published(weights, model=weights, state_dict_ema=None)
    source = save(tmp_path / "model.pth", content)
    target = convert_checkpoint(source, tmp_path / "iam.safetensors", "iam")
    assert read_header(target).training["weights"] == "model"


def test_alphabet_that_does_not_match_the_head_is_refused(
    tmp_path: Path, weights: dict[str, torch.Tensor]
) -> None:
    source = save(tmp_path / "m.pth", published(weights))
    refused(
        source,
        CheckpointMismatchError,
        "m.pth as lam has a head of 80 classes, but its alphabet of 90 characters needs 91",
        dataset="lam",
    )


def test_data_set_must_be_named_and_the_fitting_one_is_told(
    tmp_path: Path, weights: dict[str, torch.Tensor]
) -> None:
    source = save(tmp_path / "m.pth", published(weights))
    fits = "iam, lam, read2016, vnondb. Its head of 80 classes fits iam."
    refused(source, ConversionError, fits)
    refused(source, ConversionError, "'rimes' is not known. Name the data set", dataset="rimes")


class _Hostile:
    """Would create a file if it were ever unpickled by an ordinary unpickler."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.trace}",)


def test_the_hostile_pickle_of_these_tests_would_run(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(_Hostile(tmp_path / "trace")))
    assert (tmp_path / "trace").exists()


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("place", ["args", "optimizer", "state_dict_ema"])
def test_hostile_checkpoint_is_refused_and_not_run(
    tmp_path: Path, weights: dict[str, torch.Tensor], place: str, protocol: int
) -> None:
    trace = tmp_path / "trace"
    content = published({}, **{place: {"x": _Hostile(trace)}})
    source = tmp_path / "m.pth"
    torch.save(content, source, pickle_protocol=protocol)
    refused(source, UnsafeCheckpointError, "Nothing in it was run.", dataset="iam")
    assert not trace.exists()


def test_refusal_names_what_would_have_been_called(tmp_path: Path) -> None:
    source = save(tmp_path / "m.pth", {"model": _Hostile(tmp_path / "trace")})
    refused(source, UnsafeCheckpointError, f"loading it would call {os.system.__module__}.system")


def test_torch_alone_would_not_run_it_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trace = tmp_path / "trace"
    source = save(tmp_path / "m.pth", {"model": _Hostile(trace)})
    monkeypatch.setattr("htr.pickled._check_archive", lambda source: None)
    refused(source, CheckpointFormatError, "cannot be read as a torch checkpoint (UnpicklingError)")
    assert not trace.exists()


@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_bare_hostile_pickle_is_refused_and_not_run(tmp_path: Path, protocol: int) -> None:
    trace = tmp_path / "trace"
    source = tmp_path / "m.pth"
    source.write_bytes(pickle.dumps({"model": _Hostile(trace)}, protocol))
    refused(source, CheckpointFormatError, "is neither safetensors nor a checkpoint")
    assert not trace.exists()


def test_hostile_pickle_in_the_old_torch_format_is_refused_and_not_run(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    source = tmp_path / "m.pth"
    torch.save({"model": _Hostile(trace)}, source, _use_new_zipfile_serialization=False)
    refused(source, CheckpointFormatError, "save it again with a current torch")
    assert not trace.exists()


def archive(path: Path, entries: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, data in entries.items():
            file.writestr(name, data)
    return path


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"a/readme": b"x"}, "found 0 pickles"),
        ({"a/data.pkl": b"\x80\x02}.", "a/other.pkl": b"\x80\x02}."}, "found 2 pickles"),
        ({"a/data.pkl": b"\x80\x02\xff\xff"}, "holds a damaged pickle"),
        ({"a/data.pkl": b""}, "holds a damaged pickle"),
        ({"a/data.pkl": b"\x80\x02}.", "a/version": b"3\n"}, "holds no weights under"),
        ({"a/data.pkl": b"\x80\x02].", "a/version": b"3\n"}, "holds list, expected a dictionary"),
        ({"a/data.pkl": b"\x80\x02h\x07.", "a/version": b"3\n"}, "cannot be read as a torch"),
    ],
)
def test_archives_without_weights_are_refused(
    tmp_path: Path, entries: dict[str, bytes], message: str
) -> None:
    source = archive(tmp_path / "m.pth", entries)
    with pytest.raises(RecognitionError) as caught:
        convert_checkpoint(source, tmp_path / "target.safetensors", "iam")
    assert message in str(caught.value)


def test_compressed_archive_is_refused_unread(tmp_path: Path) -> None:
    source = archive(tmp_path / "m.pth", {"a/data.pkl": b"0" * 10_000_000}, zipfile.ZIP_DEFLATED)
    refused(source, CheckpointFormatError, "is a compressed archive", dataset="iam")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_truncated_checkpoint_is_refused(
    tmp_path: Path, weights: dict[str, torch.Tensor], share: float
) -> None:
    source = save(tmp_path / "m.pth", published({"norm.weight": weights["norm.weight"]}))
    data = source.read_bytes()
    source.write_bytes(data[: int(len(data) * share)])
    refused(source, CheckpointFormatError, "Download it again", dataset="iam")


def test_tensor_that_repeats_one_number_is_refused(
    tmp_path: Path, weights: dict[str, torch.Tensor]
) -> None:
    giant = torch.zeros(1).expand(1 << 40)
    source = save(tmp_path / "m.pth", published({**weights, "norm.weight": giant}))
    refused(source, ConversionError, "norm.weight', which is no plain tensor", dataset="iam")


@pytest.mark.parametrize("intruder", [7, None, torch.eye(3).to_sparse(), torch.zeros(1).cfloat()])
def test_entry_that_is_no_plain_tensor_is_refused(tmp_path: Path, intruder: object) -> None:
    source = save(tmp_path / "m.pth", {"model": {"head.bias": intruder}})
    with pytest.raises((ConversionError, UnsafeCheckpointError)):
        convert_checkpoint(source, tmp_path / "target.safetensors", "iam")


def test_tensors_beyond_the_network_are_refused(
    tmp_path: Path, weights: dict[str, torch.Tensor]
) -> None:
    content = published({**weights, "blocks.0.adapter.weight": torch.zeros(1)})
    source = save(tmp_path / "m.pth", content)
    message = "has the unknown tensors 'blocks.0.adapter.weight'"
    refused(source, CheckpointMismatchError, message, dataset="iam")


def test_broken_numbers_are_refused(tmp_path: Path, weights: dict[str, torch.Tensor]) -> None:
    broken = {**weights, "norm.bias": torch.full_like(weights["norm.bias"], float("nan"))}
    source = save(tmp_path / "m.pth", published(broken))
    refused(source, CheckpointFormatError, "not finite (in norm.bias)", dataset="iam")


def test_configuration_is_read_from_the_published_shapes() -> None:
    text = (Path(__file__).parent / "parity" / "state_dict_shapes.json").read_text()
    shapes = {name: tuple(shape) for name, shape in json.loads(text).items()}
    assert infer_config("m.pth", shapes) == ModelConfig()


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (replace(SMALL, depth=7, up_after=6), "m.pth has 7 blocks; published networks have 8"),
        (replace(SMALL, embed_dim=128, stem_head_dim=32), "does not divide by stem_head_dim 64"),
    ],
)
def test_configuration_that_shapes_do_not_tell_is_not_guessed(
    config: ModelConfig, message: str
) -> None:
    with torch.device("meta"):
        shapes = {k: tuple(v.shape) for k, v in tiny_model(config).state_dict().items()}
    with pytest.raises(ConversionError, match=message):
        infer_config("m.pth", shapes)


def test_other_networks_are_refused() -> None:
    with pytest.raises(ConversionError, match="holds no HTR-ConvText network"):
        infer_config("m.pth", {"conv.weight": (3, 3)})


def plain_file(path: Path, **metadata: str) -> Path:
    """Safetensors with configuration and alphabet, without the marks of our format."""
    texts = {
        "config": json.dumps(TINY.as_dict()),
        "alphabet": json.dumps(ALPHABET.characters),
        **metadata,
    }
    tensors = {k: v for k, v in tiny_model().state_dict().items() if v.dim()}
    safetensors.torch.save_file(tensors, path, texts)
    return path


def test_plain_safetensors_with_metadata_are_converted(tmp_path: Path) -> None:
    source = plain_file(tmp_path / "start.safetensors")
    checkpoint = load_checkpoint(convert_checkpoint(source, tmp_path / "ours.safetensors"))
    assert (checkpoint.config, checkpoint.alphabet) == (TINY, ALPHABET)
    assert checkpoint.facts["training"] == {"source": "start.safetensors"}
    assert torch.equal(checkpoint.model.head.weight, tiny_model().head.weight)


def test_plain_safetensors_without_alphabet_are_refused(tmp_path: Path) -> None:
    source = tmp_path / "m.safetensors"
    safetensors.torch.save_file({"head.weight": torch.zeros(7, 32)}, source)
    refused(source, CheckpointFormatError, "lacks `config` in its metadata")


def test_alphabet_of_another_data_set_is_not_forced_on_a_model(tmp_path: Path) -> None:
    source = plain_file(tmp_path / "m.safetensors")
    refused(source, CheckpointMismatchError, "m.safetensors as iam has a head of 7", dataset="iam")


def test_our_own_files_need_no_conversion(tmp_path: Path) -> None:
    source = save_checkpoint(
        tmp_path / "m.safetensors", tiny_model(), ALPHABET, name="m", created=CREATED
    )
    refused(source, ConversionError, "is in this app's format already")


def test_a_file_is_not_converted_onto_itself(tmp_path: Path) -> None:
    source = plain_file(tmp_path / "m.safetensors")
    with pytest.raises(ConversionError, match="cannot be converted onto itself"):
        convert_checkpoint(source, source)


def test_missing_file_is_named(tmp_path: Path) -> None:
    refused(tmp_path / "none.pth", CheckpointFormatError, "No such file or directory")


def test_picture_is_no_model(tmp_path: Path) -> None:
    source = tmp_path / "page.pth"
    source.write_bytes(b"\x89PNG\r\n\x1a\n" + io.BytesIO(b"x" * 100).read())
    refused(source, CheckpointFormatError, "is neither safetensors nor a checkpoint")


def test_starting_weights_widened_fit_the_shipped_network(shared: Path, tmp_path: Path) -> None:
    # The shipped model grew out of these, with characters added behind the others.
    source = shared / "weights" / "convtext-d128-start.safetensors"
    start = load_trainable(convert_checkpoint(source, tmp_path / "m.safetensors"))
    shipped = load_checkpoint(default_model_path())
    known = start.alphabet.characters
    assert shipped.alphabet.characters[: len(known)] == known
    wide = widened(start, shipped.config.embed_dim, seed=1)
    ours, theirs = shipped.model.state_dict(), wide.model.state_dict()
    assert ours.keys() == theirs.keys()
    assert {name for name in ours if ours[name].shape != theirs[name].shape} == {
        "head.weight",
        "head.bias",
    }
