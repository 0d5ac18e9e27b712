"""Corrections in the database -> the snapshot of a run: lines cut out, split and frozen."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

import storage
from htr.metrics import normalise
from segmentation.crops import crop_line
from segmentation.images import decode_page
from segmentation.lines import SegmentationError
from storage.records import Model, TrainingLine
from training.frozen_lines import (
    Role,
    Snapshot,
    SnapshotFacts,
    has_snapshot,
    line_id_of,
    line_image,
    line_key,
    read_snapshot,
    write_snapshot,
)
from training.line_images import LINE_HEIGHT_PX
from training.lineage import lineage_of
from training.lines import TrainLine, thinned
from training.reference import (
    OTHERS,
    REFERENCE_LINES,
    REPLAY_LINES,
    drawn_lines,
    part_of_page,
)
from training.split import Split
from training.survey import alphabet_of, current_base, split_of

__all__ = [
    "Snapshot",
    "SnapshotFacts",
    "has_snapshot",
    "line_id_of",
    "line_image",
    "line_key",
    "read_snapshot",
    "take_snapshot",
]

Progress = Callable[[float], None]
"""Called with the share of the pages that were cut, 0 to 1."""

UNDECIDED_LINES = 200  # that corrected ones are helped by; reading them takes some seconds
UNDECIDED_PAGES = 60  # that they are cut from; a page takes a fraction of a second
MAX_MESSAGES = 100  # of lines left out; a lost folder of images must not fill the snapshot


def take_snapshot(
    store: storage.Store,
    folder: Path,
    *,
    document_ids: Sequence[int] | None = None,
    base_model_id: int | None = None,
    left_out: Collection[int] = (),
    seed: int = 0,
    settings: Mapping[str, Any] | None = None,
    reference_count: int = REFERENCE_LINES,
    replay_count: int = REPLAY_LINES,
    self_training: bool = False,
    progress: Progress | None = None,
) -> Snapshot:
    """Return the frozen copy of what a run learns from, now in the folder.

    The corrections are read in one look at the database, so that what people write meanwhile is
    in it whole or not at all. Lines whose page has gone or cannot be read are left out, and told.

    document_ids: learn from these documents; None: from all. base_model_id: the model to start
    from; None: the current one. left_out: numbers of lines that the user wants left out.
    settings: JSON values of the run, frozen with it. self_training: lines that nobody has decided
    are frozen, too.

    Raises:
        TrainingError: no model, nothing to learn from, a snapshot is there, or a full disk.
        StorageError: the database cannot be read.
    """
    base = current_base(store) if base_model_id is None else storage.model(store, base_model_id)
    lineage = lineage_of(store, base)
    every = _written(storage.training_lines(store), left_out)
    wanted = None if document_ids is None else frozenset(document_ids)
    chosen = [line for line in every if wanted is None or line.document_id in wanted]
    split = split_of(chosen, lineage)
    held_out = frozenset(split.test_ids)
    images = _images_of(chosen)
    others = [line for line in every if line.image_sha256 not in images]
    tested = {line.image_sha256 for line in others if line.held_out} | lineage.tested_images
    reference, replay = _shared_out(others, tested)
    roles: dict[Role, list[TrainingLine]] = {
        "train": [line for line in chosen if line.line_id not in held_out],
        "test": [line for line in chosen if line.line_id in held_out],
        "reference": thinned(reference, reference_count),
        "replay": thinned(replay, replay_count),
    }
    if self_training:
        roles["undecided"] = _undecided(store, chosen, tested | _images_of(roles["test"]))

    crops, skipped = crop_training_lines(
        store, [line for lines in roles.values() for line in lines], progress
    )
    lines = {role: _train_lines(role, found, crops) for role, found in roles.items()}
    alphabet = alphabet_of(base)
    lines["reference"] += drawn_lines(alphabet, seed, reference_count, "reference")
    lines["replay"] += drawn_lines(alphabet, seed, replay_count, "replay")
    facts = _facts(base, split, roles, seed, settings or {}, skipped)
    return write_snapshot(folder, facts, lines)


def crop_training_lines(
    store: storage.Store, lines: Sequence[TrainingLine], progress: Progress | None = None
) -> tuple[dict[int, np.ndarray], list[str]]:
    """Return the crops by line number, exactly as the reader cuts them, and what was left out.

    A crop is uint8 gray (64, W). Each page is decoded once. A page that was removed meanwhile, or
    whose image is missing or damaged, costs its lines and a message.
    """
    by_page: dict[int, list[TrainingLine]] = {}
    for line in lines:
        by_page.setdefault(line.page_id, []).append(line)
    crops: dict[int, np.ndarray] = {}
    skipped: list[str] = []
    for number, (page_id, members) in enumerate(by_page.items(), start=1):
        lost = _plural(len(members), "line")
        try:
            page = storage.page(store, page_id)
            if page.removed is not None:
                skipped.append(f"Page {page_id} ({page.name}) was removed: {lost} left out.")
                continue
            pixels = decode_page(storage.page_image(store, page))
        except (storage.StorageError, SegmentationError) as error:
            skipped.append(f"Page {page_id}: {lost} left out. {error}")
            continue
        for line in members:
            try:
                crops[line.line_id] = _gray_crop(pixels, line)
            except SegmentationError as error:
                skipped.append(
                    f"Line {line.position + 1} of page {page_id} ({page.name}) left out: {error}"
                )
        if progress is not None:
            progress(number / len(by_page))
    return crops, _limited(skipped)


def _gray_crop(pixels: np.ndarray, line: TrainingLine) -> np.ndarray:
    """Return the line as the recogniser sees it: cut in the page's colours, then made gray."""
    crop = crop_line(pixels, line.baseline, line.spacing_px, LINE_HEIGHT_PX)
    return cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY) if crop.ndim == 3 else crop


def _written(lines: Sequence[TrainingLine], left_out: Collection[int]) -> list[TrainingLine]:
    """Return the lines that have a text and that the user does not want left out."""
    unwanted = frozenset(left_out)
    return [line for line in lines if line.line_id not in unwanted and normalise(line.text)]


def _shared_out(
    lines: Sequence[TrainingLine], tested: Collection[str]
) -> tuple[list[TrainingLine], list[TrainingLine]]:
    """Return the lines of other documents that test for forgetting, and those to be replayed.

    tested: SHA-256 of pages that test models, or are to: they must never teach.
    """
    reference: list[TrainingLine] = []
    replay: list[TrainingLine] = []
    for line in lines:
        to_test = line.image_sha256 in tested or part_of_page(line.image_sha256) == "reference"
        (reference if to_test else replay).append(line)
    return reference, replay


def _undecided(
    store: storage.Store, corrected: Sequence[TrainingLine], tested: Collection[str]
) -> list[TrainingLine]:
    """Return lines of the corrected documents that nobody has decided, from pages that do not test.

    Pages with corrected lines come first: they are in the same hand most surely.

    tested: pages that test, by SHA-256.
    """
    documents = sorted({line.document_id for line in corrected})
    known = {line.page_id for line in corrected}
    by_page: dict[int, list[TrainingLine]] = {}
    for line in storage.undecided_lines(store, documents):
        if line.image_sha256 not in tested and normalise(line.text):
            by_page.setdefault(line.page_id, []).append(line)
    taken = thinned([page for page in by_page if page in known], UNDECIDED_PAGES)
    others = [page for page in by_page if page not in known]
    taken += thinned(others, UNDECIDED_PAGES - len(taken))
    return thinned([line for page in taken for line in by_page[page]], UNDECIDED_LINES)


def _train_lines(
    role: Role, lines: Sequence[TrainingLine], crops: Mapping[int, np.ndarray]
) -> list[TrainLine]:
    own = role in ("train", "test", "undecided")
    return [
        TrainLine(
            key=line_key(line.line_id),
            image=crops[line.line_id],
            text=unicodedata.normalize("NFC", normalise(line.text)),
            page=f"page-{line.page_id}",
            group=f"document-{line.document_id}" if own else OTHERS,
        )
        for line in lines
        if line.line_id in crops
    ]


def _facts(
    base: Model,
    split: Split,
    roles: Mapping[Role, Sequence[TrainingLine]],
    seed: int,
    settings: Mapping[str, Any],
    skipped: Sequence[str],
) -> SnapshotFacts:
    return SnapshotFacts(
        base_model_id=base.id,
        base_model_sha256=base.sha256,
        alphabet=base.alphabet,
        seed=seed,
        settings=settings,
        split_kind=split.kind,
        explanation=split.explanation,
        warnings=split.warnings,
        # What is replayed teaches as well: it must not test later.
        train_images=_images([*roles["train"], *roles["replay"]]),
        test_images=_images(roles["test"]),
        document_ids=tuple(
            sorted({line.document_id for line in [*roles["train"], *roles["test"]]})
        ),
        skipped=tuple(skipped),
    )


def _images(lines: Sequence[TrainingLine]) -> tuple[str, ...]:
    return tuple(sorted(_images_of(lines)))


def _images_of(lines: Sequence[TrainingLine]) -> set[str]:
    return {line.image_sha256 for line in lines}


def _limited(messages: list[str]) -> list[str]:
    if len(messages) <= MAX_MESSAGES:
        return messages
    return [*messages[:MAX_MESSAGES], f"And {len(messages) - MAX_MESSAGES} more."]


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
