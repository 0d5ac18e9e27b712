"""The training process as the app sees it: started detached, found again, told alive from dead."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import storage

REPOSITORY = Path(__file__).resolve().parents[1]
MODULE = "training.worker"
# A process gives a sign of life every 2 s. One whose number is not in the list of processes is
# dead, unless it lives in another container and goes on giving signs.
MISSED_S = 8.0
# One that is in the list may have been asleep with the computer, or be starved by other work.
SILENT_S = 300.0
KILLED = 9  # the signal by which a system takes back memory
UNTOLD = 4  # the exit status of a process that could not store how its run ended
START_S = 60.0  # a process that has not taken up its run after so long never will


def start_worker(arguments: Sequence[str], log: Path, threads: int) -> subprocess.Popen[bytes]:
    """Return a training process that outlives this one and prints into `log`.

    Raises:
        OSError: the log cannot be written or no process can be started.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", MODULE, *arguments],
            cwd=REPOSITORY,
            env=worker_environment(threads),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl+C in the app's terminal is not meant for it
        )


def worker_environment(threads: int) -> dict[str, str]:
    """Return the environment of a training process: ours, with the threads that it may use."""
    return {
        **os.environ,
        # Threads that spin while they wait take the cores from the app that shares them.
        "OMP_WAIT_POLICY": "PASSIVE",
        "OMP_NUM_THREADS": str(threads),
        "PYTHONUNBUFFERED": "1",  # the log holds all that was printed before a kill
    }


def is_dead(run: storage.Run, now: datetime) -> bool:
    """Return whether the process of a running run has ended without saying so."""
    silent_s = (now - (run.heartbeat or run.created)).total_seconds()
    if run.worker_pid is None:
        return silent_s > START_S
    return silent_s > (SILENT_S if is_worker(run.worker_pid) else MISSED_S)


def is_worker(pid: int) -> bool:
    """Return whether that number is, on this computer, a training process that has not ended."""
    if os.name == "nt":  # there, asking is killing; the signs of life decide
        return False
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return not Path("/proc/self").exists() and _exists(pid)
    return MODULE.encode() in command  # empty for one that has ended and was not yet buried


def end_words(exit_status: int | None) -> str:
    """Return in plain words how a process ended, as far as its parent knows; "" if it does not."""
    if exit_status is None or exit_status == 0:
        return ""
    if exit_status == -KILLED:
        return "it was killed; perhaps the computer had run out of memory"
    if exit_status == UNTOLD:
        return "it could not write to the database; perhaps the disk is full"
    if exit_status < 0:
        return f"it was ended by signal {-exit_status}"
    return f"it ended with status {exit_status}"


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
