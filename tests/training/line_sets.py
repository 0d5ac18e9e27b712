"""Small sets of drawn lines and a tiny network that tests of training share."""

from __future__ import annotations

from htr.config import ModelConfig
from tests.htr.tiny import ALPHABET, TINY, tiny_model
from tests.htr_lines import drawn_line
from training.finetune_config import FinetuneConfig, Progress
from training.lines import TrainLine
from training.tcm import fresh_head
from training.trainable import Trainable

TEXTS = ("ab cd", "dé ba", "bad", "acé", "dab cé", "ba da", "cab", "bé")

QUICK = FinetuneConfig(steps=6, batch_lines=2, points=2, warmup_steps=1, watched_lines=2)


def line_of(text: str, number: int = 0) -> TrainLine:
    return TrainLine(f"line-{number}", drawn_line(text), text, f"page-{number // 4}")


def drawn_lines(count: int, first: int = 0) -> list[TrainLine]:
    return [line_of(TEXTS[n % len(TEXTS)], n) for n in range(first, first + count)]


def tiny_trainable(config: ModelConfig = TINY, seed: int = 1) -> Trainable:
    head = fresh_head(config.embed_dim, config.classes, seed)
    return Trainable(tiny_model(config, seed), head, ALPHABET, config, {"name": "tiny"})


def go(_: Progress) -> bool:
    return True
