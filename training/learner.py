"""One network being trained: its losses, its optimizer and one step of both."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from htr.batch_workers import batch_workers
from htr.device import autocast, is_out_of_memory, training_precision
from training.batch_statistics import BatchStatistics
from training.errors import TrainingError
from training.line_batches import LineBatch
from training.losses import LossWeights, ctc_loss, total_loss
from training.replicas import Networks, Replicas
from training.sharpness import climbed
from training.tcm import tcm_contexts, tcm_loss
from training.team import ALONE, Team
from training.trainable import Trainable
from training.weight_average import WeightAverage

BETAS = (0.9, 0.99)  # of AdamW, as in the published recipe
STEP_SEED = 1_000_003  # keeps the draws of neighbouring steps and seeds apart
LINE_SEED = 1_000_000_007  # and those of the parts of a step
BAD_STEPS_MOST = 20  # in a row; one overflow is an accident, twenty are a broken model


class LearnConfig(Protocol):
    """What a step needs of a recipe; see `FinetuneConfig` and `PretrainConfig` for the meaning."""

    @property
    def seed(self) -> int:
        """Of the draws of dropout."""

    @property
    def batch_lines(self) -> int:
        """Lines a step."""

    @property
    def learning_rate(self) -> float:
        """The highest."""

    @property
    def weight_decay(self) -> float:
        """Of AdamW."""

    @property
    def clip_norm(self) -> float:
        """The longest gradient."""

    @property
    def ema_decay(self) -> float:
        """Of the mean of the weights."""

    @property
    def ctc_weight(self) -> float:
        """Of the loss."""

    @property
    def tcm_weight(self) -> float:
        """Of the loss; 0 trains without the head."""

    @property
    def precision(self) -> str:
        """One of "auto", "fp32" and "bf16"."""


class Learner:
    """A trainable with its optimizer and the running mean of its weights.

    micro_lines: lines computed at once; halved when memory runs out, the step stays the same.
    """

    def __init__(
        self,
        trainable: Trainable,
        config: LearnConfig,
        device: torch.device,
        *,
        micro_lines: int | None = None,
        train_batch_norm: bool = False,
        sam_rho: float = 0.0,
        team: Team = ALONE,
    ) -> None:
        """Move the trainable to the device; it is trained in place.

        micro_lines: None computes all lines of a step at once. train_batch_norm: see `_mode`.
        sam_rho: how far sharpness-aware steps look around, see `climbed`; 0 takes plain steps.
        team: the processes that compute a share of each step.
        """
        self.trainable = trainable
        self.config = config
        self.device = device
        self.precision = chosen_precision(config, device)
        self.micro_lines = micro_lines or config.batch_lines
        self.train_batch_norm = train_batch_norm
        self.sam_rho = sam_rho
        self.team = team
        self.bad_steps = 0
        self.model = trainable.model.to(device)
        self.layout = layout_for(trainable)
        self.model.to(memory_format=self.layout)  # type: ignore[call-overload]
        self.tcm = trainable.tcm.to(device) if trainable.tcm and config.tcm_weight > 0 else None
        self.replicas = Replicas(self.model, self.tcm, device)
        self.optimizer = torch.optim.AdamW(self._groups(), betas=BETAS, fused=True)
        self.average = WeightAverage(self.model, config.ema_decay)

    def step(self, batch: LineBatch, number: int, rate: float) -> float | None:
        """Return the loss of one step of training, None if it was not finite and left undone.

        number: of the step; draws of dropout depend on it and the seed alone. rate: share of the
        learning rate, 0-1. Raises TrainingError if too many steps in a row are not finite, or if
        there is not enough memory for a single line.
        """
        self._mode()
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.learning_rate * rate
        loss = self._gradients(batch, number)
        if self.sam_rho > 0:
            with climbed(self.model, self._parameters(), self.sam_rho):
                self._gradients(batch, number)
        norm = nn.utils.clip_grad_norm_(self._parameters(), self.config.clip_norm)
        if not (math.isfinite(loss) and torch.isfinite(norm)):
            self._count_bad(number)
            return None
        self.bad_steps = 0
        self.optimizer.step()
        self.average.update(self.model)
        return loss

    def tensors(self) -> dict[str, Tensor]:
        """Return all numbers that a stopped run needs, by name."""
        found = {f"model.{name}": value for name, value in self.model.state_dict().items()}
        found |= {f"average.{name}": value for name, value in self.average.state.items()}
        if self.tcm:
            found |= {f"tcm.{name}": value for name, value in self.tcm.state_dict().items()}
        for number, parameter in enumerate(self._parameters()):
            for name, value in self.optimizer.state[parameter].items():
                found[f"optimizer.{number}.{name}"] = value
        return found

    def facts(self) -> dict[str, int]:
        """Return the counters that a stopped run needs."""
        return {"updates": self.average.updates, "micro_lines": self.micro_lines}

    def go_on(self, tensors: Mapping[str, Tensor], facts: Mapping[str, int]) -> None:
        """Take up what `tensors` and `facts` returned for the same trainable and recipe."""
        self.model.load_state_dict(_within(tensors, "model."))
        if self.tcm:
            self.tcm.load_state_dict(_within(tensors, "tcm."))
        for name, value in _within(tensors, "average.").items():
            self.average.state[name].copy_(value)
        for number, parameter in enumerate(self._parameters()):
            for name, value in _within(tensors, f"optimizer.{number}.").items():
                # The layout in memory of the weights, which the optimizer goes through in step.
                kept = value if value.dim() == 0 else torch.empty_like(parameter).copy_(value)
                self.optimizer.state[parameter][name] = kept.to(self.device)
        self.average.updates = facts["updates"]
        self.micro_lines = facts["micro_lines"]

    def _gradients(self, batch: LineBatch, number: int) -> float:
        """Return the step's mean loss after adding up the gradients of all processes."""
        statistics = BatchStatistics(self.model if self.train_batch_norm else None)
        loss = self._own_gradients(batch, number, statistics)
        gradients = [p.grad for p in self._parameters() if p.grad is not None]
        self.team.add_up([*gradients, *statistics.means, loss])
        statistics.put()
        return float(loss)

    def _own_gradients(self, batch: LineBatch, number: int, statistics: BatchStatistics) -> Tensor:
        """Return this process's share of the loss, (1,), its parts' gradients added up.

        Each part is as large as memory has room for; a part that is too large is halved.
        """
        while True:
            try:
                return self._sum_of_parts(batch, number, statistics)
            except (RuntimeError, MemoryError) as error:
                if not isinstance(error, MemoryError) and not is_out_of_memory(error):
                    raise
                if self.micro_lines == 1:
                    raise TrainingError(
                        f"There is not enough memory on {self.device} to train on a single line. "
                        f"Close other programs and resume."
                    ) from error
            self.micro_lines = max(1, self.micro_lines // 2)
            if self.device.type == "cuda":
                torch.cuda.empty_cache()

    def _sum_of_parts(self, batch: LineBatch, number: int, statistics: BatchStatistics) -> Tensor:
        """Return the sum over parts of the step; on a CPU each core computes some of them."""
        self.replicas.forget_gradients()
        statistics.begin()
        lines = len(batch.targets)
        with batch_workers(self.device) as workers:
            at_once = min(workers.count, self.micro_lines, lines)
            size = min(self.micro_lines // at_once, math.ceil(lines / at_once))
            parts = [slice(begin, begin + size) for begin in range(0, lines, size)]
            futures = [
                workers.submit(self._gradients_of, networks, batch, parts[at::at_once], number)
                for at, networks in enumerate(self.replicas.first(at_once))
            ]
            losses = [future.result() for future in futures]
        self.replicas.gather_gradients()
        for _, left in losses:
            statistics.take(left)
        return torch.stack([loss for loss, _ in losses]).sum(0)

    def _gradients_of(
        self, networks: Networks, batch: LineBatch, parts: Sequence[slice], number: int
    ) -> tuple[Tensor, BatchStatistics]:
        """Return the parts' share of the step's loss, (1,), and what they leave to batch norm.

        Their gradients are added to those of the networks.
        """
        left = BatchStatistics(networks.model if self.train_batch_norm else None)
        left.begin()
        total = torch.zeros(1, device=self.device)
        for part in parts:
            targets = batch.targets[part]
            share = len(targets) / batch.step_lines
            seed = self.config.seed * STEP_SEED + number + (batch.first + part.start) * LINE_SEED
            networks.draw(seed)
            counts = torch.tensor(batch.step_counts[part])
            loss = self.loss(networks, torch.as_tensor(batch.images[part]), counts, targets)
            (loss * share).backward()
            total += loss.detach() * share
            left.add(share)
        return total, left

    def loss(
        self,
        networks: Networks,
        images: Tensor,
        step_counts: Tensor,
        targets: Sequence[Sequence[int]],
    ) -> Tensor:
        """Return the weighted loss of lines: images (B, 1, 64, W), time steps, classes."""
        images = images.to(self.device).contiguous(memory_format=self.layout)
        with autocast(self.device, self.precision):
            features = networks.model.features(images)
        features = features.float()  # as in reading: the heads are computed in 32 bits
        ctc = ctc_loss(networks.model.head(features), step_counts, targets)
        tcm = None
        if networks.tcm:
            contexts = tcm_contexts(targets, networks.tcm.pad).to(self.device)
            tcm = tcm_loss(networks.tcm, features, contexts, step_counts)
        return total_loss(ctc, tcm, LossWeights(self.config.ctc_weight, self.config.tcm_weight))

    def _mode(self) -> None:
        """Put the network in training mode.

        Batch norm keeps its statistics unless it is to train: a few lines of one hand would spoil
        those of all hands.
        """
        self.model.train()
        if self.tcm:
            self.tcm.train()
        if self.train_batch_norm:
            return
        for module in self.model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()

    def _groups(self) -> list[dict[str, Any]]:
        """Return the optimizer's groups: weights, which decay, and the rest, which does not.

        Biases, norms and layer scales are few, and zero means nothing to them.
        """
        parameters = self.replicas.own.parameters
        return [
            {
                "params": [p for p in parameters if p.dim() > 1],
                "weight_decay": self.config.weight_decay,
            },
            {"params": [p for p in parameters if p.dim() <= 1], "weight_decay": 0.0},
        ]

    def _parameters(self) -> list[nn.Parameter]:
        return [p for group in self.optimizer.param_groups for p in group["params"]]

    def _count_bad(self, number: int) -> None:
        self.optimizer.zero_grad()
        self.bad_steps += 1
        if self.bad_steps >= BAD_STEPS_MOST:
            raise TrainingError(
                f"Training went wrong at step {number}: the loss was not a finite number "
                f"{self.bad_steps} times in a row. The current model is unchanged; start again, "
                f"and if it happens again, train from an earlier model."
            )


def learning_rate_share(step: int, share_done: float, warmup_steps: int) -> float:
    """Return the share of the full learning rate, 0-1: a linear start, then half a cosine."""
    start = min(1.0, (step + 1) / max(1, warmup_steps))
    return start * 0.5 * (1 + math.cos(math.pi * share_done))


def chosen_precision(config: LearnConfig, device: torch.device) -> str:
    """Return the precision that the recipe names, or the device's own for "auto"."""
    return training_precision(device) if config.precision == "auto" else config.precision


def layout_for(trainable: Trainable) -> torch.memory_format:
    """Return the layout in memory to train in: channels last, a quarter faster, where it is safe.

    With fewer than 16 channels torch 2.13 corrupts memory in the backward pass of channels-last
    convolutions on the CPU. The networks that we know have 32 or 128 in their first stage.
    """
    narrowest = trainable.config.embed_dim // 4
    return torch.contiguous_format if narrowest % 16 else torch.channels_last


def _within(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Return the tensors whose name starts with the prefix, by the rest of their name."""
    return {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }
