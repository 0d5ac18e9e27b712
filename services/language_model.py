"""The user's language model: built from what people corrected, read with where it is switched on.

It lies in the folder `language` of the data folder: `model.safetensors`, `state.json` and, if the
user chose one, `text.txt`. Without it, and after any trouble with it, lines are read greedily.
"""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING

import storage
from segmentation.lines import SegmentationError
from storage.records import TrainingLine

if TYPE_CHECKING:
    import numpy as np

    from htr.beam import BeamSearch
    from htr.beam_tuning import Tuning
    from htr.character_model import CharacterModel
    from htr.language_file import Gain
    from services.reader import PageReader

LOG = logging.getLogger("htr.language")

LEAST_LINES = 50  # of corrected text without any other: fewer say nothing about a language
LEAST_TEST_LINES = 8  # fewer would prove nothing, and the usual weight is as good a guess
MOST_TEST_LINES = 120  # tuning on more takes minutes and changes nothing
TEXT_LIMIT_BYTES = 20_000_000
_FOLDER, _MODEL, _STATE, _TEXT = "language", "model.safetensors", "state.json", "text.txt"


@dataclass(frozen=True)
class LanguageFacts:
    """What is known of the language model.

    on: whether to read with it. built: when, seconds since 1970; 0 where there is none. lines,
    text_lines: that it was built from, corrected and of the chosen text. test_lines: kept aside
    to measure; 0 if there were too few. cer_before, cer_after, wer_before, wer_after: on them,
    0-1, without it and with it. text_name: of the chosen text, "" without. alphabet: of the model
    that it suits. box: whether what is in the box is part of it. model_id: of the model that it was
    tuned to, 0 where that is not known.
    """

    on: bool = False
    built: float = 0.0
    lines: int = 0
    text_lines: int = 0
    test_lines: int = 0
    cer_before: float = 0.0
    cer_after: float = 0.0
    wer_before: float = 0.0
    wer_after: float = 0.0
    text_name: str = ""
    alphabet: tuple[str, ...] = ()
    box: bool = False
    model_id: int = 0

    @property
    def helps(self) -> bool:
        """Whether less is misread with it; also where nothing could be measured."""
        return not self.test_lines or self.cer_after < self.cer_before


@dataclass(frozen=True)
class LanguageState:
    """What there is to show: facts, work in hand (share 0-1, None if none), and what went wrong.

    suits: the language model was built for the alphabet of the model in use. box: what the one in
    the box brought on lines that it had never seen, None where it does not suit the model in use.
    wanted: what is being built will be read with, if it helps. due: it is read with, and will be
    built anew as soon as the model in use is loaded, since it was built for another one.
    """

    facts: LanguageFacts
    share: float | None
    trouble: str
    suits: bool
    box: Gain | None = None
    wanted: bool = False
    due: bool = False


class LanguageModel:
    """The language model of one data folder."""

    def __init__(self, store: storage.Store) -> None:
        """Look after the language model of `store`; nothing is loaded yet."""
        self._store = store
        self._folder = store.data_dir / _FOLDER
        self._lock = threading.Lock()
        self._share: float | None = None
        self._trouble = ""
        self._begin: Callable[[], object] | None = None
        self._use_if_it_helps = False  # of the one that is being built
        self._damaged = ""  # stamp of the one whose file cannot be used
        self._facts = self._read_facts()

    @property
    def stamp(self) -> str:
        """Return a short text that changes whenever lines would be read differently."""
        facts = self._facts
        return str(facts.built) if facts.on and facts.built else ""

    def reads_for(self, model: storage.Model) -> bool:
        """Return whether lines are read with it where this model reads."""
        suits = self._facts.alphabet == model.alphabet
        return suits and self.stamp not in ("", self._damaged)

    def state(self) -> LanguageState:
        """Return what there is to show."""
        model = storage.current_model(self._store)
        suits = model is not None and self._facts.alphabet == model.alphabet
        box = gain_of_box(model.alphabet) if model else None
        wanted = self._use_if_it_helps
        due = model is not None and self._is_due(model)
        return LanguageState(self._facts, self._share, self._trouble, suits, box, wanted, due)

    def is_up_to_date(self) -> bool:
        """Return whether it was built for the model in use, from all that is corrected now."""
        model = storage.current_model(self._store)
        facts = self._facts
        if model is None or not facts.built or facts.model_id != model.id:
            return False
        return facts.lines == len(self._corrected_lines())

    def follow_models(self, begin: Callable[[], object]) -> None:
        """Build it anew by `begin` whenever another model comes to use while it is switched on.

        Another model writes other characters or errs elsewhere, and lines were corrected since.
        """
        self._begin = begin

    def beam_for(self, model: storage.Model) -> BeamSearch | None:
        """Return the search to read with this model; None: greedily.

        A language model that is switched off, was built for other characters or is damaged is put
        aside; the reader goes on.
        """
        from htr.errors import RecognitionError
        from htr.language_file import load_beam_search

        if self._is_due(model):
            self._begin_anew()
        if not self.stamp or self._facts.alphabet != model.alphabet:
            return None
        try:
            beam = load_beam_search(self._folder / _MODEL)
        except RecognitionError as error:
            self._damaged, self._trouble = self.stamp, f"{error} Pages are read without it."
            LOG.warning("the language model is put aside: %s", error)
            return None
        if beam.language is None or beam.language.characters != model.alphabet:
            self._damaged = self.stamp
            self._trouble = "The language model's file belongs to other characters. Build it again."
            return None
        return beam

    def switch(self, on: bool) -> None:
        """Read with the language model from now on, or no more.

        Raises: StorageError where there is none yet; `build` makes one.
        """
        if on and not self._facts.built:
            raise storage.StorageError("There is no language model yet. Build it first.")
        self._use_if_it_helps = False  # this is the last word
        self._keep(replace(self._facts, on=on))

    def choose_text(self, name: str, text: str) -> None:
        """Keep a text to build from besides the corrections; an empty one removes it.

        Raises: StorageError where it is too large or cannot be written.
        """
        data = text.encode("utf-8", "replace")
        if len(data) > TEXT_LIMIT_BYTES:
            raise storage.StorageError(
                f"“{name}” is larger than {TEXT_LIMIT_BYTES // 1_000_000} MB. Choose a part of it."
            )
        self._write(_TEXT, data)
        self._keep(replace(self._facts, text_name=name[:200] if text.strip() else ""))

    def build(
        self,
        reader: PageReader,
        pixels_of: Callable[[storage.Page], np.ndarray],
        *,
        use_if_it_helps: bool = False,
    ) -> threading.Thread:
        """Return the thread that builds the language model, tunes and keeps it.

        use_if_it_helps: then read with it, unless it was measured not to help. Otherwise it stays
        switched on or off as it was.

        Raises: StorageError where it is being built already.
        """
        with self._lock:
            if self._share is not None:
                raise storage.StorageError("The language model is being built already.")
            self._share, self._trouble = 0.0, ""
            self._use_if_it_helps = use_if_it_helps
        thread = threading.Thread(
            target=self._build, args=(reader, pixels_of), name="language-model", daemon=True
        )
        thread.start()
        return thread

    def _is_due(self, model: storage.Model) -> bool:
        return bool(self.stamp) and self._facts.model_id != model.id

    def _begin_anew(self) -> None:
        """Begin to build it for the model that has come to use, unless that is being done."""
        if self._begin is None or self._share is not None:
            return
        try:
            self._begin()
        except storage.StorageError as error:  # somebody began in this very moment
            LOG.info("the language model is not built anew: %s", error)

    def _build(self, reader: PageReader, pixels_of: Callable[[storage.Page], np.ndarray]) -> None:
        from htr.errors import RecognitionError

        try:
            facts = self._built(reader, pixels_of)
            on = facts.helps if self._use_if_it_helps else self._facts.on
            self._keep(replace(facts, on=on))
        except (RecognitionError, storage.StorageError, SegmentationError, OSError) as error:
            self._trouble = str(error)
        except Exception:
            # Nobody waits for this thread; the page says that it failed and the log says why.
            LOG.exception("the language model could not be built")
            self._trouble = "The language model could not be built; the server's log says why."
        finally:
            self._share, self._use_if_it_helps = None, False

    def _built(
        self, reader: PageReader, pixels_of: Callable[[storage.Page], np.ndarray]
    ) -> LanguageFacts:
        """Return what is to be known of the language model, whose file is in its place."""
        from htr.beam import BeamSearch, BeamSettings
        from htr.language_file import save_beam_search
        from htr.shipped import shipped_language

        model = storage.current_model(self._store)
        if model is None:
            raise storage.StorageError("There is no model to read with. Restart the app.")
        lines = self._corrected_lines()
        text = self._chosen_text()
        box = shipped_language(model.alphabet)
        alone = len(lines) >= LEAST_LINES or bool(text)
        if not alone and box is None:
            raise storage.StorageError(
                f"{len(lines)} lines are corrected; a language model needs {LEAST_LINES}, or a "
                "text of the same kind. Correct more lines, or choose a text."
            )
        # What is in the box is taken unless one's own text alone is known to do better.
        bases = ([] if box is None else [box.language]) + ([None] if alone else [])
        base, tuning = bases[0], None
        settings = BeamSettings() if box is None else box.settings
        test = self._kept_aside(lines, model)
        if len(test) >= LEAST_TEST_LINES:
            rest = _without(lines, test)
            languages = [_language(rest, text, model.alphabet, one) for one in bases]
            tunings = self._tuned(reader, test, languages, pixels_of)
            best = min(range(len(bases)), key=lambda number: tunings[number].beam.cer)
            base, tuning = bases[best], tunings[best]
            settings = tuning.settings
        language = _language(lines, text, model.alphabet, base)
        self._folder.mkdir(exist_ok=True)
        save_beam_search(self._folder / _MODEL, BeamSearch(language, settings))
        facts = _facts(model, len(lines), len(text), tuning)
        return replace(facts, text_name=self._facts.text_name, box=base is not None)

    def _corrected_lines(self) -> list[TrainingLine]:
        return [line for line in storage.training_lines(self._store) if line.text.strip()]

    def _kept_aside(
        self, lines: Sequence[TrainingLine], model: storage.Model
    ) -> list[TrainingLine]:
        """Return the lines that test models too: the model in use has not learnt from them."""
        from training.lineage import lineage_of
        from training.survey import split_of

        wanted = set(split_of(lines, lineage_of(self._store, model)).test_ids)
        test = [line for line in lines if line.line_id in wanted]
        every = -(-len(test) // MOST_TEST_LINES) or 1
        return test[::every]

    def _tuned(
        self,
        reader: PageReader,
        test: Sequence[TrainingLine],
        languages: Sequence[CharacterModel],
        pixels_of: Callable[[storage.Page], np.ndarray],
    ) -> list[Tuning]:
        """Return what each of the languages brings on the lines kept aside."""
        from htr.beam_tuning import tune_beam
        from segmentation.crops import crop_line

        crops, page, pixels = [], None, None
        for line in test:
            if page is None or page.id != line.page_id:
                page = storage.page(self._store, line.page_id)
                pixels = pixels_of(page)
            assert pixels is not None
            crops.append(crop_line(pixels, line.baseline, line.spacing_px))
        values = reader.log_probabilities(crops, self._told(0.0, 0.3))
        texts = [line.text for line in test]
        pages = [line.page_id for line in test]
        share = 0.7 / len(languages)
        tunings = []
        for number, language in enumerate(languages):
            told = self._told(0.3 + share * number, 0.3 + share * (number + 1))
            tunings.append(tune_beam(values, texts, language, pages, progress=told))
        return tunings

    def _told(self, first: float, last: float) -> Callable[[float], None]:
        def progress(share: float) -> None:
            self._share = first + (last - first) * share

        return progress

    def _chosen_text(self) -> list[str]:
        if not self._facts.text_name:
            return []
        lines = (self._folder / _TEXT).read_text(encoding="utf-8", errors="replace").splitlines()
        return [line for line in lines if line.strip()]

    def _read_facts(self) -> LanguageFacts:
        try:
            found = json.loads((self._folder / _STATE).read_text(encoding="utf-8"))
            return _checked_facts(found)
        except FileNotFoundError:
            return LanguageFacts()
        except (OSError, ValueError, RecursionError) as error:
            LOG.warning("%s is put aside: %s", self._folder / _STATE, error)
            self._trouble = "What was known of the language model is damaged. Build it again."
            return LanguageFacts()

    def _keep(self, facts: LanguageFacts) -> None:
        self._write(_STATE, json.dumps(asdict(facts), ensure_ascii=False).encode())
        self._facts = facts

    def _write(self, name: str, data: bytes) -> None:
        unfinished = self._folder / f".{name}.unfinished"
        try:
            self._folder.mkdir(exist_ok=True)
            unfinished.write_bytes(data)
            os.replace(unfinished, self._folder / name)
        except OSError as error:
            raise storage.StorageError(
                f"{self._folder / name} cannot be written: {error.strerror or error}. "
                "Check the folder and the free space."
            ) from error


def _without(lines: Sequence[TrainingLine], test: Sequence[TrainingLine]) -> list[TrainingLine]:
    """Return the lines of the pages without test lines; where there is none, all but these."""
    kept = {line.line_id for line in test}
    pages = {line.page_id for line in test}
    others = [line for line in lines if line.page_id not in pages]
    return others or [line for line in lines if line.line_id not in kept]


def _language(
    lines: Sequence[TrainingLine],
    text: Sequence[str],
    alphabet: Sequence[str],
    base: CharacterModel | None,
) -> CharacterModel:
    from htr.character_counts import OWN_WEIGHT, build_character_model

    own = [line.text for line in lines]
    return build_character_model(own, alphabet, general=text, weight=OWN_WEIGHT, base=base)


def gain_of_box(alphabet: Sequence[str]) -> Gain | None:
    """Return what the language model in the box brings, to a model that writes its characters."""
    from htr.language_file import read_gain
    from htr.shipped import LANGUAGE

    found = read_gain(LANGUAGE)
    return found[1] if found and set(found[0]) <= set(alphabet) else None


def _facts(
    model: storage.Model, lines: int, text_lines: int, tuning: Tuning | None
) -> LanguageFacts:
    facts = LanguageFacts(
        built=time.time(),
        lines=lines,
        text_lines=text_lines,
        alphabet=model.alphabet,
        model_id=model.id,
    )
    if tuning is None:
        return facts
    return replace(
        facts,
        test_lines=tuning.beam.lines,
        cer_before=tuning.greedy.cer,
        cer_after=tuning.beam.cer,
        wer_before=tuning.greedy.wer,
        wer_after=tuning.beam.wer,
    )


def _checked_facts(found: object) -> LanguageFacts:
    """Return the facts of a file; raises ValueError unless each is of its kind."""
    expected = {field.name: field.default for field in fields(LanguageFacts)}
    if isinstance(found, dict):
        found = {"box": False, "model_id": 0, **found}  # which earlier versions did not know
    if not isinstance(found, dict) or set(found) != set(expected):
        raise ValueError("it does not hold what it should")
    alphabet = found["alphabet"]
    if not isinstance(alphabet, list) or not all(isinstance(c, str) for c in alphabet):
        raise ValueError("its alphabet is no list of characters")
    for name, default in expected.items():
        kinds = (int, float) if isinstance(default, float) else type(default)
        if name != "alphabet" and not isinstance(found[name], kinds):
            raise ValueError(f"its {name} is {found[name]!r:.40}")
    return LanguageFacts(**{**found, "alphabet": tuple(alphabet)})
