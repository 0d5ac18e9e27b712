"""Where the network is computed, and in which precision."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from htr import device
from htr.device import (
    check_precision,
    choose_device,
    is_out_of_memory,
    measured_precision,
    set_threads,
    training_precision,
    usable_cores,
)
from htr.errors import RecognitionError

CPU = torch.device("cpu")


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)


@pytest.mark.usefixtures("no_gpu")
def test_auto_is_the_cpu_without_a_gpu() -> None:
    assert choose_device("auto") == CPU
    assert choose_device(" CPU ") == CPU


@pytest.mark.usefixtures("two_gpus")
def test_auto_is_the_gpu_where_there_is_one() -> None:
    assert choose_device("auto") == torch.device("cuda", 0)
    assert choose_device("cuda") == torch.device("cuda", 0)
    assert choose_device("cuda:1") == torch.device("cuda", 1)
    assert choose_device("cpu") == CPU


@pytest.mark.usefixtures("no_gpu")
def test_missing_gpu_is_named_with_what_to_do() -> None:
    with pytest.raises(RecognitionError, match='"cuda:0" .* sees 0 CUDA .* Use auto or cpu'):
        choose_device("cuda:0")


@pytest.mark.usefixtures("two_gpus")
def test_gpu_beyond_the_last_is_refused() -> None:
    with pytest.raises(RecognitionError, match='"cuda:2" was asked for, but torch sees 2'):
        choose_device("cuda:2")


@pytest.mark.parametrize("name", ["", "gpu", "cuda:", "cuda:-1", "cuda:x", "mps"])
def test_unknown_device_is_refused(name: str) -> None:
    with pytest.raises(RecognitionError, match="Expected auto, cpu, cuda or cuda:N"):
        choose_device(name)


@pytest.mark.parametrize(
    ("maker", "matrix_units", "precision"),
    [
        ("AuthenticAMD", False, "bf16"),
        ("GenuineIntel", False, "fp32"),
        ("GenuineIntel", True, "bf16"),
    ],
)
def test_training_takes_bf16_where_the_processor_gains_by_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, maker: str, matrix_units: bool, precision: str
) -> None:
    (tmp_path / "cpuinfo").write_text(f"processor\t: 0\nvendor_id\t: {maker}\n")
    monkeypatch.setattr(device, "CPU_FACTS", tmp_path / "cpuinfo")
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: matrix_units)
    monkeypatch.setattr(device, "precision_candidates", lambda _: ("fp32", "bf16"))
    assert training_precision(CPU) == precision
    monkeypatch.setattr(device, "precision_candidates", lambda _: ("fp32",))
    assert training_precision(CPU) == "fp32"


def test_precision_must_be_known_and_possible() -> None:
    with pytest.raises(RecognitionError, match='"int8" is not a precision. Expected auto, fp32'):
        check_precision("int8", CPU)
    with pytest.raises(RecognitionError, match="fp16 is for CUDA"):
        check_precision("fp16", CPU)
    check_precision("fp16", torch.device("cuda"))


def measure(monkeypatch: pytest.MonkeyPatch, seconds: dict[str, list[float]]) -> tuple[str, int]:
    """Return the precision chosen when its runs take these seconds, and the runs made."""
    monkeypatch.setattr(device, "_measured", {})
    now = [0.0]
    runs = dict.fromkeys(seconds, 0)

    def compute(precision: str) -> None:
        times = seconds[precision]
        now[0] += times[min(runs[precision], len(times) - 1)]
        runs[precision] += 1

    choice = measured_precision(("net",), list(seconds), compute, lambda: now[0])
    assert measured_precision(("net",), list(seconds), compute, lambda: now[0]) == choice
    return choice, sum(runs.values())


def test_clearly_faster_precision_is_chosen_and_timed_once(monkeypatch) -> None:
    assert measure(monkeypatch, {"fp32": [0.1], "bf16": [0.04]}) == ("bf16", 12)


def test_small_gain_is_not_worth_the_rounding(monkeypatch) -> None:
    assert measure(monkeypatch, {"fp32": [0.1], "bf16": [0.08]})[0] == "fp32"


def test_slow_first_run_and_a_busy_moment_do_not_decide(monkeypatch) -> None:
    times = {"fp32": [0.1, 0.1, 0.2, 0.2], "bf16": [0.5, 0.3, 0.04, 0.3]}
    assert measure(monkeypatch, times)[0] == "bf16"


def test_trial_of_a_slow_network_ends_after_one_round(monkeypatch) -> None:
    assert measure(monkeypatch, {"fp32": [9.0], "bf16": [3.0]}) == ("bf16", 4)


def test_only_candidate_is_taken_without_a_trial(monkeypatch) -> None:
    assert measure(monkeypatch, {"fp32": [0.1]}) == ("fp32", 0)


@pytest.mark.parametrize(
    ("quota", "most"), [("150000 100000", 2), ("50000 100000", 1), ("max 100000", 10_000)]
)
def test_quota_of_a_container_limits_the_cores(tmp_path: Path, quota: str, most: int) -> None:
    file = tmp_path / "cpu.max"
    file.write_text(quota)
    assert 1 <= usable_cores(file) <= most
    assert usable_cores(tmp_path / "missing") >= 1


def test_threads_follow_the_caller_then_the_environment(monkeypatch) -> None:
    before = torch.get_num_threads()
    try:
        monkeypatch.setenv("OMP_NUM_THREADS", "3")
        assert set_threads() == 3
        assert set_threads(2) == 2
        assert set_threads(1000) == device.MAX_THREADS
        monkeypatch.setenv("OMP_NUM_THREADS", "many")
        assert set_threads() == min(usable_cores(), device.MAX_THREADS)
    finally:
        torch.set_num_threads(before)


def test_out_of_memory_is_told_from_other_errors() -> None:
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory"))
    assert is_out_of_memory(RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"))
    assert not is_out_of_memory(RuntimeError("shape mismatch"))
