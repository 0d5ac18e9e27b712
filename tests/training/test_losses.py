"""The losses are those of the paper, and no line can turn them into nonsense."""

from __future__ import annotations

import itertools
import math

import pytest
import torch

from tests.htr.tiny import TINY, tiny_model
from training.errors import TrainingTextError
from training.losses import LossWeights, ctc_loss, lines_without_room, total_loss
from training.tcm import fresh_head, tcm_contexts, tcm_loss


def random_logits(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(3))


def collapsed(path: tuple[int, ...]) -> list[int]:
    return [number for number, _ in itertools.groupby(path) if number]


def plain_ctc(logits: torch.Tensor, text: list[int]) -> float:
    """-log of the summed probability of every path that collapses to the text."""
    steps, classes = logits.shape
    probabilities = logits.softmax(1).tolist()
    total = sum(
        math.prod(probabilities[step][number] for step, number in enumerate(path))
        for path in itertools.product(range(classes), repeat=steps)
        if collapsed(path) == text
    )
    return -math.log(total)


def test_ctc_sums_over_all_paths_that_write_the_text() -> None:
    logits = random_logits(2, 5, 3)
    texts = [[1, 1], [2]]
    expected = (plain_ctc(logits[0], texts[0]) + plain_ctc(logits[1, :3], texts[1])) / 2
    assert float(ctc_loss(logits, torch.tensor([5, 3]), texts)) == pytest.approx(expected, 1e-5)


def test_ctc_of_an_empty_text_is_that_of_blanks_only() -> None:
    logits = random_logits(1, 4, 3)
    expected = -float(logits[0].log_softmax(1)[:, 0].sum())
    assert float(ctc_loss(logits, torch.tensor([4]), [[]])) == pytest.approx(expected, 1e-5)


def test_steps_behind_a_line_get_no_gradient() -> None:
    logits = random_logits(2, 6, 4).requires_grad_()
    ctc_loss(logits, torch.tensor([6, 2]), [[1, 2, 3], [1]]).backward()
    assert logits.grad is not None
    assert not logits.grad[1, 2:].any()
    assert logits.grad[1, :2].any()


def test_text_longer_than_its_line_gives_neither_nan_nor_gradient() -> None:
    logits = random_logits(3, 4, 5).requires_grad_()
    loss = ctc_loss(logits, torch.tensor([4, 4, 2]), [[1, 2], [1, 2, 3, 4, 1], [3, 3]])
    loss.backward()
    alone = ctc_loss(logits.detach()[:1], torch.tensor([4]), [[1, 2]])
    assert float(loss.detach()) == pytest.approx(float(alone) / 3, 1e-5)
    assert logits.grad is not None and torch.isfinite(logits.grad).all()
    assert not logits.grad[1:].any()


@pytest.mark.parametrize(
    ("steps", "text", "short"),
    [
        (3, [1, 2, 3], False),
        (2, [1, 2, 3], True),
        (3, [1, 1], False),
        (2, [1, 1], True),
        (4, [1, 1, 1], True),
        (5, [1, 1, 1], False),
        (1, [], False),
    ],
)
def test_line_has_room_for_its_characters_and_the_blanks_of_doubles(
    steps: int, text: list[int], short: bool
) -> None:
    assert lines_without_room([steps], [text]) == ([0] if short else [])
    finite = random_logits(1, steps, 4)
    assert (float(ctc_loss(finite, torch.tensor([steps]), [text])) == 0) == short


def test_lines_without_room_are_named_by_position() -> None:
    texts = [[1], [1, 2, 3], [2, 2], [1, 2]]
    assert lines_without_room(torch.tensor([5, 2, 2, 2]), texts) == [1, 2]


@pytest.mark.parametrize(
    ("counts", "targets", "message"),
    [
        ([4, 4], [[1]], "2 lines, 2 widths and 1 texts"),
        ([4], [[1], [1]], "2 lines, 1 widths and 2 texts"),
        ([4, 5], [[1], [1]], "4 to 5 time steps, expected 1 to 4"),
        ([0, 4], [[1], [1]], "0 to 4 time steps"),
        ([4, 4], [[1], [3]], "the class 3, expected 1 to 2"),
        ([4, 4], [[1], [0]], "the class 0"),
    ],
)
def test_parts_that_do_not_belong_together_are_refused(
    counts: list[int], targets: list[list[int]], message: str
) -> None:
    with pytest.raises(TrainingTextError) as caught:
        ctc_loss(random_logits(2, 4, 3), torch.tensor(counts), targets)
    assert message in str(caught.value)


def test_total_weighs_ctc_a_tenth_and_tcm_fully() -> None:
    assert LossWeights() == LossWeights(ctc=0.1, tcm=1.0)
    ctc, tcm = torch.tensor(20.0), torch.tensor(3.0)
    assert float(total_loss(ctc, tcm)) == pytest.approx(5.0)
    assert float(total_loss(ctc)) == pytest.approx(2.0)
    assert float(total_loss(ctc, tcm, LossWeights(ctc=1.0, tcm=0.5))) == pytest.approx(21.5)


def test_one_step_on_the_total_makes_both_losses_smaller() -> None:
    model, texts, counts = tiny_model(), [[1, 2, 3], [4, 5]], torch.tensor([20, 20])
    head = fresh_head(TINY.embed_dim, TINY.classes, seed=1).eval()
    images = torch.rand(2, 1, 64, 80, generator=torch.Generator().manual_seed(2))
    contexts = tcm_contexts(texts, pad=TINY.classes)
    optimizer = torch.optim.SGD([*model.parameters(), *head.parameters()], lr=0.01)

    def losses() -> tuple[torch.Tensor, torch.Tensor]:
        features = model.features(images)
        return ctc_loss(model.head(features), counts, texts), tcm_loss(head, features, contexts)

    before = losses()
    total_loss(*before).backward()
    optimizer.step()
    after = losses()
    assert all(float((new - old).detach()) < 0 for new, old in zip(after, before, strict=True))
