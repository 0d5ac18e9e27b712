"""What there is to learn from, told before anything starts: the survey that the Train page shows.

It reads the database only: no image is opened, no network is loaded, nothing is changed.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import storage
from htr.alphabet import Alphabet
from htr.errors import AlphabetError
from htr.metrics import Score, line_errors, normalise, score
from storage.records import Model, TrainingLine
from training.errors import TrainingError
from training.lineage import Lineage, lineage_of
from training.split import Split, split_by_page
from training.suspicion import Suspicion, suspicions
from training.unknown_characters import FEW_EXAMPLES, UnknownCharacter, unknown_characters

WORTHWHILE_LINES = 16  # from here on most hands gain clearly (Kohut and Hradis 2023: -25 % CER)


@dataclass(frozen=True)
class Survey:
    """What a training would learn from and be tested on.

    lines: corrected lines with a text; pages: different page images; documents: of these.
    characters: all of the lines' text; known characters are told apart by `unknown`.
    cer: the current model's error rate (0-1) on the test lines, from stored readings; None unless
    it has read all of them. advice: what to do for a better training, in plain words.
    """

    lines: int
    pages: int
    documents: int
    characters: int
    split: Split
    model_id: int
    model_name: str
    model_sha256: str
    cer: float | None
    wer: float | None
    unknown: tuple[UnknownCharacter, ...]
    suspicious: tuple[Suspicion, ...]
    advice: tuple[str, ...]

    @property
    def can_start(self) -> bool:
        """Whether there is at least one line to learn from."""
        return bool(self.split.train_ids)

    def as_json(self) -> dict[str, Any]:
        """Return the survey as JSON values, `can_start` with them."""
        return {**asdict(self), "can_start": self.can_start}


def survey(store: storage.Store, document_ids: Sequence[int] | None = None) -> Survey:
    """Return what a training on the documents' corrections would learn from; None: on all.

    Raises:
        TrainingError: there is no current model, or its alphabet is damaged.
        StorageError: the database cannot be read.
    """
    model = current_base(store)
    lines = storage.training_lines(store, document_ids)
    return survey_lines(lines, model, lineage_of(store, model))


def survey_lines(lines: Sequence[TrainingLine], model: Model, lineage: Lineage) -> Survey:
    """Return what a training of the model on these lines would learn from.

    lines: page by page in reading order. lineage: what taught and tested the model and its
    ancestors.

    Raises:
        TrainingError: the model's alphabet is damaged.
    """
    written = [line for line in lines if normalise(line.text)]
    split = split_of(written, lineage)
    held_out = set(split.test_ids)
    measured = _stored_score([line for line in written if line.line_id in held_out], model.id)
    unknown = tuple(unknown_characters(written, alphabet_of(model)))
    return Survey(
        lines=len(written),
        pages=len({line.image_sha256 for line in written}),
        documents=len({line.document_id for line in written}),
        characters=sum(len(normalise(line.text)) for line in written),
        split=split,
        model_id=model.id,
        model_name=model.name,
        model_sha256=model.sha256,
        cer=measured.cer if measured else None,
        wer=measured.wer if measured else None,
        unknown=unknown,
        suspicious=tuple(suspicions(lines)),
        advice=_advice(written, split, unknown),
    )


def split_of(lines: Sequence[TrainingLine], lineage: Lineage) -> Split:
    """Return the split of the lines, with the pins of their pages and the model's past."""
    pinned = {line.page_id: line.held_out for line in lines if line.held_out is not None}
    return split_by_page(
        lines, pinned, lineage.trained_images, lineage.tested_images, lineage.trained_lines
    )


def current_base(store: storage.Store) -> Model:
    """Return the model that a training would start from.

    Raises:
        TrainingError: there is none.
    """
    model = storage.current_model(store)
    if model is None:
        raise TrainingError("There is no model in use to teach. Choose one on the Models page.")
    return model


def alphabet_of(model: Model) -> Alphabet:
    """Return the characters that the model can write.

    Raises:
        TrainingError: what the database holds cannot be an alphabet.
    """
    try:
        return Alphabet(model.alphabet)
    except AlphabetError as error:
        raise TrainingError(
            f"The alphabet of model {model.id} ({model.name}) is damaged: {error} "
            "Choose another model."
        ) from error


def _stored_score(lines: Sequence[TrainingLine], model_id: int) -> Score | None:
    """Return how the model's stored readings of the lines fare; None unless it read them all."""
    if not lines or any(line.reading_model_id != model_id for line in lines):
        return None
    return score([line_errors(line.text, line.reading_text or "") for line in lines])


def _advice(
    lines: Sequence[TrainingLine], split: Split, unknown: Sequence[UnknownCharacter]
) -> tuple[str, ...]:
    advice = list(split.warnings)
    if not lines:
        advice.append(
            f"Correct some lines at the desk first; from about {WORTHWHILE_LINES} lines of a hand "
            "on, teaching is usually worth it."
        )
    elif len(lines) < WORTHWHILE_LINES:
        missing = WORTHWHILE_LINES - len(lines)
        advice.append(
            f"{missing} more corrected {'line' if missing == 1 else 'lines'} would make it worth "
            f"more: from about {WORTHWHILE_LINES} lines of a hand on, most hands gain clearly."
        )
    train = set(split.train_ids)
    if unknown and train:
        taught: Counter[str] = Counter()
        for line in lines:
            if line.line_id in train:
                taught.update(normalise(line.text))
        rare = [found.character for found in unknown if taught[found.character] < FEW_EXAMPLES]
        if rare:
            advice.append(
                "Too rare in the lines that teach to be learned well (fewer than "
                f"{FEW_EXAMPLES} times): "
                f"{', '.join(_shown(character) for character in rare)}."
            )
    return tuple(advice)


def _shown(character: str) -> str:
    """Return the character so that it can be seen by itself: a mark stands on a dotted circle."""
    return f"\N{DOTTED CIRCLE}{character}" if unicodedata.combining(character) else character
