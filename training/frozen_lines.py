"""A snapshot on the disk: exactly what a run learns from and is tested on, kept with the run.

`snapshot.json` holds the facts, `labels.jsonl` one object a line in order, `lines/` the crops as
PNG. The SHA-256 goes over facts, texts and pixels (not over the PNG files, whose bytes depend on
the version of a library): two snapshots with the same one train the same model. `snapshot.json`
is written last; a folder without it holds no snapshot.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast, get_args

import numpy as np

from segmentation.lines import MAX_CROP_WIDTH_PX
from training.errors import TrainingError
from training.line_images import LINE_HEIGHT_PX, decode_png, encode_png
from training.lines import TrainLine

Role = Literal["train", "test", "reference", "replay", "undecided"]
ROLES: tuple[Role, ...] = get_args(Role)

VERSION = 1
FACTS_NAME = "snapshot.json"
LABELS_NAME = "labels.jsonl"
LINES_FOLDER = "lines"

MAX_LINES = 50_000  # about 2 GB of pixels; more than anybody has corrected
MAX_FACTS_BYTES = 16_000_000
MAX_LABELS_BYTES = 400_000_000
MAX_IMAGE_BYTES = 1_000_000  # a crop of noise takes about 50 kB
MAX_TEXT_CHARACTERS = 2000  # as storage
MAX_NAME_CHARACTERS = 500
_KEY = re.compile(r"[a-z0-9][a-z0-9-]{0,99}")
_LINE_KEY = re.compile(r"line-([0-9]{1,18})")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class SnapshotFacts:
    """What a snapshot says of itself beside its lines; all of it goes into its SHA-256.

    split_kind: of `Split`. train_images, test_images: SHA-256 of the pages. settings: of the run.
    skipped: which corrected lines were left out and why, one message each.
    """

    base_model_id: int
    base_model_sha256: str
    alphabet: tuple[str, ...]
    seed: int
    settings: Mapping[str, Any]
    split_kind: str
    explanation: str
    warnings: tuple[str, ...] = ()
    train_images: tuple[str, ...] = ()
    test_images: tuple[str, ...] = ()
    document_ids: tuple[int, ...] = ()
    skipped: tuple[str, ...] = ()


@dataclass(frozen=True)
class Snapshot:
    """The lines of a run by what they are for, with the facts and the SHA-256 of all of it.

    undecided: lines beside those of `train` that nobody has corrected; their text is a reading.
    """

    sha256: str
    facts: SnapshotFacts
    train: tuple[TrainLine, ...]
    test: tuple[TrainLine, ...]
    reference: tuple[TrainLine, ...]
    replay: tuple[TrainLine, ...]
    undecided: tuple[TrainLine, ...] = ()

    @property
    def base_model_sha256(self) -> str:
        """The SHA-256 of the model that training starts from."""
        return self.facts.base_model_sha256

    @property
    def alphabet(self) -> tuple[str, ...]:
        """The characters of that model."""
        return self.facts.alphabet

    @property
    def seed(self) -> int:
        """The number that all chance of the run comes from."""
        return self.facts.seed


def line_key(line_id: int) -> str:
    """Return the key of a corrected line in a snapshot."""
    return f"line-{line_id}"


def line_id_of(key: str) -> int | None:
    """Return the number of the corrected line that has this key; None for a drawn line."""
    found = _LINE_KEY.fullmatch(key)
    return int(found[1]) if found else None


def has_snapshot(folder: Path) -> bool:
    """Return whether the folder holds a snapshot that was written to its end."""
    return (folder / FACTS_NAME).is_file()


def write_snapshot(
    folder: Path, facts: SnapshotFacts, lines: Mapping[Role, Sequence[TrainLine]]
) -> Snapshot:
    """Return the snapshot, now on the disk.

    Raises:
        TrainingError: the folder holds one already, there is nothing to learn from, a line cannot
            be kept, or the disk is full; nothing that counts as a snapshot was written.
    """
    if has_snapshot(folder):
        raise TrainingError(
            f"{folder} holds a snapshot already, and a snapshot is never changed. Start a new run."
        )
    snapshot = _snapshot(facts, {role: tuple(lines.get(role, ())) for role in ROLES})
    if not snapshot.train:
        raise TrainingError(
            "There is no line to learn from: no corrected line is left for teaching. "
            + " ".join(facts.skipped[:3] or (facts.explanation,))
        )
    try:
        (folder / LINES_FOLDER).mkdir(parents=True, exist_ok=True)
        labels = []
        for role in ROLES:
            for line in getattr(snapshot, role):
                (folder / LINES_FOLDER / f"{line.key}.png").write_bytes(encode_png(line.image))
                labels.append(json.dumps(_label(role, line), ensure_ascii=False))
        _write_whole(folder / LABELS_NAME, "".join(f"{label}\n" for label in labels))
        known = {"version": VERSION, "sha256": snapshot.sha256, **_facts_json(facts)}
        _write_whole(folder / FACTS_NAME, json.dumps(known, ensure_ascii=False, indent=1))
    except OSError as error:
        raise TrainingError(
            f"The snapshot could not be written to {folder}: {error.strerror}. Make room on the "
            "disk and start again; no correction was touched."
        ) from error
    return snapshot


def read_snapshot(folder: Path) -> Snapshot:
    """Return the snapshot of the folder, its SHA-256 verified.

    Raises:
        TrainingError: there is none, or it is not what was written.
    """
    known = _json_object(_read(folder / FACTS_NAME, MAX_FACTS_BYTES), folder)
    if known.get("version") != VERSION:
        raise _damaged(folder, f"its version is {_quoted(known.get('version'))}, not {VERSION}")
    facts = _facts_from(known, folder)
    lines: dict[Role, list[TrainLine]] = {role: [] for role in ROLES}
    rows = _read(folder / LABELS_NAME, MAX_LABELS_BYTES).splitlines()
    if len(rows) > MAX_LINES:
        raise _damaged(folder, f"it has {len(rows):,} lines; the limit is {MAX_LINES:,}")
    for row in rows:
        role, line = _line_from(_json_object(row, folder), folder)
        lines[role].append(line)
    snapshot = _snapshot(facts, {role: tuple(found) for role, found in lines.items()})
    if snapshot.sha256 != known.get("sha256"):
        raise _damaged(folder, "its content does not match its SHA-256")
    return snapshot


def line_image(folder: Path, key: str) -> bytes:
    """Return the PNG file of a line of the snapshot, checked to be one, for showing it.

    Raises:
        TrainingError: there is no such line, or its file is damaged.
    """
    if not _KEY.fullmatch(key):
        raise TrainingError(f"{_quoted(key)} is not the key of a line. Open the report anew.")
    data = _read(folder / LINES_FOLDER / f"{key}.png", MAX_IMAGE_BYTES)
    decode_png(data, key)
    return data


def _snapshot(facts: SnapshotFacts, lines: Mapping[Role, tuple[TrainLine, ...]]) -> Snapshot:
    """Return the snapshot with its SHA-256, every line checked."""
    digest = hashlib.sha256(_canonical({"version": VERSION, **_facts_json(facts)}))
    keys: set[str] = set()
    for role in ROLES:
        for line in lines[role]:
            _check_line(line)
            if line.key in keys:
                raise TrainingError(f"Line {line.key} stands twice in the snapshot.")
            keys.add(line.key)
            digest.update(_canonical([_label(role, line), list(line.image.shape)]))
            digest.update(np.ascontiguousarray(line.image).tobytes())
    return Snapshot(
        sha256=digest.hexdigest(),
        facts=facts,
        train=lines["train"],
        test=lines["test"],
        reference=lines["reference"],
        replay=lines["replay"],
        undecided=lines["undecided"],
    )


def _check_line(line: TrainLine) -> None:
    shape, kind = line.image.shape, line.image.dtype
    if not _KEY.fullmatch(line.key):
        raise TrainingError(f"{_quoted(line.key)} cannot be the key of a line.")
    if (
        kind != np.uint8
        or len(shape) != 2
        or shape[0] != LINE_HEIGHT_PX
        or not 1 <= shape[1] <= MAX_CROP_WIDTH_PX
    ):
        raise TrainingError(
            f"The image of line {line.key} is {kind} of shape {shape}; expected uint8, gray, "
            f"({LINE_HEIGHT_PX}, 1 to {MAX_CROP_WIDTH_PX})."
        )
    text = line.text
    if not text.strip() or len(text) > MAX_TEXT_CHARACTERS:
        raise TrainingError(
            f"The text of line {line.key} has {len(text):,} characters; expected 1 to "
            f"{MAX_TEXT_CHARACTERS:,}."
        )
    if not unicodedata.is_normalized("NFC", text):
        raise TrainingError(f"The text of line {line.key} is not in Unicode NFC.")
    if any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in text):
        raise TrainingError(f"The text of line {line.key} holds a control character. Remove it.")


def _label(role: Role, line: TrainLine) -> dict[str, str]:
    return {
        "key": line.key,
        "role": role,
        "text": line.text,
        "page": line.page,
        "group": line.group,
    }


def _line_from(label: Mapping[str, Any], folder: Path) -> tuple[Role, TrainLine]:
    values = {name: label.get(name) for name in ("key", "role", "text", "page", "group")}
    for name, value in values.items():
        limit = MAX_TEXT_CHARACTERS if name == "text" else MAX_NAME_CHARACTERS
        if not isinstance(value, str) or len(value) > limit:
            raise _damaged(folder, f'"{name}" of a line is {_quoted(value)}')
    key, role = str(values["key"]), values["role"]
    if role not in ROLES or not _KEY.fullmatch(key):
        raise _damaged(folder, f"it has a line {_quoted(key)} for {_quoted(role)}")
    image = decode_png(_read(folder / LINES_FOLDER / f"{key}.png", MAX_IMAGE_BYTES), key)
    line = TrainLine(key, image, str(values["text"]), str(values["page"]), str(values["group"]))
    return cast(Role, role), line


def _facts_json(facts: SnapshotFacts) -> dict[str, Any]:
    # Through JSON and back, so that what is hashed is what a reader will find.
    values: dict[str, Any] = json.loads(json.dumps(dict(vars(facts)), allow_nan=False))
    return values


def _facts_from(known: Mapping[str, Any], folder: Path) -> SnapshotFacts:
    def texts(name: str) -> tuple[str, ...]:
        value = known.get(name)
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise _damaged(folder, f'"{name}" is {_quoted(value)}, not a list of texts')
        return tuple(value)

    def number(name: str) -> int:
        value = known.get(name)
        if not isinstance(value, int) or isinstance(value, bool):
            raise _damaged(folder, f'"{name}" is {_quoted(value)}, not a whole number')
        return value

    def text(name: str) -> str:
        value = known.get(name)
        if not isinstance(value, str):
            raise _damaged(folder, f'"{name}" is {_quoted(value)}, not a text')
        return value

    settings, documents = known.get("settings"), known.get("document_ids")
    if not isinstance(settings, dict):
        raise _damaged(folder, f'"settings" is {_quoted(settings)}, not an object')
    if not isinstance(documents, list) or not all(type(one) is int for one in documents):
        raise _damaged(folder, f'"document_ids" is {_quoted(documents)}, not a list of numbers')
    if not _SHA256.fullmatch(text("base_model_sha256")):
        raise _damaged(folder, f'"base_model_sha256" is {_quoted(text("base_model_sha256"))}')
    return SnapshotFacts(
        base_model_id=number("base_model_id"),
        base_model_sha256=text("base_model_sha256"),
        alphabet=texts("alphabet"),
        seed=number("seed"),
        settings=settings,
        split_kind=text("split_kind"),
        explanation=text("explanation"),
        warnings=texts("warnings"),
        train_images=texts("train_images"),
        test_images=texts("test_images"),
        document_ids=tuple(documents),
        skipped=texts("skipped"),
    )


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":")).encode()


def _json_object(data: bytes, folder: Path) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _damaged(folder, f"a part of it is not JSON ({error})") from error
    if not isinstance(value, dict):
        raise _damaged(folder, "a part of it is not a JSON object")
    return value


def _read(path: Path, limit_bytes: int) -> bytes:
    try:
        with open(path, "rb") as file:
            data = file.read(limit_bytes + 1)
    except OSError as error:
        raise _damaged(path.parent, f"{path.name} cannot be read ({error.strerror})") from error
    if len(data) > limit_bytes:
        raise _damaged(path.parent, f"{path.name} is larger than {limit_bytes:,} bytes")
    return data


def _write_whole(path: Path, text: str) -> None:
    """Write the file so that after a crash it is there whole or not at all."""
    unfinished = path.with_name(path.name + ".part")
    with open(unfinished, "wb") as file:
        file.write(text.encode("utf-8"))
        file.flush()
        os.fsync(file.fileno())
    os.replace(unfinished, path)


def _damaged(folder: Path, reason: str) -> TrainingError:
    return TrainingError(
        f"The snapshot in {folder} is damaged: {reason}. This run cannot be repeated or resumed; "
        "start a new one, no correction is lost."
    )


def _quoted(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "..."
