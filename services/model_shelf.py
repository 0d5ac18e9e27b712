"""The models of this app as things to choose: use, go back, rename, remove, export, import."""

from __future__ import annotations

import logging
import re
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import storage
from services.model_file import FoundModel, model_in_file

LOG = logging.getLogger("htr.models")

CHECK_LIMIT_S = 0.4  # of one listing; files that were not reached are checked by the next one
_NO_FILE_NAME = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]+')
GENERIC_NAMES = ("model", "checkpoint", "best", "candidate", "best_cer", "best_wer")


@dataclass(frozen=True)
class ShelvedModel:
    """A model as the list shows it.

    size_bytes: of its weights; None where they are missing. trouble: what is wrong with them and
    what to do, "" if nothing. checked: its weights were compared with what was stored.
    """

    model: storage.Model
    usage: storage.ModelUsage
    size_bytes: int | None
    trouble: str
    checked: bool


@dataclass(frozen=True)
class Import:
    """The model that a file brought, and what to say of it."""

    model: storage.Model
    message: str


class ModelShelf:
    """Every model of one data folder."""

    def __init__(self, store: storage.Store) -> None:
        """Look after the models of `store`."""
        self._store = store
        self._checked: dict[Path, tuple[int, int, str]] = {}
        self._one_import = threading.Lock()  # a published model takes a gigabyte while it is read

    def models(self) -> list[ShelvedModel]:
        """Return the models, the latest first, their weights checked as far as there was time."""
        until = time.monotonic() + CHECK_LIMIT_S
        usage = storage.model_usage(self._store)
        found = storage.models(self._store)
        return [self._shelved(model, usage, until) for model in reversed(found)]

    def model(self, model_id: int) -> ShelvedModel:
        """Return one model, its weights checked.

        Raises: StorageError where there is none with this number.
        """
        model = storage.model(self._store, model_id)
        return self._shelved(model, storage.model_usage(self._store), float("inf"))

    def use(self, model_id: int) -> storage.Model:
        """Return the model, which reads from now on; one whose weights changed is refused.

        Raises: StorageError.
        """
        model = storage.model(self._store, model_id)
        storage.verify_model(self._store, model)
        return storage.set_current_model(self._store, model_id)

    def go_back(self) -> storage.Model:
        """Return the parent of the model in use, which reads from now on, restored if need be.

        Raises: StorageError where there is none, or its weights cannot be used.
        """
        current = storage.current_model(self._store)
        if current is None or current.parent_id is None:
            name = f"“{current.name}”" if current else "No model"
            raise storage.StorageError(
                f"{name} was not made from another model here, so there is none to go back to. "
                "Choose one from the list."
            )
        storage.verify_model(self._store, storage.model(self._store, current.parent_id))
        with storage.write(self._store):
            storage.restore_model(self._store, current.parent_id)
            return storage.set_current_model(self._store, current.parent_id)

    def export(self, model_id: int) -> tuple[Path, str]:
        """Return the path of a model's weights, found unchanged, and a file name for them.

        Raises: StorageError where the weights are missing or damaged.
        """
        model = storage.model(self._store, model_id)
        storage.verify_model(self._store, model)
        return storage.model_path(self._store, model), f"{_file_name(model)}.safetensors"

    @contextmanager
    def upload(self) -> Iterator[Path]:
        """Yield a path for a file that arrives; it is deleted afterwards."""
        path = self._store.data_dir / "tmp" / f"{secrets.token_hex(16)}.upload"
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)

    def add_file(self, path: Path, file_name: str) -> Import:
        """Return what became of a model file that was named `file_name` where it came from.

        Raises: RecognitionError for a file that is no such model; StorageError where it cannot be
        kept.
        """
        converted = path.with_suffix(".safetensors")
        with self._one_import:
            try:
                return self._register(model_in_file(path, file_name, converted), file_name)
            finally:
                converted.unlink(missing_ok=True)

    def _register(self, found: FoundModel, file_name: str) -> Import:
        from htr.header import read_header

        header = read_header(found.path)
        known = {model.sha256: model for model in storage.models(self._store, with_removed=True)}
        model = storage.register_model(
            self._store,
            found.path,
            _name(file_name, found.name),
            header.alphabet.characters,
            scores=header.metrics,
            facts={**header.training, "imported_from": file_name[:200], "imported_as": found.how},
        )
        self._checked.clear()
        before = known.get(model.sha256)
        if before is None:
            return Import(model, f"“{model.name}” is in. {found.note}".strip())
        if before.removed is not None:
            return Import(model, f"“{model.name}” had been removed and is back.")
        return Import(model, f"This file is here already as “{model.name}”; its weights are sound.")

    def _shelved(
        self, model: storage.Model, usage: dict[int, storage.ModelUsage], until_s: float
    ) -> ShelvedModel:
        size_bytes, trouble, checked = self._check(model, until_s)
        none = storage.ModelUsage(lines=0, pages=0, documents=0)
        return ShelvedModel(model, usage.get(model.id, none), size_bytes, trouble, checked)

    def _check(self, model: storage.Model, until_s: float) -> tuple[int | None, str, bool]:
        """Return the size of a model's weights, what is wrong with them, and whether we looked."""
        again = "If you have exported this model, import that file: it takes the place of this one."
        try:
            path = storage.model_path(self._store, model)
            stat = path.stat()
        except (storage.StorageError, OSError):
            return None, f"The file with its weights is missing. {again}", True
        seen = (stat.st_size, stat.st_mtime_ns)
        if path in self._checked and self._checked[path][:2] == seen:
            return stat.st_size, self._checked[path][2], True
        if time.monotonic() > until_s:
            return stat.st_size, "", False
        trouble = ""
        try:
            storage.verify_model(self._store, model)
        except storage.StorageError as error:
            LOG.warning("model %s: %s", model.id, error)
            trouble = f"The file with its weights is damaged or cannot be read. {again}"
        self._checked[path] = (*seen, trouble)
        return stat.st_size, trouble, True


def _name(file_name: str, inside: str) -> str:
    """Return what to call an imported model: as its file, unless any model's file is called so."""
    stem = Path(file_name.replace("\\", "/")).stem.strip()
    generic = stem.lower() in GENERIC_NAMES
    return (inside.strip() or stem) if generic or not stem else stem


def _file_name(model: storage.Model) -> str:
    """Return the model's name as any file system takes it."""
    cleaned = " ".join(_NO_FILE_NAME.sub(" ", model.name).split()).strip(" .")[:120]
    return cleaned or f"model {model.id}"
