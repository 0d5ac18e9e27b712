"""Networks in training that share their weights: each has gradients and chance of its own.

A step's lines are few and small. Threads that share each operation wait for one another more than
they compute; threads that each take some of the lines do not. On two cores a step takes three
fifths of the time.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import nn

from htr.dropout import draw_from
from htr.model import HTRConvText
from training.tcm import TCMHead


@dataclass(frozen=True)
class Networks:
    """What a thread computes lines with.

    chance: of what is dropped; None takes torch's own.
    """

    model: HTRConvText
    tcm: TCMHead | None
    chance: torch.Generator | None

    @cached_property
    def modules(self) -> list[nn.Module]:
        """The networks that are there."""
        return [self.model, *([self.tcm] if self.tcm else [])]

    @cached_property
    def parameters(self) -> list[nn.Parameter]:
        """All weights, in an order that all replicas share."""
        return [parameter for module in self.modules for parameter in module.parameters()]

    def draw(self, seed: int) -> None:
        """Let chance begin anew from the seed."""
        if self.chance is None:
            torch.manual_seed(seed)
        else:
            self.chance.manual_seed(seed)


class Replicas:
    """Networks and as many others with their weights as are asked for; made when first needed."""

    def __init__(self, model: HTRConvText, tcm: TCMHead | None, device: torch.device) -> None:
        """Begin with the networks themselves, where they lie."""
        self._all = [_with_chance(model, tcm, device)]

    @property
    def own(self) -> Networks:
        """The networks themselves."""
        return self._all[0]

    def first(self, count: int) -> list[Networks]:
        """Return so many, the networks themselves first; the others as these are now."""
        while len(self._all) < count:
            self._all.append(_replica(self.own))
        for replica in self._all[1:count]:
            for mine, module in zip(replica.modules, self.own.modules, strict=True):
                _imitate(mine, module)
        return self._all[:count]

    def forget_gradients(self) -> None:
        """Drop all gradients."""
        for networks in self._all:
            for parameter in networks.parameters:
                parameter.grad = None

    def gather_gradients(self) -> None:
        """Add up the gradients of all in those of the networks themselves, always in one order."""
        for replica in self._all[1:]:
            for kept, parameter in zip(self.own.parameters, replica.parameters, strict=True):
                if parameter.grad is None:
                    continue
                kept.grad = parameter.grad if kept.grad is None else kept.grad.add_(parameter.grad)
                parameter.grad = None


def _with_chance(model: HTRConvText, tcm: TCMHead | None, device: torch.device) -> Networks:
    """Return the networks; on a CPU what they drop is drawn from a source of their own."""
    networks = Networks(model, tcm, torch.Generator() if device.type == "cpu" else None)
    if networks.chance is not None:
        for module in networks.modules:
            draw_from(module, networks.chance)
    return networks


def _replica(own: Networks) -> Networks:
    """Return networks whose weights lie where those of `own` do: the optimizer changes both."""
    device = own.parameters[0].device
    replica = _with_chance(copy.deepcopy(own.model), copy.deepcopy(own.tcm), device)
    for mine, shared in zip(replica.parameters, own.parameters, strict=True):
        mine.data, mine.grad = shared.data, None
    return replica


@torch.no_grad()
def _imitate(mine: nn.Module, module: nn.Module) -> None:
    """Take over what of a network is no weight: its mode, and statistics of batch norm."""
    for part, whole in zip(mine.modules(), module.modules(), strict=True):
        part.training = whole.training
        if isinstance(part, nn.BatchNorm2d) and isinstance(whole, nn.BatchNorm2d):
            part.momentum = whole.momentum
    for buffer, shown in zip(mine.buffers(), module.buffers(), strict=True):
        buffer.copy_(shown)
