"""The first lesson of a run: new classes find their characters before anything else is learned.

A new class starts where it wins nowhere (see `growth.py`), and the run that follows is short:
AdamW moves a weight by the learning rate at most, a hundred times, and what was learned is mixed
with the old weights. That is too little for a class to come from nothing: no character that the
model had lacked was read after it. So their rows of the CTC head learn alone first, at a rate of
their own. The network's features are computed once, which makes this a matter of seconds.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from htr.alphabet import BLANK
from training.line_batches import PreparedLine, make_batch
from training.lines import thinned
from training.losses import ctc_loss
from training.trainable import Trainable

STEPS = 60  # more bring nothing
RATE = 1.28
"""Of Adam, over the network's width: all features together move a score. At five times that new
characters are read where old ones stand."""
LINES_MOST = 64  # with new characters
OTHERS_MOST = 32  # without, of the run's own and again of other hands
"""What has no new character teaches where they are not to be read. Without lines of other hands
the new classes of one hand were read on up to a twentieth of all others' characters."""


def teach_new_classes(
    grown: Trainable,
    known: int,
    lines: Sequence[PreparedLine],
    others: Sequence[PreparedLine],
    device: torch.device,
) -> None:
    """Let the rows from class `known` on learn from these lines; nothing else changes.

    others: of other hands, see `lesson_lines`. The model is left on the device in eval mode. No
    line that holds a new class: nothing is done. The same lines and threads give the same bits on
    a CPU.
    """
    chosen = lesson_lines(known, lines, others)
    if not chosen:
        return
    model = grown.model.to(device).eval()
    head = model.head
    with torch.no_grad():
        # Line by line, each in its own padding; what pads a line further counts for none.
        images = (make_batch([line.image], [], grown.config).images for line in chosen)
        lone = [model.features(torch.as_tensor(image, device=device))[0] for image in images]
        features = nn.utils.rnn.pad_sequence(lone, batch_first=True)  # (B, T, D)
        used = sorted({number for line in chosen for number in line.classes if number < known})
        kept = _joined(features @ head.weight[:known].T + head.bias[:known], [BLANK, *used])
    place = {number: at for at, number in enumerate(used, start=1)}
    place |= {number: kept.shape[2] + number - known for number in range(known, len(head.bias))}
    targets = [tuple(place[number] for number in line.classes) for line in chosen]
    steps = torch.tensor([len(one) for one in lone])
    weight = head.weight[known:].detach().clone().requires_grad_()
    bias = head.bias[known:].detach().clone().requires_grad_()
    optimizer = torch.optim.Adam([weight, bias], lr=RATE / grown.config.embed_dim)
    for _ in range(STEPS):
        optimizer.zero_grad()
        ctc_loss(torch.cat([kept, features @ weight.T + bias], 2), steps, targets).backward()
        optimizer.step()
    with torch.no_grad():
        head.weight[known:] = weight
        head.bias[known:] = bias


def lesson_lines(
    known: int, lines: Sequence[PreparedLine], others: Sequence[PreparedLine]
) -> list[PreparedLine]:
    """Return the lines of the lesson, spread over those given; none without new characters.

    known: classes before the new ones. lines: of the run. others: of other hands; of these only
    lines without new characters are taken.
    """
    new = [line for line in lines if any(number >= known for number in line.classes)]
    if not new:
        return []
    found = thinned(new, LINES_MOST)
    for part in (lines, others):
        old = [line for line in part if all(number < known for number in line.classes)]
        found += thinned(old, OTHERS_MOST)
    return found


def _joined(logits: Tensor, kept: list[int]) -> Tensor:
    """Return the logits of the classes `kept`, in their order, and one of all others together.

    logits: (B, T, V) -> (B, T, len(kept) + 1), or + 0 where there are no others. A softmax over
    them gives the kept ones the probabilities that they had, so texts of these alone are learned
    the same from fewer numbers.
    """
    left = torch.ones(logits.shape[2], dtype=torch.bool)
    left[kept] = False
    if not left.any():  # its logit would be infinite, and gradients no numbers
        return logits[:, :, kept]
    rest = logits[:, :, left.to(logits.device)].logsumexp(2, keepdim=True)
    return torch.cat([logits[:, :, kept], rest], 2)
