"""Fine-tuning with the help of lines that nobody has corrected, for those who want it.

Eight lines do not hold all shapes that a hand gives its letters; the pages around them do. So a
first part of the run learns the corrected lines alone. What comes of it reads the undecided lines,
with a language model beside, and its surest readings are half of what a second part learns, which
begins at the old weights again. Read without a language model they teach nothing: it is the
language that puts right what the eye got wrong. Where it does not read the corrected lines better,
they are written in another, and the run has no second part.

Source of the idea: Kišš, Beneš and Hradiš 2021, "AT-ST: Self-training adaptation strategy for OCR
in domains with limited transcriptions".
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from htr.character_counts import OWN_WEIGHT, build_character_model
from htr.device import choose_device
from htr.shipped import shipped_language
from training.finetune import finetune
from training.finetune_config import FinetuneConfig, FinetuneResult, Progress, Report
from training.lines import TrainLine
from training.reading import cer_of, read_lines, transcripts_of
from training.trainable import Trainable

if TYPE_CHECKING:
    import torch

    from htr.beam import BeamSearch

FIRST_PART = "first-part"  # folder of its checkpoint, within that of the run


def teach(
    base: Trainable,
    train: Sequence[TrainLine],
    held_out: Sequence[TrainLine],
    config: FinetuneConfig,
    *,
    undecided: Sequence[TrainLine] = (),
    replay: Sequence[TrainLine] = (),
    others: Sequence[TrainLine] = (),
    run_dir: Path | None = None,
    report: Report,
    clock: Callable[[], float] = time.monotonic,
) -> FinetuneResult:
    """Return the model that comes of learning, in two parts where that helps; see `finetune`.

    undecided: lines of the same documents that nobody has corrected; their texts do not matter.

    Raises what `finetune` raises.
    """
    device = choose_device(config.device)
    box = None
    if config.self_training and len(undecided) >= config.undecided_least:
        box = language_that_helps(base, train, device)
    if box is None:
        one = finetune(
            base, train, held_out, config, replay=replay, others=others, run_dir=run_dir,
            report=report, clock=clock,
        )  # fmt: skip
        wished = {"readings": 0} if config.self_training else {}
        return replace(one, settings=one.settings | wished)
    steps = config.planned_steps(len(train))
    more_steps = round(steps * config.second_part)
    limit_s = config.time_limit_s
    limit_of_first_s = None if limit_s is None else limit_s / (1 + config.second_part)
    first = finetune(
        base, train, (), replace(config, steps=steps, time_limit_s=limit_of_first_s),
        replay=replay, others=others, run_dir=run_dir and run_dir / FIRST_PART,
        report=_as_part(report, 0, 0.0, steps + more_steps), clock=clock,
    )  # fmt: skip
    if first.stopped == "cancelled":
        return first
    readings = surest_readings(first.trainable, train, undecided, box, config.surest_share, device)
    second = finetune(
        base, train, held_out,
        replace(
            config,
            steps=more_steps,
            time_limit_s=None if limit_s is None else max(0.0, limit_s - first.seconds),
            replay_share=config.readings_share,
            interpolation_of_few=config.interpolation,
        ),
        replay=[*replay, *readings], others=others, run_dir=run_dir,
        report=_as_part(report, first.steps, first.seconds, first.steps + more_steps), clock=clock,
    )  # fmt: skip
    if not second.steps:
        return replace(first, stopped=second.stopped)
    return replace(
        second,
        curve=tuple(
            replace(point, step=point.step + first.steps, elapsed_s=point.elapsed_s + first.seconds)
            for point in second.curve
        ),
        steps=first.steps + second.steps,
        seconds=first.seconds + second.seconds,
        settings=second.settings
        | {"replay_lines": second.settings["replay_lines"] - len(readings)}
        | {"readings": len(readings), "steps_of_first_part": first.steps},
    )


def language_that_helps(
    base: Trainable, lines: Sequence[TrainLine], device: torch.device
) -> BeamSearch | None:
    """Return the language model in the box if the base reads these corrected lines better with it.

    None too where it does not suit the characters of the base.
    """
    box = shipped_language(base.alphabet.characters)
    if box is None or box.language is None:
        return None
    beam = _beam_of(box, base, [])
    greedy = cer_of(lines, read_lines(base, lines, device))
    return box if cer_of(lines, _read(base, lines, beam, device)[0]) < greedy else None


def surest_readings(
    model: Trainable,
    corrected: Sequence[TrainLine],
    undecided: Sequence[TrainLine],
    box: BeamSearch,
    share: float,
    device: torch.device,
) -> list[TrainLine]:
    """Return the undecided lines that the model reads most surely, their readings as their texts.

    corrected: lines whose texts tell the language model of `box` what is written here. share: of
    the undecided lines, 0-1.
    """
    read, confidences = _read(model, undecided, _beam_of(box, model, corrected), device)
    order = sorted(range(len(undecided)), key=lambda place: -confidences[place])
    surest = order[: round(share * len(undecided))]
    return [replace(undecided[at], text=read[at]) for at in sorted(surest) if read[at].strip()]


def _beam_of(box: BeamSearch, model: Trainable, corrected: Sequence[TrainLine]) -> BeamSearch:
    """Return the search for the model's characters, by what is in the box and corrected."""
    texts = [line.text for line in corrected]
    characters = model.alphabet.characters
    language = build_character_model(texts, characters, weight=OWN_WEIGHT, base=box.language)
    return replace(box, language=language)


def _read(
    model: Trainable, lines: Sequence[TrainLine], beam: BeamSearch, device: torch.device
) -> tuple[list[str], list[float]]:
    """Return the readings with the language model, and how sure each is, 0-1."""
    read = transcripts_of(model, lines, device, beam)
    return [one.text for one in read], [one.confidence for one in read]


def _as_part(report: Report, steps_before: int, seconds_before: float, steps: int) -> Report:
    """Return a report for a part of a run: it tells where in the whole the part is."""

    def told(progress: Progress) -> bool:
        step = steps_before + progress.step
        elapsed_s = seconds_before + progress.elapsed_s
        return report(
            replace(
                progress,
                step=step,
                steps=steps,
                elapsed_s=elapsed_s,
                time_left_s=elapsed_s * (steps - step) / step if step else None,
            )
        )

    return told
