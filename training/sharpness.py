"""Steps that lead away from sharp minima, which do not hold for other lines.

Source: Foret et al. 2021, "Sharpness-Aware Minimization".
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Sequence

import torch
from torch import nn


@contextlib.contextmanager
def climbed(
    model: nn.Module, parameters: Sequence[nn.Parameter], distance: float
) -> Iterator[None]:
    """Within it the weights are where the loss is highest nearby: `distance` up the gradient.

    parameters: with the gradient at where they are; the one that is taken within leads away from
    sharp minima. Statistics of the model's batch norm are not taken there.
    """
    parameters = [p for p in parameters if p.grad is not None]
    gradients = [p.grad for p in parameters]
    length = float(nn.utils.get_total_norm(gradients))  # type: ignore[arg-type]
    scale = distance / (length + 1e-12) if math.isfinite(length) else 0.0
    kept = [p.detach().clone() for p in parameters]
    norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    with torch.no_grad():
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.add_(gradient, alpha=scale)  # type: ignore[arg-type]
    for norm in norms:
        norm.momentum = 0.0
    try:
        yield
    finally:
        with torch.no_grad():
            for parameter, value in zip(parameters, kept, strict=True):
                parameter.copy_(value)
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
