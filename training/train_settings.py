"""What a person chose before a training was started, as the run in the database keeps it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from training.errors import TrainingError

LEAST_MINUTES = 0.1
MOST_MINUTES = 24 * 60.0  # a limit of a day is a mistyped one
MOST_NUMBERS = 100_000
MOST_SEED = 2**31 - 1


@dataclass(frozen=True)
class TrainSettings:
    """The choices of one training.

    minutes: "the best you can do in so many minutes"; None: as long as it needs.
    document_ids: whose corrections to learn; None: those of all documents.
    tcm: learn with the Textual Context Module's loss too; None: as the recipe has it.
    self_training: learn from readings of lines that nobody corrected, too.
    seed: of all that is drawn by chance.
    left_out: numbers of lines that are neither to teach nor to test.
    base_model_id: the model to start from; None: the current one.
    """

    minutes: float | None = None
    document_ids: tuple[int, ...] | None = None
    tcm: bool | None = None
    self_training: bool = False
    seed: int = 1
    left_out: tuple[int, ...] = ()
    base_model_id: int | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the choices as JSON values."""
        return asdict(self)

    @property
    def time_limit_s(self) -> float | None:
        """Seconds that learning may take."""
        return None if self.minutes is None else 60.0 * self.minutes


def train_settings(values: Mapping[str, Any]) -> TrainSettings:
    """Return the choices that JSON values hold; what is not named is as it comes.

    Raises:
        TrainingError: a name that there is not, or a value that it cannot have.
    """
    known = TrainSettings.__dataclass_fields__
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise TrainingError(
            f"There is no training setting {str(unknown[0])[:40]!r}; there are {', '.join(known)}."
        )
    return TrainSettings(
        minutes=_minutes(values.get("minutes")),
        document_ids=_numbers("documents to learn from", values.get("document_ids")),
        tcm=_flag("tcm", values.get("tcm")),
        self_training=bool(_flag("self_training", values.get("self_training"))),
        seed=_whole("seed", values.get("seed", 1), 0, MOST_SEED),
        left_out=_numbers("lines to leave out", values.get("left_out")) or (),
        base_model_id=(
            None
            if values.get("base_model_id") is None
            else _whole("base_model_id", values["base_model_id"], 1, 2**62)
        ),
    )


def _minutes(value: Any) -> float | None:
    if value is None:
        return None
    good = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not good or not LEAST_MINUTES <= value <= MOST_MINUTES:
        raise TrainingError(
            f"The time limit is {str(value)[:40]!r}; it must be a number of minutes from "
            f"{LEAST_MINUTES} to {MOST_MINUTES:.0f}, or none."
        )
    return float(value)


def _numbers(what: str, value: Any) -> tuple[int, ...] | None:
    if value is None:
        return None
    if not isinstance(value, list | tuple) or len(value) > MOST_NUMBERS:
        raise TrainingError(f"The {what} must be a list of numbers, or none.")
    return tuple(_whole(what, number, 1, 2**62) for number in value)


def _flag(name: str, value: Any) -> bool | None:
    if value is not None and not isinstance(value, bool):
        raise TrainingError(f"The setting {name} is {str(value)[:40]!r}; it may be true or false.")
    return value


def _whole(name: str, value: Any, low: int, high: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise TrainingError(
            f"The setting {name} holds {str(value)[:40]!r}; it must be a whole number from {low}."
        )
    return value
