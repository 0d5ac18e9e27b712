"""Who computes the batches of a reading: on a CPU a thread a core, each a batch of its own.

Threads that share a batch wait for each other between the many small steps of the network, and
for the one that prepares and decodes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

import torch

_P = ParamSpec("_P")
_T = TypeVar("_T")


@dataclass(frozen=True)
class BatchWorkers:
    """count: of the batches that are computed at once. pool: None computes where it is asked."""

    count: int
    pool: ThreadPoolExecutor | None

    def submit(self, work: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]:
        """Return what will be the result of the work, or its error."""
        if self.pool:
            return self.pool.submit(work, *args, **kwargs)
        done: Future[_T] = Future()
        try:
            done.set_result(work(*args, **kwargs))
        except Exception as error:
            done.set_exception(error)
        return done


@contextlib.contextmanager
def batch_workers(device: torch.device) -> Iterator[BatchWorkers]:
    """Within it batches are computed on the device; on a CPU by as many threads as torch has here.

    What a batch gives does not depend on the number of threads: one computes all of it. A thread
    that uses torch for the first time meanwhile gets one thread of torch, too: the number that was
    set last anywhere in the process is where a new thread begins.
    """
    threads = torch.get_num_threads()
    if device.type != "cpu" or threads == 1:
        yield BatchWorkers(1, None)
        return
    pool = ThreadPoolExecutor(
        threads, "htr-batch", initializer=torch.set_num_threads, initargs=(1,)
    )
    try:
        yield BatchWorkers(threads, pool)
    finally:
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(threads)
