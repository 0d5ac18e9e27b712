"""What training makes small: CTC over the time steps, and its sum with the TCM's loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from htr.alphabet import BLANK
from training.errors import TrainingTextError


@dataclass(frozen=True)
class LossWeights:
    """How much each loss counts. Source: the paper, section on training."""

    ctc: float = 0.1
    tcm: float = 1.0


PUBLISHED_WEIGHTS = LossWeights()
"""The weights of the paper; its CTC is a sum over a line, its TCM a mean over characters."""


def ctc_loss(logits: Tensor, step_counts: Tensor, targets: Sequence[Sequence[int]]) -> Tensor:
    """Return the mean over the lines of -log P(text | line), in nats a line, always finite.

    logits: (B, T, V). step_counts: (B,) time steps that belong to each line, 1 to T. targets:
    classes of each text, without blanks; may be empty. A line too short for its text (see
    `lines_without_room`) can't be learned: it counts as zero and gives no gradient.

    Raises TrainingTextError if the parts don't belong together.

    Source: Graves et al. 2006, "Connectionist temporal classification".
    """
    batch, steps, classes = logits.shape
    counts = step_counts.to("cpu", torch.long)
    if not len(targets) == counts.numel() == batch:
        raise TrainingTextError(
            f"The batch has {batch} lines, {counts.numel()} widths and {len(targets)} texts; "
            f"expected as many of each."
        )
    if batch == 0:
        return logits.sum()
    if counts.min() < 1 or counts.max() > steps:
        raise TrainingTextError(
            f"Lines have {int(counts.min())} to {int(counts.max())} time steps, "
            f"expected 1 to {steps}."
        )
    flat = torch.tensor([number for text in targets for number in text], dtype=torch.long)
    if flat.numel() and (flat.min() <= BLANK or flat.max() >= classes):
        raise TrainingTextError(
            f"A text holds the class {int(flat.min() if flat.min() <= BLANK else flat.max())}, "
            f"expected 1 to {classes - 1}. It was encoded with the alphabet of another model."
        )
    lengths = torch.tensor([len(text) for text in targets], dtype=torch.long)
    losses = F.ctc_loss(
        # (B, T, V) -> (T, B, V); fp32: sums of hundreds of log-probabilities
        logits.float().log_softmax(2).transpose(0, 1),
        flat.to(logits.device),
        counts,
        lengths,
        blank=BLANK,
        reduction="none",
        zero_infinity=True,
    )
    return losses.mean()


def lines_without_room(
    step_counts: Sequence[int] | Tensor, targets: Sequence[Sequence[int]]
) -> list[int]:
    """Return the positions, from 0, of lines with fewer time steps than their text needs.

    CTC needs a step for every character, and one more for the blank between two equal ones.
    """
    short = []
    for position, (steps, text) in enumerate(zip(step_counts, targets, strict=True)):
        doubles = sum(first == second for first, second in zip(text, text[1:], strict=False))
        if len(text) + doubles > int(steps):
            short.append(position)
    return short


def total_loss(
    ctc: Tensor, tcm: Tensor | None = None, weights: LossWeights = PUBLISHED_WEIGHTS
) -> Tensor:
    """Return the weighted sum of the losses; without `tcm`, that of CTC alone.

    Source: the paper: 0.1 * CTC + 1.0 * TCM.
    """
    total = weights.ctc * ctc
    return total if tcm is None else total + weights.tcm * tcm
