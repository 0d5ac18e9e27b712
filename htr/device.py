"""Where and how the network is computed: device, number of threads, precision."""

from __future__ import annotations

import contextlib
import os
import platform
import re
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import torch

from htr.errors import RecognitionError

PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
MAX_THREADS = 16  # more gain nothing on line images and fight the rest of the machine
TRIAL_ROUNDS = 5  # the fastest of the rounds counts: other processes only ever slow a round
TRIAL_LIMIT_S = 2.0  # no further round is begun after this long
GAIN_NEEDED = 1.35  # over fp32. bf16 reads as well on the whole, but every second line of hard
# writing a little differently, so a choice near the threshold, which would change with every
# start, is to be avoided: the shipped networks gain 1.2 (128 wide) and 1.55 (192) on an AMD EPYC
CPU_FACTS = Path("/proc/cpuinfo")
CPU_QUOTA = Path("/sys/fs/cgroup/cpu.max")

_measured: dict[tuple[object, ...], str] = {}


def choose_device(name: str = "auto") -> torch.device:
    """Return the device of that name: "auto" (a GPU if there is one), "cpu", "cuda", "cuda:N".

    Raises RecognitionError for an unknown name or a GPU that is not there.
    """
    name = name.strip().lower()
    if name == "cpu" or (name == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    if name == "auto":
        return torch.device("cuda", torch.cuda.current_device())
    match = re.fullmatch(r"cuda(?::(\d{1,3}))?", name)
    if not match:
        raise RecognitionError(
            f'"{name}" is not a device. Expected auto, cpu, cuda or cuda:N (as in cuda:0).'
        )
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    index = int(match[1] or 0)
    if index >= count:
        raise RecognitionError(
            f'The device "{name}" was asked for, but torch sees {count} CUDA devices here. '
            "Use auto or cpu, or install a CUDA build of torch and its driver."
        )
    return torch.device("cuda", index)


def set_threads(count: int | None = None) -> int:
    """Return the number of threads that torch computes with from now on, in this process.

    count: None takes OMP_NUM_THREADS if it is set, else the cores this process may use, at most
    `MAX_THREADS`. (torch itself counts the machine's cores and overlooks a container's quota.)
    """
    if count is None:
        asked = os.environ.get("OMP_NUM_THREADS", "")
        count = int(asked) if asked.isdecimal() and int(asked) else usable_cores()
    torch.set_num_threads(max(1, min(count, MAX_THREADS)))
    return torch.get_num_threads()


def usable_cores(quota: Path = CPU_QUOTA) -> int:
    """Return how many cores this process may use, by affinity and by the container's quota."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    try:
        limit, period = quota.read_text().split()
        share = -(-int(limit) // int(period))
    except (OSError, ValueError, ZeroDivisionError):  # no cgroup here, or "max": no quota
        return cores or 1
    return max(1, min(cores or 1, share))


def precision_candidates(device: torch.device) -> tuple[str, ...]:
    """Return the precisions that the device computes natively, fp32 first."""
    if device.type == "cuda":
        bf16 = torch.cuda.is_bf16_supported(including_emulation=False)
        return ("fp32", "fp16", "bf16") if bf16 else ("fp32", "fp16")
    # Without hardware for it bf16 is emulated and slower, and even the trial would take long.
    return ("fp32", "bf16") if torch.ops.mkldnn._is_mkldnn_bf16_supported() else ("fp32",)


def training_precision(device: torch.device) -> str:
    """Return the precision to train in: "bf16" where the device is faster at it, else "fp32".

    Not timed: a choice that depends on how busy the machine is could not be repeated.
    """
    if "bf16" not in precision_candidates(device):
        return "fp32"
    return "bf16" if device.type == "cuda" or _gains_by_bf16(_vendor(CPU_FACTS)) else "fp32"


def check_precision(precision: str, device: torch.device) -> None:
    """Return nothing; raise RecognitionError for a precision that cannot be had there."""
    if precision != "auto" and precision not in PRECISIONS:
        raise RecognitionError(
            f'"{precision}" is not a precision. Expected auto, {", ".join(PRECISIONS)}.'
        )
    if precision == "fp16" and device.type == "cpu":
        raise RecognitionError("fp16 is for CUDA devices; on the CPU use auto, fp32 or bf16.")


def measured_precision(
    key: tuple[object, ...],
    candidates: Sequence[str],
    compute: Callable[[str], object],
    clock: Callable[[], float],
) -> str:
    """Return the precision to use: the fastest, if it beats the first candidate clearly.

    key: what the trial depends on (network and device); a key is timed once a process.
    compute: runs the network once in the given precision and waits until it is done.
    clock: seconds; see `trial_clock`.
    """
    if key not in _measured:
        _measured[key] = _fastest(candidates, compute, clock)
    return _measured[key]


def trial_clock(device: torch.device) -> Callable[[], float]:
    """Return the clock for a trial on the device.

    On the CPU the computing time of this thread, so that other processes, which may keep the
    cores busy, don't decide; a GPU works outside of it and is timed by the clock on the wall.
    """
    return time.perf_counter if device.type == "cuda" else time.thread_time


def autocast(device: torch.device, precision: str) -> AbstractContextManager[object]:
    """Return the context in which the network computes in that precision."""
    if precision == "fp32":
        return contextlib.nullcontext()
    return torch.autocast(device.type, dtype=PRECISIONS[precision])


def is_out_of_memory(error: RuntimeError) -> bool:
    """Return whether the error says that memory ran out, on the GPU or on the CPU."""
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)


def _fastest(
    candidates: Sequence[str], compute: Callable[[str], object], clock: Callable[[], float]
) -> str:
    """Return the candidate with the shortest round; the first one unless clearly beaten."""
    if len(candidates) == 1:
        return candidates[0]
    begun = clock()
    for precision in candidates:  # the first run of each also allocates and picks kernels
        compute(precision)
    seconds = dict.fromkeys(candidates, float("inf"))
    for _ in range(TRIAL_ROUNDS):  # in turns, so that a busy moment hits all of them
        for precision in candidates:
            start = clock()
            compute(precision)
            seconds[precision] = min(seconds[precision], clock() - start)
        if clock() - begun > TRIAL_LIMIT_S:
            break
    best = min(candidates, key=lambda precision: seconds[precision])
    return best if seconds[candidates[0]] > GAIN_NEEDED * seconds[best] else candidates[0]


def _gains_by_bf16(vendor: str) -> bool:
    """Return whether a CPU of that maker which computes bf16 is faster at it than at fp32.

    Measured: AMD's is; Intel's takes a quarter to a half longer unless it has matrix units (AMX).
    """
    has_amx = getattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    return "Intel" not in vendor or bool(has_amx())


def _vendor(facts: Path) -> str:
    """Return what names the maker of the CPU, as far as the system tells."""
    try:
        with facts.open(encoding="utf-8", errors="replace") as lines:
            return next((line for line in lines if line.startswith("vendor_id")), "")
    except OSError:  # not Linux
        return platform.processor()
