"""A model file gives back the model it was given, and nothing else is ever believed."""

from __future__ import annotations

import json
import os
import random
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import torch

from htr.alphabet import Alphabet
from htr.checkpoint import load_checkpoint, read_header, save_checkpoint
from htr.errors import (
    CheckpointError,
    CheckpointFormatError,
    CheckpointMismatchError,
    RecognitionError,
)
from htr.header import HEADER_LIMIT_BYTES
from htr.shipped import default_model_path
from tests.htr.tiny import ALPHABET, TINY, tiny_model

CREATED = datetime(2025, 3, 4, 5, 6, 7, tzinfo=UTC)
REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    return save_checkpoint(
        tmp_path / "model.safetensors",
        tiny_model(),
        ALPHABET,
        name="tiny é",
        created=CREATED,
        training={"steps": 3},
        metrics={"cer": 0.25},
    )


def parts(path: Path) -> tuple[dict[str, Any], bytes]:
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def write(path: Path, header: dict[str, Any] | bytes, numbers: bytes) -> Path:
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(raw)) + raw + numbers)
    return path


def refused(path: Path, kind: type[RecognitionError], message: str) -> None:
    with pytest.raises(kind) as caught:
        load_checkpoint(path)
    assert message in str(caught.value)


def test_a_saved_model_comes_back_with_its_facts(saved: Path) -> None:
    checkpoint = load_checkpoint(saved)
    assert (checkpoint.config, checkpoint.alphabet) == (TINY, ALPHABET)
    assert checkpoint.facts == {
        "name": "tiny é",
        "created": "2025-03-04T05:06:07+00:00",
        "training": {"steps": 3},
        "metrics": {"cer": 0.25},
    }
    assert not checkpoint.model.training
    images = torch.rand((2, 1, 64, 50), generator=torch.Generator().manual_seed(2))
    model = tiny_model()  # made outside: weights of inference mode take other kernels
    with torch.inference_mode():
        assert torch.equal(checkpoint.model(images), model(images))


def test_a_loaded_model_can_be_trained_and_saved_again(saved: Path, tmp_path: Path) -> None:
    model = load_checkpoint(saved).model.train()
    model(torch.rand(2, 1, 64, 32)).sum().backward()
    assert all(value.grad is not None for value in model.parameters())
    assert int(model.patch_embed.bn1.num_batches_tracked) == 1
    again = save_checkpoint(
        tmp_path / "again.safetensors", model, ALPHABET, name="again", created=CREATED
    )
    assert read_header(again).training == {}


def test_half_precision_is_stored_small_and_read_as_fp32(saved: Path, tmp_path: Path) -> None:
    half = save_checkpoint(
        tmp_path / "half.safetensors",
        tiny_model(),
        ALPHABET,
        name="half",
        created=CREATED,
        half=True,
    )
    assert half.stat().st_size < 0.7 * saved.stat().st_size
    assert {entry.dtype for entry in read_header(half).tensors.values()} == {"F16"}
    model = load_checkpoint(half).model
    assert {value.dtype for value in model.parameters()} == {torch.float32}
    torch.testing.assert_close(model.head.weight, tiny_model().head.weight, rtol=1e-3, atol=1e-4)


def test_channels_last_models_are_saved_like_others(saved: Path, tmp_path: Path) -> None:
    model = tiny_model().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    other = save_checkpoint(
        tmp_path / "other.safetensors", model, ALPHABET, name="other", created=CREATED
    )
    assert torch.equal(
        load_checkpoint(other).model.patch_embed.layer1[0].conv1.weight,
        load_checkpoint(saved).model.patch_embed.layer1[0].conv1.weight,
    )


def test_header_is_read_without_torch(saved: Path) -> None:
    code = (
        "import sys; from htr.checkpoint import read_header; import htr;"
        "print(read_header(sys.argv[1]).name, htr.ModelConfig().depth, 'torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(saved)],
        capture_output=True,
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        encoding="utf-8",
    )
    assert done.stdout.strip() == "tiny é 8 False", done.stderr


def test_saving_replaces_the_old_file_whole_and_leaves_nothing_else(saved: Path) -> None:
    save_checkpoint(saved, tiny_model(seed=2), ALPHABET, name="newer", created=CREATED)
    assert read_header(saved).name == "newer"
    assert os.listdir(saved.parent) == [saved.name]


def test_failed_saving_keeps_the_old_file(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full_disk(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(CheckpointError, match="No space left on device. Check the folder"):
        save_checkpoint(saved, tiny_model(), ALPHABET, name="newer", created=CREATED)
    assert read_header(saved).name == "tiny é"
    assert os.listdir(saved.parent) == [saved.name]


@pytest.mark.parametrize("half", [False, True])
def test_broken_numbers_are_not_saved(tmp_path: Path, half: bool) -> None:
    model = tiny_model()
    with torch.no_grad():
        model.head.bias[1] = 1e6 if half else float("nan")  # 1e6 does not fit 16 bits
    with pytest.raises(CheckpointError, match="head.bias holds numbers that are not finite"):
        save_checkpoint(
            tmp_path / "m.safetensors", model, ALPHABET, name="m", created=CREATED, half=half
        )
    assert os.listdir(tmp_path) == []


def test_an_alphabet_that_does_not_fill_the_head_is_not_saved(tmp_path: Path) -> None:
    with pytest.raises(CheckpointMismatchError, match="head of 7 classes, but its alphabet of 2"):
        save_checkpoint(
            tmp_path / "m.safetensors",
            tiny_model(),
            Alphabet(("a", "b")),
            name="m",
            created=CREATED,
        )


@pytest.mark.parametrize("facts", [{"cer": float("nan")}, {"when": CREATED}])
def test_facts_that_are_no_json_are_not_saved(tmp_path: Path, facts: dict[str, object]) -> None:
    with pytest.raises(CheckpointError, match="are no JSON"):
        save_checkpoint(
            tmp_path / "m", tiny_model(), ALPHABET, name="m", created=CREATED, metrics=facts
        )


def test_a_time_without_zone_is_not_saved(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="needs a time zone"):
        save_checkpoint(
            tmp_path / "m", tiny_model(), ALPHABET, name="m", created=datetime(2025, 1, 1)
        )


def test_missing_file_is_named(tmp_path: Path) -> None:
    refused(tmp_path / "none.safetensors", CheckpointFormatError, "No such file or directory")


@pytest.mark.parametrize("kept", [0, 5, 8, 100, 20_000, -1])
def test_truncated_file_is_refused(saved: Path, kept: int) -> None:
    saved.write_bytes(saved.read_bytes()[:kept])
    refused(saved, CheckpointFormatError, "cut short")


@pytest.mark.parametrize(
    "length", [0, 1, HEADER_LIMIT_BYTES + 1, 2**63, 2**64 - 1], ids=lambda n: f"{n:.0e}"
)
def test_wrong_header_length_is_refused(saved: Path, length: int) -> None:
    saved.write_bytes(struct.pack("<Q", length) + saved.read_bytes()[8:])
    refused(saved, CheckpointFormatError, "is not a safetensors file, or cut short")


@pytest.mark.parametrize(
    "raw", [b"{]", b"[" * 100_000, b"[]", b'{"a": 1' + b"0" * 5000 + b"}", b"\xff\xfe\xfd"]
)
def test_header_that_is_no_json_object_is_refused(tmp_path: Path, raw: bytes) -> None:
    path = write(tmp_path / "m.safetensors", raw, b"\0" * 8)
    with pytest.raises(CheckpointFormatError):
        load_checkpoint(path)


def test_safetensors_of_others_are_not_taken_for_ours(saved: Path) -> None:
    header, numbers = parts(saved)
    del header["__metadata__"]
    write(saved, header, numbers)
    refused(saved, CheckpointFormatError, "Convert it with `python -m htr convert`")


def test_later_versions_ask_for_an_update(saved: Path) -> None:
    header, numbers = parts(saved)
    header["__metadata__"]["version"] = "2"
    write(saved, header, numbers)
    refused(saved, CheckpointFormatError, "this app reads version 1. Update the app.")


@pytest.mark.parametrize("key", ["name", "created", "config", "alphabet", "training", "metrics"])
def test_missing_metadata_is_named(saved: Path, key: str) -> None:
    header, numbers = parts(saved)
    del header["__metadata__"][key]
    write(saved, header, numbers)
    refused(saved, CheckpointFormatError, f"lacks `{key}` in its metadata")


def edit_metadata(key: str, value: object) -> Callable[[dict[str, Any]], None]:
    def edit(header: dict[str, Any]) -> None:
        header["__metadata__"][key] = value if key == "name" else json.dumps(value)

    return edit


def edit_config(**changes: object) -> Callable[[dict[str, Any]], None]:
    return edit_metadata("config", {**TINY.as_dict(), **changes})


def swap_shape(header: dict[str, Any]) -> None:
    header["blocks.0.ffn1.lin1.weight"]["shape"].reverse()


def rename(header: dict[str, Any]) -> None:
    header["stranger"] = header.pop("norm.bias")


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (edit_config(embed_dim=2048, heads=16), "its head is of shape (7, 32)"),
        (edit_config(depth=48, up_after=40), "lacks tensors 'blocks.10.attn.proj.bias'"),
        (edit_config(max_relative_positions=4096), "expected (8191, 2) by its configuration"),
        (edit_config(embed_dim=10**9), "embed_dim is 1000000000, expected 8 to 2048"),
        (edit_config(classes=8), "head of 8 classes, but its alphabet of 6"),
        (edit_config(down_after="1"), "down_after is '1', expected a whole number"),
        (edit_metadata("alphabet", list(" abcd")), "The alphabet belongs to another model"),
        (edit_metadata("alphabet", list(" abcdd")), "'d' stands twice"),
        (edit_metadata("alphabet", [" ", 1, {}, "c", "d", "e"]), "Entry 1 of the alphabet is int"),
        (swap_shape, "holds blocks.0.ffn1.lin1.weight of shape (32, 128), expected (128, 32)"),
        (rename, "lacks tensors 'norm.bias'"),
    ],
)
def test_parts_that_contradict_each_other_are_refused(
    saved: Path, edit: Callable[[dict[str, Any]], None], message: str
) -> None:
    header, numbers = parts(saved)
    edit(header)
    write(saved, header, numbers)
    refused(saved, CheckpointMismatchError, message)


def giant_shape(header: dict[str, Any]) -> None:
    header["norm.bias"]["shape"] = [2**39, 2**39]


def other_type(header: dict[str, Any]) -> None:
    header["norm.bias"]["dtype"] = "F8_E4M3"


def negative_place(header: dict[str, Any]) -> None:
    header["norm.bias"]["data_offsets"] = [-128, 0]


def overlapping(header: dict[str, Any]) -> None:
    header["norm.bias"]["data_offsets"] = header["norm.weight"]["data_offsets"]


def no_shape(header: dict[str, Any]) -> None:
    del header["norm.bias"]["shape"]


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (giant_shape, "room for 128 bytes, which does not match its shape"),
        (other_type, "stores 'norm.bias' as 'F8_E4M3', expected F32"),
        (negative_place, "an impossible shape or place"),
        (overlapping, "overlap or leave a gap"),
        (no_shape, "describes its tensor 'norm.bias' wrongly"),
        (edit_metadata("name", 5), "metadata that is not text"),
        (edit_metadata("config", [1]), "has `config` that is no JSON object"),
        (edit_metadata("alphabet", "abc"), "has an alphabet that is no list"),
    ],
)
def test_impossible_headers_are_refused(
    saved: Path, edit: Callable[[dict[str, Any]], None], message: str
) -> None:
    header, numbers = parts(saved)
    edit(header)
    write(saved, header, numbers)
    refused(saved, CheckpointFormatError, message)


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_numbers_that_are_not_finite_are_refused(saved: Path, number: float) -> None:
    header, numbers = parts(saved)
    start = header["norm.bias"]["data_offsets"][0]
    changed = numbers[:start] + struct.pack("<f", number) + numbers[start + 4 :]
    write(saved, header, changed)
    refused(saved, CheckpointFormatError, "not finite (in norm.bias)")


def damages(data: bytes, seed: int) -> Iterator[bytes]:
    rng = random.Random(seed)
    length = int.from_bytes(data[:8], "little")
    for _ in range(60):
        place = rng.randrange(8 + length)
        yield data[:place] + bytes([data[place] ^ 1 << rng.randrange(8)]) + data[place + 1 :]


def test_flipped_bits_of_the_header_never_escape_as_another_error(saved: Path) -> None:
    data = saved.read_bytes()
    outcomes = set()
    for damaged in damages(data, seed=7):
        saved.write_bytes(damaged)
        try:
            load_checkpoint(saved)
            outcomes.add("harmless")
        except RecognitionError as error:
            outcomes.add(type(error).__name__)
    assert "CheckpointFormatError" in outcomes


def test_the_shipped_model_is_sound() -> None:
    path = default_model_path()
    assert path.stat().st_size < 20_000_000
    checkpoint = load_checkpoint(path)
    assert checkpoint.config.contrast == "percentile"
    assert checkpoint.alphabet.classes == 175
    assert checkpoint.facts["metrics"]["test"] == {"cer": 0.095, "wer": 0.31}
