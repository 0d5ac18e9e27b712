"""What there is to show of teaching: the training under way, what it told, the last that ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import storage


@dataclass(frozen=True)
class TrainingState:
    """What there is to show of teaching.

    active: the training under way; events: what it told since the asked one, oldest first.
    ended: the one that ended last, whatever became of it.
    """

    active: storage.Run | None
    events: tuple[storage.RunEvent, ...]
    ended: storage.Run | None


def without_lost_steps(events: Sequence[storage.RunEvent]) -> tuple[storage.RunEvent, ...]:
    """Return the events without those of steps that were lost with a process and done again.

    A process that goes on from a checkpoint does some steps anew.
    """
    kept: list[storage.RunEvent] = []
    furthest = 0
    for event in events:
        step = _step_of(event)
        if step is not None:
            if step < furthest:
                kept = [one for one in kept if (_step_of(one) or 0) <= step]
            furthest = step
        kept.append(event)
    return tuple(kept)


def _step_of(event: storage.RunEvent) -> int | None:
    step = event.event.get("step")
    return step if isinstance(step, int) else None
