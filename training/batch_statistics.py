"""Statistics of batch norm over a step that is computed in parts, here or by other processes."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class BatchStatistics:
    """After a step they are the mean of what each of its parts would have left.

    So it does not matter which parts follow each other in one process and which are computed at
    once by several. means: weighted sums so far, to be added up over processes before `put`.
    """

    def __init__(self, model: nn.Module | None) -> None:
        """Watch the batch norm of a model; None: nothing, for one that keeps its statistics."""
        norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)] if model else []
        found = [one for norm in norms for one in (norm.running_mean, norm.running_var)]
        self._running: list[Tensor] = [one for one in found if one is not None]
        self._before = [one.clone() for one in self._running]
        self.means: list[Tensor] = []

    @torch.no_grad()
    def begin(self) -> None:
        """Begin the step, or begin it anew."""
        self._restore()
        self.means = [torch.zeros_like(one) for one in self._running]

    @torch.no_grad()
    def add(self, share: float) -> None:
        """Take up what a part has left; share: of the step's lines."""
        for mean, running in zip(self.means, self._running, strict=True):
            mean.add_(running, alpha=share)
        self._restore()

    @torch.no_grad()
    def take(self, others: BatchStatistics) -> None:
        """Take up what parts have left that a replica of the model computed."""
        for mean, other in zip(self.means, others.means, strict=True):
            mean.add_(other)

    @torch.no_grad()
    def put(self) -> None:
        """End the step."""
        for running, mean in zip(self._running, self.means, strict=True):
            running.copy_(mean)

    def _restore(self) -> None:
        for running, before in zip(self._running, self._before, strict=True):
            running.copy_(before)
