"""The textual context module: a head, used in training only, that guesses every character of a
line from its neighbours in the text and from the image's features.

To guess the character between known neighbours it has to find the place in the line where it
stands, so that the features learn to tell apart what the text alone leaves open.

Letters of shapes, beside those of `htr/model.py`:
    L  characters of the longest text      S  context length, CONTEXT_LENGTH
    K  width of the head, TCM_WIDTH        V  CTC classes; the vocabulary is V + 1, <pad> last

Names of parameters are those of the published checkpoints.

Source: Truc et al. 2025, "HTR-ConvText", arXiv 2512.05021, section on the textual context module.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from htr.alphabet import BLANK
from htr.dropout import Dropout
from htr.header import TCM_WIDTH
from training.errors import TrainingTextError

CONTEXT_LENGTH = 5
"""Characters before, and after, that a guess is made from. Source: the paper."""

DROPOUT = 0.1
"""Share of the attended features dropped in training. Source: the paper's recipe."""

DIRECTION_STD = 0.02
"""Spread of the first direction vectors: small beside the embedded text, which they only mark."""


@dataclass(frozen=True)
class TcmContexts:
    """The neighbours of every character of a batch of texts.

    left, right: (B, L, S) classes before and after, in reading order, padded at the line's ends.
    target: (B, L) the characters' own classes, padded. mask: (B, L) bool, False at padding.
    """

    left: Tensor
    right: Tensor
    target: Tensor
    mask: Tensor

    def to(self, device: torch.device | str) -> TcmContexts:
        """Return the same contexts on a device."""
        return TcmContexts(
            self.left.to(device),
            self.right.to(device),
            self.target.to(device),
            self.mask.to(device),
        )


class TCMHead(nn.Module):
    """The head for a network of width `embed_dim` and its CTC classes, randomly initialised."""

    def __init__(self, embed_dim: int, classes: int) -> None:
        """Build the embedding of classes and <pad>, the projections and the classifier."""
        super().__init__()
        self.embed_dim = embed_dim
        self.classes = classes
        self.dir_left = nn.Parameter(torch.randn(1, 1, TCM_WIDTH) * DIRECTION_STD)
        self.dir_right = nn.Parameter(torch.randn(1, 1, TCM_WIDTH) * DIRECTION_STD)
        # padding_idx: its row is zero and gets no gradient; decay of zero is zero as well
        self.emb = nn.Embedding(classes + 1, TCM_WIDTH, padding_idx=classes)
        self.ctx_conv = nn.Conv1d(TCM_WIDTH, TCM_WIDTH, 3, padding=1)
        self.txt_proj = nn.Linear(TCM_WIDTH, embed_dim)
        self.q_norm = nn.LayerNorm(embed_dim)
        self.kv_norm = nn.LayerNorm(embed_dim)
        self.dropout = Dropout(DROPOUT)
        self.classifier = nn.Linear(embed_dim, classes + 1)

    @property
    def pad(self) -> int:
        """The class that stands for no character, last in the vocabulary."""
        return self.classes

    def forward(
        self, features: Tensor, contexts: TcmContexts, step_counts: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return the logits (B, L, V + 1) guessed from the left and from the right neighbours.

        features: (B, T, D) of the encoder, before the CTC head. step_counts: (B,) time steps of
        each line that hold its image, so that nothing is sought in the padding behind it; None
        looks at all, as the published code does on lines of one width.
        """
        length = contexts.target.shape[1]
        queries = torch.cat(
            [
                self._query(contexts.left, self.dir_left),
                self._query(contexts.right, self.dir_right),
            ],
            dim=1,
        )  # (B, 2 L, D): both directions share one look at the features
        logits = self.classifier(self.dropout(self._attend(queries, features, step_counts)))
        return logits[:, :length], logits[:, length:]

    def _query(self, context: Tensor, direction: Tensor) -> Tensor:
        """Return (B, L, D) for the classes (B, L, S) of one side.

        Nothing non-linear stands between the convolution and its mean over S, so the mean is
        taken first: tap k of the kernel sees all S characters but the last (k = 0) or the first
        (k = 2), whose places are taken by zeros. The same numbers for a fifth of the work.
        """
        text = self.emb(context)  # (B, L, S, K)
        total = text.sum(2)
        seen = torch.cat([total - text[:, :, -1], total, total - text[:, :, 0]], dim=2)
        # (K out, K in, 3) -> (K out, 3 * K in), taps as in `seen`
        kernel = self.ctx_conv.weight.permute(0, 2, 1).reshape(TCM_WIDTH, 3 * TCM_WIDTH)
        mean = F.linear(seen / context.shape[2], kernel, self.ctx_conv.bias)
        return self.q_norm(self.txt_proj(mean + direction))

    def _attend(self, queries: Tensor, features: Tensor, step_counts: Tensor | None) -> Tensor:
        """Return softmax(Q K^T / sqrt(D)) V, one head, (B, 2 L, D)."""
        keys = self.kv_norm(features)
        scores = queries @ keys.transpose(1, 2) / math.sqrt(self.embed_dim)  # (B, 2 L, T)
        if step_counts is not None:
            steps = torch.arange(features.shape[1], device=features.device)
            outside = steps >= step_counts.to(features.device).clamp(min=1)[:, None]  # (B, T)
            scores = scores.masked_fill(outside[:, None], -math.inf)
        return torch.softmax(scores, dim=-1) @ keys


def tcm_contexts(targets: Sequence[Sequence[int]] | Tensor, pad: int) -> TcmContexts:
    """Return the S neighbours on both sides of every character of a batch.

    targets: the classes of each text, without blanks; or (B, L) integers padded at the end.
    pad: the class of <pad>, the number of CTC classes. Texts may be empty.

    Raises TrainingTextError for a class that is no character, or padding inside a text.
    """
    target = padded_targets(targets, pad)
    mask = target != pad
    if ((target < 0) | (target > pad) | (target == BLANK)).any():
        raise TrainingTextError(
            f"A text holds the class {_strange(target, pad)}, expected 1 to {pad - 1}. "
            f"It was encoded with the alphabet of another model."
        )
    if (mask[:, 1:] & ~mask[:, :-1]).any():
        raise TrainingTextError("A text has <pad> before its end; pad texts at the end only.")
    length, size = target.shape[1], CONTEXT_LENGTH
    # A window of S characters starts at every place of the text with S paddings on both sides.
    windows = F.pad(target, (size, size), value=pad).unfold(1, size, 1)  # (B, L + S + 1, S)
    outside = ~mask[:, :, None]
    left = windows[:, :length].masked_fill(outside, pad)
    right = windows[:, size + 1 : size + 1 + length].masked_fill(outside, pad)
    return TcmContexts(left, right, target, mask)


def tcm_loss(
    head: TCMHead, features: Tensor, contexts: TcmContexts, step_counts: Tensor | None = None
) -> Tensor:
    """Return the mean cross-entropy of the true characters, in nats, over both directions.

    features: (B, T, D), before the CTC head. step_counts: see `TCMHead.forward`. Texts without
    any character give zero, with zero gradients.

    Source: the paper's loss: sum(left + right) / (2 * number of characters).
    """
    left, right = head(features, contexts, step_counts)
    classes = left.shape[2]
    # Padding is left out of the sum; fp32, whatever the features were computed in.
    total = sum(
        F.cross_entropy(
            logits.reshape(-1, classes).float(),
            contexts.target.reshape(-1),
            ignore_index=head.pad,
            reduction="sum",
        )
        for logits in (left, right)
    )
    return total / (2 * contexts.mask.sum().clamp(min=1))


def fresh_head(embed_dim: int, classes: int, seed: int) -> TCMHead:
    """Return a random head in training mode, the same for the same seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return TCMHead(embed_dim, classes)


def padded_targets(targets: Sequence[Sequence[int]] | Tensor, pad: int) -> Tensor:
    """Return the texts' classes as (B, L) int64, padded at the end; a tensor as it is.

    Raises TrainingTextError for a tensor of another shape or type.
    """
    if isinstance(targets, Tensor):
        if targets.dim() != 2 or targets.is_floating_point():
            raise TrainingTextError(
                f"The texts are {targets.dtype} of shape {tuple(targets.shape)}, expected whole "
                f"numbers (lines, characters)."
            )
        return targets.long()
    rows = [torch.tensor(list(text), dtype=torch.long) for text in targets]
    if not rows:
        return torch.empty((0, 0), dtype=torch.long)
    return nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=pad)


def _strange(target: Tensor, pad: int) -> int:
    """Return the first class that is no character."""
    return int(target[(target < 0) | (target > pad) | (target == BLANK)][0])
