"""The running mean of a network's weights, which is what fine-tuning evaluates and keeps."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

FIRST_COUNTS = 10.0  # the mean's memory grows with its age: after n updates about n / 10


class WeightAverage:
    """An exponential mean of a module's numbers with a counter of its own.

    The counter starts at nothing with every run. A mean that took its age from the steps of an
    earlier run, or started with its full memory, would hardly move in a short one.
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        """Start as a copy of the module. decay: share of the old mean kept once it has aged."""
        self.decay = decay
        self.updates = 0
        self.state = {name: value.detach().clone() for name, value in _numbers(module).items()}

    def update(self, module: nn.Module) -> None:
        """Move the mean towards the module's numbers."""
        decay = min(self.decay, (1.0 + self.updates) / (FIRST_COUNTS + self.updates))
        self.updates += 1
        means: list[Tensor] = []
        values: list[Tensor] = []
        with torch.no_grad():
            for name, value in _numbers(module).items():
                if self.decay <= 0 or not value.is_floating_point():
                    self.state[name].copy_(value)
                else:
                    means.append(self.state[name])
                    values.append(value)
            if means:
                torch._foreach_lerp_(
                    means, values, 1.0 - decay
                )  # one kernel on a GPU, not hundreds

    def state_dict(self) -> dict[str, Tensor]:
        """Return copies of the averaged numbers by name."""
        return {name: value.clone() for name, value in self.state.items()}


def blended(
    old: Mapping[str, Tensor], new: Mapping[str, Tensor], share: float
) -> dict[str, Tensor]:
    """Return old + share * (new - old) for every number: 0.0 gives the old ones, 1.0 the new.

    Source: Wortsman et al. 2022, "Robust fine-tuning of zero-shot models".
    """
    mixed = {}
    for name, value in old.items():
        fresh = new[name]
        mixed[name] = value.lerp(fresh, share) if value.is_floating_point() else fresh.clone()
    return mixed


def _numbers(module: nn.Module) -> dict[str, Tensor]:
    return module.state_dict()
