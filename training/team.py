"""The processes that train one model together, each on its share of the lines of every step.

`torchrun` starts them and says in the environment who is who. All hold the same weights; the
gradients of their shares are added up, so that the step is that of one process with all lines.
The first of them, rank 0, is the only one that writes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor

from training.errors import TrainingError

PATIENCE = timedelta(hours=1)  # the others wait so long while the first reads the validation lines
# Numbers of the processes go by gloo, so that a GPU need not be waited for; gradients by nccl.
CPU_BACKEND, GPU_BACKEND = "gloo", "cpu:gloo,cuda:nccl"


@dataclass(frozen=True)
class Team:
    """Who this process is among `size` processes; rank: from 0."""

    rank: int = 0
    size: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this is the process that writes and tells."""
        return self.rank == 0

    def share(self, lines: int) -> slice:
        """Return which of a step's lines are this process's.

        Raises TrainingError where there is not one for each.
        """
        if lines < self.size:
            raise TrainingError(
                f"A batch of {lines} lines cannot be shared by {self.size} processes. Take more "
                "lines a step (--batch-lines), or fewer processes."
            )
        return slice(self.rank * lines // self.size, (self.rank + 1) * lines // self.size)

    def most(self, number: float) -> float:
        """Return the largest of the processes' numbers; all of them have to ask."""
        if self.size == 1:
            return number
        shared = torch.tensor(number, dtype=torch.float64)
        dist.all_reduce(shared, dist.ReduceOp.MAX)
        return float(shared)

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """Put the sum over the processes into each float32 tensor; all of them have to ask."""
        if self.size == 1:
            return
        flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
        dist.all_reduce(flat)
        begin = 0
        for tensor in tensors:
            tensor.copy_(flat[begin : begin + tensor.numel()].view(tensor.shape))
            begin += tensor.numel()

    @contextmanager
    def first_goes_first(self) -> Iterator[None]:
        """Within it the others come after the first has left it: it may write what they read."""
        if not self.is_first:
            dist.barrier()
        yield
        if self.is_first and self.size > 1:
            dist.barrier()


ALONE = Team()


@contextmanager
def joined_team(device: str) -> Iterator[tuple[Team, str]]:
    """Yield the team that `torchrun` has put this process into, and its device; alone without.

    device: as `choose_device` takes it; on a machine with GPUs each process gets one of its own.

    Raises TrainingError where one GPU is named for all, or there are too few.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield ALONE, device
        return
    on_gpu = device != "cpu" and torch.cuda.is_available()
    if on_gpu:
        local, gpus = int(os.environ["LOCAL_RANK"]), torch.cuda.device_count()
        if device not in ("auto", "cuda") or local >= gpus:
            raise TrainingError(
                f"Process {local + 1} of this machine has no GPU of its own: it has {gpus}, and "
                f'the device is "{device}". Start at most {gpus}, with --device auto or cpu.'
            )
        device = f"cuda:{local}"
        torch.cuda.set_device(local)
    dist.init_process_group(GPU_BACKEND if on_gpu else CPU_BACKEND, timeout=PATIENCE)
    try:
        yield Team(dist.get_rank(), size), device
    finally:
        dist.destroy_process_group()
