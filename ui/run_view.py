"""A training run as the browser gets it: at work, or come to its end."""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import storage
from services.trainer import Trainer
from storage.records import RunEvent
from ui.answers import Answer

# What a run does, in the words of somebody who has never trained a model.
PHASE_WORDS = {
    "waiting": "Getting ready",
    "snapshot": "Keeping a copy of exactly these lines",
    "baseline": "The current model reads the test lines",
    "preparing": "Preparing the lines",
    "training": "Teaching the model",
    "choosing": "Choosing the best of what was learned",
    "gate": "Both models read the test lines",
    "report": "Writing the report",
    "promotion": "Taking the better model into use",
}
IN_USE = " It is in use from now on."  # true when the run ended; the screen says how it is now
MAX_POINTS = 400  # of the curve; more than a screen can show
LINE_KEY = re.compile(r"[a-z0-9][a-z0-9-]{0,99}")  # as snapshots name their lines


class Told:
    """What the training under way has told so far, kept so that a poll asks only for the news."""

    def __init__(self, trainer: Trainer) -> None:
        """Follow the trainings of `trainer`; nothing is known yet."""
        self._trainer = trainer
        self._lock = threading.Lock()
        self._run_id: int | None = None
        self._events: list[RunEvent] = []

    def follow(self) -> tuple[storage.Run | None, list[RunEvent]]:
        """Return the training under way, if there is one, and all its events, oldest first."""
        with self._lock:
            active = self._trainer.state(self._after).active
            if active is None or active.id != self._run_id:
                self._run_id, self._events = (active.id if active else None), []
            while active and (fresh := self._trainer.events(active.id, self._after)):
                self._events += fresh
            return active, list(self._events)

    @property
    def _after(self) -> int:
        return self._events[-1].id if self._events else 0


def running_view(run: storage.Run, events: Sequence[RunEvent]) -> Answer:
    """Return a run at work with its curve and what the model reads by now.

    events: all that it has told, in order. What an event says wrongly is left out: the database
    may have been changed by another program.
    """
    told = [event.event for event in events]
    last = told[-1] if told else {}
    samples: Any = next((event["samples"] for event in reversed(told) if event.get("samples")), [])
    phase = run.phase or "waiting"
    before = next(
        (cer for event in told if (cer := finite(event.get("cer_before"))) is not None), None
    )
    return {
        "id": run.id,
        "phase_words": PHASE_WORDS.get(phase, phase),
        "step": whole(last.get("step")),
        "steps": whole(last.get("steps")),
        "progress": run.progress,
        "elapsed_s": finite(last.get("elapsed_s")),
        "time_left_s": finite(last.get("time_left_s")),
        "stopping": run.stopping,
        "cer_before": before,
        "curve": curve(told),
        "samples": [sample for one in samples if (sample := _sample(run.id, one)) is not None],
    }


def ended_view(run: storage.Run, current_model_id: int | None) -> Answer:
    """Return what became of a run, in a sentence and in figures."""
    result = run.result or {}
    verdict = result.get("verdict") if run.state == "done" else run.state
    model_id = whole(result.get("model_id"))
    return {
        "id": run.id,
        "created": run.created.isoformat(),
        "verdict": verdict if isinstance(verdict, str) else "done",
        "sentence": ended_words(run),
        "warnings": texts(result.get("warnings")),
        "cer_before": finite(result.get("cer_before")),
        "cer_after": finite(result.get("cer_after")),
        "has_model": model_id is not None,
        "has_base": whole(result.get("base_model_id")) is not None,
        "in_use": model_id is not None and model_id == current_model_id,
        "has_report": run.state == "done" and "verdict" in result,
    }


def ended_words(run: storage.Run) -> str:
    """Return what became of a run and of other handwriting, in sentences."""
    result = run.result or {}
    if run.state != "done":
        return run.message or "This run has ended before it came to a result."
    forgetting = result.get("forgetting")
    other = forgetting if isinstance(forgetting, Mapping) and not forgetting.get("warn") else {}
    sentences = (result.get("sentence"), other.get("sentence"))
    told = [one.removesuffix(IN_USE) for one in sentences if isinstance(one, str) and one]
    return " ".join(told) or "It has ended."


def curve(points: Sequence[Mapping[str, Any]]) -> list[Answer]:
    """Return the points that have a loss or a CER, at most MAX_POINTS, the CERs all kept.

    A run that went on from a checkpoint did some steps twice; the last time counts.
    """
    known: list[Answer] = []
    for point in points:
        step, loss, cer = (
            whole(point.get("step")),
            finite(point.get("loss")),
            finite(point.get("cer")),
        )
        if step is None or (loss is None and cer is None):
            continue
        while known and known[-1]["step"] > step:
            known.pop()
        if known and known[-1]["step"] == step:
            last = known.pop()
            loss, cer = (
                (last["loss"] if loss is None else loss),
                (last["cer"] if cer is None else cer),
            )
        known.append({"step": step, "loss": loss, "cer": cer})
    stride = math.ceil(len(known) / MAX_POINTS)
    return [
        point
        for index, point in enumerate(known)
        if stride <= 1 or index % stride == 0 or point["cer"] is not None
    ]


def line_image(run_id: int, key: object) -> str | None:
    """Return the address of the image of a line of a run; None where the key cannot be one."""
    if not isinstance(key, str) or not LINE_KEY.fullmatch(key):
        return None
    return f"files/runs/{run_id}/lines/{key}.png"


def finite(value: object) -> float | None:
    """Return a number of a JSON object; None where it is none that can be shown."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def texts(value: object) -> list[str]:
    """Return the texts of a JSON list."""
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []


def whole(value: object) -> int | None:
    """Return a whole number of a JSON object; None where it is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _sample(run_id: int, values: object) -> Answer | None:
    if not isinstance(values, list | tuple) or len(values) != 3:
        return None
    key, truth, reading = values
    if not isinstance(truth, str) or not isinstance(reading, str):
        return None
    return {"image": line_image(run_id, key), "truth": truth, "reading": reading}
